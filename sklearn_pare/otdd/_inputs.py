"""Features and targets as users have them -> rows (n, d) in float64 and class codes."""

import numbers

import numpy as np
from scipy.sparse import issparse
from sklearn.cluster import KMeans
from sklearn.utils import check_random_state

from sklearn_pare.exceptions import DataError

INNER = ("exact", "gaussian", "sinkhorn")
# Real targets with more distinct values than this are numbers, not classes.
_MAX_VALUES = 20
_N_PSEUDO = 10
_MISSING = ("NAType", "NaTType")


def check_choices(inner, max_samples):
    """Refuse what is not an inner distance or not a number of rows."""
    if not isinstance(inner, str) or inner not in INNER:
        raise DataError(
            f"inner={inner!r} is unknown: use one of "
            + ", ".join(f"inner={name!r}" for name in INNER)
            + "."
        )
    if max_samples is not None and (
        not isinstance(max_samples, numbers.Integral)
        or isinstance(max_samples, bool)
        or max_samples < 2
    ):
        raise DataError(
            f"max_samples={max_samples!r}, but it must be an integer of at least 2, "
            "or None for all rows: try max_samples=2000."
        )


def draw_seed(random_state):
    """One seed, to be used on both sides: equal data sets keep equal rows."""
    return int(check_random_state(random_state).randint(2**31 - 1))


def rows_and_codes(X, y, names, max_samples, seed):
    """Check one side and cut it down.

    Parameters
    ----------
    X : array-like of shape (n, ...)
    y : array-like of shape (n,) or (n, ...), or None
    names : tuple of str
        What errors call X and y.
    max_samples : int or None
    seed : int

    Returns
    -------
    rows : ndarray of shape (m, d), float64
    codes : ndarray of shape (m,), int64
        Classes counted from 0; each occurs.
    """
    rows = _features(X, names[0])
    codes = _codes(y, len(rows), *names, seed)
    if max_samples is not None and len(rows) > max_samples:
        order = np.random.RandomState(seed).permutation(len(rows))
        kept = np.sort(order[:max_samples])
        rows, codes = rows[kept], codes[kept]
    return rows, np.unique(codes, return_inverse=True)[1].reshape(-1)


def check_same_width(rows_a, rows_b, name_a="X_a", name_b="X_b"):
    """Refuse rows between which there is no Euclidean distance."""
    if rows_a.shape[1] != rows_b.shape[1]:
        raise DataError(
            f"{name_a} has {rows_a.shape[1]} features and {name_b} has "
            f"{rows_b.shape[1]}, but a distance needs as many on both sides: embed "
            "both first, for instance by transform(X) of one fitted estimator."
        )


def _features(X, name):
    if issparse(X):
        raise DataError(f"{name} is sparse, but must be dense: pass {name}.toarray().")
    try:
        X = np.asarray(X)
        if X.dtype.kind == "c":
            raise TypeError("complex numbers")
        X = X.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{name} is no array of real numbers ({error}): encode it first, for "
            f"instance by {name}.astype(float)."
        ) from error
    if X.ndim < 2:
        raise DataError(
            f"{name} has shape {X.shape}, but must have one row a sample: pass "
            f"{name}.reshape(-1, 1)."
        )
    if len(X) < 2:
        raise DataError(
            f"{name} has {len(X)} samples, but a distance between data sets needs at "
            "least 2 a side: pass more rows."
        )
    if X.size == 0:
        raise DataError(
            f"{name} has shape {X.shape}, but needs at least 1 feature: pass columns."
        )
    bad = ~np.isfinite(X)
    if bad.any():
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        raise DataError(
            f"{name} holds {X[place]} at {place}, but must be finite: drop such rows "
            "or use sklearn.impute.SimpleImputer."
        )
    return X.mean(1) if X.ndim == 3 else X.reshape(len(X), -1)


def _codes(y, n, name_x, name_y, seed):
    if y is None:
        return np.zeros(n, np.int64)
    return pseudo_classes(check_targets(y, n, name_x, name_y), seed, name_y)


def check_targets(y, n, name_x="X", name_y="y"):
    """Refuse targets that are not one a row, or are missing.

    Parameters
    ----------
    y : array-like of shape (n,) or (n, ...)
    n : int
        Number of rows.
    name_x, name_y : str
        What errors call both.

    Returns
    -------
    y : ndarray of shape (n,) or (n, ...)

    Raises
    ------
    DataError
        With the first missing value and its row.
    """
    y = np.asarray(y)
    if y.ndim == 0 or len(y) != n:
        size = len(y) if y.ndim else "no"
        raise DataError(
            f"{name_x} has {n} rows and {name_y} has {size}, but must have one target "
            f"a row: pass {name_y} of length {n}."
        )
    flat = y.reshape(n, -1)
    if y.dtype.kind == "O":
        missing = np.array([[_is_missing(value) for value in row] for row in flat])
    else:
        # NaN and NaT differ from themselves.
        missing = flat != flat
    if missing.any():
        row, column = np.argwhere(missing)[0]
        raise DataError(
            f"{name_y} holds {flat[row, column]} in row {row}, but each row needs a "
            f"target: drop such rows from {name_x} and {name_y}."
        )
    return y


def pseudo_classes(y, seed, name="y"):
    """Codes of classes, quantiles or clusters of targets, as the distance sees them.

    Parameters
    ----------
    y : ndarray of shape (n,) or (n, ...)
        Without missing values.
    seed : int
        Where k-means begins.
    name : str, default="y"
        What errors call it.

    Returns
    -------
    codes : ndarray of shape (n,), int
    """
    flat = y.reshape(len(y), -1)
    if flat.shape[1] > 1:
        return _clusters(flat, name, seed)
    try:
        values, codes = np.unique(flat[:, 0], return_inverse=True)
    except TypeError as error:
        raise DataError(
            f"{name} mixes classes that cannot be sorted ({error}): pass "
            f"{name}.astype(str)."
        ) from error
    if y.dtype.kind == "f" and len(values) > _MAX_VALUES:
        edges = np.quantile(flat[:, 0], np.arange(1, _N_PSEUDO) / _N_PSEUDO)
        return np.searchsorted(edges, flat[:, 0], side="right")
    return codes.reshape(-1)


def coarse_classes(features, y, seed):
    """Classes that have rows enough to have a shape: as they are, or clusters.

    A few hundred rows of a source of thousands of classes are about one a class; the
    distance between classes would be that between rows.

    Parameters
    ----------
    features : ndarray of shape (n, d)
    y : ndarray of shape (n,) or (n, ...)
        Classes of rows, or of every place of a row.
    seed : int
        Where k-means begins.

    Returns
    -------
    codes : ndarray of shape (n,), int
        Of 10 rows a class at least, on average.
    """
    codes = pseudo_classes(y, seed)
    if len(np.unique(codes)) * _N_PSEUDO <= len(codes):
        return codes
    n_clusters = min(_N_PSEUDO, len(features) // _N_PSEUDO)
    return KMeans(max(n_clusters, 1), n_init=1, random_state=seed).fit_predict(features)


def _is_missing(value):
    if value is None or type(value).__name__ in _MISSING:
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def _clusters(targets, name, seed):
    try:
        targets = targets.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{name} has {targets.shape[1]} values a row that are no numbers "
            f"({error}): pass numbers, or one class a row."
        ) from error
    if not np.isfinite(targets).all():
        raise DataError(f"{name} holds infinite values, but must be finite: drop them.")
    n_clusters = min(_N_PSEUDO, len(np.unique(targets, axis=0)))
    return KMeans(n_clusters, n_init=1, random_state=seed).fit_predict(targets)
