"""Containers and values of other libraries, which are read or refused."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from numbers import Real

import numpy as np
from scipy.sparse import issparse

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
    ): "Give their real and their imaginary parts as two columns or channels.",
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
    return indexed and not isinstance(data, Mapping | str | bytes)


def check_kind(y):
    """Raise DataError if y holds dates, complex numbers or other foreign objects."""
    if issparse(y):
        return
    values = np.asarray(y)
    objects = values.dtype == object
    types = set(map(type, values.flat)) if objects else {values.dtype.type}
    foreign = {kind for kind in types if not _is_target(kind)}
    value = next((value for value in values.flat if type(value) in foreign), None)
    if value is None:
        return
    advice = "Turn them into numbers or text."
    for kinds, text in _ADVICE.items():
        advice = text if isinstance(value, kinds) else advice
    raise DataError(
        f"y holds values of type {type(value).__name__}, such as {value!r}. Targets "
        "are numbers or, in a PaReClassifier, classes as text, whole numbers or "
        f"booleans. {advice}"
    )


def _is_target(kind):
    # Durations of numpy are numbers.Integral. Missing values of pandas are refused
    # with other missing values.
    if issubclass(kind, np.timedelta64):
        return False
    return issubclass(kind, _TARGETS) or kind.__name__ == "NAType"
