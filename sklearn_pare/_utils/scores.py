"""R2 of fields, and its counterpart for quantiles."""

import numpy as np


def dense_r2(y, prediction, weight=None):
    """Compute R2 of predictions (n, ...) over all positions together.

    This is one minus the squared error over the squared distance from the mean field.
    Positions that do not vary, such as a fixed boundary, add nothing to the latter.
    Samples may have a ``weight`` (n,).
    """
    y, prediction = (
        np.reshape(np.asarray(a, np.float64), (len(a), -1)) for a in (y, prediction)
    )
    average = np.average
    if np.isnan(y).any():
        # Missing targets are left out, and positions without any.
        y, average = np.ma.masked_invalid(y), np.ma.average
    error = average(np.square(y - prediction), axis=0, weights=weight).sum()
    mean = average(y, axis=0, weights=weight)
    spread = average(np.square(y - mean), axis=0, weights=weight).sum()
    return _explained(error, spread)


def dense_d2(y, prediction, level, weight=None):
    """Compute the part of the pinball loss at a level that is explained.

    As `dense_r2`, relative to the loss of the quantile of y at each position.
    """
    y, prediction = (
        np.reshape(np.asarray(a, np.float64), (len(a), -1)) for a in (y, prediction)
    )
    # Positions without any target are left out.
    known = ~np.isnan(y).all(0)
    y, prediction = y[:, known], prediction[:, known]
    weight = np.ones(len(y)) if weight is None else np.asarray(weight)
    constant = [known_quantile(own, level, weight) for own in y.T]
    error, spread = (
        np.ma.average(np.maximum(level * e, (level - 1) * e), axis=0, weights=weight)
        for e in (np.ma.masked_invalid(y) - guess for guess in (prediction, constant))
    )
    return _explained(error.sum(), spread.sum())


def known_quantile(values, level, weight):
    """Return the weighted quantile of those values (n,) that are not NaN, or 0."""
    known = ~np.isnan(values)
    if not known.any():
        return 0.0
    options = {"weights": weight[known], "method": "inverted_cdf"}
    return np.quantile(values[known], level, **options)


def _explained(error, spread):
    if spread == 0:
        # As in scikit-learn.
        return float(error == 0)
    return float(1 - error / spread)
