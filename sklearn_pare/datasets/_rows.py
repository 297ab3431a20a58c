"""Rows that are computed when they are asked for."""

import numpy as np


class ComputedRows:
    """An array-like whose rows are read or computed on access.

    It has `shape`, `dtype`, `ndim`, a length, and indexing by integers, slices and
    arrays along the first axis: enough for the estimators of this package, which read
    it batch by batch. ``numpy.asarray`` gives all of it.

    Parameters
    ----------
    compute : callable
        Takes an ndarray of int of shape (k,) and gives rows (k, ...).
    index : array-like of int of shape (n,)
        What `compute` is given for each row.
    row_shape : tuple of int
    dtype : dtype, default=float32

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_pare.datasets._rows import ComputedRows
    >>> squares = ComputedRows(lambda i: i[:, None] ** 2, np.arange(1000), (1,))
    >>> squares.shape
    (1000, 1)
    >>> squares[3:5]
    array([[ 9.],
           [16.]], dtype=float32)
    """

    def __init__(self, compute, index, row_shape, dtype=np.float32):
        self.compute, self.index = compute, np.asarray(index)
        self.row_shape, self.dtype = tuple(row_shape), np.dtype(dtype)

    @property
    def shape(self):
        """(n, ...), as of an array."""
        return len(self.index), *self.row_shape

    @property
    def ndim(self):
        """Number of axes."""
        return 1 + len(self.row_shape)

    def __len__(self):
        return len(self.index)

    def __getitem__(self, rows):
        rows, *rest = rows if isinstance(rows, tuple) else (rows,)
        chosen = self.index[rows]
        block = np.asarray(self.compute(np.atleast_1d(chosen)), self.dtype)
        block = block.reshape(-1, *self.row_shape)
        return (block if np.ndim(chosen) else block[0])[
            (slice(None), *rest) if np.ndim(chosen) else tuple(rest)
        ]

    def __array__(self, dtype=None, copy=None):
        return self[:].astype(dtype or self.dtype, copy=False)

    def __repr__(self):
        return f"ComputedRows(shape={self.shape}, dtype={self.dtype})"


def one_by_one(function, index):
    """Rows that `function` gives for one number each; a `compute` of `ComputedRows`."""
    return np.stack([function(int(number)) for number in index])


class _Joined:
    """Rows of several arrays, one after the other."""

    def __init__(self, parts):
        self.parts = parts
        self.starts = np.cumsum([0, *map(len, parts)])

    def __call__(self, index):
        owner = np.searchsorted(self.starts, index, side="right") - 1
        first = self.parts[0]
        rows = np.empty((len(index), *first.shape[1:]), first.dtype)
        for number in np.unique(owner):
            here = owner == number
            rows[here] = self.parts[number][index[here] - self.starts[number]]
        return rows


def join(parts):
    """Arrays or `ComputedRows` along the first axis, as one of their kind.

    Parameters
    ----------
    parts : list of ndarray or ComputedRows

    Returns
    -------
    joined : ndarray or ComputedRows
    """
    if len(parts) == 1:
        return parts[0]
    if all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)
    n, first = sum(map(len, parts)), parts[0]
    return ComputedRows(_Joined(parts), np.arange(n), first.row_shape, first.dtype)
