"""Rows in blocks: arrays that stay where they are, and what is done to each block."""

import math
from itertools import pairwise

import numpy as np
import torch
from scipy.sparse import issparse
from sklearn.utils import gen_batches

from sklearn_pare.exceptions import DataError

# Numbers handled at a time: bounds copies in float64 to 32 MB each. Means depend on it
# in their last bits.
_BLOCK = 2**22
# Of what does not, in blocks that are smaller beside those that come of them.
SMALL = 2**20
# Sums of squares of larger numbers overflow.
LARGEST = 1e140


def blocks(X, axis=0, size=_BLOCK):
    """Slices that cut X along an axis into blocks of about `size` numbers."""
    n = X.shape[axis]
    return gen_batches(n, max(1, size * n // math.prod(X.shape)))


def runs(rows):
    """Pairs (start, stop) of the stretches of `rows`, rising integers, without a gap.

    Neighbours are read as slices, which every format of files can do.
    """
    cuts = np.flatnonzero(np.diff(rows) > 1) + 1
    return pairwise([0, *cuts, len(rows)]) if len(rows) else ()


def standardise(block, mean, scale):
    """``(block - mean) / scale`` in float32; NaN stays NaN.

    Raises
    ------
    DataError
        If a number is too far off for float32.
    """
    with np.errstate(over="ignore"):
        scaled = ((block - mean) / scale).astype(np.float32)
    if np.isinf(scaled).any():
        raise DataError(
            f"X reaches {np.nanmax(np.abs(block)):g}, too far from the rows in fit for "
            "a standardised number in float32. Look for wrong units."
        )
    return scaled


def check_finite(X, rows=None):
    """Complain, and say where, about signals or images that are not all numbers.

    Parameters
    ----------
    X : ndarray of shape (n, ...)
    rows : ndarray of shape (n,), optional
        What to call the rows; by default their positions.
    """
    largest = max(float(X.max()), -float(X.min()))
    if largest <= LARGEST:
        return
    if math.isfinite(largest):
        raise DataError(
            f"X reaches {largest:g}; numbers up to {LARGEST:g} can be standardised. "
            "Divide X by a constant, or take its logarithm."
        )
    row, *place = map(int, np.argwhere(~np.isfinite(X))[0])
    where = f"index {place[0]}"
    if X.ndim > 2:
        where = f"channel {place[0]}, position {', '.join(map(str, place[1:]))}"
    what = "NaN" if np.isnan(X[row, *place]) else "infinity"
    raise DataError(
        f"X holds {what} in row {row if rows is None else rows[row]}, "
        f"{where}. Signals and images must be complete: interpolate the gap, or fill "
        "it, such as with np.nan_to_num, and mark it in a channel of its own. Only "
        "tables may have missing values."
    )


def is_lazy(X, table):
    """Whether X is an array of signals or images that should not be read whole.

    A memory map of a file, or any array with `shape`, `dtype` and slices that is none
    of numpy, such as a data set of HDF5 or zarr.

    Parameters
    ----------
    X : object
    table : bool
        Whether two dimensions are a table, which is read whole, and not flattened rows.
    """
    if isinstance(X, np.ndarray):
        # Copies of memory maps are of that class too, but have no file.
        in_file = isinstance(X, np.memmap) and X.filename is not None
    else:
        in_file = all(hasattr(X, name) for name in ("shape", "dtype", "__getitem__"))
        in_file &= not (isinstance(X, torch.Tensor) or issparse(X))
    return in_file and len(X.shape) >= (3 if table else 2)


class ChosenRows:
    """Some rows of an array in memory, copied block by block when asked for.

    Parameters
    ----------
    array : ndarray of shape (n, ...)
    index : ndarray of int, optional
        Rows of `array`, in any order; by default all.
    """

    def __init__(self, array, index=None):
        self.array = array
        self.index = np.arange(len(array)) if index is None else index
        self.dtype, self.ndim = array.dtype, array.ndim

    @property
    def shape(self):
        """(m, ...), as of an array."""
        return len(self.index), *self.array.shape[1:]

    def __len__(self):
        return len(self.index)

    def __getitem__(self, key):
        rows, *columns = key if isinstance(key, tuple) else (key,)
        return ChosenRows(self.array[:, *columns], self.index[rows])

    def __array__(self, dtype=None, copy=None):
        return self.array[self.index].astype(dtype or self.dtype, copy=False)


class LazyArray:
    """Rows of an array in a file: chosen and shaped now, read when asked for.

    Each block read is checked: all its numbers must be finite.

    Parameters
    ----------
    source : array-like with `shape`, `dtype` and slices
    row_shape : tuple of int, optional
        Shape to give each row.
    index : ndarray of int, optional
        Rows of `source`, in any order; by default all.
    """

    def __init__(self, source, row_shape=None, index=None):
        self.source = source
        self.row_shape = tuple(source.shape[1:]) if row_shape is None else row_shape
        self.index = np.arange(source.shape[0]) if index is None else index
        self.dtype = np.dtype(source.dtype)
        if self.dtype.kind not in "fiub":
            raise DataError(
                f"X is an array in a file, of dtype {self.dtype}. Expected real "
                "numbers, such as float32."
            )

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
        return LazyArray(self.source, self.row_shape, self.index[rows])

    def reshape(self, n, *row_shape):
        """The same rows in another shape; `n` must be their number."""
        return LazyArray(self.source, row_shape, self.index)

    def take(self, index):
        """Read the rows of `index`, in any order and repeated where it repeats.

        Returns
        -------
        rows : ndarray, float32 or float64
        """
        return np.asarray(self[index])

    def __array__(self, dtype=None, copy=None):
        rows, inverse = np.unique(self.index, return_inverse=True)
        block = np.empty(
            (len(rows), *self.source.shape[1:]), np.result_type(self.dtype, np.float32)
        )
        for start, stop in runs(rows):
            first, last = int(rows[start]), int(rows[stop - 1])
            block[start:stop] = self.source[first : last + 1]
        check_finite(block, rows)
        return block[inverse].reshape(self.shape).astype(dtype or block.dtype)
