"""Splits of samples, stratified by class if possible, and without splitting groups."""

import math
import warnings

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, train_test_split
from sklearn.utils import check_random_state

from sklearn_pare._utils.arrays import is_missing, plain
from sklearn_pare.exceptions import DataError


def check_groups(groups, X):
    """Return the groups of samples as numbers, or None if there are none.

    Raises
    ------
    DataError
        If groups are not one entry per sample, or one is missing.
    """
    if groups is None:
        return None
    groups = np.asarray(plain(groups, "groups"))
    if groups.shape != (len(X),):
        raise DataError(
            f"groups has shape {groups.shape}; expected one entry for each of the "
            f"{len(X)} samples."
        )
    # NaN and NaT differ from themselves.
    missing = np.array([is_missing(group) or group != group for group in groups])
    if missing.any():
        raise DataError(
            f"groups has no entry for sample {int(missing.argmax())}. Give every "
            "sample a group, such as the patient or the device it comes from."
        )
    try:
        return np.unique(groups, return_inverse=True)[1]
    except TypeError as error:
        raise DataError(
            f"groups holds entries of several types: {error}. Use numbers or text."
        ) from error


def check_several(groups):
    """Raise DataError if there is only one group; None stands for no groups."""
    if groups is not None and len(np.unique(groups)) < 2:
        raise DataError(
            "groups holds one group only, without samples of weight 0. At least 2 are "
            "needed to hold one of them out; without groups, samples are held out at "
            "random."
        )


def n_held_out(n, fraction):
    """Return how many of n samples to hold out: at least two, for R2 to be defined."""
    count = max(2, math.ceil(fraction * n))
    if count >= n:
        raise DataError(
            f"validation_fraction={fraction} of {n} samples leaves none to train on. "
            "Give more samples, a smaller fraction, or X_val and y_val."
        )
    return count


def can_stratify(n, count, strata):
    """Return whether both parts of a split can hold samples of every class."""
    sizes = np.unique(strata, return_counts=True)[1]
    return sizes.min() >= 2 and len(sizes) <= min(count, n - count)


def split(n, count, strata, groups, seed):
    """Hold out `count` samples, or as many as whole groups allow.

    Parameters
    ----------
    n, count : int
    strata : ndarray of shape (n,) or None
        Classes to keep in proportion.
    groups : ndarray of int of shape (n,) or None
    seed : int

    Returns
    -------
    kept, held_out : ndarray of int64
        Indices of samples.
    """
    if groups is not None:
        folds = grouped_folds(strata, groups, max(2, round(n / count)), seed)
        classes = np.zeros(n) if strata is None else strata

        def rank(fold):
            lost = np.setdiff1d(classes, classes[fold[0]])
            return len(lost), abs(len(fold[1]) - count)

        return min(folds, key=rank)
    if strata is None or can_stratify(n, count, strata):
        return train_test_split(
            np.arange(n), test_size=count, stratify=strata, random_state=seed
        )
    # One sample of each class is kept, if there are enough others.
    order = check_random_state(seed).permutation(n)
    firsts = np.unique(strata[order], return_index=True)[1]
    order = np.concatenate([order[firsts], np.delete(order, firsts)])
    return order[: n - count], order[n - count :]


def grouped_folds(strata, groups, n_folds, seed=None):
    """Return pairs of indices (kept, held out) of at most `n_folds` folds of groups.

    Parameters
    ----------
    strata : ndarray of shape (n,) or None
    groups : ndarray of int of shape (n,)
    n_folds : int
    seed : int, optional
        Without it the folds are always the same.
    """
    names, groups = np.unique(groups, return_inverse=True)
    n_folds = min(n_folds, len(names))
    if seed is not None:
        # Not all versions of scikit-learn shuffle groups of equal size.
        groups = check_random_state(seed).permutation(len(names))[groups]
    if strata is None or np.unique(strata, return_counts=True)[1].max() < n_folds:
        strata = np.zeros(len(groups), int)
    folds = StratifiedGroupKFold(n_folds).split(groups, strata, groups)
    with warnings.catch_warnings():
        # Rare classes cannot be in every fold.
        warnings.simplefilter("ignore", UserWarning)
        return list(folds)
