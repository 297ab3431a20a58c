"""Helpers for the tests of the solvers."""

import numpy as np

from sklearn_pare.datasets.simulate._pde import points, random_waves


def waves(n_samples, n_points, seed=0, highest=8):
    """Return random periodic states, (n, L)."""
    rng = np.random.RandomState(seed)
    return random_waves(n_samples, rng, highest)(points(n_points))


def error(found, expected):
    return np.abs(found - expected).mean()


def orders(errors):
    """Return the observed orders between grids or steps that halve."""
    return np.log2(np.array(errors[:-1]) / errors[1:])


def coarse(u, factor):
    """Return means over ``factor`` cells of the last axis."""
    return u.reshape(*u.shape[:-1], -1, factor).mean(-1)
