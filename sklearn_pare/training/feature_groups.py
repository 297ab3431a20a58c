"""Choice of the groups of features that the linear path of signals reads."""

import itertools

import numpy as np

from sklearn_pare._data.splits import grouped_folds

_FOLDS = 5
# Samples that the choice is made with; the time grows with their third power.
_SAMPLES = 1_000
# A group is left out if this lowers the error by this part or more. Groups that say
# little cost less than a wrong choice from few samples.
_MARGIN = 0.05


def choose_groups(grams, y, weight, groups, alphas, always=()):
    """Return the names of the groups of features with the lowest held-out error.

    Of all sets of each size, the best one counts, and it replaces a larger one only if
    it is better by a margin.

    Parameters
    ----------
    grams : dict of str to ndarray of shape (n, n)
        Products of the samples in the features of each group.
    y : ndarray of shape (n, K)
    weight : ndarray of shape (n,)
    groups : ndarray of int of shape (n,) or None
        Groups of samples that the folds do not divide; by default each sample is a
        fold of its own.
    alphas : ndarray
        Penalties of ridge regression.
    always : tuple of str, default=()
        Names of groups that every set contains.

    Returns
    -------
    names : tuple of str
    """
    index = _some(len(y), groups)
    y, weight = y[index], weight[index]
    folds = None
    if groups is not None:
        folds = [fold for _, fold in grouped_folds(None, groups[index], _FOLDS)]
    lowest, chosen = np.inf, tuple(grams)
    for size in range(len(grams), 0, -1):
        errors = {}
        for names in itertools.combinations(grams, size):
            if not set(always) <= set(names):
                continue
            gram = np.mean([grams[name][np.ix_(index, index)] for name in names], 0)
            errors[names] = held_out_error(gram, y, weight, folds, alphas)
        if not errors:
            break
        best = min(errors, key=errors.get)
        if errors[best] < (1 - _MARGIN) * lowest:
            lowest, chosen = errors[best], best
    return chosen


def _some(n, groups):
    """Return positions of at most 1,000 samples, from as many groups as possible."""
    order = np.random.RandomState(0).permutation(n)
    if n <= _SAMPLES or groups is None:
        return np.sort(order[:_SAMPLES])
    # The first sample of each group, the second of each group, and so on.
    own = groups[order]
    by_group = np.argsort(own, kind="stable")
    _, starts = np.unique(own[by_group], return_index=True)
    sizes = np.diff([*starts, n])
    rank = np.empty(n, dtype=int)
    rank[by_group] = np.arange(n) - np.repeat(starts, sizes)
    return np.sort(order[np.argsort(rank, kind="stable")][:_SAMPLES])


def held_out_error(gram, y, weight, folds, alphas):
    """Return the error of ridge regression in folds, in closed form.

    The residuals of a fold that is left out are those of the fit to all samples, times
    the inverse of the fold's block of I - H, where H maps targets to predictions.

    Parameters
    ----------
    gram : ndarray of shape (n, n)
    y : ndarray of shape (n, K)
    weight : ndarray of shape (n,)
    folds : list of ndarray of int, or None
        Samples of each fold; None for leave-one-out.
    alphas : ndarray
        The best of these penalties counts.

    Returns
    -------
    error : float
        Weighted mean square.
    """
    share = weight / weight.sum()
    means = share @ gram
    root = np.sqrt(share)[:, None]
    centred = (gram - means - means[:, None] + means @ share) * (root * root.T)
    eigenvalues, vectors = np.linalg.eigh(centred * len(y))
    eigenvalues = eigenvalues.clip(0)
    turned = vectors.T @ (root * (y - share @ y))
    errors = []
    for alpha in alphas:
        kept = alpha / (eigenvalues + alpha)
        residual = vectors @ (kept[:, None] * turned)
        if folds is None:
            left = np.square(vectors) @ kept - share
            own = residual / left.clip(1e-9)[:, None]
            errors.append(np.square(own).sum())
            continue
        error = 0.0
        for fold in folds:
            part = vectors[fold]
            block = (part * kept) @ part.T - root[fold] * root[fold].T
            error += np.square(np.linalg.solve(block, residual[fold])).sum()
        errors.append(error)
    return min(errors)
