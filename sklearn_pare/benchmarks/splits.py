"""Training, validation and test samples of a task, limited by a preset."""

import hashlib
from typing import NamedTuple

import numpy as np

from sklearn_pare._data.lazy import LazyArray

NAMES = ("train", "valid", "test")
# Number of targets, evenly spaced, that enter the hash of a split.
_HASHED = 1_000


class Part(NamedTuple):
    """Samples, targets and, if there are any, groups; all of length n."""

    X: object
    y: np.ndarray
    groups: np.ndarray | None


class Split(NamedTuple):
    """The three parts of a task, the name of a scorer, and a hash.

    The hash changes with the selected samples and with their targets.
    """

    train: Part
    valid: Part
    test: Part
    metric: str
    hash: str


def read(task, at_most, seed, data_home):
    """Read the parts of a task.

    ``at_most`` maps names of parts to their largest number of samples. The seed selects
    the training samples; the others are always the same.
    """
    parts, digest = [], hashlib.sha256()
    for name in NAMES:
        bunch = task.load(name, data_home)
        n_rows, rows = len(bunch.target), None
        if at_most.get(name, n_rows) < n_rows:
            rng = np.random.default_rng(seed if name == "train" else 0)
            classes = bunch.target if task.kind == "classes" else None
            rows = draw(n_rows, at_most[name], classes, rng)
        part = _select(Part(bunch.data, bunch.target, bunch.groups), rows)
        part = part._replace(y=_in_memory(part.y))
        if name in at_most:
            # Few samples: keep them in memory, and read them once.
            part = part._replace(X=_in_memory(part.X))
        if name == "valid" and task.kind == "classes":
            # fit refuses validation samples of classes without training samples.
            known = np.flatnonzero(np.isin(part.y, parts[0].y))
            part = part if len(known) == len(part.y) else _select(part, known)
        parts.append(part)
        _update(digest, name, n_rows, rows, part.y)
    return Split(*parts, bunch.metric, digest.hexdigest()[:16])


def draw(n_rows, n, classes, rng):
    """Draw the sorted indices of ``n`` samples.

    With classes (n_rows,), first one sample of each class is drawn, then samples of all
    classes in proportion.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_pare.benchmarks.splits import draw
    >>> y = np.repeat([0, 1], [98, 2])
    >>> np.bincount(y[draw(100, 10, y, np.random.default_rng(0))])
    array([9, 1])
    """
    order = rng.permutation(n_rows)
    if classes is not None:
        _, codes, counts = np.unique(
            classes[order], return_inverse=True, return_counts=True
        )
        # Position of a sample within its class, as a fraction of the class.
        by_class = np.argsort(codes, kind="stable")
        place = np.empty(n_rows)
        starts = np.cumsum(counts) - counts
        place[by_class] = np.arange(n_rows) - np.repeat(starts, counts)
        part = np.where(place == 0, -1.0, (place + 0.5) / counts[codes])
        order = order[np.argsort(part, kind="stable")]
    return np.sort(order[:n])


def _select(part, rows):
    """Return the selected samples in memory; with None, all samples unchanged."""
    if rows is None:
        return part
    groups = None if part.groups is None else part.groups[rows]
    return Part(_take(part.X, rows), _take(part.y, rows), groups)


def _take(array, rows):
    if isinstance(array, np.ndarray):
        return array[rows]
    return np.asarray(LazyArray(array)[rows], array.dtype)


def _in_memory(array):
    return array if isinstance(array, np.ndarray) else np.asarray(array[:])


def _update(digest, name, n_rows, rows, y):
    rows = np.arange(n_rows) if rows is None else rows
    some = np.unique(np.linspace(0, len(y) - 1, min(len(y), _HASHED)).astype(int))
    digest.update(f"{name} {n_rows} {y.shape} {y.dtype.str}".encode())
    digest.update(np.ascontiguousarray(rows, np.int64))
    digest.update(np.ascontiguousarray(y[some]))
