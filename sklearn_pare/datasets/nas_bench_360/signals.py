"""NinaPro, ECG, Satellite and DeepSEA: signals in arrays and pickles."""

from functools import partial

import numpy as np
from sklearn.model_selection import train_test_split

from sklearn_pare.datasets._readers.files import (
    bad_file,
    check_array,
    read_npz,
    read_object,
    take_key,
)
from sklearn_pare.datasets._readers.rows import ComputedRows
from sklearn_pare.datasets.nas_bench_360.request import Part, hold_out


def load_ninapro(request, part):
    """Load NinaPro DB5, (n, 1, 16, 52): 16 electrodes at 52 times."""
    name = {"valid": "val"}.get(part, part)
    path = _ninapro(request, f"ninapro_{name}.npy")
    X = check_array(read_object(path), path, None, ("N", 52, 16))
    path = _ninapro(request, f"label_{name}.npy")
    y = check_array(read_object(path), path, None, (len(X),), low=0, high=17)
    X = X.astype(np.float32).swapaxes(1, 2)[:, None]
    return Part(np.ascontiguousarray(X), y.astype(np.int64))


def _ninapro(request, name):
    # The folder of the reference has another name than that of the source.
    other = (request.home / "ninaPro").exists()
    return request.path(f"ninaPro/{name}" if other else f"ninapro/{name}")


def load_satellite(request, part):
    """Load Satellite, (n, 1, 46)."""
    name = "test" if part == "test" else "train"
    X, y = request.once(_read_satellite, request, name)
    rows = hold_out(len(X), len(X) // 10, part)
    return Part(X[rows], y[rows])


def _read_satellite(request, name):
    path = request.path(f"satellite/satellite_{name}.npy")
    content = read_object(path)
    X = check_array(take_key(content, path, "data"), path, "data", ("N", 46))
    labels = np.ravel(take_key(content, path, "label"))
    y = check_array(labels, path, "label", (len(X),), low=1, high=24)
    return X.astype(np.float32)[:, None], y.astype(np.int64) - 1


def load_deepsea(request, part):
    """Load DeepSEA, (n, 4, 1000): one-hot letters at a thousand positions."""
    path = request.path("deepsea/deepsea_filtered.npz")
    name = {"valid": "val"}.get(part, part)
    key = f"x_{name}"
    X = check_array(read_npz(path, key), path, key, ("N", 1000, 4), low=0, high=1)
    key = f"y_{name}"
    y = check_array(read_npz(path, key), path, key, (len(X), 36), low=0, high=1)
    data = ComputedRows(partial(_letters, X), np.arange(len(X)), (4, 1000))
    return Part(data, y.astype(np.int8))


def _letters(X, rows):
    return X[rows].swapaxes(1, 2)


# Normal, atrial fibrillation, other, noisy, and the stride of the windows of each.
_RHYTHMS = ("N", "A", "O", "~")
_STRIDES = (500, 83, 250, 25)
_WINDOW = 1000
# Squares of larger numbers would overflow.
_MOST = 1e30
_SEQUENCE = list | tuple | np.ndarray


def load_ecg(request, part):
    """Load windows of ECG, (n, 1, 1000), grouped by recording."""
    path = request.path("challenge2017.pkl")
    recordings, labels = request.once(_read_ecg, path)
    windows = [
        (number, start)
        for number in _recordings(len(recordings), part)
        for start in range(
            0, len(recordings[number]) - _WINDOW, _STRIDES[labels[number]]
        )
    ]
    windows = np.array(windows, dtype=np.int64).reshape(-1, 2)
    if not len(windows):
        found = f"no recording of the {part} part has more than {_WINDOW} values"
        raise bad_file(path, "data", found, "recordings of several thousand values")
    compute = partial(_windows, recordings, windows)
    data = ComputedRows(compute, np.arange(len(windows)), (1, _WINDOW))
    return Part(data, labels[windows[:, 0]], windows[:, 0])


def _recordings(n, part):
    """Return the recordings of a part: a tenth of all for test and for validation."""
    rest, test = train_test_split(np.arange(n), test_size=0.1, random_state=0)
    if part == "test":
        return test
    train, valid = train_test_split(rest, test_size=len(test), random_state=0)
    return train if part == "train" else valid


def _windows(recordings, windows, rows):
    return np.stack(
        [recordings[number][start : start + _WINDOW] for number, start in windows[rows]]
    )[:, None]


def _read_ecg(path):
    content = read_object(path)
    recordings = take_key(content, path, "data", _SEQUENCE)
    labels = [
        label.decode("latin1") if isinstance(label, bytes) else str(label)
        for label in take_key(content, path, "label", _SEQUENCE)
    ]
    if len(recordings) != len(labels) or len(labels) < 10:
        found = f"{len(recordings)} recordings and {len(labels)} labels"
        raise bad_file(path, "label", found, "one label each, of ten or more")
    unknown = sorted(set(labels) - set(_RHYTHMS))
    if unknown:
        expected = f"labels {', '.join(_RHYTHMS)}"
        raise bad_file(path, "label", f"has the labels {unknown[:5]}", expected)
    codes = np.array([_RHYTHMS.index(label) for label in labels])
    return [_scaled(row, path) for row in recordings], codes


def _scaled(recording, path):
    """Standardise one recording."""
    recording = check_array(recording, path, "data", ("N",), low=-_MOST, high=_MOST)
    recording = recording.astype(np.float64)
    scale = recording.std()
    return ((recording - recording.mean()) / (scale or 1.0)).astype(np.float32)
