"""What the distance between data sets costs: time and memory as the rows grow."""

import multiprocessing
import statistics
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import torch

from sklearn_pare.otdd import Alignment, dataset_distance

#: Rows a side.
SIZES = (500, 1_000, 2_000, 4_000, 8_000, 20_000)
# Beyond, the exact distances between classes take minutes.
_EXACT_CLASSES = 4_000
_DIM, _CLASSES = 64, 10
_MEGA = 1e6


def clouds(n, seed=0):
    """Two sides of n rows in 64 dimensions, each of 10 normal classes: X, y, X, y."""
    rng = np.random.default_rng(seed)
    parts = []
    for shift in (0.0, 0.5):
        centres = rng.normal(scale=2.0, size=(_CLASSES, _DIM)) + shift
        y = rng.integers(_CLASSES, size=n)
        parts += [centres[y] + rng.normal(size=(n, _DIM)), y]
    return parts


def _measure(n, inner):
    """Seconds of one distance, and megabytes that it needed beside its input."""
    import resource  # only on Unix

    sides = clouds(n)
    small = clouds(50)
    dataset_distance(*small, inner=inner)  # imports and threads
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    dataset_distance(*sides, inner=inner)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return seconds, (after - before) * 1024 / _MEGA


def growth(sizes, log):
    """Cost of `dataset_distance`, each in a fresh process.

    Parameters
    ----------
    sizes : sequence of int
        Rows a side.
    log : callable
        Gets a line of text after each distance.

    Returns
    -------
    rows : list of tuple
        (rows a side, inner, seconds, megabytes).
    """
    context = multiprocessing.get_context("spawn")
    rows = []
    with ProcessPoolExecutor(1, context, max_tasks_per_child=1) as pool:
        for n in sizes:
            for inner in ("exact", "gaussian"):
                if inner == "gaussian" or n <= _EXACT_CLASSES:
                    cost = pool.submit(_measure, n, inner).result()
                    rows.append((n, inner, *cost))
                    log(f"{n} rows  {inner}  {cost[0]:.1f} s  {cost[1]:.0f} MB")
    return rows


def gradient_ratio(inner, repeats=5):
    """Time of a gradient with all class pairs computed anew over that with a cache.

    The source has 2,000 rows of 20 classes, a batch 64 rows of 10 classes, all in 64
    dimensions.

    Parameters
    ----------
    inner : {"exact", "gaussian"}
    repeats : int

    Returns
    -------
    ratio : float
        Median of paired ratios.
    """
    rng = np.random.default_rng(0)
    source, y_source = rng.normal(size=(2_000, _DIM)), np.arange(2_000) % 20
    features, y = torch.from_numpy(rng.normal(size=(64, _DIM))), np.arange(64) % 10

    def seconds(alignment, held):
        leaf = features.clone().requires_grad_()
        start = time.perf_counter()
        alignment().loss(leaf, y, label_distances=held).backward()
        return time.perf_counter() - start

    def anew():
        return Alignment(source, y_source, inner=inner)

    cached = anew()
    held = cached.label_distances(features, y)
    ratios = [
        seconds(anew, None) / seconds(lambda: cached, held) for _ in range(repeats + 1)
    ]
    return statistics.median(ratios[1:])  # the first pair warms up


def table(rows):
    """Markdown of `growth`, and the ratio of gradients."""
    lines = [
        f"{torch.get_num_threads()} threads",
        "",
        "| rows a side | distance between classes | seconds | megabytes |",
        "|---|---|---|---|",
    ]
    lines += [f"| {n:,} | {inner} | {s:.2f} | {mb:.0f} |" for n, inner, s, mb in rows]
    for inner in ("exact", "gaussian"):
        ratio = gradient_ratio(inner)
        lines += ["", f"gradient anew / cached, {inner}: {ratio:.1f}"]
    return "\n".join(lines)
