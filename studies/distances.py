"""Cost of the distance between data sets: time and memory by the number of samples."""

import multiprocessing
import statistics
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import torch

from sklearn_pare.otdd import Alignment, dataset_distance
from studies.record import log
from studies.tables import markdown

#: Samples per side.
SIZES = (500, 1_000, 2_000, 4_000, 8_000, 20_000)
# Beyond this size the exact distances between classes take minutes.
_EXACT_CLASSES = 4_000
_DIM, _CLASSES = 64, 10
_MEGA = 1e6


def add_arguments(parser):
    """Add the options of the study."""
    parser.add_argument(
        "--sizes",
        type=int,
        nargs="*",
        default=SIZES,
        metavar="N",
        help=f"samples per side; default: {' '.join(map(str, SIZES))}",
    )


def main(arguments):
    """Return the costs of distances, and the ratio of gradients."""
    lines = [
        [f"{n:,}", inner, f"{seconds:.2f}", f"{megabytes:.0f}"]
        for n, inner, seconds, megabytes in growth(arguments.sizes)
    ]
    head = ["samples per side", "distance between classes", "seconds", "megabytes"]
    parts = [f"{torch.get_num_threads()} threads", markdown(head, lines)]
    for inner in ("exact", "gaussian"):
        ratio = gradient_ratio(inner)
        parts.append(f"gradient anew / cached, {inner}: {ratio:.1f}")
    return "\n\n".join(parts)


def _clouds(n, seed=0):
    """Draw two sides of n samples, each of 10 normal classes: X, y, X, y."""
    rng = np.random.default_rng(seed)
    parts = []
    for shift in (0.0, 0.5):
        centres = rng.normal(scale=2.0, size=(_CLASSES, _DIM)) + shift
        y = rng.integers(_CLASSES, size=n)
        parts += [centres[y] + rng.normal(size=(n, _DIM)), y]
    return parts


def _measure(n, inner):
    """Return the seconds of one distance, and its megabytes beside the input."""
    import resource  # only on Unix

    sides = _clouds(n)
    small = _clouds(50)
    dataset_distance(*small, inner=inner)  # imports and threads
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    dataset_distance(*sides, inner=inner)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return seconds, (after - before) * 1024 / _MEGA


def growth(sizes):
    """Measure `dataset_distance`, each time in a fresh process.

    Yields
    ------
    cost : tuple
        (samples per side, inner, seconds, megabytes).
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, max_tasks_per_child=1) as pool:
        for n in sizes:
            for inner in ("exact", "gaussian"):
                if inner == "gaussian" or n <= _EXACT_CLASSES:
                    cost = pool.submit(_measure, n, inner).result()
                    log(f"{n} samples  {inner}  {cost[0]:.1f} s  {cost[1]:.0f} MB")
                    yield n, inner, *cost


def gradient_ratio(inner, repeats=5):
    """Compare a gradient that computes all class pairs anew with a cached one.

    The source has 2,000 samples of 20 classes, a batch 64 samples of 10 classes, all in
    64 dimensions.

    Returns
    -------
    ratio : float
        Median of paired ratios of their times.
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
