"""Validation of X and y, and their conversion to vectors and codes of classes."""

from numbers import Integral

import numpy as np
from sklearn.cluster import KMeans
from sklearn.utils import check_array, check_random_state
from sklearn.utils._param_validation import (
    Interval,
    StrOptions,
    validate_parameter_constraints,
)

from sklearn_pare._utils.arrays import is_missing, plain
from sklearn_pare.exceptions import DataError

_CHOICES = {
    "inner": [StrOptions({"exact", "gaussian", "sinkhorn"})],
    "max_samples": [Interval(Integral, 2, None, closed="left"), None],
}
# Real targets with more distinct values than this are numbers, not classes.
_MAX_VALUES = 20
_N_PSEUDO = 10


def check_choices(inner, max_samples, caller="dataset_distance"):
    """Raise InvalidParameterError for other choices than `caller` documents."""
    choices = {"inner": inner, "max_samples": max_samples}
    validate_parameter_constraints(_CHOICES, choices, caller)


def draw_seed(random_state):
    """Draw one seed for both sides, so that equal data sets keep equal samples."""
    return int(check_random_state(random_state).randint(2**31 - 1))


def vectors_and_codes(X, y, names, max_samples, seed):
    """Return vectors (m, d) in float64 and class codes (m,), drawn with ``seed``.

    ``names`` are the names of X and y in errors. Codes count from 0, and each occurs.
    """
    X = _vectors(X, names[0])
    if y is None:
        codes = np.zeros(len(X), np.int64)
    else:
        codes = pseudo_classes(check_targets(y, len(X), *names), seed, names[1])
    if max_samples is not None and len(X) > max_samples:
        order = np.random.RandomState(seed).permutation(len(X))
        kept = np.sort(order[:max_samples])
        X, codes = X[kept], codes[kept]
    return X, np.unique(codes, return_inverse=True)[1].reshape(-1)


def check_same_width(X_a, X_b, name_a="X_a", name_b="X_b"):
    """Raise DataError if both sides have different numbers of features."""
    if X_a.shape[1] != X_b.shape[1]:
        raise DataError(
            f"{name_a} has {X_a.shape[1]} features and {name_b} has {X_b.shape[1]}, "
            "but a distance needs the same number: embed both first, for instance by "
            "transform(X) of one fitted estimator."
        )


def _vectors(X, name):
    """Return finite vectors (n, d) in float64, a copy."""
    X = plain(X, name)
    try:
        X = check_array(
            X,
            dtype=np.float64,
            copy=True,
            ensure_all_finite=False,  # the message below is more precise
            allow_nd=True,
            ensure_min_samples=2,
            ensure_min_features=0,  # of 2-D arrays only
            input_name=name,
        )
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} cannot be used: {error}") from error
    if X.size == 0:
        raise DataError(f"{name} has shape {X.shape}, but needs at least 1 feature.")
    if not np.isfinite(X).all():
        place = tuple(np.argwhere(~np.isfinite(X))[0].tolist())
        raise DataError(
            f"{name} holds {X[place]} at {place}, but must be finite: drop such "
            "samples or use sklearn.impute.SimpleImputer."
        )
    return X.mean(1) if X.ndim == 3 else X.reshape(len(X), -1)


def check_targets(y, n, name_x="X", name_y="y"):
    """Return targets (n, ...) as an array, or raise DataError if one is missing."""
    y = np.asarray(plain(y, name_y))
    if y.ndim == 0 or len(y) != n:
        size = len(y) if y.ndim else "no"
        raise DataError(
            f"{name_x} has {n} samples and {name_y} has {size}, but each sample needs "
            f"a target: pass {name_y} of length {n}."
        )
    flat = y.reshape(n, -1)
    if y.dtype.kind == "O":
        missing = np.array([[is_missing(v) for v in values] for values in flat])
    else:
        # NaN and NaT differ from themselves.
        missing = flat != flat
    if missing.any():
        sample, position = np.argwhere(missing)[0]
        raise DataError(
            f"{name_y} holds {flat[sample, position]} in sample {sample}, but each "
            f"sample needs a target: drop such samples from {name_x} and {name_y}."
        )
    return y


def pseudo_classes(y, seed, name="y"):
    """Return codes (n,) of the classes of targets (n,) or (n, ...), none missing.

    Real numbers with more than 20 distinct values are divided at their deciles; several
    values per sample are clustered by k-means.
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


def _clusters(targets, name, seed):
    try:
        targets = targets.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{name} has {targets.shape[1]} values per sample that are no numbers "
            f"({error}): pass numbers, or one class per sample."
        ) from error
    if not np.isfinite(targets).all():
        raise DataError(f"{name} holds infinite values, but must be finite: drop them.")
    n_clusters = min(_N_PSEUDO, len(np.unique(targets, axis=0)))
    return KMeans(n_clusters, n_init=1, random_state=seed).fit_predict(targets)


def coarse_classes(features, y, seed):
    """Return codes (n,) of the classes y, or of clusters of features (n, d).

    Clusters, of at least 10 samples on average, are used if classes are smaller, since
    distances between tiny classes are little more than distances between samples.
    """
    codes = pseudo_classes(y, seed)
    if len(np.unique(codes)) * _N_PSEUDO <= len(codes):
        return codes
    n_clusters = min(_N_PSEUDO, len(features) // _N_PSEUDO)
    return KMeans(max(n_clusters, 1), n_init=1, random_state=seed).fit_predict(features)
