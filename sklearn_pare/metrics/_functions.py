"""Metrics of the benchmarks, computed on all samples at once."""

import numpy as np
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from sklearn_pare._utils.arrays import finite, plain
from sklearn_pare.exceptions import DataError
from sklearn_pare.nn.losses import IGNORED

# MAE8: least distance along the chain and largest distance in space of scored pairs,
# and lower bound of the prediction.
_APART, _NEAR, _LEAST = 24, 8.0, 0.01


def relative_l2(y_true, y_pred):
    """Compute the mean over samples of ``norm(y_pred - y_true) / norm(y_true)``.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n, ...)
        Values that are not standardised.

    Returns
    -------
    error : float
        0 for a perfect prediction.

    Raises
    ------
    DataError
        If shapes differ, or a sample of ``y_true`` is zero everywhere (ValueError).

    Examples
    --------
    >>> from sklearn_pare.metrics import relative_l2
    >>> relative_l2([[2.0, 2.0], [4.0, 4.0]], [[1.0, 1.0], [2.0, 2.0]])
    0.5
    """
    y_true, y_pred = _same_shape(y_true, y_pred)
    error = np.linalg.norm((y_pred - y_true).reshape(len(y_true), -1), axis=1)
    size = np.linalg.norm(y_true.reshape(len(y_true), -1), axis=1)
    if not size.all():
        raise DataError(
            f"Sample {int(size.argmin())} of y_true is 0 everywhere, so its relative "
            "error is not defined. Remove the sample."
        )
    return float((error / size).mean())


def nrmse(y_true, y_pred):
    """Compute the mean over samples of the root mean squared error, normalised.

    The error of a sample is divided by the root mean square of its ``y_true``. This is
    `relative_l2` under the name that PDEBench uses (M. Takamoto et al., NeurIPS 2022),
    and raises the same exceptions.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n, ...)

    Returns
    -------
    error : float
        0 for a perfect prediction.

    Examples
    --------
    >>> from sklearn_pare.metrics import nrmse
    >>> nrmse([[3.0, 4.0]], [[3.0, 3.0]])
    0.2
    """
    return relative_l2(y_true, y_pred)


def mae8(y_true, y_pred):
    """Compute the mean absolute error of short distances in proteins ("MAE8").

    The prediction is clipped from below at 0.01 and made symmetric. Pairs of residues
    are scored if they are at least 24 apart in the chain and at most 8 Angstrom apart
    in space. The result is the mean over the proteins that have such pairs.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n, 1, S, S) or (n, S, S)
        Distances in Angstrom. Positions of ``y_true`` without residues are not scored
        if they hold more than 8, as in the output of
        :func:`sklearn_pare.datasets.fetch_nas_bench_360`.

    Returns
    -------
    error : float
        Error in Angstrom.

    Raises
    ------
    DataError
        If shapes differ, or no protein has such a pair (ValueError).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_pare.metrics import mae8
    >>> y = np.full((1, 30, 30), 100.0)
    >>> y[0, 0, 29] = y[0, 29, 0] = 6
    >>> mae8(y, np.full((1, 30, 30), 7.5))
    1.5
    """
    y_true, y_pred = _maps(y_true, y_pred)
    errors = [
        error
        for true, predicted in zip(y_true, y_pred, strict=True)
        if (error := _short_error(true, (predicted + predicted.T) / 2)) is not None
    ]
    if not errors:
        raise DataError(
            f"None of {len(y_true)} proteins has a pair of residues {_APART} or more "
            f"apart in the chain and {_NEAR:g} Angstrom or less in space: MAE8 is not "
            "defined. Pass longer proteins, and distances in Angstrom."
        )
    return float(np.mean(errors))


def _short_error(true, predicted):
    """Return the error of the scored pairs i < j, or None if there are none."""
    near = np.triu(true <= _NEAR, _APART)
    return np.abs(true - predicted)[near].mean() if near.any() else None


def _maps(y_true, y_pred):
    """Return both arrays with shape (n, S, S), the prediction clipped."""
    y_true, y_pred = _same_shape(y_true, y_pred)
    if y_true.ndim == 4 and y_true.shape[1] == 1:
        y_true, y_pred = y_true[:, 0], y_pred[:, 0]
    if y_true.ndim != 3 or y_true.shape[1] != y_true.shape[2]:
        raise DataError(
            f"y_true has shape {y_true.shape}. Expected square maps, (n, 1, S, S) or "
            "(n, S, S)."
        )
    return y_true, np.maximum(y_pred, _LEAST)


def pixel_auroc(y_true, y_score):
    """Compute the area under the ROC curve over all pixels that are not ignored.

    Parameters
    ----------
    y_true : array-like of shape (n, ...)
        Masks of 0 and 1; pixels with -100 are ignored.
    y_score : array-like of shape (n, ...) or (n, 2, ...)
        Scores of class 1, or the logits of both classes.

    Returns
    -------
    area : float

    Raises
    ------
    DataError
        If shapes differ, or the masks do not hold both 0 and 1 (ValueError).

    Examples
    --------
    >>> from sklearn_pare.metrics import pixel_auroc
    >>> pixel_auroc([[0, 0, 1, 1, -100]], [[0.1, 0.4, 0.35, 0.8, 9]])
    0.75
    """
    y_true, y_score = _pixels(y_true, y_score)
    used = y_true != IGNORED
    return _area(y_true[used] > 0, y_score[used])


