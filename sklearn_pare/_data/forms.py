"""Forms of X: containers, images of PIL, and axes that are missing or swapped."""

import math
import warnings

import numpy as np
from scipy.sparse import issparse

from sklearn_pare._data.foreign import check_kind, collected
from sklearn_pare._data.lazy import LazyArray, SparseRows, is_lazy
from sklearn_pare._data.lengths import padded, with_nan
from sklearn_pare._data.tables import is_frame, is_mixed
from sklearn_pare._utils.arrays import as_numpy, rows_of
from sklearn_pare.exceptions import DataError

# Sparse data that take more bytes as dense float32 are refused.
MAX_DENSE = 2**32


def read_samples(X, input_shape, fitted=None):
    """Return X in a form that scikit-learn or this package can read.

    `fitted` is the shape of a sample in fit, or None in fit.
    """
    table = input_shape is None
    if hasattr(X, "getbands"):
        raise DataError("X is one image. Give a list of images, such as [X].")
    if hasattr(X, "keys") and not (hasattr(X, "shape") or is_frame(X)):
        raise DataError(
            f"X is a {type(X).__name__} of several arrays: {', '.join(map(str, X))}. "
            "Give one array, such as X[name]; for a table give pandas.DataFrame(X)."
        )
    X = collected(X, "X")
    if issparse(X):
        X = _read_sparse(X, table)
        if isinstance(X, SparseRows):
            return X
    if is_frame(X):
        X = _without_sparse(X)
        if table or not is_mixed(X):
            return X
        # numpy has no pandas.NA.
        X = X.where(X.notna(), np.nan)
        check_kind(X.astype(object), "X")
        return X
    if is_lazy(X, table):
        return _add_axis(LazyArray(X), input_shape)
    X = rows_of(X)
    if isinstance(X, list):
        X = as_numpy(list(map(_channels_first, X)))
        X = padded(X, fitted or input_shape, fitting=fitted is None)
    X = check_even(as_numpy(X), "X")
    if not hasattr(X, "shape"):
        X = np.asarray(X)
        # From objects, so that errors show text without a dtype.
        X = X.astype(object) if X.dtype.kind == "U" else X
    return _add_axis(with_nan(X), input_shape)


def _read_sparse(X, table):
    """Return a sparse matrix as `SparseRows` of a table, or as an array."""
    _check_size(X.shape)
    if not table or X.ndim != 2:
        return X.toarray()
    X = X.tocsr()
    check_kind(X.data, "X")
    # As for arrays, small numbers do not need 64 bits.
    floats = X.dtype if X.dtype.kind == "f" else f"f{4 if X.dtype.itemsize < 4 else 8}"
    return SparseRows(X.astype(floats))


def _check_size(shape):
    """Raise DataError if sparse data of a shape would take too much memory."""
    n_bytes = 4 * math.prod(shape)
    if n_bytes > MAX_DENSE:
        raise DataError(
            f"X is sparse, of shape {tuple(shape)}, and takes {n_bytes / 2**30:.3g} GB "
            f"when dense; {MAX_DENSE / 2**30:.3g} GB are accepted. Give fewer columns, "
            "such as with sklearn.decomposition.TruncatedSVD, or fewer samples."
        )


def _without_sparse(X):
    """Return a DataFrame whose sparse columns, as those of pandas, are dense."""
    kinds = X.dtypes.items()
    sparse = {name: kind.subtype for name, kind in kinds if hasattr(kind, "fill_value")}
    if sparse:
        _check_size(X.shape)
    return X.astype(sparse) if sparse else X


def _without_ones(shape):
    return [size for size in shape if size != 1]


def _add_axis(X, input_shape):
    """Return X with axes of length 1 as in `input_shape`."""
    if input_shape is None or getattr(X, "ndim", 2) < 3:
        return X
    wanted = sizes_of(X, input_shape)
    same = _without_ones(wanted) == _without_ones(X.shape[1:])
    return X.reshape(len(X), *wanted) if same else X


