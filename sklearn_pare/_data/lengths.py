"""Signals of different lengths, as one array in which NaN follows the short ones."""

import numpy as np

from sklearn_pare._data.foreign import check_kind
from sklearn_pare._utils.arrays import is_array_of_objects, is_missing
from sklearn_pare.exceptions import DataError


def with_nan(X):
    """Return an array whose masked values and missing objects are NaN."""
    if is_array_of_objects(X):
        missing = [is_missing(value) for value in X.flat]
        X = np.where(np.reshape(missing, X.shape), np.nan, X)
    check_kind(X, "X")
    if np.ma.is_masked(X):
        return X.astype(np.result_type(X.dtype, np.float32)).filled(np.nan)
    return X.data if np.ma.isMaskedArray(X) else X


def padded(rows, wanted, *, fitting):
    """Return signals of different lengths as an array, and other samples unchanged.

    Parameters
    ----------
    rows : list of arrays or of lists
        Signals are (C, L_i), or of one channel (L_i,).
    wanted : tuple of int or None
        Shape of a sample. The length may be -1, for that of the longest signal. None:
        samples are signals if they are arrays of which only the lengths differ.
    fitting : bool
        If True, signals that all have the length `wanted` are unchanged.
    """
    try:
        shapes = list(map(np.shape, rows))
    except ValueError:
        # The channels of a sample differ in length.
        return rows
    equal = len(set(shapes)) == 1
    if wanted is None:
        # Lists of numbers are more likely to be a table that lacks some.
        if equal or not all(hasattr(row, "shape") for row in rows):
            return rows
        wanted = (shapes[0][0] if len(shapes[0]) == 2 else 1), -1
    if len(wanted) != 2:
        return rows
    if wanted[0] == 1:
        shapes = [(1, *shape) if len(shape) == 1 else shape for shape in shapes]
    if any(len(shape) != 2 or shape[0] != wanted[0] for shape in shapes):
        return rows
    lengths = [length for _, length in shapes]
    longest = max(lengths)
    length = longest if wanted[1] == -1 else wanted[1]
    if equal and fitting and longest >= length:
        return rows
    if longest > length:
        raise _too_long(
            lengths.index(longest), longest, length, "[x[..., :{}] for x in X]"
        )
    signals = [with_nan(np.asanyarray(row)) for row in rows]
    dtype = np.result_type(np.float32, *{row.dtype for row in signals})
    X = np.full((len(rows), wanted[0], length), np.nan, dtype)
    for row, own, n in zip(X, signals, lengths, strict=True):
        row[:, :n] = own
    return X


def _too_long(sample, found, length, cut):
    return DataError(
        f"Sample {sample} of X is a signal of {found} positions, and at most {length} "
        f"are expected. Cut it, such as with {cut.format(length)}, or fit with an "
        f"input_shape that leaves room, such as input_shape=(C, {found})."
    )


def trimmed(X, y, input_shape):
    """Return signals (n, C, L) in memory without positions at the end that none has.

    Other samples are returned unchanged, and so are signals whose length is that of
    the targets `y` or part of `input_shape`.
    """
    given = input_shape is not None and input_shape[-1] != -1
    dense = y.ndim > 1 and y.shape[-1] == X.shape[-1]
    if given or dense or X.ndim != 3 or not isinstance(X, np.ndarray):
        return X
    length = X.shape[2]
    while length > 1 and np.isnan(X[:, :, length - 1]).all():
        length -= 1
    return X[:, :, :length]


def without_end(X, length):
    """Return signals (n, C, length), or raise DataError if one has numbers beyond."""
    beyond = ~np.isnan(X[:, :, length:])
    if beyond.any():
        sample = int(beyond.any((1, 2)).argmax())
        found = length + 1 + int(np.nonzero(beyond[sample])[1].max())
        raise _too_long(sample, found, length, "X[..., :{}]")
    return X[:, :, :length]
