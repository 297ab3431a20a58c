"""Darcy Flow: fields in MATLAB files."""

import numpy as np

from sklearn_pare.datasets._readers.files import bad_file, read_mat
from sklearn_pare.datasets.nas_bench_360.request import Part, hold_out

# Points per side in the files, and the stride of those that are used.
_SIDE, _STRIDE = 421, 5
# Samples that are used from each file.
_TRAIN, _TEST = 1000, 100


def load_darcy(request, part):
    """Load Darcy Flow, (n, 3, 85, 85): coefficient, column and row coordinates."""
    train = request.once(_read, request, 1, _TRAIN)
    rows = hold_out(len(train[0]), len(train[0]) // 10, "train", shuffle=False)
    # Statistics come from the training part only.
    mean, scale = _statistics(train[0][rows])
    request.extras["y_mean"], request.extras["y_scale"] = _statistics(train[1][rows])
    if part == "test":
        X, y = request.once(_read, request, 2, _TEST)
    else:
        rows = hold_out(len(train[0]), len(train[0]) // 10, part, shuffle=False)
        X, y = train[0][rows], train[1][rows]
    X = (X - mean) / scale
    along = np.linspace(0, 1, X.shape[1])
    across = np.broadcast_to(along, X.shape)
    down = np.broadcast_to(along[:, None], X.shape)
    data = np.stack([X, across, down], axis=1).astype(np.float32)
    return Part(data, y[:, None].astype(np.float32))


def _read(request, number, most):
    path = request.path(f"piececonst_r421_N1024_smooth{number}.mat")
    grid = slice(None, None, _STRIDE)
    index = (slice(most), grid, grid)
    X, y = (
        read_mat(path, key, ("N", _SIDE, _SIDE), index).astype(np.float64)
        for key in ("coeff", "sol")
    )
    if len(X) != len(y) or (number == 1 and len(X) < 3):
        found = f"has {len(y)} samples, and 'coeff' has {len(X)}"
        raise bad_file(path, "sol", found, "equal numbers, at least three")
    return X, y


def _statistics(fields):
    """Return mean and standard deviation + 1e-5 over the samples, at each point."""
    return fields.mean(0), fields.std(0, ddof=1) + 1e-5
