"""Fields that are read from their file when they are indexed."""

import math
import os

import numpy as np

from sklearn_pare._data.lazy import runs
from sklearn_pare.datasets._readers.rows import LazyRows
from sklearn_pare.datasets.pdebench.layouts import open_file

# Numbers read from the file at a time, 16 MB: strides are applied in memory.
_BLOCK = 2**22


class FieldRows(LazyRows):
    """One frame of consecutive samples, ``rows``, in an HDF5 file.

    If ``joined``, the channels of a signal are concatenated to one. ``mean`` and
    ``scale`` normalise the fields. It pickles as a description: each process opens the
    file.
    """

    def __init__(
        self, layout, rows, frame, *, stride=1, joined=False, mean=None, scale=None
    ):
        self.layout, self.rows, self.frame = layout, rows, frame
        self.stride, self.mean, self.scale = stride, mean, scale
        self.dtype = np.dtype(layout.dtype).newbyteorder("=")
        grid = tuple(len(range(0, size, stride)) for size in layout.grid)
        self.row_shape = (layout.n_channels, *grid)
        if joined:
            self.row_shape = (1, layout.n_channels * grid[0])
        self._open = None

    def __len__(self):
        return len(self.rows)

    def __repr__(self):
        return (
            f"FieldRows(shape={self.shape}, dtype={self.dtype}, frame={self.frame}, "
            f"file={self.layout.path.name!r})"
        )

    def __getstate__(self):
        return vars(self) | {"_open": None}

    def _take(self, index):
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
        """Read consecutive samples of this array from the file."""
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
