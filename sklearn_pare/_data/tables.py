"""Encoding of tables of numbers and categories."""

import warnings
from collections import Counter

import numpy as np
from sklearn.preprocessing import OrdinalEncoder, StandardScaler

from sklearn_pare._data.lazy import LARGEST, SMALL, blocks, standardise
from sklearn_pare.exceptions import DataError

#: Of a column with more categories, the most frequent ones are kept.
MAX_CATEGORIES = 500
# Names that pandas.api.types.infer_dtype returns.
_NUMERIC = {
    "boolean", "decimal", "empty", "floating", "integer", "integer-na",
    "mixed-integer-float",
}  # fmt: skip
_PLAIN = {"boolean", "floating", "integer", "string"}
_ADVICE = {
    "datetime64": "Subtract a date and divide by a pandas.Timedelta, or take parts "
    "such as .dt.dayofyear.",
    "timedelta64": "Divide it by a pandas.Timedelta to have numbers.",
    "complex": "Give its real and its imaginary part as two columns.",
    "mixed-integer": "Make all its values text, with .astype(str), or all numbers, "
    "with pandas.to_numeric.",
}


def is_frame(X):
    """Return whether X is a DataFrame of pandas or of another library."""
    return hasattr(X, "dtypes") and hasattr(X, "columns")


def is_mixed(X):
    """Return whether X is a pandas DataFrame with columns other than plain numbers."""
    return is_frame(X) and any(
        not isinstance(dtype, np.dtype) or dtype.kind not in "fiub"
        for dtype in X.dtypes
    )


def check_table(X, names=None, *, fitting):
    """Raise DataError if a column cannot be encoded, and warn of empty columns in fit.

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n, F)
    names : sequence, optional
        Names of the columns.
    fitting : bool
    """
    largest = _largest_of_columns(X)
    names = _names(X) if names is None else names
    wrong = np.flatnonzero(largest > LARGEST)
    for column in wrong:
        name, value = names[column], largest[column]
        where = f"column {name!r} of X" if isinstance(name, str) else f"column {name}"
        if np.isfinite(value):
            raise DataError(
                f"In {where}, X reaches {value:g}; numbers up to {LARGEST:g} can be "
                "standardised. Divide it by a constant, or take its logarithm."
            )
        raise DataError(
            f"X holds infinity in {where}. Replace it by NaN, which stands for a "
            "missing value, or by a finite number."
        )
    empty = np.flatnonzero(np.isnan(largest))
    if not fitting or len(empty) == 0:
        return
    if len(empty) == len(largest):
        raise DataError(
            f"All values of X, of shape {X.shape}, are missing. Give samples with at "
            "least one value."
        )
    shown = ", ".join(repr(names[column]) for column in empty[:5])
    warnings.warn(
        f"{len(empty)} of {len(largest)} columns of X hold no value: {shown}"
        f"{', ...' if len(empty) > 5 else ''}. They have no effect, also where they "
        "hold values in predict.",
        UserWarning,
        stacklevel=6,
    )


def _largest_of_columns(X):
    """Return the largest absolute number of each column, 0 for text, NaN if empty."""
    if is_frame(X):
        return np.array([_largest(values) for values in _columns(X)])
    each = [_largest(np.asarray(X[rows])) for rows in blocks(X, size=SMALL)]
    return np.fmax.reduce(each).astype(np.float64)


def _names(X):
    return X.columns if is_frame(X) else range(X.shape[1])


def _largest(values):
    """Return the largest absolute number of each column, NaN if all are missing."""
    if values.dtype == object:
        return np.nan if (values == None).all() else 0.0  # noqa: E711
    return np.fmax(np.fmax.reduce(values), -np.fmin.reduce(values))


def _columns(X):
    """Yield columns as float arrays, or as object arrays with None for missing."""
    if isinstance(X, np.ndarray):
        yield from X.T
        return
    for position, name in enumerate(X.columns):
        yield _column(X.iloc[:, position], name)


def _column(column, name):
    from pandas.api.types import infer_dtype

    kind = infer_dtype(column)
    if kind in _NUMERIC:
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    if kind not in {"categorical", "string"}:
        advice = _ADVICE.get(kind, "Turn it into numbers or text, or drop it.")
        raise DataError(
            f"Column {name!r} of X has dtype {column.dtype} and holds {kind} values, "
            f"such as {column.dropna().iloc[0]!r}. Columns hold numbers, booleans, "
            f"text or categories. {advice}"
        )
    if kind == "categorical" and infer_dtype(column.cat.categories) not in _PLAIN:
        column = column.cat.rename_categories(str)
    return np.where(column.isna(), None, column.astype(object))


