"""Arrays whose samples are read or computed when they are indexed."""

from functools import partial

import numpy as np


class LazyRows:
    """Base class of arrays that read or compute their samples on access.

    Any index of numpy returns an ndarray. Subclasses set ``row_shape`` and ``dtype``
    and define ``__len__`` and ``_take(index)``, the samples at positions (k,), k > 0.
    """

    @property
    def shape(self):
        """Number of samples, then the shape of a sample."""
        return len(self), *self.row_shape

    @property
    def ndim(self):
        """Number of axes."""
        return 1 + len(self.row_shape)

    def __getitem__(self, key):
        rows, *rest = key if isinstance(key, tuple) else (key,)
        if rows is None or rows is Ellipsis:
            return np.asarray(self)[key]
        index = np.arange(len(self))[rows]
        taken = self._take(index.ravel()) if index.size else ()
        block = np.asarray(taken, self.dtype).reshape(index.shape + self.row_shape)
        return block[(slice(None),) * index.ndim + tuple(rest)] if rest else block

    def __array__(self, dtype=None, copy=None):
        return self[:].astype(dtype or self.dtype, copy=False)

    def __repr__(self):
        return f"{type(self).__name__}(shape={self.shape}, dtype={self.dtype})"


class ComputedRows(LazyRows):
    """Samples computed from the numbers in ``index``, (n,).

    ``compute`` takes an array of some numbers, (k,), and returns samples (k, ...).
    """

    def __init__(self, compute, index, row_shape, dtype=np.float32):
        self.compute, self.index = compute, np.asarray(index)
        self.row_shape, self.dtype = tuple(row_shape), np.dtype(dtype)

    def __len__(self):
        return len(self.index)

    def _take(self, index):
        return self.compute(self.index[index])


def one_by_one(function, *args):
    """Return a ``compute`` that stacks ``function(*args, number)`` for each number."""
    return partial(_stack, partial(function, *args))


def _stack(function, index):
    return np.stack([function(int(number)) for number in index])


class _Joined:
    """A ``compute`` that takes samples from several arrays, one after the other."""

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
    """Concatenate a list of arrays, or of ``ComputedRows``, along the first axis."""
    if len(parts) == 1:
        return parts[0]
    if all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)
    n, first = sum(map(len, parts)), parts[0]
    return ComputedRows(_Joined(parts), np.arange(n), first.row_shape, first.dtype)