def _pixels(y_true, y_score):
    """Return masks and scores of class 1, both of the shape of the masks."""
    y_true = finite(y_true, "y_true")
    y_score = finite(y_score, "y_score").astype(np.float64)
    if y_score.ndim == y_true.ndim + 1 and y_score.shape[1] == 2:
        y_score = y_score[:, 1] - y_score[:, 0]
    return _same_shape(y_true, y_score)


def _area(hits, scores):
    if hits.all() or not hits.any():
        raise DataError(
            f"{int(hits.sum())} of {hits.size} pixels in y_true are 1: an ROC curve "
            "needs both 0 and 1. Pass more samples at once."
        )
    return float(roc_auc_score(hits, scores))


def mean_f1(y_true, y_pred, *, n_classes=4):
    """Compute the mean over classes of the F1 score, on all samples.

    Parameters
    ----------
    y_true, y_pred : array-like of int of shape (n,)
        Classes from 0.
    n_classes : int, default=4
        A class that occurs in neither array scores 0.

    Returns
    -------
    score : float

    Examples
    --------
    >>> from sklearn_pare.metrics import mean_f1
    >>> mean_f1([0, 1, 2, 3], [0, 1, 2, 2])
    0.6666666666666666
    """
    labels = np.arange(n_classes)
    y_true, y_pred = plain(y_true, "y_true"), plain(y_pred, "y_pred")
    return float(
        f1_score(y_true, y_pred, labels=labels, average="macro", zero_division=0)
    )


def label_auroc(y_true, y_score):
    """Compute the mean over labels of the area under the ROC curve, on all samples.

    Parameters
    ----------
    y_true : array-like of shape (n, K)
        0 and 1. Labels that hold only one of them are left out.
    y_score : array-like of shape (n, K)

    Returns
    -------
    area : float

    Raises
    ------
    DataError
        If shapes differ, or no label holds both 0 and 1 (ValueError).

    Examples
    --------
    >>> from sklearn_pare.metrics import label_auroc
    >>> label_auroc([[0, 1], [1, 1], [0, 1]], [[0.2, 0.1], [0.5, 0.2], [0.6, 0.3]])
    0.5
    """
    area = _label_area(*_same_shape(y_true, y_score))
    if area is None:
        raise DataError(
            "No label of y_true holds both 0 and 1: an ROC curve needs both. Pass more "
            "samples."
        )
    return area


def _label_area(y_true, y_score):
    """Return the mean over labels that hold 0 and 1, or None if there are none."""
    y_true = y_true > 0
    both = y_true.any(0) & ~y_true.all(0)
    if not both.any():
        return None
    pairs = zip(y_true.T[both], y_score.T[both], strict=True)
    return float(np.mean([roc_auc_score(*pair) for pair in pairs]))


def clip_map(y_true, y_score, *, groups=None):
    """Compute the mean over labels of the average precision on clips of sound.

    The score of a clip is the mean of the scores of its samples.

    Parameters
    ----------
    y_true : array-like of shape (n, K)
        0 and 1, the same for all samples of a clip. Labels without any 1 are left out.
    y_score : array-like of shape (n, K)
        Probabilities.
    groups : array-like of shape (n,), default=None
        Clip of each sample. None: each sample is a clip of its own.

    Returns
    -------
    score : float

    Raises
    ------
    DataError
        If shapes differ, or all labels are 0 (ValueError).

    Examples
    --------
    >>> from sklearn_pare.metrics import clip_map
    >>> y = [[1], [1], [0], [0]]
    >>> clip_map(y, [[0.9], [0.3], [0.5], [0.5]], groups=[7, 7, 8, 8])
    1.0
    """
    y_true, y_score = _by_clip(y_true, y_score, groups)
    present = y_true.any(0)
    if not present.any():
        raise DataError(
            "All labels of y_true are 0: precision is not defined. Pass more samples."
        )
    pairs = zip(y_true.T[present], y_score.T[present], strict=True)
    return float(np.mean([average_precision_score(*pair) for pair in pairs]))


def _by_clip(y_true, y_score, groups):
    """Return boolean labels of the clips, and the mean scores of their samples."""
    y_true, y_score = _same_shape(y_true, y_score)
    if groups is None:
        return y_true > 0, y_score
    _, number, counts = np.unique(groups, return_inverse=True, return_counts=True)
    if len(number) != len(y_true):
        raise DataError(
            f"groups has {len(number)} entries, y_true {len(y_true)} samples. Pass the "
            "clip of each sample, such as bunch.groups."
        )
    total = np.zeros((len(counts), *y_score.shape[1:]))
    np.add.at(total, number, y_score)
    labels = np.zeros(total.shape, bool)
    np.logical_or.at(labels, number, y_true > 0)
    return labels, total / counts[:, None]


def _same_shape(y_true, y_pred):
    """Return both as float arrays of one shape; (n, 1) is the same as (n,)."""
    y_true, y_pred = finite(y_true, "y_true"), finite(y_pred, "y_pred")
    if {y_true.shape, y_pred.shape} == {(len(y_true),), (len(y_true), 1)}:
        y_true, y_pred = y_true.ravel(), y_pred.ravel()
    if y_true.shape != y_pred.shape or not len(y_true):
        raise DataError(
            f"y_true has shape {y_true.shape}, the prediction {y_pred.shape}. Expected "
            "the same shape, and at least one sample."
        )
    kept = np.result_type(y_true, y_pred, np.float64)
    return y_true.astype(kept), y_pred.astype(kept)