def check_not_one(X, estimator):
    """Raise DataError if X is one sample without an axis of samples."""
    shape, one = tuple(X.shape), tuple(getattr(estimator, "input_shape_", ()))
    fits = len(shape) > len(one) or shape[1:2] == (estimator.n_features_in_,)
    if fits or _without_ones(shape) != _without_ones(one):
        return
    advice = f"X.reshape{(1, *one)}"
    if shape == one:
        advice = "X.to_frame().T" if hasattr(X, "to_frame") else "X[None]"
    raise DataError(
        f"X has shape {shape}, like one sample. Reshape your data to {(1, *one)}, with "
        f"{advice}."
    )


def check_form(X, shape):
    """Raise DataError unless X has the axes and channels of samples of a `shape`."""
    if len(shape) < 2 or (X.ndim == len(shape) + 1 and X.shape[1] == shape[0]):
        return
    advice = ""
    if X.ndim == len(shape) + 1 and X.shape[-1] == shape[0]:
        advice = " If the last axis holds the channels, give np.moveaxis(X, -1, 1)."
    elif math.prod(X.shape[1:]) == math.prod(shape):
        advice = f" If the samples are flattened, give np.reshape(X, {(-1, *shape)})."
    raise DataError(
        f"X has shape {tuple(X.shape)}, but the estimator was fitted to X of shape "
        f"(n, {', '.join(map(str, shape))}).{advice}"
    )


def _channels_first(row):
    """Return an image of PIL as an array (C, H, W), and anything else unchanged."""
    if not hasattr(row, "getbands"):
        return row
    # Numbers of colours say nothing.
    pixels = as_numpy(row.convert("RGB") if row.mode in ("P", "PA") else row)
    return pixels[None] if pixels.ndim == 2 else pixels


# What to do if samples have different shapes.
_EVEN = {
    "X": "Only signals may differ, in length: give arrays (C, L_i) with one number of "
    "channels, or set input_shape=(C, -1). Bring other samples to one shape.",
    "y": "Bring them to one shape: pad the short ones with numpy.pad, or resample with "
    "scipy.signal.resample.",
}


def check_even(rows, name):
    """Return a list or an array, or raise DataError for samples of different shapes."""
    if not isinstance(rows, list | tuple):
        return rows
    shapes = {}
    for position, row in enumerate(rows):
        try:
            shapes.setdefault(np.shape(row), position)
        except ValueError as error:
            raise DataError(
                f"Sample {position} of {name} is a list of parts of different lengths. "
                "Pad or resample them to one length."
            ) from error
    if len(shapes) > 1:
        (shape, row), (other, other_row), *_ = shapes.items()
        raise DataError(
            f"The samples of {name} have {len(shapes)} different shapes: sample {row} "
            f"has {shape}, sample {other_row} has {other}. {_EVEN[name]}"
        )
    return rows


def sizes_of(X, input_shape):
    """Return `input_shape` with the size that -1 stands for."""
    known = math.prod(size for size in input_shape if size != -1)
    inferred = math.prod(X.shape[1:]) // known
    return tuple(inferred if size == -1 else size for size in input_shape)


def warn_swapped(name, shape, input_shape=None):
    """Warn if the channels of signals or images seem to be in the last axis.

    That is if the last axis has at most 4 entries and the others have more, or if
    signals have at least as many channels as values and `input_shape` is None.

    Parameters
    ----------
    name : str
        Name of the array.
    shape : tuple of int
        (n, F), (n, C, L) or (n, C, H, W).
    input_shape : sequence of int, optional
        Shape of a sample as given by the user.
    """
    sizes = shape[1:]
    image = len(sizes) == 3 and sizes[2] <= 4 and min(sizes[:2]) > 4
    signal = len(sizes) == 2 and input_shape is None and sizes[0] > 4
    if not image and not (signal and sizes[0] >= sizes[1]):
        return
    advice = f"the last axis holds the channels, give np.moveaxis({name}, -1, 1)"
    if signal and sizes[0] == sizes[1]:
        advice = f"these are images, set input_shape={(1, *sizes)}"
    if signal and name == "X":
        advice += f"; if not, set input_shape={sizes}"
    places = " x ".join(map(str, sizes[1:]))
    warnings.warn(
        f"{name} has shape {shape}, that is {sizes[0]} channels of {places} numbers in "
        f"each sample. If {advice}.",
        UserWarning,
        stacklevel=5,
    )
