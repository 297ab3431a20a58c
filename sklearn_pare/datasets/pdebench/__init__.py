"""PDEBench: from the first frame of a simulation to a late one."""

import math
from numbers import Integral, Real

import numpy as np
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch, gen_batches
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from sklearn_pare._utils import look_up
from sklearn_pare.datasets._fetch import get_data_home, retrieve
from sklearn_pare.datasets.pdebench.fields import FieldRows
from sklearn_pare.datasets.pdebench.layouts import find_layout
from sklearn_pare.datasets.pdebench.tasks import DOI, PLAIN, PRESET, PRESETS, TASKS
from sklearn_pare.exceptions import DataError, FileFormatError

__all__ = ["fetch_pdebench"]

_SPLITS = dict.fromkeys(("train", "valid", "test", "train+valid"))
# Name that a user may give -> task, and what is selected from it.
_SELECTIONS = {name: (name, PLAIN) for name in TASKS} | {
    PRESET + name: (name, preset) for name, preset in PRESETS.items()
}
_STRIDE = [Interval(Integral, 1, None, closed="left"), None]


@validate_params(
    {
        "task": [str],
        "data_home": "no_validation",
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
    """Load a task of PDEBench: the first frame of a simulation -> a late one.

    The files of PDEBench [1]_ are up to tens of gigabytes long and stay where they
    are: `data` and `target` are arrays that are read when they are indexed.

    None as an argument stands for what the task says; "orca:" before its name stands
    for the selection in the experiments of ORCA [2]_, with what is odd in it: another
    target frame in the test set than in training (diffusion-reaction in one and two
    dimensions, diffusion-sorption, shallow water), the inhibitor as target of the
    activator alone, the gas normalised (its scores are those of normalised fields), in
    one dimension with its three channels joined in one; and no validation rows.

    Parameters
    ----------
    task : str
        "advection", "burgers", "navier-stokes-1d", "diffusion-sorption",
        "diffusion-reaction-1d", "darcy", "shallow-water", "diffusion-reaction-2d" or
        "navier-stokes-2d"; or such a name after "orca:".
    data_home : path-like, default=None
        Folder of the data sets; the file lies in its folder "pdebench". By default the
        environment variable SKLEARN_PARE_DATA, or else "sklearn_pare" in
        scikit-learn's own.
    download : bool, default=True
        Whether a file that is not there is downloaded, and its MD5 checked.
    split : {"train", "valid", "test", "train+valid"}, default="train"
    in_frame : int, default=None
        Frame of `data`, counted after the stride; below 0, from the end. By default
        the first.
    out_frame : int, default=None
        Frame of `target`; by default the last.
    space_stride : int, default=None
        Step between the points taken along each axis; by default 4 (advection), 2
        (darcy, navier-stokes-2d) or 1.
    time_stride : int, default=None
        Step between the frames taken; by default 5 (advection, burgers,
        navier-stokes-1d) or 1.
    channels_in : list of str, default=None
        Channels of `data`, of "density", "pressure" and "velocity"
        (navier-stokes-1d), "density", "pressure", "velocity-x" and "velocity-y"
        (navier-stokes-2d), "activator" and "inhibitor" (diffusion-reaction-2d). By
        default all. The other tasks have one channel.
    channels_out : list of str, default=None
        Channels of `target`; by default all.
    test_rows : {"first", "last"}, default=None
        Which tenth of the rows is for testing; by default that of ORCA: the first, but
        the last for diffusion-sorption, shallow-water, diffusion-reaction-2d and
        navier-stokes-2d.
    validation_fraction : float, default=None
        Of the other rows, for validation: those next to the test rows. By default 0.1;
        none in a preset.

    Returns
    -------
    bunch : Bunch
        ``data``, ``target``
            `FieldRows` of shape (n, C, L) or (n, C, H, W) with `shape`, `dtype` and
            any index of numpy; `numpy.asarray` reads all. The estimators read `data`
            batch by batch and `target` whole.
        ``metric``
            "nrmse", see `sklearn_pare.metrics.nrmse`.
        ``kind``, ``task``, ``split``, ``groups``
            "fields", the arguments, and None.
        ``settings``, ``protocol``
            Arguments that the target asks of an estimator, none; the splits that the
            papers train on and score.
        ``licence``, ``source``, ``files``, ``DESCR``
            What the source says, its address, the path read, and what was selected.

    Raises
    ------
    UnknownNameError
        If there is no such task, split or channel; a ValueError.
    MissingFileError
        If the file is not there and is not downloaded; a FileNotFoundError.
    FileFormatError
        If the file is truncated, or has not the keys or shapes of the task; a
        ValueError.
    DataError
        If the file has no such frame, or the split no rows; a ValueError.

    References
    ----------
    .. [1] M. Takamoto et al. PDEBench: an extensive benchmark for scientific machine
       learning. NeurIPS Datasets and Benchmarks (2022).
    .. [2] J. Shen et al. Cross-modal fine-tuning: align then refine. ICML (2023).

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
    look_up(_SPLITS, split, "split")
    about = TASKS[name]
    path = get_data_home(data_home).absolute() / "pdebench" / about.file
    retrieve(about.url, path, known_hash=f"md5:{about.md5}", download=download)

    inputs = _channels(channels_in or preset.channels_in, about.inputs)
    outputs = _channels(channels_out or preset.channels_out, about.outputs)
    source = find_layout(path, about, inputs)
    answer = find_layout(path, about, outputs)
    if source.n_rows != answer.n_rows:
        raise FileFormatError(
            f"{path}: {answer.keys[0]} has {answer.n_rows} rows. Expected "
            f"{source.n_rows}, as {source.keys[0]} has. Is the file damaged?"
        )
    if validation_fraction is None:
        validation_fraction = preset.validation_fraction
    rows = _rows(source.n_rows, test_rows or about.test_rows, validation_fraction)
    chosen = rows[split]
    if not chosen:
        raise DataError(
            f"{task} has no rows for split={split!r}: {path.name} has "
            f"{source.n_rows} rows, and validation_fraction is "
            f"{validation_fraction:g}. Choose another split, or "
            "validation_fraction=0.1; for testing a file needs ten rows at least."
        )

    stride = time_stride or about.time_stride
    first = _frame("in_frame", in_frame or 0, source, stride)
    if out_frame is None:
        out_frame = preset.test_frame if split == "test" else preset.out_frame
        # As in ORCA's code: a frame beyond the last one is the last one.
        out_frame = min(out_frame, (answer.n_frames - 1) // stride)
    last = _frame("out_frame", out_frame, answer, stride)

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
        source=about.url,
        files=[path],
        DESCR=(
            f"{about.title}: {task} of PDEBench, file {about.folder}{about.file}. "
            f"Split {split}: rows {chosen.start} to {chosen.stop - 1} of "
            f"{source.n_rows}. data: {', '.join(inputs)} in frame {first}, "
            f"{data.shape}; target: {', '.join(outputs)} in frame {last} of "
            f"{answer.n_frames}, {target.shape}. Space stride {how['stride']}, "
            f"{(preset.normalise and 'normalised') or 'physical'} fields."
        ),
    )


def _channels(wanted, known):
    """Channels by name -> key, in the order wanted."""
    return {name: look_up(known, name, "channel") for name in wanted or known}


def _rows(n, test_rows, validation_fraction):
    """Rows of each split, as ranges."""
    rows = range(n)
    if test_rows == "first":
        test, rest = rows[: n // 10], rows[n // 10 :]
        count = math.ceil(validation_fraction * len(rest))
        valid, train = rest[:count], rest[count:]
    else:
        rest, test = rows[: n * 9 // 10], rows[n * 9 // 10 :]
        count = math.ceil(validation_fraction * len(rest))
        train, valid = rest[: len(rest) - count], rest[len(rest) - count :]
    return {"train": train, "valid": valid, "test": test, "train+valid": rest}


def _frame(name, frame, layout, stride):
    """Frame of the file, from one after the stride."""
    frames = range(0, layout.n_frames, stride)
    if not -len(frames) <= frame < len(frames):
        raise DataError(
            f"{name}={frame}: {layout.path} has {layout.n_frames} frames at "
            f"{layout.keys[0]}, {len(frames)} with time_stride={stride}. Choose from 0 "
            f"to {len(frames) - 1}, or from -1 to {-len(frames)} to count from the end."
        )
    return frames[frame]


def _moments(fields):
    """Mean and deviation at each place; the latter of a sample, and 1e-5 larger."""
    scaler, n = StandardScaler(), len(fields)
    if n < 2:
        raise DataError(f"{fields!r} has {n} rows: normalising needs 2 at least.")
    for rows in gen_batches(n, 256, min_batch_size=1):
        block = fields[rows].astype(np.float64)
        scaler.partial_fit(block.reshape(len(block), -1))
    deviation = np.sqrt(scaler.var_ * n / (n - 1)) + 1e-5
    shape, dtype = fields.row_shape, fields.dtype
    return {
        "mean": scaler.mean_.reshape(shape).astype(dtype),
        "scale": deviation.reshape(shape).astype(dtype),
    }
