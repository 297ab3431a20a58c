"""The loader of all tasks."""

import math
import os
from numbers import Integral, Real

import numpy as np
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch, gen_batches
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from sklearn_pare._utils import check_name, expand, look_up
from sklearn_pare.datasets._readers.fetch import get_data_home, retrieve
from sklearn_pare.datasets._readers.files import bad_file, warn_of_file
from sklearn_pare.datasets.pdebench.fields import FieldRows
from sklearn_pare.datasets.pdebench.layouts import find_layout
from sklearn_pare.datasets.pdebench.tasks import DOI, PLAIN, PRESET, PRESETS, TASKS
from sklearn_pare.exceptions import DataError, MissingFileError

_SPLITS = ("train", "valid", "test", "train+valid")
# Name that a user may pass -> task and preset.
_SELECTIONS = {name: (name, PLAIN) for name in TASKS} | {
    PRESET + name: (name, preset) for name, preset in PRESETS.items()
}
_STRIDE = [Interval(Integral, 1, None, closed="left"), None]


@validate_params(
    {
        "task": [str],
        "data_home": "no_validation",
        "file": [str, os.PathLike, None],
        "download": ["boolean"],
        "split": [str],
        "in_frame": [Integral, None],
        "out_frame": [Integral, None],
        "space_stride": _STRIDE,
        "time_stride": _STRIDE,
        "channels_in": [list, tuple, None],
        "channels_out": [list, tuple, None],
        "test_rows": [StrOptions({"first", "last"}), None],
        "validation_fraction": [Interval(Real, 0, 1, closed="left"), None],
    },
    prefer_skip_nested_validation=True,
)
def fetch_pdebench(
    task,
    *,
    data_home=None,
    file=None,
    download=True,
    split="train",
    in_frame=None,
    out_frame=None,
    space_stride=None,
    time_stride=None,
    channels_in=None,
    channels_out=None,
    test_rows=None,
    validation_fraction=None,
):
    """Load a task of PDEBench: predict a late frame of a simulation from the first.

    The files of PDEBench (M. Takamoto et al., NeurIPS Datasets and Benchmarks 2022)
    have up to tens of gigabytes and are not loaded as a whole: ``data`` and ``target``
    are arrays that are read when they are indexed.

    Arguments that are None take the default of the task. With "orca:" before the name
    of the task, the defaults are those of the experiments of ORCA (J. Shen et al., ICML
    2023), including their peculiarities: for diffusion-reaction in one and two
    dimensions, diffusion-sorption and shallow water, the target frame of the test set
    differs from that of the training set; the inhibitor is predicted from the activator
    alone; the fields of the gas are normalised, so that scores are those of normalised
    fields, and in one dimension its three channels are concatenated to one; and no
    samples are held out for validation.

    Parameters
    ----------
    task : str
        "advection", "burgers", "navier-stokes-1d", "diffusion-sorption",
        "diffusion-reaction-1d", "darcy", "shallow-water", "diffusion-reaction-2d" or
        "navier-stokes-2d", or such a name with the prefix "orca:".
    data_home : path-like, default=None
        Folder of the data sets, by default that of
        :func:`sklearn_pare.datasets.get_data_home`; the files are in its "pdebench".
    file : path-like, default=None
        Another file of the same family: its name in that folder, such as
        "1D_Advection_Sols_beta1.0.hdf5", or its path. It is not downloaded. By default,
        the file that ORCA uses.
    download : bool, default=True
        If True, download a missing file and verify its MD5 sum.
    split : {"train", "valid", "test", "train+valid"}, default="train"
    in_frame, out_frame : int, default=None
        Frames of ``data`` and ``target``, by default the first and the last, counted
        after the stride; negative values count from the end.
    space_stride : int, default=None
        Step between the selected points along each axis; by default 4 (advection), 2
        (darcy, navier-stokes-2d) or 1.
    time_stride : int, default=None
        Step between the selected frames; by default 5 (advection, burgers,
        navier-stokes-1d) or 1.
    channels_in, channels_out : list of str, default=None
        Channels of ``data`` and ``target``, by default all: "density", "pressure" and
        "velocity" (navier-stokes-1d), or "velocity-x" and "velocity-y" (-2d);
        "activator" and "inhibitor" (diffusion-reaction-2d); others have one channel.
    test_rows : {"first", "last"}, default=None
        Which tenth of the samples is used for testing. The default is that of ORCA: the
        last for diffusion-sorption, shallow-water, diffusion-reaction-2d and
        navier-stokes-2d, else the first.
    validation_fraction : float, default=None
        Fraction of the other samples that is used for validation: those adjacent to the
        test samples. By default 0.1, or 0 with "orca:".

    Returns
    -------
    bunch : Bunch
        ``data``, ``target``
            Arrays of shape (n, C, L) or (n, C, H, W) that accept any index of numpy;
            ``numpy.asarray`` reads all samples. The estimators read ``data`` batch by
            batch and ``target`` as a whole.
        ``metric``, ``kind``, ``groups``, ``settings``
            "nrmse", "fields", None and {}.
        ``task``, ``split``, ``protocol``, ``licence``, ``source``, ``files``, ``DESCR``
            As in :func:`sklearn_pare.datasets.fetch_nas_bench_360`.

    Raises
    ------
    UnknownNameError
        If the task, split or channel is unknown (ValueError).
    MissingFileError
        If the file is missing and is not downloaded (FileNotFoundError).
    FileFormatError
        If the file is truncated or is not that of the task (ValueError).
    DataError
        If the file has no such frame, the target would be the input, the split has no
        samples, or ``file`` is one of another task (ValueError).

    Warns
    -----
    UserWarning
        If the file has more samples, frames or points than the original.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn_pare.datasets import fetch_pdebench
    >>> from sklearn_pare.datasets.write import write_pdebench
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = write_pdebench("advection", folder, n=20)
    ...     bunch = fetch_pdebench("advection", data_home=folder, download=False)
    ...     bunch.data.shape, bunch.target[:5].shape
    ((16, 1, 64), (5, 1, 64))
    """
    name, preset = look_up(_SELECTIONS, task, "task")
    check_name(split, _SPLITS, "split")
    about = TASKS[name]
    folder = get_data_home(data_home).absolute() / "pdebench"
    path = folder / expand(file or about.file)
    original = path == folder / about.file
    if not original:
        _check_family(name, path)
    url, known_hash = (about.url, f"md5:{about.md5}") if original else (None, None)
    try:
        retrieve(url, path, known_hash=known_hash, download=download)
    except MissingFileError as error:
        raise MissingFileError(
            f"{error} Another file of the same family can be read with file=NAME; all "
            f"are at {DOI}."
        ) from error

    known = about.inputs or about.outputs
    inputs = _channels(channels_in or preset.channels_in, known)
    outputs = _channels(channels_out or preset.channels_out, about.outputs)
    source = find_layout(path, about, inputs)
    answer = find_layout(path, about, outputs)
    if source.n_rows != answer.n_rows:
        expected = f"{source.n_rows}, as {source.keys[0]} has"
        raise bad_file(path, answer.keys[0], f"has {answer.n_rows} samples", expected)
    if source.grid != answer.grid:
        expected = f"{source.grid}, as {source.keys[0]} has"
        raise bad_file(path, answer.keys[0], f"has the grid {answer.grid}", expected)
    if original:
        _warn_of_surplus(about, answer)
    if validation_fraction is None:
        validation_fraction = preset.validation_fraction
    rows = _rows(source.n_rows, test_rows or about.test_rows, validation_fraction)
    chosen = rows[split]
    if not chosen:
        raise DataError(
            f"{task} has no samples for split={split!r}: {path.name} has "
            f"{source.n_rows} samples, and validation_fraction is "
            f"{validation_fraction:g}. Use another split, or validation_fraction=0.1; "
            "a test set requires a file of at least ten samples."
        )

    stride = time_stride or about.time_stride
    first = _frame("in_frame", in_frame or 0, source, stride)
    if out_frame is None:
        out_frame = preset.test_frame if split == "test" else preset.out_frame
        # As in ORCA's code, a frame beyond the end is the last one.
        out_frame = min(out_frame, (answer.n_frames - 1) // stride)
    last = _frame("out_frame", out_frame, answer, stride)

    if first == last and not outputs.keys().isdisjoint(inputs):
        raise _same_frame(source, first, stride)
    how = {"stride": space_stride or about.space_stride, "joined": preset.joined}
    of_data = of_target = {}
    if preset.normalise == "training":
        of_data = of_target = _moments(FieldRows(source, rows["train"], first, **how))
    elif preset.normalise == "first":
        fitted = range(source.n_rows)[:100]
        of_data = _moments(FieldRows(source, fitted, first, **how))
        of_target = _moments(FieldRows(answer, fitted, last, **how))
    data = FieldRows(source, chosen, first, **how, **of_data)
    target = FieldRows(answer, chosen, last, **how, **of_target)
    return Bunch(
        data=data,
        target=target,
        metric="nrmse",
        kind="fields",
        task=task,
        split=split,
        groups=None,
        settings={},
        protocol=("train+valid", "test"),
        licence=f"as DaRUS states, {DOI}",
        source=url or DOI,
        files=[path],
        DESCR=(
            f"{about.title}: {task} of PDEBench, file {path.name}. "
            f"Split {split}: samples {chosen.start} to {chosen.stop - 1} of "
            f"{source.n_rows}. data: {', '.join(inputs)} in frame {first}, "
            f"{data.shape}; target: {', '.join(outputs)} in frame {last} of "
            f"{answer.n_frames}, {target.shape}. Space stride {how['stride']}, "
            f"{'normalised' if preset.normalise else 'physical'} fields."
        ),
    )


def _check_family(name, path):
    """Refuse a file whose name is that of another task."""
    for other, task in TASKS.items():
        if path.name.startswith(task.stem) and task.stem != TASKS[name].stem:
            raise DataError(
                f"file={path.name!r} is a file of the task {other!r}, not of {name!r}. "
                f"Expected a file such as {TASKS[name].file}."
            )


def _warn_of_surplus(task, layout):
    """Warn if a file has more samples, frames or points than the original."""
    size = layout.n_rows, layout.n_frames, *layout.grid
    if any(n > most for n, most in zip(size, task.size, strict=True)):
        found = f"has (samples, frames, points) {size}"
        expected = f"at most {task.size}, as in the file of PDEBench with this name"
        warn_of_file(layout.path, layout.keys[0], found, expected)


def _same_frame(layout, frame, stride):
    """Return the error for a target that is the input."""
    if layout.n_frames == 1:
        expected = "at least two: the target would be the input"
        return bad_file(layout.path, layout.keys[0], "has 1 frame", expected)
    return DataError(
        f"{layout.path} has {layout.n_frames} frames at {layout.keys[0]}. With "
        f"time_stride={stride}, data and target would both be frame {frame}, with "
        "channels in common. Use another in_frame, out_frame or time_stride."
    )


def _channels(wanted, known):
    """Return the keys of the wanted channels by name, in the given order."""
    return {name: look_up(known, name, "channel") for name in wanted or known}


def _rows(n, test_rows, validation_fraction):
    """Return the samples of each split as ranges."""
    rows = range(n)
    if test_rows == "first":
        test, rest = rows[: n // 10], rows[n // 10 :]
        count = math.ceil(validation_fraction * len(rest))
        valid, train = rest[:count], rest[count:]
    else:
        rest, test = rows[: n * 9 // 10], rows[n * 9 // 10 :]
        count = len(rest) - math.ceil(validation_fraction * len(rest))
        train, valid = rest[:count], rest[count:]
    return {"train": train, "valid": valid, "test": test, "train+valid": rest}


def _frame(name, frame, layout, stride):
    """Convert a frame counted after the stride to a frame of the file."""
    frames = range(0, layout.n_frames, stride)
    if not -len(frames) <= frame < len(frames):
        raise DataError(
            f"{name}={frame}: {layout.path} has {layout.n_frames} frames at "
            f"{layout.keys[0]}, {len(frames)} with time_stride={stride}. Use 0 to "
            f"{len(frames) - 1}, or -1 to {-len(frames)} to count from the end."
        )
    return frames[frame]


def _moments(fields):
    """Return mean and sample standard deviation + 1e-5 at each position."""
    scaler, n = StandardScaler(), len(fields)
    if n < 2:
        raise DataError(f"{fields!r}: normalising requires at least 2 samples.")
    for rows in gen_batches(n, 256, min_batch_size=1):
        block = fields[rows].astype(np.float64)
        scaler.partial_fit(block.reshape(len(block), -1))
    deviation = np.sqrt(scaler.var_ * n / (n - 1)) + 1e-5
    shape, dtype = fields.row_shape, fields.dtype
    return {
        "mean": scaler.mean_.reshape(shape).astype(dtype),
        "scale": deviation.reshape(shape).astype(dtype),
    }
