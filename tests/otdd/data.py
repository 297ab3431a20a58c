"""Labelled data for the tests of the distance."""

import numpy as np


def clusters(seed, n=40, d=3, n_classes=4, shift=0.0):
    """X (n, d) with a cluster for each class, and y (n,)."""
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, n)])[:n]
    centres = 2 * rng.normal(size=(n_classes, d))
    return centres[y] + rng.normal(size=(n, d)) + shift, y
