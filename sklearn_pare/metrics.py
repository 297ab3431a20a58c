"""Scorers of the benchmarks by name; a stand-in until the whole of them is merged."""

import numpy as np
from sklearn.metrics import accuracy_score, make_scorer

from sklearn_pare._names import check_name


def _nrmse(y, prediction):
    y, prediction = (np.reshape(a, (len(a), -1)) for a in (y, prediction))
    error = np.linalg.norm(y - prediction, axis=1) / np.linalg.norm(y, axis=1)
    return float(error.mean())


_METRICS = {"accuracy": (accuracy_score, True), "nrmse": (_nrmse, False)}


def get_scorer(name, **options):
    """A scorer of scikit-learn: greater is better."""
    function, greater = _METRICS[check_name(name, _METRICS, "metric")]
    return make_scorer(function, greater_is_better=greater, **options)


def as_error(name, score):
    """The error that tables show for a score."""
    return 1 - score if _METRICS[name][1] else -score
