"""Metrics of fields, masks and benchmarks, and scikit-learn scorers for them by name.

Those of NAS-Bench-360 have a variant whose name starts with "legacy-": the value that
the code of ORCA and PaRe computes instead.
"""

import inspect
from collections.abc import Callable
from typing import NamedTuple

from sklearn.metrics import accuracy_score, make_scorer

from sklearn_pare._utils import look_up
from sklearn_pare.metrics._dense import dice, iou, mae, pixel_accuracy, r2, rmse
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
    "dice",
    "get_scorer",
    "iou",
    "label_auroc",
    "legacy_accuracy",
    "legacy_clip_map",
    "legacy_label_auroc",
    "legacy_mae8",
    "legacy_mean_f1",
    "legacy_pixel_auroc",
    "legacy_relative_l2",
    "list_scorers",
    "mae",
    "mae8",
    "mean_f1",
    "nrmse",
    "pixel_accuracy",
    "pixel_auroc",
    "r2",
    "relative_l2",
    "rmse",
]


class _Metric(NamedTuple):
    function: Callable
    response: str | tuple = "predict"
    greater: bool = True


_SCORES = ("decision_function", "predict_proba")
_METRICS = {
    "accuracy": _Metric(accuracy_score),
    "clip-map": _Metric(clip_map, "predict_proba"),
    "dice": _Metric(dice),
    "iou": _Metric(iou),
    "label-auroc": _Metric(label_auroc, _SCORES),
    "mae": _Metric(mae, greater=False),
    "mae8": _Metric(mae8, greater=False),
    "mean-f1": _Metric(mean_f1),
    "nrmse": _Metric(nrmse, greater=False),
    "pixel-accuracy": _Metric(pixel_accuracy),
    "pixel-auroc": _Metric(pixel_auroc, _SCORES),
    "r2": _Metric(r2),
    "relative-l2": _Metric(relative_l2, greater=False),
    "rmse": _Metric(rmse, greater=False),
    "legacy-accuracy": _Metric(legacy_accuracy),
    "legacy-clip-map": _Metric(legacy_clip_map, "decision_function"),
    "legacy-label-auroc": _Metric(legacy_label_auroc, _SCORES),
    "legacy-mae8": _Metric(legacy_mae8, greater=False),
    "legacy-mean-f1": _Metric(legacy_mean_f1),
    "legacy-pixel-auroc": _Metric(legacy_pixel_auroc, "decision_function"),
    "legacy-relative-l2": _Metric(legacy_relative_l2, greater=False),
}


def list_scorers():
    """List the names that `get_scorer` accepts.

    Returns
    -------
    names : list of str
        Names that start with "legacy-" come last.

    Examples
    --------
    >>> from sklearn_pare import metrics
    >>> metrics.list_scorers()[:3]
    ['accuracy', 'clip-map', 'dice']
    """
    return sorted(_METRICS, key=lambda name: (name.startswith("legacy-"), name))


def get_scorer(name, **options):
    """Return a scikit-learn scorer by name. Errors are negated: greater is better.

    Parameters
    ----------
    name : str
        One of `list_scorers`.
    **options : object
        Arguments of the metric, such as ``groups=bunch.groups`` for "clip-map". The
        groups must be those of the samples that are scored.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y)`` returns a float. It can be passed as ``scoring`` to
        :func:`sklearn.model_selection.cross_val_score`.

    Raises
    ------
    UnknownNameError
        If there is no such metric (ValueError).
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
    # Report wrong options now, and not after the first fit.
    inspect.signature(metric.function).bind(None, None, **options)
    return make_scorer(
        metric.function,
        response_method=metric.response,
        greater_is_better=metric.greater,
        **options,
    )


def as_error(name, score):
    """Convert the score of a scorer to an error, as in the tables of the benchmarks.

    Parameters
    ----------
    name : str
        One of `list_scorers`.
    score : float or ndarray
        Value returned by the scorer.

    Returns
    -------
    error : float or ndarray
        The metric itself if it is an error, otherwise one minus the metric.

    Examples
    --------
    >>> from sklearn_pare.metrics import as_error
    >>> as_error("accuracy", 0.75), as_error("relative-l2", -0.02)
    (0.25, 0.02)
    """
    return 1 - score if look_up(_METRICS, name, "metric").greater else -score
