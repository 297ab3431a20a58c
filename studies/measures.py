"""Error and quality of the probabilities of a fitted estimator."""

import math

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import average_precision_score, log_loss, r2_score, roc_auc_score

from sklearn_pare.metrics import relative_l2

_BINS = 15


def calibration_error(probabilities, y, n_bins=_BINS):
    """Compute the expected calibration error, from |confidence - accuracy| in bins.

    Parameters
    ----------
    probabilities : ndarray of shape (n, K)
    y : ndarray of shape (n,)
        Positions of the classes, 0 to K - 1.
    n_bins : int, default=15
        Bins of equal width in the probability of the predicted class.

    Returns
    -------
    error : float
        From 0 to 1; bins are weighted by their number of samples (Guo et al., "On
        Calibration of Modern Neural Networks", ICML 2017).

    Examples
    --------
    A classifier that is always certain, and right half of the time:

    >>> import numpy as np
    >>> from studies.measures import calibration_error
    >>> calibration_error(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1]))
    0.5
    """
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == y
    which = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    gap = np.bincount(which, confidence - right, n_bins)
    return float(np.abs(gap).sum() / len(y))


def probabilities(estimator, X):
    """Return the result of ``predict_proba``; for label sets an array (n, K)."""
    found = estimator.predict_proba(X)
    if isinstance(found, list):  # one array (n, 2) per label
        return np.stack([pair[:, 1] for pair in found], axis=1)
    return found


def measure(estimator, X, y):
    """Compute the error, and for classifiers measures of the probabilities.

    Parameters
    ----------
    estimator : object
        A fitted estimator.
    X : ndarray of shape (n, ...)
    y : ndarray of shape (n, ...)

    Returns
    -------
    figures : dict
        Smaller is better. "error": one minus accuracy for classes, one minus macro
        average precision for label sets, one minus AUROC for masks of two classes, root
        mean squared error over the standard deviation of y for numbers, mean relative
        L2 error for fields. "nll": negative log-likelihood in nats per sample, label or
        pixel; None for regressors. "ece": see ``calibration_error``; None unless each
        sample has one class.
    """
    nothing = {"nll": None, "ece": None}
    if not is_classifier(estimator):
        prediction = estimator.predict(X)
        if y.ndim > 1:
            return {"error": relative_l2(y, prediction)} | nothing
        return {"error": math.sqrt(1 - r2_score(y, prediction))} | nothing
    likely = probabilities(estimator, X)
    if y.ndim == 1:
        classes = estimator.classes_
        codes = np.searchsorted(classes, y)
        # In float32 the sum is not exactly one.
        likely = likely / likely.sum(1, keepdims=True, dtype=np.float64)
        return {
            "error": float(np.mean(likely.argmax(1) != codes)),
            "nll": log_loss(y, likely, labels=classes),
            "ece": calibration_error(likely, codes),
        }
    if y.ndim == 2:
        error = 1 - average_precision_score(y, likely)
    else:
        likely = likely[:, 1]
        error = 1 - roc_auc_score(y.ravel(), likely.ravel())
    nll = log_loss(y.ravel(), likely.ravel())
    return {"error": float(error), "nll": nll, "ece": None}
