"""The dataset distance itself."""

import numpy as np
import torch
from scipy.spatial.distance import cdist

from sklearn_pare.otdd import _solvers
from sklearn_pare.otdd._classes import between, statistics
from sklearn_pare.otdd._inputs import (
    check_choices,
    check_same_width,
    draw_seed,
    rows_and_codes,
)


def dataset_distance(
    X_a, y_a, X_b, y_b, *, inner="exact", max_samples=None, random_state=None
):
    """Optimal transport distance between two labelled data sets.

    The square root of ::

        d^2 = min over P of sum_ij P_ij (|x_i - x'_j|^2 + W(c_i, c'_j)^2)

    over couplings P with uniform weights on the rows of both sides, with c_i the class
    of x_i. W is the 2-Wasserstein distance between the rows of a class of one side and
    those of a class of the other. Labels are only compared by the rows that bear them:
    names do not matter.

    Parameters
    ----------
    X_a : array-like of shape (n, d), (n, N, d) or (n, ...)
        Rows, as many features on both sides, at least 2 rows a side. Of token
        sequences (n, N, d) the mean over tokens is taken; arrays of more dimensions
        are flattened. Computed in float64.
    y_a : array-like of shape (n,) or (n, ...), or None
        Classes of any kind. Real numbers of more than 20 distinct values become 10
        classes between quantiles; several values a row become up to 10 classes by
        k-means. None: one class.
    X_b : array-like of shape (m, d), (m, N, d) or (m, ...)
        Rows of the other side.
    y_b : array-like of shape (m,) or (m, ...), or None
        Targets of the other side.
    inner : {"exact", "gaussian", "sinkhorn"}, default="exact"
        Distance between classes: exact transport of their rows; the closed form for
        Gaussians of their means and covariances (divided by the number of rows); or
        debiased Sinkhorn.
    max_samples : int, default=None
        At most so many rows a side, drawn with the same seed on both: equal data sets
        stay equal. None: all rows.
    random_state : int, RandomState instance or None, default=None
        Which rows are drawn, and where k-means begins.

    Returns
    -------
    distance : float
        In the units of the features: of data scaled by c it is c times as large, of a
        copy moved by a vector sqrt(2) times its length.

    Raises
    ------
    DataError
        For rows, targets or choices that cannot be used.

    Warns
    -----
    ConvergenceWarning
        Where a solver stopped before it was done; the value is then approximate.

    See Also
    --------
    Alignment : The same as a loss that moves features.

    Notes
    -----
    Alvarez-Melis and Fusi, "Geometric Dataset Distances via Optimal Transport", NeurIPS
    2020, equation 6 with p = 2. The package ``otdd`` returns a value of half this cost
    and without the root: d^2 / 2.

    Up to 4,000 rows a side the coupling is exact, by network simplex. Beyond, it is
    debiased Sinkhorn in the log domain, regularised by 0.05 of the mean cost within the
    sides; so are classes of more than 4,000 rows. Both levels are debiased, so that a
    data set is at distance 0 from itself.

    The covariance of a class of n < 11 rows is (n - 1) / 10 of its own and the rest of
    the pooled covariance within classes. Without such classes the Gaussian value is a
    lower bound of the exact one (Gelbrich, 1990).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_pare.otdd import dataset_distance
    >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [5.0, 0.0], [5.0, 1.0]])
    >>> y = ["left", "left", "right", "right"]
    >>> dataset_distance(X, y, X, y)
    0.0
    >>> round(dataset_distance(X, y, X + [3.0, 4.0], y), 6)  # sqrt(2) times 5
    7.071068
    """
    check_choices(inner, max_samples)
    seed = draw_seed(random_state)
    rows_a, codes_a = rows_and_codes(X_a, y_a, ("X_a", "y_a"), max_samples, seed)
    rows_b, codes_b = rows_and_codes(X_b, y_b, ("X_b", "y_b"), max_samples, seed)
    check_same_width(rows_a, rows_b)

    classes_a = statistics(rows_a, codes_a, inner)
    classes_b = statistics(rows_b, codes_b, inner)
    label_ab = between(classes_a, classes_b, inner)
    if max(len(rows_a), len(rows_b)) <= _solvers.EXACT_LIMIT:
        cost = cdist(rows_a, rows_b, "sqeuclidean")
        cost += label_ab[np.ix_(codes_a, codes_b)]
        return float(np.sqrt(_solvers.simplex(cost)))

    x, y, i, j = map(torch.from_numpy, (rows_a, rows_b, codes_a, codes_b))
    label_ab, label_a, label_b = map(
        torch.from_numpy,
        (
            label_ab,
            between(classes_a, classes_a, inner),
            between(classes_b, classes_b, inner),
        ),
    )
    squared = _solvers.divergence(
        _solvers.Cost(x, y, (i, j, label_ab)),
        _solvers.Cost(x, x, (i, i, label_a)),
        _solvers.Cost(y, y, (j, j, label_b)),
    )
    return float(np.sqrt(squared))
