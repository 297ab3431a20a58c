"""Metrics of fields and masks."""

import numpy as np
from sklearn.metrics import accuracy_score, f1_score, jaccard_score

from sklearn_pare._utils.scores import dense_r2
from sklearn_pare.exceptions import DataError
from sklearn_pare.metrics._functions import _same_shape


def r2(y_true, y_pred, *, channel_axis=None):
    """Compute the coefficient of determination of fields.

    This is one minus the squared error over the squared distance from the mean field,
    over all samples and positions.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n, ...)
    channel_axis : int, default=None
        Axis of channels, 1 for (n, C, L) and (n, C, H, W). The result is then the mean
        over the channels, so that their units do not matter, as in
        :meth:`sklearn_pare.PaReRegressor.score`.

    Returns
    -------
    score : float
        1 for a perfect prediction, 0 for the mean field.

    Examples
    --------
    >>> from sklearn_pare.metrics import r2
    >>> r2([[0.0, 1.0], [2.0, 3.0]], [[0.0, 1.0], [2.0, 2.0]])
    0.75
    """
    y_true, y_pred = _same_shape(y_true, y_pred)
    if channel_axis is None:
        return dense_r2(y_true, y_pred)
    channels = (np.moveaxis(y, channel_axis, 0) for y in (y_true, y_pred))
    return float(np.mean([dense_r2(*pair) for pair in zip(*channels, strict=True)]))


def rmse(y_true, y_pred):
    """Compute the root mean squared error over all samples and positions.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n, ...)

    Returns
    -------
    error : float

    Examples
    --------
    >>> from sklearn_pare.metrics import rmse
    >>> rmse([[0.0, 1.0], [2.0, 3.0]], [[0.0, 1.0], [2.0, 1.0]])
    1.0
    """
    y_true, y_pred = _same_shape(y_true, y_pred)
    return float(np.sqrt(np.square(y_true - y_pred).mean()))


def mae(y_true, y_pred):
    """Compute the mean absolute error over all samples and positions.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n, ...)

    Returns
    -------
    error : float

    Examples
    --------
    >>> from sklearn_pare.metrics import mae
    >>> mae([[0.0, 1.0], [2.0, 3.0]], [[0.0, 1.0], [2.0, 1.0]])
    0.5
    """
    y_true, y_pred = _same_shape(y_true, y_pred)
    return float(np.abs(y_true - y_pred).mean())


def iou(y_true, y_pred, *, ignore_index=None):
    """Compute the intersection over union of masks: the mean over their classes.

    Parameters
    ----------
    y_true, y_pred : array-like of int of shape (n, ...)
        Classes of positions. Classes that occur in neither are left out.
    ignore_index : int, default=None
        Value in ``y_true`` of positions that are not scored.

    Returns
    -------
    score : float
        1 for a perfect prediction.

    Examples
    --------
    >>> from sklearn_pare.metrics import iou
    >>> iou([[0, 0, 1, 1, 255]], [[0, 1, 1, 1, 0]], ignore_index=255)
    0.5833333333333333
    """
    used = _used(y_true, y_pred, ignore_index)
    return float(jaccard_score(*used, average="macro"))


def dice(y_true, y_pred, *, ignore_index=None):
    """Compute the Dice coefficient of masks, or F1 score: the mean over their classes.

    Parameters
    ----------
    y_true, y_pred : array-like of int of shape (n, ...)
        Classes of positions. Classes that occur in neither are left out.
    ignore_index : int, default=None
        Value in ``y_true`` of positions that are not scored.

    Returns
    -------
    score : float
        1 for a perfect prediction.

    Examples
    --------
    >>> from sklearn_pare.metrics import dice
    >>> dice([[0, 0, 1, 1, 255]], [[0, 1, 1, 1, 0]], ignore_index=255)
    0.7333333333333334
    """
    return float(f1_score(*_used(y_true, y_pred, ignore_index), average="macro"))


def pixel_accuracy(y_true, y_pred, *, ignore_index=None):
    """Compute the fraction of positions whose class is correct.

    Parameters
    ----------
    y_true, y_pred : array-like of int of shape (n, ...)
        Classes of positions.
    ignore_index : int, default=None
        Value in ``y_true`` of positions that are not scored.

    Returns
    -------
    score : float

    Examples
    --------
    >>> from sklearn_pare.metrics import pixel_accuracy
    >>> pixel_accuracy([[0, 0, 1, 1, 255]], [[0, 1, 1, 1, 0]], ignore_index=255)
    0.75
    """
    return float(accuracy_score(*_used(y_true, y_pred, ignore_index)))


def _used(y_true, y_pred, ignore_index):
    """Return the classes of the positions that are scored, (m,) each."""
    y_true, y_pred = _same_shape(y_true, y_pred)
    # All of them if there is no such value: no number equals None.
    used = y_true != ignore_index
    if not used.any():
        raise DataError(
            f"All positions of y_true hold ignore_index={ignore_index}, which are not "
            "scored. Pass samples with other positions."
        )
    return _classes(y_true[used], "y_true"), _classes(y_pred[used], "y_pred")


def _classes(values, name):
    """Return whole numbers as int64, or raise DataError if a number is not whole."""
    fractions = values[values % 1 != 0]
    if len(fractions):
        raise DataError(
            f"{name} holds {fractions[0]:g}: give classes, not probabilities."
        )
    return values.astype(np.int64)
