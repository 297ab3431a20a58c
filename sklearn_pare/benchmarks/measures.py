"""How wrong a prediction is, how wrong its probabilities are, and what it costs."""

import math
import time

import numpy as np
import torch
from sklearn.base import is_classifier
from sklearn.metrics import average_precision_score, log_loss, r2_score, roc_auc_score
from threadpoolctl import threadpool_limits

from studies.unet import relative_l2

_BINS = 15


def calibration_error(probabilities, y, n_bins=_BINS):
    """Expected calibration error: mean of |confidence - accuracy| over bins.

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
        From 0 to 1, bins weighted by their rows (Guo et al., "On Calibration of Modern
        Neural Networks", ICML 2017).

    Examples
    --------
    Sure of everything, and right half of the time:

    >>> import numpy as np
    >>> from sklearn_pare.benchmarks.measures import calibration_error
    >>> calibration_error(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1]))
    0.5
    """
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == y
    which = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    gap = np.bincount(which, confidence - right, n_bins)
    return float(np.abs(gap).sum() / len(y))


def probabilities(estimator, X):
    """What `predict_proba` says; of label sets always an array (n, K)."""
    answer = estimator.predict_proba(X)
    if isinstance(answer, list):  # one array (n, 2) a label
        return np.stack([pair[:, 1] for pair in answer], axis=1)
    return answer


def measure(estimator, X, y):
    """Error, and for classes also what their probabilities are worth; less is better.

    Parameters
    ----------
    estimator : object
        Fitted.
    X : ndarray of shape (n, ...)
    y : ndarray of shape (n, ...)

    Returns
    -------
    figures : dict
        "error": one minus accuracy of classes, one minus macro average precision of
        label sets, one minus AUROC of two classes of pixels; of numbers the root mean
        squared error over the standard deviation of y, of fields the mean relative L2
        error. "nll": negative log-likelihood of a class, label or pixel in nats, None
        of numbers. "ece": see `calibration_error`, None but for classes of rows.
    """
    nothing = {"nll": None, "ece": None}
    if not is_classifier(estimator):
        prediction = estimator.predict(X)
        if y.ndim > 1:
            return {"error": float(relative_l2(y, prediction))} | nothing
        return {"error": math.sqrt(1 - r2_score(y, prediction))} | nothing
    likely = probabilities(estimator, X)
    if y.ndim == 1:
        classes = estimator.classes_
        codes = np.searchsorted(classes, y)
        # Float32 sums to one only nearly.
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


def on_one_thread(work):
    """Do some work on one thread: the time of two is no measure of it.

    That goes for torch and for linear algebra, whose results also differ in the last
    bits from one number of threads to another.

    Parameters
    ----------
    work : callable
        Without arguments.

    Returns
    -------
    result : object
    cpu : float
        Seconds of CPU time.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            start = time.process_time()
            result = work()
            return result, round(time.process_time() - start, 2)
    finally:
        torch.set_num_threads(threads)
