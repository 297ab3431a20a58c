"""X and y as users have them -> arrays; the only place that complains about data."""

import math
import warnings
from numbers import Integral

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.utils import column_or_1d, gen_batches
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    validate_data,
)

from sklearn_pare.exceptions import DataError
from sklearn_pare.sources import ArraySource, TextSource

_KINDS = {
    1: "2 dimensions (a table of n rows and F columns)",
    2: "3 dimensions (n signals of C channels and L samples)",
    3: "4 dimensions (n images of C channels, H rows and W columns)",
}
# Numbers scaled at a time: bounds the float64 copy to 32 MB.
_BLOCK = 2**22
# Sums of squares of larger numbers overflow.
_LARGEST = 1e140


def check_rows(estimator, X, y="no_validation", *, reset):
    """Numeric, finite X of shape (n, F), (n, C, L) or (n, C, H, W), and y with it.

    Parameters
    ----------
    estimator : BaseEstimator
        Gets `n_features_in_` and `feature_names_in_` if `reset`.
    X : array-like
    y : array-like, optional
        Checked for length, missing values and, in a regressor, for being numeric.
    reset : bool
        True in fit.

    Returns
    -------
    X : ndarray, float32 or float64
    y : ndarray
        Only if `y` was given.
    """
    with_target = not (isinstance(y, str) and y == "no_validation")
    checks = {}
    if with_target:
        numeric = estimator.__sklearn_tags__().estimator_type == "regressor"
        checks = {"multi_output": True, "y_numeric": numeric}
    try:
        checked = validate_data(
            estimator,
            X,
            y,
            reset=reset,
            dtype=(np.float64, np.float32),
            allow_nd=True,
            ensure_min_samples=2 if reset else 1,
            **checks,
        )
    except ValueError as error:
        if "could not convert string" not in str(error):
            raise
        raise DataError(
            f"X holds text: {error}. Every column must be numeric; put a "
            "sklearn.compose.ColumnTransformer with OneHotEncoder or OrdinalEncoder "
            "before the estimator for the columns that are not."
        ) from error
    X = checked[0] if with_target else checked
    if X.ndim - 1 not in _KINDS or 0 in X.shape:
        raise DataError(
            f"X has shape {X.shape}. Expected no empty axis and "
            f"{', '.join(_KINDS.values())}."
        )
    largest = max(float(X.max()), -float(X.min()))
    if largest > _LARGEST:
        raise DataError(
            f"X reaches {largest:g}; numbers up to {_LARGEST:g} can be standardised. "
            "Divide X by a constant, or take its logarithm."
        )
    return (X, checked[1]) if with_target else X


