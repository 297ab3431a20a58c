"""Containers and values of other libraries, which are read or refused."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from numbers import Real
from textwrap import shorten

import numpy as np
from scipy.sparse import issparse
from torch.utils.data import Dataset

from sklearn_pare._utils.arrays import as_numbers, is_missing
from sklearn_pare.exceptions import DataError

# Types of single targets. Missing ones are refused later.
_TARGETS = (str, bytes, Real, Decimal, np.bool_, type(None))
_ADVICE = {
    (date, np.datetime64): "Subtract a date and divide by a numpy.timedelta64 to have "
    "numbers, or make them text with .astype(str) to have classes.",
    (timedelta, np.timedelta64): "Divide them by a numpy.timedelta64 to have numbers.",
    (
        complex,
        np.complexfloating,
    ): "Complex data not supported: give their real and their imaginary parts as two "
    "columns or channels.",
    (np.ndarray, list): "Make them one array of numbers, (n, C, L) for signals or "
    "(n, C, H, W) for images.",
    (np.void, Mapping): "For a table give a pandas.DataFrame of them.",
}
_EXPECTED = {
    "X": "X holds real numbers or, in columns of a DataFrame, text.",
    "y": "Targets are numbers or, in a PaReClassifier, classes as text, whole numbers "
    "or booleans.",
}


def collected(data, name):
    """Return tables of other libraries as pandas DataFrames, and others unchanged.

    Parameters
    ----------
    data : object
        Lazy tables, such as those of polars and dask, are computed.
    name : str
        Name of the argument for errors.
    """
    # Looked up in the class, since columns of a DataFrame are attributes as well.
    kind = type(data)
    if hasattr(kind, "collect") and hasattr(kind, "collect_schema"):
        data = data.collect()
    elif hasattr(kind, "compute") and hasattr(kind, "columns"):
        data = data.compute()
    # Arrays of xarray have this method too.
    if hasattr(type(data), "to_pandas") and not hasattr(type(data), "dtype"):
        return data.to_pandas()
    if _holds_samples(data):
        return data
    kinds = {Mapping: "pandas.DataFrame", Iterator: "list"}
    calls = [call for kind, call in kinds.items() if isinstance(data, kind)]
    hint = "".join(f", such as {call}({name})" for call in calls)
    raise DataError(
        f"{name} is of type {type(data).__name__}. Expected an array, a DataFrame, a "
        f"tensor or a list with one item per sample{hint}."
    )


def _holds_samples(data):
    """Return whether data can be read as an array of samples."""
    if hasattr(data, "shape") or hasattr(data, "__array__"):
        return True
    indexed = hasattr(data, "__getitem__") and hasattr(data, "__len__")
    return indexed and not isinstance(data, Mapping | str | bytes | Dataset)


def as_text(y):
    """Return targets, with bytes and texts of numpy's StringDType as objects of str."""
    values = y if issparse(y) else np.asarray(y)
    if values.dtype.kind not in "OST":
        return y
    return as_numbers(_decode(values.astype(object)))


@partial(np.frompyfunc, nin=1, nout=1)
def _decode(value):
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    return value


def check_kind(values, name):
    """Raise DataError if X or y holds dates, complex numbers or other foreign objects.

    In y, missing objects and text among numbers are errors as well.
    """
    if issparse(values):
        return
    array = np.asarray(values)
    if array.dtype.kind == "U" and not hasattr(values, "dtype"):
        # numpy has made text of numbers.
        array = np.asarray(values, dtype=object)
    objects = array.dtype == object
    types = set(map(type, array.flat)) if objects else {array.dtype.type}
    foreign = {kind for kind in types if not _is_target(kind)}
    if array.ndim > 1:
        # scikit-learn expects a TypeError for a dict in a table.
        foreign.discard(dict)
    if foreign:
        value = next(value for value in array.flat if type(value) in foreign)
        advice = "Turn them into numbers or text."
        for kinds, text in _ADVICE.items():
            advice = text if isinstance(value, kinds) else advice
        raise DataError(
            f"{name} holds values of type {type(value).__name__}, such as "
            f"{shorten(repr(value), 80)}. {_EXPECTED[name]} {advice}"
        )
    if name == "y" and objects and types != {str}:
        _check_objects(array, types)


def _check_objects(y, types):
    missing = np.reshape([is_missing(value) for value in y.flat], y.shape)
    if missing.any():
        place = tuple(np.argwhere(missing)[0])
        raise DataError(
            f"y holds {y[place]!r}, a missing value, in sample {place[0]}. Give every "
            "sample a target, or leave the sample out."
        )
    texts = {kind for kind in types if issubclass(kind, str)}
    if texts and types - texts:
        names = " and ".join(sorted(kind.__name__ for kind in types))
        raise DataError(
            f"y holds values of the types {names}. Classes are all text or all "
            "numbers: convert them, such as with numpy.array(y, dtype=str)."
        )


def _is_target(kind):
    # Durations of numpy are numbers.Integral. Missing values of pandas are refused
    # with other missing values.
    if issubclass(kind, np.timedelta64):
        return False
    return issubclass(kind, _TARGETS) or kind.__name__ == "NAType"
