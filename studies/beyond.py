"""Data beyond memory: prediction from file to file, and training from a file.

Prediction runs in a process of its own, on one thread, with a network that was trained
for a few steps. The file is sparse: it has its nominal size, but only one sample in a
thousand takes room on the disk. All its bytes are read, and counted.

Training compares the time from one step to the next for images in HDF5 and in memory,
on one thread. Fits of both kinds take turns, and each ends after a few steps.
"""

import shutil
import tempfile
import time
from pathlib import Path
from statistics import median
from unittest.mock import patch

import numpy as np
import torch

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.benchmarks import console, lines
from sklearn_pare.benchmarks.resources import forget_peak, on_one_thread, peak
from sklearn_pare.exceptions import DataError
from sklearn_pare.nn.model import PaReModel
from sklearn_pare.training.net import PaReNet
from studies import record
from studies.processes import rows_of
from studies.tables import markdown

_CPU, _NAMES = torch.device("cpu"), ("what", "format", "shape", "gigabytes")
# Files to predict for, and their part of the nominal size.
_PREDICTED = (("HDF5", (3, 64, 64), 1.0), ("zarr", (3, 64, 64), 0.1),
              ("HDF5", (3, 128, 128), 0.1), ("HDF5", (3, 256, 256), 0.1))  # fmt: skip
#: Numbers that are predicted for each sample.
N_OUTPUTS = 100
_FITTED, _BATCH, _WRITTEN = 128, 64, 1000
# Part of the samples that the time of passes is extrapolated from, twice.
_PART = 1 / 50
_IMAGES, _SHAPE = 20_000, (1, 64, 64)
#: Repeated pairs of fits, and steps of each fit; the first ones are not counted.
PAIRS, STEPS, _FIRST = 7, 10, 3


def add_arguments(parser):
    """Add the nominal size of the file, and the options of the file of results."""
    parser.add_argument(
        "--gigabytes",
        type=console.number,
        default=20,
        metavar="N",
        help="size of the file to predict for; default: 20",
    )
    record.add_file(parser)


def main(arguments):
    """Measure all points that the file of results lacks, and return the tables."""
    cells = [
        _cell("predict", kind, shape, f"{part * arguments.gigabytes:g}", _regressor())
        for kind, shape, part in _PREDICTED
    ]
    cells.append(_cell("fit", "HDF5", _SHAPE, "0.33", _classifier()))
    found = record.options(arguments, "beyond")
    if found["report"]:
        return tables(record.recorded(cells, _NAMES, found["out"]))
    names = (*_NAMES, "recipe")
    return tables(
        lines.resume(cells, names, _measure, _shown, record.log, found["out"])
    )


def _cell(what, kind, shape, gigabytes, estimator):
    row = {"what": what, "format": kind, "shape": " x ".join(map(str, shape))}
    return row | {"gigabytes": gigabytes, "recipe": lines.recipe(estimator)}


def _regressor():
    return PaReRegressor(
        max_epochs=4, linear_path=False, device="cpu", random_state=0,
        batch_size=_BATCH,
    )  # fmt: skip


def _classifier():
    return PaReClassifier(max_epochs=1, device="cpu", random_state=0)


def _measure(cells):
    for cell in cells:
        shape = tuple(map(int, cell["shape"].split(" x ")))
        if cell["what"] == "predict":
            rows = rows_of(predict, cell["format"], shape, float(cell["gigabytes"]))
        else:
            rows = rows_of(fit, _IMAGES, shape)
        for figures in rows:
            yield cell | figures


def _shown(row):
    return f"ratio {row['ratio']:.3f}"


class Counted:
    """Samples of a file, whose bytes are counted when they are read."""

    def __init__(self, source):
        self.source, self.shape, self.dtype = source, source.shape, source.dtype
        self.n_bytes = 0

    def __getitem__(self, rows):
        """Read samples."""
        block = self.source[rows]
        self.n_bytes += block.nbytes
        return block


def _arrays(folder, kind, *shapes):
    """Return new arrays of float32 in files, one for each shape."""
    if kind == "zarr":
        import zarr

        return [
            zarr.create_array(folder / str(i), shape=own, chunks=(_BATCH, *own[1:]),
                              dtype="f4")
            for i, own in enumerate(shapes)
        ]  # fmt: skip
    import h5py

    files = [h5py.File(folder / f"{i}.h5", "w") for i in range(len(shapes))]
    pairs = zip(files, shapes, strict=True)
    return [file.create_dataset("data", own, "f4") for file, own in pairs]


