"""Rows of a task to train on, to select on and to test on, as a preset wants them."""

import hashlib
from typing import NamedTuple

import numpy as np

from sklearn_pare._lazy import LazyArray

NAMES = ("train", "valid", "test")
# Targets that enter the hash of a split, evenly spaced: those of fields are large.
_HASHED = 1_000


class Part(NamedTuple):
    """Rows, targets, and what groups rows, if there is such; arrays of n rows."""

    X: object
    y: np.ndarray
    groups: np.ndarray | None


class Split(NamedTuple):
    """All three parts.

    Attributes
    ----------
    train, valid, test : Part
    metric : str
        Name for `sklearn_pare.metrics.get_scorer`.
    hash : str
        Changes with the rows that are taken and with their targets.
    """

    train: Part
    valid: Part
    test: Part
    metric: str
    hash: str


def read(task, at_most, seed, data_home):
    """Read the parts of a task.

    Parameters
    ----------
    task : Task
    at_most : dict
        Name of a part -> rows at most. Those to train on are drawn by the seed, the
        others are always the same.
    seed : int
    data_home : path-like

    Returns
    -------
    split : Split
    """
    parts, digest = [], hashlib.sha256()
    for name in NAMES:
        bunch = task.load(name, data_home)
        y = _all(bunch.target)
        rows = None
        if at_most.get(name, len(y)) < len(y):
            rng = np.random.default_rng(seed if name == "train" else 0)
            rows = draw(y, at_most[name], task.kind == "classes", rng)
        part = _select(Part(bunch.data, y, bunch.groups), rows)
        if name == "valid" and task.kind == "classes":
            # What was not learned cannot be told right, and fit refuses it.
            known = np.flatnonzero(np.isin(part.y, parts[0].y))
            part = part if len(known) == len(part.y) else _select(part, known)
        parts.append(part)
        _update(digest, name, len(y), rows, part.y)
    return Split(*parts, bunch.metric, digest.hexdigest()[:16])


def draw(y, n, stratify, rng):
    """Row numbers of `n` rows, sorted.

    Parameters
    ----------
    y : ndarray of shape (n_rows, ...)
    n : int
    stratify : bool
        Whether y (n_rows,) are classes: one row of each as long as there is room, then
        all in proportion.
    rng : numpy.random.Generator

    Returns
    -------
    rows : ndarray of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_pare.benchmarks.splits import draw
    >>> y = np.repeat([0, 1], [98, 2])
    >>> np.bincount(y[draw(y, 10, True, np.random.default_rng(0))])
    array([9, 1])
    """
    order = rng.permutation(len(y))
    if stratify:
        _, codes, counts = np.unique(y[order], return_inverse=True, return_counts=True)
        # Place of a row among those of its class, as a part of them.
        by_class = np.argsort(codes, kind="stable")
        place = np.empty(len(y))
        starts = np.cumsum(counts) - counts
        place[by_class] = np.arange(len(y)) - np.repeat(starts, counts)
        part = np.where(place == 0, -1.0, (place + 0.5) / counts[codes])
        order = order[np.argsort(part, kind="stable")]
    return np.sort(order[:n])


def _all(array):
    """An array that may lie in a file, read whole."""
    return array if isinstance(array, np.ndarray) else np.asarray(array[:])


def _select(part, rows):
    """Some rows, in memory; all of them as they are, in a file perhaps."""
    if rows is None:
        return part
    X, y, groups = part
    X = X[rows] if isinstance(X, np.ndarray) else np.asarray(LazyArray(X)[rows])
    return Part(X, y[rows], None if groups is None else groups[rows])


def _update(digest, name, n_rows, rows, y):
    rows = np.arange(n_rows) if rows is None else rows
    some = np.unique(np.linspace(0, len(y) - 1, min(len(y), _HASHED)).astype(int))
    digest.update(f"{name} {n_rows} {y.shape} {y.dtype.str}".encode())
    digest.update(np.ascontiguousarray(rows, np.int64))
    digest.update(np.ascontiguousarray(y[some]))
