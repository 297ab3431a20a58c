"""R2 of fields, and its counterpart for quantiles."""

import numpy as np


def dense_r2(y, prediction, weight=None):
    """Compute R2 over all positions together.

    This is one minus the squared error over the squared distance from the mean field.
    Positions that do not vary, such as a fixed boundary, add nothing to the latter.

    Parameters
    ----------
    y, prediction : array-like of shape (n, ...)
    weight : array-like of shape (n,), optional

    Returns
    -------
    score : float
    """
    y, prediction = (
        np.reshape(np.asarray(a, np.float64), (len(a), -1)) for a in (y, prediction)
    )
    error = np.average(np.square(y - prediction), axis=0, weights=weight).sum()
    mean = np.average(y, axis=0, weights=weight)
    spread = np.average(np.square(y - mean), axis=0, weights=weight).sum()
    if spread == 0:
        # As in scikit-learn.
        return float(error == 0)
    return float(1 - error / spread)


def dense_d2(y, prediction, level, weight=None):
    """Compute the part of the pinball loss of constants that a prediction explains.

    This is one minus the pinball loss over all positions together, relative to that of
    the quantile of y at each position.

    Parameters
    ----------
    y, prediction : array-like of shape (n, ...)
    level : float
    weight : array-like of shape (n,), optional

    Returns
    -------
    score : float
    """
    y, prediction = (
        np.reshape(np.asarray(a, np.float64), (len(a), -1)) for a in (y, prediction)
    )
    weight = np.ones(len(y)) if weight is None else np.asarray(weight)
    constant = np.quantile(y, level, axis=0, weights=weight, method="inverted_cdf")

    def loss(guess):
        error = y - guess
        each = np.maximum(level * error, (level - 1) * error)
        return np.average(each, axis=0, weights=weight).sum()

    left, spread = loss(prediction), loss(constant)
    return float(left == 0) if spread == 0 else float(1 - left / spread)
