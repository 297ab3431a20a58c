"""Sources from the arrays of users, and their validation."""

import numpy as np
from sklearn.utils import column_or_1d
from sklearn.utils.validation import _num_samples, check_array

from sklearn_pare._data.encoders import ChannelScaler
from sklearn_pare._data.validation import KINDS
from sklearn_pare._utils.arrays import plain
from sklearn_pare.exceptions import DataError
from sklearn_pare.otdd import check_targets
from sklearn_pare.sources.arrays import ArraySource
from sklearn_pare.sources.text import TextSource


def from_arrays(source):
    """Return a source of the arrays (X_source, y_source).

    X_source contains samples (n, F), (n, C, L) or (n, C, H, W), or texts (n,). y_source
    contains a class per sample (n,), per position (n, L) or per pixel (n, H, W).
    """
    if len(source) != 2:
        raise DataError(
            f"source is a tuple of length {len(source)}; expected "
            "(X_source, y_source), samples and their classes."
        )
    y = check_targets(source[1], _num_samples(source[0]), "X_source", "y_source")
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    X = plain(source[0], "X_source")
    texts = np.asarray(X)
    if texts.ndim == 1 and texts.dtype.kind in "OUT":
        return TextSource(texts, column_or_1d(y))
    dtypes = (np.float64, np.float32)
    X = check_array(X, dtype=dtypes, allow_nd=True, input_name="X_source")
    if X.ndim - 1 not in KINDS:
        raise DataError(
            f"X_source has shape {X.shape}. Expected {', '.join(KINDS.values())}."
        )
    wanted = (len(X), *X.shape[2:])
    if y.ndim > 1 and y.shape != wanted:
        places = f", or one per position or pixel, {wanted}" if X.ndim > 2 else ""
        raise DataError(
            f"y_source has shape {y.shape}. Expected one class per sample, {(len(X),)}"
            f"{places}."
        )
    classes, codes = np.unique(y, return_inverse=True)
    scaled = ChannelScaler().fit(X).transform(X)
    return ArraySource(scaled, codes.reshape(y.shape), len(classes))
