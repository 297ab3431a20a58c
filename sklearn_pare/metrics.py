"""Scores of the benchmarks, as functions and as scorers of scikit-learn."""

import numpy as np
from sklearn.metrics import make_scorer

from sklearn_pare._names import look_up
from sklearn_pare.exceptions import DataError


def nrmse(y_true, y_pred):
    """Mean over rows of the error relative to the row: normalised RMSE of PDEBench.

    The root mean square of ``y_true - y_pred`` over all channels and places of a row,
    over that of ``y_true`` [1]_. Fields are taken as they are: physical ones give the
    score in physical units, normalised ones another.

    Parameters
    ----------
    y_true : array-like of shape (n, ...)
        Without a row of zeros only.
    y_pred : array-like of shape (n, ...)

    Returns
    -------
    error : float
        0 is best.

    Raises
    ------
    DataError
        If the shapes differ, or a row of `y_true` is zero everywhere; a ValueError.

    References
    ----------
    .. [1] M. Takamoto et al. PDEBench: an extensive benchmark for scientific machine
       learning. NeurIPS Datasets and Benchmarks (2022).

    Examples
    --------
    >>> from sklearn_pare.metrics import nrmse
    >>> nrmse([[3.0, 4.0], [1.0, 1.0]], [[3.0, 3.0], [1.0, 1.0]])
    0.1
    """
    y_true, y_pred = (np.asarray(y, np.float64) for y in (y_true, y_pred))
    if y_true.shape != y_pred.shape or not y_true.size:
        raise DataError(
            f"y_true has shape {y_true.shape}, y_pred {y_pred.shape}. nrmse needs the "
            "same shape, with one row at least."
        )
    n = len(y_true)
    size = np.linalg.norm(y_true.reshape(n, -1), axis=1)
    if not size.all():
        raise DataError(
            f"Row {int(np.argmin(size))} of y_true is zero everywhere: nrmse divides "
            "by its root mean square. Leave the row out."
        )
    error = np.linalg.norm((y_true - y_pred).reshape(n, -1), axis=1)
    return float((error / size).mean())


_SCORERS = {"nrmse": make_scorer(nrmse, greater_is_better=False)}


def get_scorer(name):
    """A scorer by the name of a metric; errors have their sign changed.

    Parameters
    ----------
    name : str

    Returns
    -------
    scorer : callable
        Called with an estimator, X and y: greater is better.

    Raises
    ------
    UnknownNameError
        If there is no such metric; a ValueError.

    Examples
    --------
    >>> from sklearn.dummy import DummyRegressor
    >>> from sklearn_pare.metrics import get_scorer
    >>> X, y = [[0.0], [1.0]], [[2.0, 2.0], [2.0, 2.0]]
    >>> float(get_scorer("nrmse")(DummyRegressor().fit(X, y), X, y))
    -0.0
    """
    return look_up(_SCORERS, name, "metric")
