"""Fields that stay in their file."""

import math
import os

import numpy as np

from sklearn_pare._data.lazy import runs
from sklearn_pare.datasets.pdebench.layouts import open_file

# Numbers read from the file at a time, 16 MB: strides are taken in memory.
_BLOCK = 2**22


class FieldRows:
    """One frame of rows in an HDF5 file: an array that is read when it is indexed.

    It has `shape`, `dtype`, `ndim` and `len`; indexing its rows by anything that numpy
    takes gives an ndarray, and so does `numpy.asarray`. It pickles as a description:
    each process opens the file by itself.

    Parameters
    ----------
    layout : Arrays or Groups
    rows : range
        Rows of the file, one after the other.
    frame : int
        Of the file.
    stride : int, default=1
        Step between the points taken along each axis of space.
    joined : bool, default=False
        Whether the channels of signals follow each other in one.
    mean, scale : ndarray of shape (C, L) or (C, H, W), optional
        Subtracted, and divided by.
    """

    def __init__(
        self, layout, rows, frame, *, stride=1, joined=False, mean=None, scale=None
    ):
        self.layout, self.rows, self.frame = layout, rows, frame
        self.stride, self.joined = stride, joined
        self.mean, self.scale = mean, scale
        self.dtype = np.dtype(layout.dtype).newbyteorder("=")
        grid = tuple(len(range(0, size, stride)) for size in layout.grid)
        self.row_shape = (layout.n_channels, *grid)
        if joined:
            self.row_shape = (1, layout.n_channels * grid[0])
        self._open = None

    @property
    def shape(self):
        """(n, C, L) or (n, C, H, W)."""
        return len(self.rows), *self.row_shape

    @property
    def ndim(self):
        """Number of axes."""
        return len(self.shape)

    def __len__(self):
        return len(self.rows)

    def __repr__(self):
        return (
            f"FieldRows(shape={self.shape}, dtype={self.dtype}, frame={self.frame}, "
            f"file={self.layout.path.name!r})"
        )

    def __getstate__(self):
        return vars(self) | {"_open": None}

    def __getitem__(self, key):
        rows, *rest = key if isinstance(key, tuple) else (key,)
        if rows is None or rows is Ellipsis:
            return np.asarray(self)[key]
        index = np.arange(len(self))[rows]
        fields = self._take(index.ravel()).reshape(index.shape + self.row_shape)
        return fields[(slice(None),) * index.ndim + tuple(rest)] if rest else fields

    def __array__(self, dtype=None, copy=None):
        fields = self[:]
        return fields if dtype is None else fields.astype(dtype, copy=False)

    def _take(self, index):
        """Rows of any index, (m, ...)."""
        rows, inverse = np.unique(index, return_inverse=True)
        fields = np.empty((len(rows), *self.row_shape), self.dtype)
        at_once = max(
            1, _BLOCK // (self.layout.n_channels * math.prod(self.layout.grid))
        )
        for start, stop in runs(rows):
            for low in range(start, stop, at_once):
                high = min(low + at_once, stop)
                fields[low:high] = self._read(int(rows[low]), int(rows[high - 1]) + 1)
        return fields if np.array_equal(rows, index) else fields[inverse]

    def _read(self, start, stop):
        """Consecutive rows of this array from the file."""
        first = self.rows.start
        fields = self.layout.read(self._file(), first + start, first + stop, self.frame)
        every = slice(None, None, self.stride)
        fields = fields[(..., *[every] * len(self.layout.grid))]
        fields = fields.reshape(-1, *self.row_shape)
        return fields if self.mean is None else (fields - self.mean) / self.scale

    def _file(self):
        # A forked process must not share the handle of its parent.
        if self._open is None or self._open[0] != os.getpid():
            self._open = os.getpid(), open_file(self.layout.path, self.layout.keys)
        return self._open[1]
