"""Distances between classes, each a cloud of points or its Gaussian."""

import logging

import numpy as np

from sklearn_pare.otdd._solvers import squared_w2

_LOG = logging.getLogger("sklearn_pare.otdd")

# From this many rows on a class keeps its own covariance.
FULL_ROWS = 11


def statistics(rows, codes, inner):
    """What is needed of each class, computed once.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
    codes : ndarray of shape (n,)
    inner : {"exact", "gaussian", "sinkhorn"}

    Returns
    -------
    list
        For each class its rows (n_c, d), or with "gaussian" its mean (d,) and a factor
        L (k, d) of its covariance L^T L.
    """
    clouds = [rows[codes == code] for code in range(codes.max() + 1)]
    if inner != "gaussian":
        return clouds
    means = [cloud.mean(0) for cloud in clouds]
    centred = [cloud - mean for cloud, mean in zip(clouds, means, strict=True)]
    factors = [_compress(cloud / np.sqrt(len(cloud))) for cloud in centred]
    few = [code for code, cloud in enumerate(clouds) if len(cloud) < FULL_ROWS]
    if few:
        _LOG.info("classes with fewer than %d rows are shrunk: %s", FULL_ROWS, few)
        pooled = _compress(np.concatenate(centred) / np.sqrt(len(rows)))
        for code in few:
            own = (len(clouds[code]) - 1) / (FULL_ROWS - 1)
            factors[code] = _compress(
                np.concatenate(
                    [np.sqrt(own) * factors[code], np.sqrt(1 - own) * pooled]
                )
            )
    return list(zip(means, factors, strict=True))


def _compress(factor):
    """At most d rows with the same covariance."""
    if len(factor) <= factor.shape[1]:
        return factor
    return np.linalg.qr(factor, mode="r")


def between(first, second, inner):
    """Squared distances of all classes of two sides, (n_first, n_second).

    A side with itself: the same list twice; each pair is then computed once.
    """
    result = np.zeros((len(first), len(second)))
    for i, one in enumerate(first):
        for j, other in enumerate(second):
            if second is not first:
                result[i, j] = _pair(one, other, inner)
            elif i < j:
                result[i, j] = result[j, i] = _pair(one, other, inner)
    return result


def _pair(one, other, inner):
    if inner == "gaussian":
        return bures(*one, *other)
    return squared_w2(one, other, exact=inner == "exact")


def bures(mean_a, factor_a, mean_b, factor_b):
    """Squared 2-Wasserstein distance of two Gaussians.

    With S = L^T L the trace of (S_a^1/2 S_b S_a^1/2)^1/2 is the nuclear norm of
    L_a L_b^T: no root of a matrix, and rank deficiency does no harm.
    """
    nuclear = np.linalg.svd(factor_a @ factor_b.T, compute_uv=False).sum()
    spread = (factor_a**2).sum() + (factor_b**2).sum() - 2 * nuclear
    return float(((mean_a - mean_b) ** 2).sum() + max(spread, 0.0))
