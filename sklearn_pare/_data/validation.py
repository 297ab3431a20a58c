"""Validation of X and y."""

import math
from numbers import Integral

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import (
    _check_sample_weight,
    _check_y,
    _num_samples,
    check_consistent_length,
    validate_data,
)

from sklearn_pare._data.foreign import as_text, check_kind, collected
from sklearn_pare._data.forms import (
    check_even,
    check_form,
    check_not_one,
    read_samples,
    sizes_of,
)
from sklearn_pare._data.lazy import ChosenRows, LazyArray, SparseRows, check_finite
from sklearn_pare._data.lengths import without_end
from sklearn_pare._data.tables import check_table, is_frame, is_mixed
from sklearn_pare._utils.arrays import as_numbers, finite, plain
from sklearn_pare.exceptions import DataError

#: Description of X by the number of dimensions of a sample.
KINDS = {
    1: "2 dimensions (a table of n rows and F columns)",
    2: "3 dimensions (n signals of C channels and L samples)",
    3: "4 dimensions (n images of C channels, H rows and W columns)",
}


def check_rows(estimator, X, y="no_validation", *, reset, shape=None):
    """Return X of shape (n, F), (n, C, L) or (n, C, H, W), and y, as checked arrays.

    Parameters
    ----------
    estimator : BaseEstimator
        If `reset`, it gets `n_features_in_` and `feature_names_in_`. Without
        `input_shape`, 2-D X is a table.
    X : array-like, torch.Tensor, DataFrame, sparse matrix or array in a file
        Values may be missing: NaN, None or masked. A list of signals may have
        different lengths, and NaN follows the short ones.
    y : array-like or torch.Tensor, optional
        Its length must match X; in a regressor it must be numeric. Only several numbers
        per sample and fields may have missing values.
    reset : bool
        True in fit.
    shape : tuple of int, optional
        Shape of a sample in fit; by default `input_shape_`. It is not used in fit.

    Returns
    -------
    X : ndarray of float32 or float64, DataFrame, SparseRows or LazyArray
        A DataFrame if a column is not of plain numbers; `SparseRows` of a sparse table;
        a `LazyArray` for signals and images in a large file, checked when read.
    y : ndarray
        Only if `y` was given.
    """
    table = estimator.input_shape is None
    if reset:
        X = read_samples(X, estimator.input_shape)
    else:
        shape = tuple(shape or getattr(estimator, "input_shape_", ()))
        X = read_samples(X, estimator.input_shape, shape)
        check_not_one(X, estimator)
        flat = estimator.n_features_in_ == math.prod(shape)
        if not flat or X.ndim > 2:
            check_form(X, shape)
        if flat and X.ndim > 2 and X.shape[1:] == shape:
            # As in fit.
            X = X.reshape(len(X), -1)
    unread = isinstance(X, LazyArray | SparseRows) or (table and is_mixed(X))
    # Small numbers do not need 64 bits.
    short = getattr(getattr(X, "dtype", None), "itemsize", 8) < 4
    try:
        X = validate_data(
            estimator,
            X,
            None if y is None else "no_validation",
            reset=reset,
            skip_check_array=unread,
            dtype=(np.float32, np.float64) if short else (np.float64, np.float32),
            allow_nd=True,
            ensure_all_finite=False,
        )
    except ValueError as error:
        if "could not convert string" in str(error):
            raise DataError(
                f"X holds text: {error}. Give a table with text as a pandas.DataFrame: "
                "its columns of text are taken as categories."
            ) from error
        raise
    if X.ndim - 1 not in KINDS or 0 in X.shape:
        raise DataError(
            f"X has shape {X.shape}. Expected no empty axis and "
            f"{', '.join(KINDS.values())}."
        )
    if reset and len(X) < 2:
        raise DataError(f"X has {len(X)} sample; fit needs at least 2.")
    if table and X.ndim == 2:
        names = getattr(estimator, "feature_names_in_", None)
        check_table(X, names, fitting=reset)
    elif not unread:
        check_finite(X)
    if isinstance(y, str) and y == "no_validation":
        return X
    y = check_target(estimator, y)
    check_consistent_length(X, y)
    return X, y


def read_targets(y):
    """Return y as an array, a list or a pandas object that can hold targets."""
    y = as_text(check_even(plain(collected(y, "y"), "y"), "y"))
    check_kind(y, "y")
    return y


def check_target(estimator, y):
    """Return y as an array, which is numeric in a regressor, with NaN for missing."""
    y = read_targets(y)
    numeric = estimator.__sklearn_tags__().estimator_type == "regressor"
    if numeric and issparse(y):
        raise DataError(
            f"y is a sparse matrix. {type(estimator).__name__} takes arrays: give "
            "y.toarray()."
        )
    y = y if hasattr(y, "ndim") else np.asarray(y)
    if y.ndim <= 2:
        y, missing = _fill(y) if numeric else (y, False)
        y = as_numbers(_check_y(y, multi_output=True, estimator=estimator))
        y = np.where(missing, np.nan, y) if np.any(missing) else y
    else:
        y = np.asarray(y)
        if y.dtype.kind not in "fiub" or y.ndim > 4 or 0 in y.shape:
            raise DataError(
                f"y has shape {y.shape} and dtype {y.dtype}. Targets at every position "
                "are real numbers, or classes as whole numbers, of shape (n, L), "
                "(n, H, W) or (n, C, H, W), without an empty axis."
            )
        finite(_fill(y)[0] if numeric else y, "y")
        if y.dtype == np.float16:
            y = y.astype(np.float32)
    if numeric and y.dtype.kind in "OUS":
        try:
            # From objects, so that the error shows text without a dtype.
            y = y.astype(object).astype(np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"y holds text: {error}. {type(estimator).__name__} predicts numbers; "
                "for classes use PaReClassifier."
            ) from error
    return y


