"""Arrays that are read or copied in blocks, and arrays to write to."""

import math
from contextlib import nullcontext
from copy import copy
from itertools import pairwise
from threading import RLock

import numpy as np
from sklearn.utils import gen_batches

from sklearn_pare._utils.arrays import is_foreign, is_packed, read
from sklearn_pare.exceptions import DataError

# Larger arrays in files, in bytes, are not read as a whole.
MAX_READ = 2**28

# Numbers per block, 32 MB in float64. The last bits of means depend on it.
_BLOCK = 2**22
# Numbers per block, which fit into caches, if the result does not depend on it.
SMALL = 2**17
# Sums of squares of larger numbers overflow.
LARGEST = 1e140
# Libraries of files, such as netCDF4, may fail in several threads at a time.
_FILES = RLock()


def blocks(X, axis=0, size=_BLOCK):
    """Return slices that cut X along an axis into blocks of about `size` numbers."""
    n = X.shape[axis]
    return gen_batches(n, max(1, size * n // math.prod(X.shape)))


def runs(rows):
    """Return pairs (start, stop) of the runs of consecutive integers in sorted `rows`.

    Runs can be read as slices, which every file format supports.
    """
    cuts = np.flatnonzero(np.diff(rows) > 1) + 1
    return pairwise([0, *cuts, len(rows)]) if len(rows) else ()


def standardise(block, mean, scale):
    """Return ``(block - mean) / scale`` in float32; NaN stays NaN.

    Numbers that are too far from the mean for float32 become infinite.
    """
    with np.errstate(over="ignore"):
        block = block - mean
        # In place: pages of new memory take longer than the numbers.
        block /= scale
        return block.astype(np.float32)


def check_finite(X, rows=None):
    """Raise DataError if signals or images hold infinity, huge numbers, or only NaN.

    Parameters
    ----------
    X : ndarray of shape (n, ...)
    rows : ndarray of shape (n,), optional
        Numbers of the samples for the error; by default their positions.
    """
    largest = max(float(X.max()), -float(X.min()))
    if largest <= LARGEST:
        return
    if math.isnan(largest):
        _check_gaps(X, rows)
        largest = max(float(np.nanmax(X)), -float(np.nanmin(X)))
    if math.isfinite(largest):
        if largest > LARGEST:
            raise DataError(
                f"X reaches {largest:g}; numbers up to {LARGEST:g} can be "
                "standardised. Divide X by a constant, or take its logarithm."
            )
        return
    row, *place = map(int, np.argwhere(np.isinf(X))[0])
    where = f"index {place[0]}"
    if X.ndim > 2:
        where = f"channel {place[0]}, position {', '.join(map(str, place[1:]))}"
    raise DataError(
        f"X holds infinity in sample {row if rows is None else rows[row]}, {where}. "
        "Replace it by NaN, which stands for a missing value, or by a finite number."
    )


def _check_gaps(X, rows):
    """Raise DataError if a sample holds nothing but missing values."""
    empty = np.isnan(X).reshape(len(X), -1).all(1)
    if empty.any():
        row = empty.argmax() if rows is None else rows[empty.argmax()]
        raise DataError(
            f"All values of sample {row} of X are missing. Leave the sample out."
        )


def is_lazy(X, table):
    """Return whether X is an array of signals or images that is read in batches.

    These are memory maps of files, and arrays of other libraries such as HDF5 or zarr,
    that have more than `MAX_READ` bytes. Smaller ones are read as a whole, so that the
    result does not depend on the container.

    Parameters
    ----------
    X : object
    table : bool
        If True, 2-D X is a table, which is read completely, and not flattened samples.
    """
    if isinstance(X, np.memmap):
        # Copies of memory maps are of the same class, but have no file.
        in_file = X.filename is not None
    else:
        # An array of xarray may be one of numpy with names.
        in_file = is_foreign(X) and not getattr(X, "_in_memory", False)
    if not in_file or len(X.shape) < (3 if table else 2):
        return False
    return math.prod(X.shape) * _dtype(X).itemsize > MAX_READ


def _dtype(array):
    # Variables of scipy.io.netcdf_file have no dtype.
    if is_packed(array) or not hasattr(array, "dtype"):
        return read(array, slice(0, 1)).dtype
    return np.dtype(array.dtype)


class ChosenRows:
    """Some samples of an array in memory, copied in blocks when needed.

    Parameters
    ----------
    array : ndarray of shape (n, ...)
    index : ndarray of int, optional
        Rows of `array`, in any order; by default all.
    """

    def __init__(self, array, index=None):
        self.array = array
        self.index = np.arange(array.shape[0]) if index is None else index
        self.dtype, self.ndim = array.dtype, array.ndim

    @property
    def shape(self):
        """Shape (m, ...)."""
        return len(self.index), *self.array.shape[1:]

    def __len__(self):
        return len(self.index)

    def __getitem__(self, key):
        rows, *columns = key if isinstance(key, tuple) else (key,)
        array = self.array[:, *columns] if columns else self.array
        return type(self)(array, self.index[rows])

    def __array__(self, dtype=None, copy=None):
        return self.array[self.index].astype(dtype or self.dtype, copy=False)


class SparseRows(ChosenRows):
    """Some samples of a sparse matrix in CSR format, made dense in blocks."""

    def __array__(self, dtype=None, copy=None):
        dense = self.array[self.index].toarray()
        return dense.astype(dtype or self.dtype, copy=False)


class LazyArray:
    """Samples of an array in a file, selected and reshaped now, but read when needed.

    Of the numbers of a block that is read, none may be infinite, and those of a sample
    may not all be missing. Masked values are missing, and become NaN.

    Parameters
    ----------
    source : array-like with `shape`, `dtype` and slices
    """

    def __init__(self, source):
        self.source = source
        self.row_shape = tuple(source.shape[1:])
        # Positions of the samples in `source`, in any order.
        self.index = np.arange(source.shape[0])
        self.dtype = _dtype(source)
        if self.dtype.kind not in "fiub":
            raise DataError(
                f"X is an array in a file, of dtype {self.dtype}. Expected real "
                "numbers, such as float32."
            )

    @property
    def shape(self):
        """Shape (n, ...)."""
        return len(self.index), *self.row_shape

    @property
    def ndim(self):
        """Number of axes."""
        return 1 + len(self.row_shape)

    def __len__(self):
        return len(self.index)

    def __getitem__(self, rows):
        some = copy(self)
        some.index = self.index[rows]
        return some

    def reshape(self, n, *row_shape):
        """Return the same samples in another shape; `n` must be their number."""
        other = copy(self)
        other.row_shape = row_shape
        return other

    def __array__(self, dtype=None, copy=None):
        rows, inverse = np.unique(self.index, return_inverse=True)
        floats, parts = np.result_type(self.dtype, np.float32), []
        for start, stop in runs(rows):
            where = slice(int(rows[start]), int(rows[stop - 1]) + 1)
            with guard(self.source):
                some = read(self.source, where)
            some = some.astype(floats, copy=False)
            parts.append(some.filled(np.nan) if np.ma.isMaskedArray(some) else some)
        block = parts[0] if len(parts) == 1 else np.concatenate(parts)
        check_finite(block, rows)
        block = block if np.array_equal(rows, self.index) else block[inverse]
        return block.reshape(self.shape).astype(dtype or floats, copy=False)


def guard(array):
    """Return the lock to hold while an array in a file is read or written."""
    # Arrays of dask and xarray have locks of their own, and may compute anything.
    return nullcontext() if hasattr(array, "compute") else _FILES


def check_out(out, shape, dtype):
    """Raise DataError if predictions of a shape and dtype do not fit into `out`."""
    if not isinstance(out, np.ndarray) and not is_foreign(out):
        raise DataError(
            f"out is of type {type(out).__name__}. Give an array of numpy, or one in a "
            "file, such as a data set of HDF5 or an array of zarr."
        )
    # Only digits may be lost; conversions to numpy's StringDType lose nothing.
    rule = "same_kind" if dtype.kind == "f" or _dtype(out).kind == "T" else "safe"
    if tuple(out.shape) != shape or not np.can_cast(dtype, _dtype(out), rule):
        raise DataError(
            f"out has shape {tuple(out.shape)} and dtype {_dtype(out)}. For these "
            f"samples, predictions have shape {shape} and dtype {dtype}."
        )
