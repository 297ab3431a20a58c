"""Metrics of the benchmarks, and scikit-learn scorers for them by name.

Beside each metric stands, under a name that starts with "legacy-", what the code of
ORCA and PaRe computes in its place.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from sklearn.metrics import accuracy_score, make_scorer

from sklearn_pare._utils import look_up
from sklearn_pare.metrics._functions import (
    clip_map,
    label_auroc,
    mae8,
    mean_f1,
    nrmse,
    pixel_auroc,
    relative_l2,
)
from sklearn_pare.metrics._legacy import (
    legacy_accuracy,
    legacy_clip_map,
    legacy_label_auroc,
    legacy_mae8,
    legacy_mean_f1,
    legacy_pixel_auroc,
    legacy_relative_l2,
)

__all__ = [
    "as_error",
    "clip_map",
    "get_scorer",
    "label_auroc",
    "legacy_accuracy",
    "legacy_clip_map",
    "legacy_label_auroc",
    "legacy_mae8",
    "legacy_mean_f1",
    "legacy_pixel_auroc",
    "legacy_relative_l2",
    "list_scorers",
    "mae8",
    "mean_f1",
    "nrmse",
    "pixel_auroc",
    "relative_l2",
]


@dataclass(frozen=True)
class _Metric:
    """A function, what it wants of an estimator, and which way is better."""

    function: Callable
    response: str | tuple = "predict"
    greater: bool = True


_SCORES = ("decision_function", "predict_proba")
_METRICS = {
    "accuracy": _Metric(accuracy_score),
    "clip-map": _Metric(clip_map, "predict_proba"),
    "label-auroc": _Metric(label_auroc, _SCORES),
    "mae8": _Metric(mae8, greater=False),
    "mean-f1": _Metric(mean_f1),
    "nrmse": _Metric(nrmse, greater=False),
    "pixel-auroc": _Metric(pixel_auroc, _SCORES),
    "relative-l2": _Metric(relative_l2, greater=False),
    "legacy-accuracy": _Metric(legacy_accuracy),
    "legacy-clip-map": _Metric(legacy_clip_map, "decision_function"),
    "legacy-label-auroc": _Metric(legacy_label_auroc, _SCORES),
    "legacy-mae8": _Metric(legacy_mae8, greater=False),
    "legacy-mean-f1": _Metric(legacy_mean_f1),
    "legacy-pixel-auroc": _Metric(legacy_pixel_auroc, "decision_function"),
    "legacy-relative-l2": _Metric(legacy_relative_l2, greater=False),
}


def list_scorers():
    """Names for `get_scorer`.

    Returns
    -------
    names : list of str
        The papers' variants last, with names that start with "legacy-".

    Examples
    --------
    >>> from sklearn_pare import metrics
    >>> metrics.list_scorers()[:3]
    ['accuracy', 'clip-map', 'label-auroc']
    """
    return sorted(_METRICS, key=lambda name: (name.startswith("legacy-"), name))


def get_scorer(name, **options):
    """A scikit-learn scorer: greater is better, errors have a minus sign.

    Parameters
    ----------
    name : str
        One of `list_scorers`.
    **options : object
        Arguments of the metric, such as ``groups=bunch.groups`` of "clip-map", whose
        rows are then those that are scored.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y)`` -> float. It also serves as `scoring` of
        :func:`sklearn.model_selection.cross_val_score`.

    Raises
    ------
    UnknownNameError
        If there is no such metric; a ValueError.
    TypeError
        If the metric has no such argument.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn_pare.metrics import get_scorer
    >>> X, y = load_iris(return_X_y=True)
    >>> round(get_scorer("accuracy")(DummyClassifier().fit(X, y), X, y), 3)
    0.333
    """
    metric = look_up(_METRICS, name, "metric")
    # Now, and not when the first model has been fitted.
    inspect.signature(metric.function).bind(None, None, **options)
    return make_scorer(
        metric.function,
        response_method=metric.response,
        greater_is_better=metric.greater,
        **options,
    )


def as_error(name, score):
    """The error that the benchmarks' tables show for a score.

    Parameters
    ----------
    name : str
        One of `list_scorers`.
    score : float or ndarray
        What its scorer gave.

    Returns
    -------
    error : float or ndarray
        The metric itself if it is an error, else one minus it.

    Raises
    ------
    UnknownNameError
        If there is no such metric; a ValueError.

    Examples
    --------
    >>> from sklearn_pare.metrics import as_error
    >>> as_error("accuracy", 0.75), as_error("relative-l2", -0.02)
    (0.25, 0.02)
    """
    return 1 - score if look_up(_METRICS, name, "metric").greater else -score
