"""Distances between classes, each a set of points or its Gaussian."""

import logging

import numpy as np

from sklearn_pare.otdd._solvers import squared_w2

_LOG = logging.getLogger("sklearn_pare.otdd")

# Classes with at least this many samples keep their own covariance.
FULL_SAMPLES = 11


def statistics(X, codes, inner):
    """Return what ``between`` needs of each class of X (n, d), in a list.

    This is its samples (n_c, d) or, if ``inner`` is "gaussian", its mean (d,) and a
    factor L (k, d) of its covariance L^T L.
    """
    clouds = [X[codes == code] for code in range(codes.max() + 1)]
    if inner != "gaussian":
        return clouds
    means = [cloud.mean(0) for cloud in clouds]
    centred = [cloud - mean for cloud, mean in zip(clouds, means, strict=True)]
    factors = [_compress(cloud / np.sqrt(len(cloud))) for cloud in centred]
    few = [code for code, cloud in enumerate(clouds) if len(cloud) < FULL_SAMPLES]
    if few:
        _LOG.info("covariances of the small classes %s are shrunk", few)
        pooled = _compress(np.concatenate(centred) / np.sqrt(len(X)))
        for code in few:
            own = (len(clouds[code]) - 1) / (FULL_SAMPLES - 1)
            parts = np.sqrt(own) * factors[code], np.sqrt(1 - own) * pooled
            factors[code] = _compress(np.concatenate(parts))
    return list(zip(means, factors, strict=True))


def _compress(factor):
    """Return a factor of the same covariance with at most d rows."""
    if len(factor) <= factor.shape[1]:
        return factor
    return np.linalg.qr(factor, mode="r")


def between(first, second, inner):
    """Return squared distances between the classes of two sides, (n_first, n_second).

    If both arguments are the same list, each pair is computed only once.
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
    """Return the squared 2-Wasserstein distance of two Gaussians.

    With S = L^T L, the trace of (S_a^1/2 S_b S_a^1/2)^1/2 is the nuclear norm of
    L_a L_b^T. This needs no matrix root and allows singular covariances.
    """
    nuclear = np.linalg.svd(factor_a @ factor_b.T, compute_uv=False).sum()
    spread = (factor_a**2).sum() + (factor_b**2).sum() - 2 * nuclear
    return float(((mean_a - mean_b) ** 2).sum() + max(spread, 0.0))
