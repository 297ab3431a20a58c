"""Growth of time and memory with samples, tokens, channels, length and classes.

Each point is a fit of one epoch and a prediction for the same samples, in a process of
its own, on one thread. An exponent is the slope of the logarithm of a figure over the
logarithm of the size, fitted to all points of a series.
"""

import time
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
import torch

from sklearn_pare import PaReClassifier, _base
from sklearn_pare.benchmarks import lines
from sklearn_pare.benchmarks.resources import forget_peak, on_one_thread, peak
from sklearn_pare.exceptions import NetworkUnusedWarning
from sklearn_pare.training import prepare
from studies import record
from studies.processes import rows_of
from studies.tables import markdown

_CPU = torch.device("cpu")
_NAMES = ("series", "size", "recipe")
# Parts of a fit whose time is counted, and the functions that they are.
_PARTS = {"epoch": (_base, "train"), "linear": (prepare, "fit_linear_path")}
#: Key of a figure -> its title.
FIGURES = {
    "fit": "fit",
    "epoch": "epoch",
    "linear": "linear model",
    "predict": "prediction",
    "memory_mb": "memory",
}
_VIT = {
    "backbone": "timm:vit_tiny_patch16_224?max_tokens=196",
    "pretrained": False,
    "source": "formula",
}
_SAMPLES = (1_000, 7_000, 50_000)
_MANY, _EPOCHS = 1_000_000, 12


class Series(NamedTuple):
    """Points of which one size grows.

    Attributes
    ----------
    axis : str
        What grows.
    sizes : tuple of int
    shape : callable
        Function from a size to the shape of X.
    n_classes : int or None
        None: the size is the number of classes.
    settings : dict
        Arguments of the estimator besides ``max_epochs=1``.
    """

    axis: str
    sizes: tuple
    shape: Callable
    n_classes: int | None = 4
    settings: dict = {}

    def samples(self, size):
        """Return X in float32, and classes."""
        shape, n_classes = self.shape(size), self.n_classes or size
        rng = np.random.default_rng(0)
        X, y = rng.standard_normal(shape, np.float32), np.arange(shape[0]) % n_classes
        # The first number says a little about the class.
        X.reshape(len(X), -1)[:, 0] += y
        return X, y

    def estimator(self, size):
        """Return the estimator of a point."""
        settings = {"linear_path": False, "device": "cpu"} | self.settings
        if self.axis == "tokens":
            name = settings["backbone"].partition("=")[0]
            settings["backbone"] = f"{name}={size}"
        return PaReClassifier(max_epochs=1, random_state=0, **settings)


# Beyond 4,000 samples there is no linear model. Its own series have it as by default.
_LINEAR = {"linear_path": True}
#: Name of a series -> what it consists of. Those that take longest are the last.
SERIES = {
    "ViT-Ti, 64 images": Series("tokens", (16, 64, 196),
                                lambda size: (64, 3, 224, 224), settings=_VIT),
    "256 images, 3 channels": Series("side", (32, 64, 128, 256),
                                     lambda size: (256, 3, size, size)),
    "256 images, 32 x 32": Series("channels", (1, 4, 16, 64),
                                  lambda size: (256, size, 32, 32)),
    "256 signals of length 100": Series("channels", (1, 4, 16, 64),
                                        lambda size: (256, size, 100)),
    "256 signals, 3 channels": Series("length", (100, 1_000, 10_000),
                                      lambda size: (256, 3, size)),
    "256 samples of tables": Series("columns", (10, 100, 1_000),
                                 lambda size: (256, size)),
    "2,000 samples of a table": Series("classes", (2, 10, 100, 1_000),
                                    lambda size: (2_000, 20), None),
    "table, with the linear model": Series("samples", (500, 1_000, 2_000, 4_000),
                                           lambda size: (size, 20), 4, _LINEAR),
    "1,000 samples, with the linear model": Series("classes", (2, 5, 20, 50),
                                                lambda size: (1_000, 20), None,
                                                _LINEAR),
    "signals, with the linear model": Series("samples", (125, 250, 500, 1_000),
                                             lambda size: (size, 3, 100), 4, _LINEAR),
    "table of 20": Series("samples", _SAMPLES, lambda size: (size, 20)),
    "signals 3 x 100": Series("samples", _SAMPLES, lambda size: (size, 3, 100)),
    "images 3 x 32 x 32": Series("samples", _SAMPLES, lambda size: (size, 3, 32, 32)),
}  # fmt: skip
_GROWING = ("table of 20", "signals 3 x 100", "images 3 x 32 x 32")


def add_arguments(parser):
    """Add the options of the file of results."""
    record.add_file(parser)


