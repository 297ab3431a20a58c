"""Splits of samples, stratified by class if possible, and without splitting groups."""

import math
import warnings

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, train_test_split
from sklearn.utils.validation import check_consistent_length, column_or_1d

from sklearn_pare._utils.arrays import is_missing, plain
from sklearn_pare.exceptions import DataError


def check_groups(groups, X):
    """Return the groups of samples as numbers from 0, or None if there are none.

    Raises
    ------
    DataError
        If an entry is missing, or there is only one group.
    """
    if groups is None:
        return None
    groups = column_or_1d(plain(groups, "groups"))
    check_consistent_length(groups, X)
    missing = np.array([is_missing(group) for group in groups])
    if missing.any():
        raise DataError(
            f"groups has no entry for sample {int(missing.argmax())}. Give every "
            "sample a group, such as the patient or the device it comes from."
        )
    try:
        names, numbers = np.unique(groups, return_inverse=True)
    except TypeError as error:
        raise DataError(
            f"groups holds entries of several types: {error}. Use numbers or text."
        ) from error
    if len(names) < 2:
        raise DataError(
            f"groups holds one group only, {names.tolist()}. At least 2 are needed to "
            "hold one of them out; without groups, samples are held out at random."
        )
    return numbers


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
        return min(folds, key=lambda fold: abs(len(fold[1]) - count))
    if strata is not None and not can_stratify(n, count, strata):
        strata = None
    return train_test_split(
        np.arange(n), test_size=count, stratify=strata, random_state=seed
    )


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
    n_folds = min(n_folds, len(np.unique(groups)))
    if strata is None or np.unique(strata, return_counts=True)[1].max() < n_folds:
        strata = np.zeros(len(groups), int)
    folds = StratifiedGroupKFold(
        n_folds, shuffle=seed is not None, random_state=seed
    ).split(groups, strata, groups)
    with warnings.catch_warnings():
        # Rare classes cannot be in every fold.
        warnings.simplefilter("ignore", UserWarning)
        return list(folds)