class TableEncoder:
    """Encoder of tables: numbers are standardised, categories become codes.

    Columns of text, of objects and of dtype category are categorical. Missing values
    and categories that were absent in fit become NaN.

    Attributes
    ----------
    categories_ : list
        One entry per column: None for numbers, else the sorted list of categories,
        which is empty for a column without any value.
    mean_, scale_ : ndarray of shape (F,)
        0 and 1 for categorical columns.
    """

    def fit(self, X):
        """Learn means, standard deviations and categories."""
        if is_frame(X):
            self.categories_ = list(map(_categories, _names(X), _columns(X)))
        else:
            empty = np.isnan(_largest_of_columns(X))
            self.categories_ = [[] if own else None for own in empty]
        self.mean_, self.scale_ = np.zeros(X.shape[1]), np.ones(X.shape[1])
        # In blocks of columns, since a block of rows may lack any value in a column.
        for columns in blocks(X, axis=1):
            some = X.iloc[:, columns] if is_frame(X) else np.asarray(X[:, columns])
            categories = self.categories_[columns]
            numeric = np.array([own is None for own in categories])
            numbers = _numbers(some, categories)
            if not numeric.all():
                numbers = np.where(numeric, numbers, 0.0)
            scaler = StandardScaler().fit(numbers)
            self.mean_[columns][numeric] = scaler.mean_[numeric]
            self.scale_[columns][numeric] = scaler.scale_[numeric]
        return self

    @property
    def cardinalities(self):
        """Number of categories of each column, 0 for numbers and without values."""
        return tuple(len(categories or ()) for categories in self.categories_)

    def transform(self, X):
        """Encode a table.

        Parameters
        ----------
        X : DataFrame of pandas, ndarray or ChosenRows of shape (n, F)
            The columns of fit, in their order.
        """
        encoded = np.empty(X.shape, dtype=np.float32)
        for rows in blocks(X, size=SMALL):
            some = X.iloc[rows] if is_frame(X) else np.asarray(X[rows])
            numbers = _numbers(some, self.categories_)
            encoded[rows] = standardise(numbers, self.mean_, self.scale_)
        return encoded


def _categories(name, values):
    """Return None for numbers, else at most `MAX_CATEGORIES` sorted categories.

    Without values there are no categories, so that all are unknown in predict.
    """
    if values.dtype != object:
        return [] if np.isnan(values).all() else None
    counts = Counter(values[values != None].tolist())  # noqa: E711
    found = sorted(counts)
    if len(found) <= MAX_CATEGORIES:
        return found
    warnings.warn(
        f"Column {name!r} of X holds {len(found):,} categories. The {MAX_CATEGORIES} "
        "most frequent ones are used, and the others are treated as missing. If the "
        "column only identifies samples, drop it.",
        UserWarning,
        stacklevel=8,
    )
    return sorted(sorted(found, key=counts.get, reverse=True)[:MAX_CATEGORIES])


def _numbers(X, categories):
    """Return numbers and codes of a table before standardisation."""
    if isinstance(X, np.ndarray) and all(own is None for own in categories):
        return X
    each = zip(_names(X), _columns(X), categories, strict=True)
    return np.column_stack([_encode(*column) for column in each])


def _encode(name, values, categories):
    """Return the numbers or codes of one column."""
    if categories == []:
        return np.full(len(values), np.nan)
    if categories is not None and values.dtype != object:
        values = np.where(np.isnan(values), None, values.astype(object))
    if values.dtype != object:
        return values
    present = values[values != None]  # noqa: E711
    if len(present) == 0:
        return np.full(len(values), np.nan)
    text = categories is not None and isinstance(categories[0], str)
    if categories is None or isinstance(present[0], str) != text:
        raise DataError(
            f"Column {name!r} of X holds {present[0]!r}; in fit it held "
            f"{'text' if text else 'numbers'}. Use the columns of fit, in the same "
            "order."
        )
    encoder = OrdinalEncoder(
        categories=[categories],
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
    ).fit(np.array([categories[:1]], dtype=object))
    return encoder.transform(values[:, None])[:, 0]