def main(arguments):
    """Measure all points that the file lacks, and return the tables."""
    cells = [
        {"series": name, "size": str(size)}
        | {"recipe": lines.recipe(series.estimator(size))}
        for name, series in SERIES.items()
        for size in series.sizes
    ]
    # The longest fits are the last.
    cells.sort(key=lambda cell: (cell["series"] in _GROWING) * int(cell["size"]))
    found = record.options(arguments, "growth")
    if found["report"]:
        return tables(record.recorded(cells, _NAMES[:2], found["out"]))
    return tables(
        lines.resume(cells, _NAMES, _measure, _shown, record.log, found["out"])
    )


def _measure(cells):
    for cell in cells:
        for figures in rows_of(point, cell["series"], int(cell["size"])):
            yield cell | figures


def _shown(row):
    return f"predict {row['predict']:.1f} s  {row['memory_mb']} MB"


def point(name, size):
    """Yield the CPU seconds of fit, its parts and predict, and the peak of memory."""
    series = SERIES[name]
    estimator = series.estimator(size)
    # Of linear models alone: an epoch is too short for a network.
    warnings.simplefilter("ignore", NetworkUnusedWarning)
    # Modules are imported at first use.
    few = Series("", (), lambda size: (20, *series.shape(size)[1:]), 2)
    series.estimator(size).fit(*few.samples(size))
    forget_peak(_CPU)
    before = peak(_CPU)["memory_mb"]
    X, y = series.samples(size)
    figures, cpu = on_one_thread(lambda: _fit_and_predict(estimator, X, y))
    memory = {"memory_mb": peak(_CPU)["memory_mb"] - before, "x_mb": X.nbytes / 1e6}
    yield figures | memory | {"n": len(X), "cpu": cpu}


def _fit_and_predict(estimator, X, y):
    found = dict.fromkeys(_PARTS, 0.0)
    with ExitStack() as stack:
        for part, (owner, name) in _PARTS.items():
            timed = _timed(found, part, getattr(owner, name))
            stack.enter_context(patch.object(owner, name, timed))
        fit = _seconds(estimator.fit, X, y)
    return found | {"fit": fit, "predict": _seconds(estimator.predict, X)}


def _timed(found, part, function):
    def timed(*args, **kwargs):
        start = time.process_time()
        try:
            return function(*args, **kwargs)
        finally:
            found[part] += time.process_time() - start

    return timed


def _seconds(function, *arguments):
    start = time.process_time()
    function(*arguments)
    return time.process_time() - start


def exponent(sizes, values):
    """Return the slope in logarithms, or None for less than two sizes or for zeros."""
    if len(set(sizes)) < 2 or min(values) <= 0:
        return None
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def tables(rows):
    """Return the tables of exponents, of memory, and of a million samples."""
    found = {name: [] for name in SERIES}
    for row in rows:
        found[row["series"]].append(row)
    found = {name: own for name, own in found.items() if len(own) > 1}
    growing = {name: found[name] for name in _GROWING if name in found}
    parts = [_exponents(found)]
    if growing:
        parts += [_memory(growing), on_paper(growing)]
    return "\n\n".join(parts)


def _exponents(found):
    cells = []
    for name, rows in found.items():
        axis, sizes = SERIES[name].axis, [int(row["size"]) for row in rows]
        line = [axis, name, f"{min(sizes):,} to {max(sizes):,}"]
        for key in FIGURES:
            slope = exponent(sizes, [row[key] for row in rows])
            if key == "predict" and SERIES[name].settings == _LINEAR:
                # A network without a share is not run.
                slope = None
            line.append("-" if slope is None else f"{slope:.2f}")
        cells.append(line)
    return markdown(["exponent of", "series", "sizes", *FIGURES.values()], cells)


def _slope(rows, key, of="n"):
    """Return the growth of a figure from the second largest to the largest point."""
    few, many = sorted(rows, key=lambda row: row["n"])[-2:]
    return (many[key] - few[key]) / (many[of] - few[of])


def _memory(growing):
    cells = []
    for name, rows in growing.items():
        last = max(rows, key=lambda row: row["n"])
        cells.append([
            name, f"{last['n']:,}", f"{last['x_mb']:.0f}", f"{last['memory_mb']:.0f}",
            f"{_slope(rows, 'memory_mb', 'x_mb'):.2f}",
        ])  # fmt: skip
    titles = ["series", "samples", "X, MB", "peak, MB", "more MB per MB of X"]
    return markdown(titles, cells)


def on_paper(growing):
    """Return the table of a million samples: time of one core, and memory.

    Figures grow from the largest point as they did from the one before it.
    """
    cells = []
    for name, rows in growing.items():
        last = max(rows, key=lambda row: row["n"])
        more = _MANY - last["n"]
        epoch, predict, memory = (
            last[key] + more * _slope(rows, key)
            for key in ("epoch", "predict", "memory_mb")
        )
        hours = f"{_EPOCHS * epoch / 3600:.0f}"
        cells.append([name, hours, f"{predict / 3600:.1f}", f"{memory / 1000:.1f}"])
    titles = ["1,000,000 samples, one core", "12 epochs, h", "prediction, h", "GB"]
    return markdown(titles, cells)