def predict(kind, shape, gigabytes):
    """Yield the times, in seconds of one core, and the peak of memory."""
    rng, n = np.random.default_rng(0), int(gigabytes * 1e9 / (4 * np.prod(shape)))
    X = rng.standard_normal((_FITTED, *shape), np.float32)
    reg = _regressor().fit(X, X.reshape(_FITTED, -1)[:, :N_OUTPUTS])
    with tempfile.TemporaryDirectory() as folder:
        # Predictions, and whole chunks of the samples that are written.
        needed = 4 * n * N_OUTPUTS + 2 * _BATCH * n // _WRITTEN * X[0].nbytes
        if shutil.disk_usage(folder).free < 2 * needed:
            raise DataError(f"{folder} needs {2 * needed / 1e9:.1f} GB for the files.")
        source, out = _arrays(Path(folder), kind, (n, *shape), (n, N_OUTPUTS))
        written = np.arange(n - 1, -1, -_WRITTEN)[:_FITTED]
        for row, sample in zip(written, X, strict=False):
            source[int(row)] = sample
        counted, n_batches = Counted(source), int(_PART * n / _BATCH) + 1
        alone = [_passes(reg, X, n_batches)]
        forget_peak(_CPU)
        start, within = time.perf_counter(), []
        with patch.object(PaReModel, "predict", _timed(PaReModel.predict, within)):
            _, cpu = on_one_thread(lambda: reg.predict(counted, out=out))
        memory, seconds = peak(_CPU)["memory_mb"], time.perf_counter() - start
        alone.append(_passes(reg, X, n_batches))
        found = np.stack([out[int(row)] for row in written])
        if not np.array_equal(found, reg.predict(X[: len(written)]).astype("f4")):
            raise DataError("Predictions in the file differ from those in memory.")
        many = np.resize(X, (n_batches * _BATCH, *shape))
        _, in_memory = on_one_thread(lambda: reg.predict(many))
    alone, each = float(np.mean(alone)) * n / _BATCH, in_memory / len(many)
    yield {"n": n, "read_gb": counted.n_bytes / 1e9, "cpu": cpu, "seconds": seconds,
           "within": sum(within), "alone": alone, "in_memory": each * n,
           "memory_mb": memory, "ratio": cpu / alone, "part": _PART}  # fmt: skip


def _timed(function, seconds):
    def timed(*args, **kwargs):
        start = time.thread_time()
        found = function(*args, **kwargs)
        seconds.append(time.thread_time() - start)
        return found

    return timed


@torch.no_grad()
def _passes(reg, X, n_batches):
    """Return the time of the passes of one batch, with encoded samples in memory."""
    model, batch = reg._model, torch.from_numpy(reg._encoder.transform(X[:_BATCH]))

    def timed():
        # The first one is slower.
        model.predict(batch)
        start = time.process_time()
        for _ in range(n_batches):
            model.predict(batch)
        return (time.process_time() - start) / n_batches

    return on_one_thread(timed)[0]


class _EnoughError(Exception):
    """The last step is done."""


def fit(n, shape):
    """Yield the times from step to step, from a file and from memory."""
    rng, start = np.random.default_rng(0), time.process_time()
    X, y = rng.standard_normal((n, *shape), np.float32), np.arange(n) % 4
    found = {"file": [], "memory": []}
    with tempfile.TemporaryDirectory() as folder:
        (file,) = _arrays(Path(folder), "HDF5", X.shape)
        file[:] = X
        on_one_thread(lambda: _steps(X, y))
        for pair in range(PAIRS):
            # Both orders, as a machine gets faster or slower.
            for name in sorted(found, reverse=pair % 2):
                own = file if name == "file" else X
                steps, _ = on_one_thread(lambda own=own: _steps(own, y))
                found[name].append(np.median(steps, axis=0))
    file, memory = map(np.array, found.values())
    # Columns: elapsed time, and time of the processor.
    ratios = file / memory
    yield {"n": n, "ratio": median(ratios[:, 0]), "cpu_ratio": median(ratios[:, 1]),
           "ratios": ratios.tolist(), "file": median(file[:, 0]),
           "memory": median(memory[:, 0]),
           "cpu": time.process_time() - start}  # fmt: skip


def _steps(X, y):
    """Return two times of each step of a fit that ends after a few of them."""
    times, step = [], PaReNet.train_step_single

    def timed(net, batch, **more):
        times.append((time.perf_counter(), time.process_time()))
        if len(times) > STEPS:
            raise _EnoughError
        return step(net, batch, **more)

    with patch.object(PaReNet, "train_step_single", timed):
        try:
            _classifier().fit(X, y)
        except _EnoughError:
            return np.diff(times, axis=0)[_FIRST:]
    raise DataError(f"{len(X)} samples are too few for {STEPS} steps.")


def tables(rows):
    """Return the tables of prediction and of training."""
    predicted = [row for row in rows if row["what"] == "predict"]
    titles = ["file", "samples", "read, GB", "peak, GB", "predict, s",
              "passes in it, s", "alone, s", "predict in memory, s"]  # fmt: skip
    cells = [
        [f"{row['format']}, {row['shape']}", f"{row['n']:,}", f"{row['read_gb']:.1f}",
         f"{row['memory_mb'] / 1000:.2f}", f"{row['cpu']:.0f}",
         *(f"{row[key]:.0f} ({row['cpu'] / row[key]:.2f})"
           for key in ("within", "alone", "in_memory"))]
        for row in predicted
    ]  # fmt: skip
    parts = [markdown(titles, cells)] if predicted else []
    titles = ["images", "samples", "step, file, s", "step, memory, s", "ratio",
              "of the processor", "pairs"]  # fmt: skip
    cells = [
        [row["shape"], f"{row['n']:,}", f"{row['file']:.3f}", f"{row['memory']:.3f}",
         f"{row['ratio']:.2f}", f"{row['cpu_ratio']:.2f}", str(len(row["ratios"]))]
        for row in rows if row["what"] == "fit"
    ]  # fmt: skip
    parts += [markdown(titles, cells)] if cells else []
    return "\n\n".join(parts)