def shape_rows(X, input_shape):
    """X with rows of shape `input_shape`; flattened rows are folded.

    Parameters
    ----------
    X : ndarray of shape (n, ...)
    input_shape : sequence of int or None
        One entry may be -1: it follows from the length of a row. None leaves X as it
        is.

    Returns
    -------
    X : ndarray of shape (n, *input_shape)
    """
    if input_shape is None:
        return X
    numbers = math.prod(X.shape[1:])
    known = math.prod(size for size in input_shape if size != -1)
    wanted = tuple(numbers // known if size == -1 else size for size in input_shape)
    foldable = X.ndim == 2 and math.prod(wanted) == numbers
    if X.shape[1:] != wanted and not foldable:
        raise DataError(
            f"X has rows of shape {X.shape[1:]}, {numbers} numbers a row, which do not "
            f"fit input_shape={tuple(input_shape)}. Give X of shape "
            f"(n, {', '.join(map(str, wanted))}), or flattened rows of "
            f"{math.prod(wanted)} numbers, or another input_shape."
        )
    return X.reshape(len(X), *wanted)


def check_input_shape(input_shape):
    """Complain about an `input_shape` that no row can have."""
    if input_shape is None:
        return
    whole = all(
        isinstance(size, Integral) and (size > 0 or size == -1) for size in input_shape
    )
    inferred = sum(size == -1 for size in input_shape) if whole else 0
    if not whole or inferred > 1 or len(input_shape) not in (2, 3):
        raise DataError(
            f"input_shape={input_shape!r} is no shape of one row. Use (C, L) for "
            "signals or (C, H, W) for images, with positive numbers of which one may "
            "be -1; for a table leave it None."
        )


def positive(weight, *arrays):
    """Rows of positive weight from each array, and their weights, last.

    Raises
    ------
    DataError
        If a weight is negative or not finite, or none is positive.
    """
    if not np.isfinite(weight.sum()) or (weight < 0).any() or not (weight > 0).any():
        raise DataError(
            f"The weights of the rows, sample_weight times class_weight, range from "
            f"{weight.min():g} to {weight.max():g}. They must be finite and not "
            "negative, and at least one must be positive."
        )
    kept = weight > 0
    if kept.all():
        return *arrays, weight
    return *(array[kept] for array in arrays), weight[kept]


def check_source(source):
    """Source arrays (X_source, y_source) -> a source.

    Parameters
    ----------
    source : tuple
        Rows (n, F), (n, C, L) or (n, C, H, W) or texts (n,), and their classes (n,) or
        the classes of their samples (n, L) or pixels (n, H, W).

    Returns
    -------
    source : ArraySource or TextSource
    """
    if len(source) != 2:
        raise DataError(
            f"source is a tuple of length {len(source)}; expected "
            "(X_source, y_source), rows and their classes."
        )
    check_consistent_length(*source)
    y = np.asarray(source[1])
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    texts = np.asarray(source[0])
    if texts.ndim == 1 and texts.dtype.kind in "OUT":
        return TextSource(texts, column_or_1d(y))
    X = check_array(
        source[0],
        dtype=(np.float64, np.float32),
        allow_nd=True,
        input_name="X_source",
    )
    if X.ndim - 1 not in _KINDS:
        raise DataError(
            f"X_source has shape {X.shape}. Expected {', '.join(_KINDS.values())}."
        )
    wanted = (len(X), *X.shape[2:])
    if y.ndim > 1 and y.shape != wanted:
        places = f", or one a sample or pixel, {wanted}" if X.ndim > 2 else ""
        raise DataError(
            f"y_source has shape {y.shape}. Expected one class a row, {(len(X),)}"
            f"{places}."
        )
    classes, codes = np.unique(y, return_inverse=True)
    scaled = ChannelScaler().fit(X).transform(X)
    return ArraySource(scaled, codes.reshape(y.shape), len(classes))


def n_held_out(n, fraction):
    """Rows of n to hold out for validation: two at least, as R2 of one is undefined."""
    count = max(2, math.ceil(fraction * n))
    if count >= n:
        raise DataError(
            f"validation_fraction={fraction} of {n} rows leaves none to train on. Give "
            "more rows, a smaller fraction, or X_val and y_val."
        )
    return count


def split(n, strata, fraction, seed):
    """Hold rows out for validation, every class among them where that can be.

    Parameters
    ----------
    n : int
        Rows to split.
    strata : ndarray of shape (n,) or None
        Classes to keep in proportion.
    fraction : float
    seed : int

    Returns
    -------
    kept, held_out : ndarray of int64
        Indices of rows.
    """
    count = n_held_out(n, fraction)
    if strata is not None:
        sizes = np.unique(strata, return_counts=True)[1]
        if sizes.min() < 2 or len(sizes) > min(count, n - count):
            warnings.warn(
                f"The smallest class has {sizes.min()} rows and {count} rows are held "
                f"out for {len(sizes)} classes: the validation rows are drawn without "
                "regard to class.",
                UserWarning,
                stacklevel=4,
            )
            strata = None
    return train_test_split(
        np.arange(n), test_size=count, stratify=strata, random_state=seed
    )


def _channels_last(block):
    """(n, C, ...) -> (rows, C), and (n, F) as it is."""
    if block.ndim == 2:
        return block
    return np.moveaxis(block, 1, -1).reshape(-1, block.shape[1])


class ChannelScaler:
    """Standardise each channel, or each column of a table, in blocks.

    `sklearn.preprocessing.StandardScaler` per channel instead of per number.

    Attributes
    ----------
    mean_, scale_ : ndarray of shape (C,) or (F,)
    """

    def fit(self, X):
        """Mean and standard deviation over rows and positions."""
        scaler = StandardScaler()
        for rows in self._blocks(X):
            scaler.partial_fit(_channels_last(X[rows]))
        self.mean_, self.scale_ = scaler.mean_, scaler.scale_
        return self

    def transform(self, X):
        """Standardised copy of X in float32."""
        shape = (-1,) + (1,) * (X.ndim - 2)
        mean, scale = self.mean_.reshape(shape), self.scale_.reshape(shape)
        scaled = np.empty(X.shape, dtype=np.float32)
        for rows in self._blocks(X):
            with np.errstate(over="ignore"):
                scaled[rows] = (X[rows] - mean) / scale
        if not np.isfinite(scaled).all():
            raise DataError(
                f"X reaches {np.abs(X).max():g}, too far from the rows in fit for a "
                "standardised number in float32. Look for wrong units."
            )
        return scaled

    @staticmethod
    def _blocks(X):
        return gen_batches(len(X), max(1, _BLOCK // math.prod(X.shape[1:])))