def _fill(y):
    """Return y with 0 for each missing target, and where these are.

    Targets of one number per sample cannot be missing.
    """
    values = np.asarray(y)
    if values.ndim < 2 or values.shape[1:] == (1,) or values.dtype.kind != "f":
        return y, False
    missing = np.isnan(values)
    return (np.where(missing, 0, values), missing) if missing.any() else (y, False)


def select(X, rows):
    """Select samples of X; arrays are not copied."""
    if is_frame(X):
        return X.iloc[rows]
    return (ChosenRows(X) if isinstance(X, np.ndarray) else X)[rows]


def shape_rows(X, input_shape):
    """Return X with samples of shape `input_shape`; flattened samples are reshaped.

    Of longer signals, positions at the end that hold nothing are left out.

    Parameters
    ----------
    X : ndarray, LazyArray or DataFrame of shape (n, ...)
    input_shape : sequence of int or None
        One entry may be -1 and then follows from the size of a sample. If None, X is
        returned unchanged.
    """
    if input_shape is None:
        return X
    numbers, wanted = math.prod(X.shape[1:]), sizes_of(X, input_shape)
    same_kind = len(wanted) == 2 and X.ndim == 3 and X.shape[1] == wanted[0]
    if same_kind and X.shape[2] > wanted[1] and isinstance(X, np.ndarray):
        return without_end(X, wanted[1])
    foldable = X.ndim == 2 and math.prod(wanted) == numbers
    if X.shape[1:] != wanted and not foldable:
        raise DataError(
            f"X has samples of shape {X.shape[1:]} with {numbers} numbers, which do "
            f"not fit input_shape={tuple(input_shape)}. Give X of shape "
            f"(n, {', '.join(map(str, wanted))}), or flattened samples of "
            f"{math.prod(wanted)} numbers, or another input_shape."
            f"{' Signals in a list may be shorter.' if len(wanted) == 2 else ''}"
        )
    return X if X.shape[1:] == wanted else X.reshape(len(X), *wanted)


def check_input_shape(input_shape):
    """Raise DataError for an invalid `input_shape`."""
    if input_shape is None:
        return
    whole = all(
        isinstance(size, Integral) and (size > 0 or size == -1) for size in input_shape
    )
    inferred = sum(size == -1 for size in input_shape)
    if not whole or inferred > 1 or len(input_shape) not in (2, 3):
        raise DataError(
            f"input_shape={input_shape!r} is not the shape of a sample. Use (C, L) for "
            "signals or (C, H, W) for images, with positive numbers of which one may "
            "be -1; for a table leave it None."
        )


def place_size(y, input_shape, *, channels):
    """Return the size (L,) or (H, W) of a dense target, or () for any other.

    Parameters
    ----------
    y : ndarray
    input_shape : tuple of int
        Shape (F,), (C, L) or (C, H, W) of one sample of X.
    channels : bool
        If True, y may have an axis of channels.

    Raises
    ------
    DataError
        If y has an axis that the samples of X lack.
    """
    n_axes = len(input_shape) - 1
    if y.ndim == 1 or (y.ndim == 2 and (n_axes != 1 or y.shape[1] != input_shape[1])):
        return ()
    allowed = (n_axes + 1, n_axes + 2) if channels and n_axes else (n_axes + 1,)
    if n_axes and y.ndim in allowed:
        return y.shape[-n_axes:]
    places = ["", "(n, L)", "(n, H, W)"][n_axes]
    fields = ["", "(n, C, L)", "(n, C, H, W)"][n_axes] if channels else ""
    forms = ", ".join(filter(None, ["(n,)", "(n, K)", places, fields]))
    raise DataError(
        f"y has shape {y.shape}, which samples of shape {tuple(input_shape)} cannot be "
        f"resampled to. For these samples give y of shape {forms}."
    )


def check_weights(sample_weight, X, name="sample_weight"):
    """Return the weights of samples, 1 by default, or raise if they are not usable."""
    if sample_weight is None:
        return np.ones(_num_samples(X))
    weight = plain(sample_weight, name)
    weight = _check_sample_weight(weight, X, dtype=np.float64)
    # Only for its error.
    positive(weight, weight)
    return weight


def positive(weight, X, *arrays):
    """Return the samples of positive weight: X, the arrays, and the weights.

    Raises
    ------
    DataError
        If a weight is negative or not finite, or none is positive.
    """
    if not np.isfinite(weight.sum()) or (weight < 0).any() or not (weight > 0).any():
        raise DataError(
            f"The sample weights, in fit times class_weight, range from "
            f"{weight.min():g} to {weight.max():g}. They must be finite and not "
            "negative, and at least one must be positive."
        )
    kept = weight > 0
    if kept.all():
        return X, *arrays, weight
    arrays = (array if array is None else array[kept] for array in arrays)
    return select(X, kept), *arrays, weight[kept]
