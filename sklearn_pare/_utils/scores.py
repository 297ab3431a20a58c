"""R2 of fields."""

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
