"""What the code of ORCA and PaRe computes in place of the metrics.

All but that of clips is taken on chunks of the rows, whose values are averaged with
equal weight, the last, smaller chunk's too. Figures of the papers are of this kind.
"""

import numpy as np
from scipy.special import expit
from sklearn.metrics import accuracy_score, f1_score

from sklearn_pare.metrics._functions import (
    _area,
    _by_clip,
    _label_area,
    _maps,
    _pixels,
    _same_shape,
    _short_error,
    clip_map,
    relative_l2,
)
from sklearn_pare.nn.losses import IGNORED

# Rows that the reference evaluates at once; proteins one by one.
_CHUNK = 1000
# How far a protein's map is from the border of its canvas.
_BORDER = 5


def legacy_mae8(y_true, y_pred, *, length=None):
    """MAE8 as the reference computes it, one protein at a time.

    It makes the prediction P symmetric in place, so that 0.75 P[j, i] + 0.25 P[i, j] is
    compared for i < j, and takes every protein to be as long as the first.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n, 1, S, S) or (n, S, S)
        Distances in Angstrom, as in `mae8`.
    length : int, default=None
        Residues of the first protein of the whole list; None: of the first row.

    Returns
    -------
    error : float
        Infinite if a protein has no pair that counts.

    Raises
    ------
    DataError
        If shapes differ; a ValueError.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_pare.metrics import legacy_mae8
    >>> y = np.full((1, 40, 40), 100.0)
    >>> legacy_mae8(y, y)
    inf
    """
    y_true, y_pred = _maps(y_true, y_pred)
    if length is None:
        # The last place that is no residue is a corner of the canvas.
        used = (y_true[0] != y_true[0, -1, -1]).any(0)
        length = int(np.flatnonzero(used).max(initial=-1)) + 1 - _BORDER
    inside = slice(_BORDER, _BORDER + max(length, 0))
    errors = [
        _short_error(true, (0.75 * predicted.T + 0.25 * predicted))
        for true, predicted in zip(
            y_true[:, inside, inside], y_pred[:, inside, inside], strict=True
        )
    ]
    return float(np.mean([np.inf if error is None else error for error in errors]))


def legacy_pixel_auroc(y_true, y_score, *, chunk=_CHUNK):
    """Area under the ROC curve of the mask ``logit > 0``, ignored pixels as right.

    That is the mean of sensitivity and specificity, with ignored pixels counted as true
    negatives.

    Parameters
    ----------
    y_true, y_score : array-like
        As in `pixel_auroc`; scores are logits.
    chunk : int, default=1000
        Rows evaluated at once.

    Returns
    -------
    area : float

    Raises
    ------
    DataError
        As in `pixel_auroc`, for any chunk; a ValueError.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_pare.metrics import legacy_pixel_auroc
    >>> legacy_pixel_auroc([[0, 0, 1, 1, -100]], [[-1.0, 2, -3, 4, 9]])
    0.5833333333333334
    """
    y_true, y_score = _pixels(y_true, y_score)
    used = y_true != IGNORED
    hits, mask = (y_true > 0) & used, (y_score > 0) & used
    return _chunked(lambda a, b: _area(a.ravel(), b.ravel()), chunk, hits, mask)


def legacy_mean_f1(y_true, y_pred, *, chunk=_CHUNK):
    """Mean over chunks of the mean F1 of the classes that occur in the chunk.

    Parameters
    ----------
    y_true, y_pred : array-like of int of shape (n,)
    chunk : int, default=1000
        Rows evaluated at once.

    Returns
    -------
    score : float

    Examples
    --------
    >>> from sklearn_pare.metrics import legacy_mean_f1
    >>> legacy_mean_f1([0, 1, 1, 1], [0, 1, 1, 1])
    1.0
    """

    def score(true, predicted):
        return f1_score(true, predicted, average="macro", zero_division=0)

    return _chunked(score, chunk, np.asarray(y_true), np.asarray(y_pred))


def legacy_accuracy(y_true, y_pred, *, chunk=_CHUNK):
    """Mean over chunks of the accuracy.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,)
    chunk : int, default=1000
        Rows evaluated at once.

    Returns
    -------
    score : float

    Examples
    --------
    >>> from sklearn_pare.metrics import legacy_accuracy
    >>> legacy_accuracy([0, 1, 2], [0, 1, 1], chunk=2)
    0.5
    """
    return _chunked(accuracy_score, chunk, np.asarray(y_true), np.asarray(y_pred))


def legacy_relative_l2(y_true, y_pred, *, chunk=_CHUNK):
    """Mean over chunks of `relative_l2`.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n, ...)
    chunk : int, default=1000
        Rows evaluated at once.

    Returns
    -------
    error : float

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_pare.metrics import legacy_relative_l2
    >>> legacy_relative_l2(np.ones((3, 2)), [[1, 1], [1, 1], [0, 0]], chunk=2)
    0.5
    """
    return _chunked(relative_l2, chunk, *_same_shape(y_true, y_pred))


def legacy_label_auroc(y_true, y_score, *, chunk=_CHUNK):
    """Mean over chunks of `label_auroc`; chunks where it is undefined are left out.

    Parameters
    ----------
    y_true, y_score : array-like of shape (n, K)
    chunk : int, default=1000
        Rows evaluated at once.

    Returns
    -------
    area : float
        NaN if it is defined in no chunk.

    Examples
    --------
    >>> from sklearn_pare.metrics import legacy_label_auroc
    >>> legacy_label_auroc([[0], [1], [1]], [[0.2], [0.5], [0.1]], chunk=2)
    1.0
    """
    return _chunked(_label_area, chunk, *_same_shape(y_true, y_score))


def legacy_clip_map(y_true, y_score, *, groups=None):
    """`clip_map` of the sigmoid of the mean logit of a clip's rows.

    Parameters
    ----------
    y_true, y_score : array-like of shape (n, K)
        Scores are logits.
    groups : array-like of shape (n,), default=None
        Clip of each row; None: each is its own.

    Returns
    -------
    score : float

    Raises
    ------
    DataError
        As in `clip_map`; a ValueError.

    Examples
    --------
    >>> from sklearn_pare.metrics import legacy_clip_map
    >>> y = [[1], [1], [0], [0]]
    >>> legacy_clip_map(y, [[4.0], [-6], [-0.5], [-0.5]], groups=[7, 7, 8, 8])
    0.5
    """
    y_true, y_score = _same_shape(y_true, y_score)
    if groups is not None:
        y_true, y_score = _by_clip(y_true, y_score, groups)
    return clip_map(y_true, expit(y_score))


def _chunked(score, chunk, y_true, y_pred):
    """Mean of the scores of chunks, whatever their size; None is left out."""
    if chunk < 1:
        raise ValueError(f"chunk={chunk} is no number of rows. Give 1 or more.")
    scores = [
        score(y_true[start : start + chunk], y_pred[start : start + chunk])
        for start in range(0, len(y_true), chunk)
    ]
    scores = [value for value in scores if value is not None]
    return float(np.mean(scores)) if scores else float("nan")
