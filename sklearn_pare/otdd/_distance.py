"""The dataset distance."""

import numpy as np
from scipy.spatial.distance import cdist

from sklearn_pare.otdd import _solvers
from sklearn_pare.otdd._classes import between, statistics
from sklearn_pare.otdd._inputs import (
    check_choices,
    check_same_width,
    draw_seed,
    vectors_and_codes,
)


def dataset_distance(
    X_a, y_a, X_b, y_b, *, inner="exact", max_samples=None, random_state=None
):
    """Compute the optimal transport distance between two labelled data sets.

    It is the square root of ::

        d^2 = min over P of sum_ij P_ij (|x_i - x'_j|^2 + W(c_i, c'_j)^2)

    over couplings P with uniform weights on the samples of both sides, where c_i is the
    class of x_i and W the 2-Wasserstein distance between the samples of two classes.
    Classes are thus compared by their samples only; their names do not matter.

    Parameters
    ----------
    X_a : array-like of shape (n, d), (n, N, d) or (n, ...)
        At least 2 samples. Token sequences (n, N, d) are averaged over tokens, and
        arrays with more dimensions are flattened; both sides must then have the same
        number of features. Computed in float64.
    y_a : array-like of shape (n,) or (n, ...), or None
        Classes of any type. Real numbers with more than 20 distinct values are divided
        into 10 classes at their deciles; several values per sample are clustered into
        up to 10 classes by k-means. None means a single class.
    X_b : array-like of shape (m, d), (m, N, d) or (m, ...)
        Samples of the other side.
    y_b : array-like of shape (m,) or (m, ...), or None
        Targets of the other side.
    inner : {"exact", "gaussian", "sinkhorn"}, default="exact"
        Distance between classes: exact transport of their samples; the closed form for
        Gaussians with their means and (biased) covariances; or debiased Sinkhorn.
    max_samples : int, default=None
        Largest number of samples per side. Both sides draw with the same seed, so that
        equal data sets stay equal. None means no limit.
    random_state : int, RandomState instance or None, default=None
        Determines the samples drawn and the initialisation of k-means.

    Returns
    -------
    distance : float
        In the units of the features: proportional to the scale of the data, and
        ``sqrt(2) |v|`` between a data set and a copy of it moved by the vector v.

    Raises
    ------
    DataError
        If samples or targets cannot be used.
    InvalidParameterError
        If ``inner`` or ``max_samples`` is invalid.

    Warns
    -----
    ConvergenceWarning
        If a solver stopped early; the value is then approximate.

    See Also
    --------
    Alignment : The squared distance as a loss for features.

    Notes
    -----
    This is equation 6 of Alvarez-Melis and Fusi, "Geometric Dataset Distances via
    Optimal Transport", NeurIPS 2020, with p = 2. The package ``otdd`` returns d^2 / 2.

    For up to 4,000 samples per side the coupling is exact, by network simplex. Beyond,
    it is debiased Sinkhorn in the log domain, regularised by 0.05 of the mean cost
    within the sides; the same holds for classes of more than 4,000 samples. Both levels
    are debiased, so that a data set is at distance 0 from itself.

    With "gaussian", the covariance of a class of n < 11 samples is (n - 1) / 10 times
    its own plus the remaining share of the pooled covariance within classes. Without
    such classes, the Gaussian value is a lower bound of the exact one (Gelbrich, 1990).

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
    X_a, codes_a = vectors_and_codes(X_a, y_a, ("X_a", "y_a"), max_samples, seed)
    X_b, codes_b = vectors_and_codes(X_b, y_b, ("X_b", "y_b"), max_samples, seed)
    check_same_width(X_a, X_b)

    classes_a = statistics(X_a, codes_a, inner)
    classes_b = statistics(X_b, codes_b, inner)
    label_ab = between(classes_a, classes_b, inner)
    if max(len(X_a), len(X_b)) <= _solvers.EXACT_LIMIT:
        cost = cdist(X_a, X_b, "sqeuclidean")
        cost += label_ab[np.ix_(codes_a, codes_b)]
        return float(np.sqrt(_solvers.simplex(cost)))

    label_a = between(classes_a, classes_a, inner)
    label_b = between(classes_b, classes_b, inner)
    squared = _solvers.divergence(
        _solvers.Cost(X_a, X_b, (codes_a, codes_b, label_ab)),
        _solvers.Cost(X_a, X_a, (codes_a, codes_a, label_a)),
        _solvers.Cost(X_b, X_b, (codes_b, codes_b, label_b)),
    )
    return float(np.sqrt(squared))
