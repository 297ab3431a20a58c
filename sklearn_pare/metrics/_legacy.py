"""Variants of the metrics, as the code of ORCA and PaRe computes them.

All but those of proteins and clips are the mean of a metric over chunks of samples; the
last, smaller chunk has the same weight. The papers report figures of this kind.
"""

import functools

import numpy as np
from scipy.special import expit
from sklearn.metrics import accuracy_score, f1_score

from sklearn_pare._utils.arrays import plain
from sklearn_pare.metrics import _functions
from sklearn_pare.nn.losses import IGNORED

# Samples that this code evaluates at once.
_CHUNK = 1000
# Distance of a protein's map from the border of its canvas.
_BORDER = 5


def legacy_mae8(y_true, y_pred, *, length=None):
    """Compute MAE8 as the code of ORCA and PaRe does, one protein at a time.

    This code makes the prediction P symmetric in place, so that it compares
    0.75 P[j, i] + 0.25 P[i, j] for i < j. It uses the length of the first protein for
    all proteins.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n, 1, S, S) or (n, S, S)
        Distances in Angstrom, as in `mae8`.
    length : int, default=None
        Number of residues of the first protein of the whole list. None: that of the
        first sample.

    Returns
    -------
    error : float
        Infinite if a protein has no scored pair.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_pare.metrics import legacy_mae8
    >>> y = np.full((1, 40, 40), 100.0)
    >>> legacy_mae8(y, y)
    inf
    """
    y_true, y_pred = _functions._maps(y_true, y_pred)
    if length is None:
        # The last corner of the canvas is a position without residues.
        used = (y_true[0] != y_true[0, -1, -1]).any(0)
        length = int(np.flatnonzero(used).max(initial=-1)) + 1 - _BORDER
    inside = slice(_BORDER, _BORDER + max(length, 0))
    errors = [
        _functions._short_error(true, (0.75 * predicted.T + 0.25 * predicted))
        for true, predicted in zip(
            y_true[:, inside, inside], y_pred[:, inside, inside], strict=True
        )
    ]
    return float(np.mean([np.inf if error is None else error for error in errors]))


def legacy_pixel_auroc(y_true, y_score, *, chunk=_CHUNK):
    """Compute the mean over chunks of samples of the AUROC of ``logit > 0``.

    This is the mean of sensitivity and specificity; ignored pixels count as true
    negatives.

    Parameters
    ----------
    y_true, y_score : array-like
        As in `pixel_auroc`; the scores are logits.
    chunk : int, default=1000
        Number of samples per chunk.

    Returns
    -------
    area : float

    Raises
    ------
    DataError
        If shapes differ, or a chunk does not hold both 0 and 1 (ValueError).

    Examples
    --------
    >>> from sklearn_pare.metrics import legacy_pixel_auroc
    >>> legacy_pixel_auroc([[0, 0, 1, 1, -100]], [[-1.0, 2, -3, 4, 9]])
    0.5833333333333334
    """
    y_true, y_score = _functions._pixels(y_true, y_score)
    used = y_true != IGNORED
    hits, mask = (y_true > 0) & used, (y_score > 0) & used
    return _chunked(
        lambda a, b: _functions._area(a.ravel(), b.ravel()), chunk, hits, mask
    )


def legacy_mean_f1(y_true, y_pred, *, chunk=_CHUNK):
    """Compute the mean over chunks of samples of the mean F1 of their classes.

    Parameters
    ----------
    y_true, y_pred : array-like of int of shape (n,)
    chunk : int, default=1000
        Number of samples per chunk.

    Returns
    -------
    score : float

    Examples
    --------
    >>> from sklearn_pare.metrics import legacy_mean_f1
    >>> legacy_mean_f1([0, 1, 1, 1], [0, 1, 1, 1])
    1.0
    """
    score = functools.partial(f1_score, average="macro", zero_division=0)
    return _chunked(score, chunk, y_true, y_pred)


def legacy_accuracy(y_true, y_pred, *, chunk=_CHUNK):
    """Compute the mean over chunks of samples of the accuracy.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,)
    chunk : int, default=1000
        Number of samples per chunk.

    Returns
    -------
    score : float

    Examples
    --------
    >>> from sklearn_pare.metrics import legacy_accuracy
    >>> legacy_accuracy([0, 1, 2], [0, 1, 1], chunk=2)
    0.5
    """
    return _chunked(accuracy_score, chunk, y_true, y_pred)


def legacy_relative_l2(y_true, y_pred, *, chunk=_CHUNK):
    """Compute the mean over chunks of samples of `relative_l2`.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n, ...)
    chunk : int, default=1000
        Number of samples per chunk.

    Returns
    -------
    error : float

    Examples
    --------
    >>> from sklearn_pare.metrics import legacy_relative_l2
    >>> legacy_relative_l2([[1], [1], [1]], [[1], [1], [0]], chunk=2)
    0.5
    """
    return _chunked(
        _functions.relative_l2, chunk, *_functions._same_shape(y_true, y_pred)
    )


def legacy_label_auroc(y_true, y_score, *, chunk=_CHUNK):
    """Compute the mean of `label_auroc` over the chunks of samples where it is defined.

    Parameters
    ----------
    y_true, y_score : array-like of shape (n, K)
    chunk : int, default=1000
        Number of samples per chunk.

    Returns
    -------
    area : float
        NaN if it is undefined in all chunks.

    Examples
    --------
    >>> from sklearn_pare.metrics import legacy_label_auroc
    >>> legacy_label_auroc([[0], [1], [1]], [[0.2], [0.5], [0.1]], chunk=2)
    1.0
    """
    return _chunked(
        _functions._label_area, chunk, *_functions._same_shape(y_true, y_score)
    )


def legacy_clip_map(y_true, y_score, *, groups=None):
    """Compute `clip_map` of the sigmoid of the mean logit of each clip.

    Parameters
    ----------
    y_true, y_score : array-like of shape (n, K)
        The scores are logits.
    groups : array-like of shape (n,), default=None
        Clip of each sample. None: each sample is a clip of its own.

    Returns
    -------
    score : float

    Examples
    --------
    >>> from sklearn_pare.metrics import legacy_clip_map
    >>> y = [[1], [1], [0], [0]]
    >>> legacy_clip_map(y, [[4.0], [-6], [-0.5], [-0.5]], groups=[7, 7, 8, 8])
    0.5
    """
    y_true, y_score = _functions._by_clip(y_true, y_score, groups)
    return _functions.clip_map(y_true, expit(y_score))


def _chunked(score, chunk, y_true, y_pred):
    """Return the unweighted mean of the scores of all chunks, without None."""
    if chunk < 1:
        raise ValueError(f"chunk={chunk} is not a number of samples. Pass 1 or more.")
    y_true = np.asarray(plain(y_true, "y_true"))
    y_pred = np.asarray(plain(y_pred, "y_pred"))
    scores = [
        score(y_true[start : start + chunk], y_pred[start : start + chunk])
        for start in range(0, len(y_true), chunk)
    ]
    scores = [value for value in scores if value is not None]
    return float(np.mean(scores)) if scores else float("nan")
