"""Comparison of methods over many tasks, by ranks and tests.

J. Demsar, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 2006.
"""

import math

import numpy as np
from scipy.stats import rankdata, studentized_range


def mean_ranks(errors):
    """Compute the mean rank of each method. Rank 1 is best; ties share their ranks.

    Parameters
    ----------
    errors : ndarray of shape (n_tasks, n_methods)
        Smaller is better.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_pare.benchmarks.ranks import mean_ranks
    >>> mean_ranks(np.array([[0.1, 0.2, 0.2], [0.3, 0.1, 0.2]]))
    array([2.  , 1.75, 2.25])
    """
    return rankdata(errors, axis=1).mean(0)


def critical_difference(n_tasks, n_methods, alpha=0.05):
    """Compute the smallest significant difference of mean ranks (Nemenyi test).

    Examples
    --------
    For five methods on 30 data sets:

    >>> from sklearn_pare.benchmarks.ranks import critical_difference
    >>> round(critical_difference(30, 5), 3)
    1.114
    """
    q = studentized_range.ppf(1 - alpha, n_methods, math.inf) / math.sqrt(2)
    return float(q * math.sqrt(n_methods * (n_methods + 1) / (6 * n_tasks)))


def groups(ranks, difference):
    """Find the longest runs of methods whose ranks differ by at most a difference.

    Parameters
    ----------
    ranks : ndarray of shape (n_methods,)
        Sorted.
    difference : float

    Returns
    -------
    runs : list of tuple of int
        First and last position of each run of at least two methods. No run is part of
        another.
    """
    runs = []
    for first, rank in enumerate(ranks):
        last = int(np.searchsorted(ranks, rank + difference, side="right")) - 1
        if last > first and (not runs or last > runs[-1][1]):
            runs.append((first, last))
    return runs


def plot_critical_difference(names, errors, ax):
    """Draw mean ranks on an axis; bars join methods without significant difference."""
    ranks = mean_ranks(errors)
    order = np.argsort(ranks)
    ranks, names = ranks[order], [names[i] for i in order]
    half = math.ceil(len(names) / 2)
    low, high = math.floor(ranks[0]), math.ceil(ranks[-1])
    difference = critical_difference(*errors.shape)
    runs = groups(ranks, difference)
    ax.plot([low, high], [0, 0], color="black")
    for tick in range(low, high + 1):
        ax.plot([tick, tick], [0, 0.15], color="black")
        ax.text(tick, 0.25, tick, ha="center", va="bottom")
    for level, (first, last) in enumerate(runs):
        at = -0.25 - 0.2 * level
        ax.plot([ranks[first] - 0.02, ranks[last] + 0.02], [at, at], lw=4)
    below = -0.4 - 0.2 * len(runs)
    for place, (rank, name) in enumerate(zip(ranks, names, strict=True)):
        left = place < half
        step = place if left else len(names) - 1 - place
        at = below - 0.4 * step
        end = low - 0.05 if left else high + 0.05
        ax.plot([rank, rank, end], [0, at, at], color="black", lw=0.8)
        text = f"{name} ({rank:.2f})"
        ax.text(end, at, f" {text} ", ha="right" if left else "left", va="center")
    ax.plot([low, low + difference], [1, 1], color="black", lw=2)
    ax.text(low, 1.1, f"critical difference {difference:.2f}", va="bottom")
    ax.set(xlim=(low - 0.4 * (high - low), high + 0.4 * (high - low)), ylim=(None, 1.7))
    ax.axis("off")


def save_ranks(names, errors, path):
    """Save the picture of ``plot_critical_difference`` as a PNG."""
    import matplotlib.pyplot as plt

    fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
    plot_critical_difference(names, errors, ax)
    fig.savefig(path, dpi=150, format="png")
    plt.close(fig)
