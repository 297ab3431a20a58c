"""The dataset distance: its definition and what follows from it."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.optimize import linprog
from scipy.spatial.distance import cdist

from sklearn_pare.otdd import dataset_distance
from tests.otdd.data import clusters

INNER = ["exact", "gaussian", "sinkhorn"]


def _programme(cost):
    """Solve transport between uniform weights as a linear programme."""
    n, m = cost.shape
    rows = np.kron(np.eye(n), np.ones(m))
    columns = np.kron(np.ones(n), np.eye(m))
    sums = np.concatenate([np.full(n, 1 / n), np.full(m, 1 / m)])
    found = linprog(cost.ravel(), A_eq=np.vstack([rows, columns]), b_eq=sums)
    assert found.status == 0
    return found.fun


def _by_definition(X_a, y_a, X_b, y_b, squared_w2):
    cost = np.empty((len(X_a), len(X_b)))
    for c in set(y_a):
        for e in set(y_b):
            rows_a, rows_b = y_a == c, y_b == e
            cost[np.ix_(rows_a, rows_b)] = squared_w2(X_a[rows_a], X_b[rows_b])
    return np.sqrt(_programme(cost + cdist(X_a, X_b, "sqeuclidean")))


def _w2(a, b):
    return _programme(cdist(a, b, "sqeuclidean"))


def _bures(a, b):
    """Peyre and Cuturi, Computational Optimal Transport, remark 2.31."""
    s, t = np.cov(a.T, bias=True), np.cov(b.T, bias=True)
    root = sqrtm(s)
    cross = np.real(sqrtm(root @ t @ root))
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(s + t - 2 * cross)


@pytest.mark.parametrize("seed", range(40))
def test_exact__is_the_definition(seed):
    rng = np.random.default_rng(seed)
    sizes, classes = rng.integers(7, 16, 2), rng.integers(1, 7, 2)
    a = clusters(seed, sizes[0], 3, classes[0])
    b = clusters(seed + 100, sizes[1], 3, classes[1])
    expected = _by_definition(*a, *b, _w2)
    assert dataset_distance(*a, *b) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_gaussian__is_the_bures_formula(seed):
    a, b = clusters(seed, 60, 3, 2), clusters(seed + 50, 70, 3, 3)
    for _, y in (a, b):
        assert np.bincount(y).min() >= 11  # no shrinkage
    expected = _by_definition(*a, *b, _bures)
    found = dataset_distance(*a, *b, inner="gaussian")
    assert found == pytest.approx(expected, rel=1e-8)


def test_gaussian__few_rows__own_and_pooled_covariance():
    X_a, y_a = clusters(0, 44, 2, 2)
    X_a = np.concatenate([X_a, X_a[:6] * 3 - 9])
    y_a = np.concatenate([y_a, np.full(6, 2)])
    X_b = np.random.default_rng(3).normal(size=(30, 2))
    within = [np.cov(X_a[y_a == c].T, bias=True) for c in range(3)]
    pooled = np.average(within, axis=0, weights=np.bincount(y_a))
    few = X_a[y_a == 2]
    shrunk = (5 * within[2] + 5 * pooled) / 10

    def squared(a, b):
        if len(a) > 6:
            return _bures(a, b)
        own = np.cov(b.T, bias=True)
        root = sqrtm(shrunk)
        cross = np.real(sqrtm(root @ own @ root))
        mean = ((few.mean(0) - b.mean(0)) ** 2).sum()
        return mean + np.trace(shrunk + own - 2 * cross)

    expected = _by_definition(X_a, y_a, X_b, np.zeros(30), squared)
    found = dataset_distance(X_a, y_a, X_b, None, inner="gaussian")
    assert found == pytest.approx(expected, rel=1e-8)


def test_gaussian__not_above_exact():
    a, b = clusters(1, 60, 3, 3), clusters(2, 60, 3, 3)
    gaussian = dataset_distance(*a, *b, inner="gaussian")
    assert gaussian <= dataset_distance(*a, *b) * (1 + 1e-9)


@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("max_samples", [None, 25])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_itself__zero(inner, max_samples, offset):
    X, y = clusters(0, 60, shift=offset)
    d = dataset_distance(X, y, X.copy(), y, inner=inner, max_samples=max_samples)
    assert d**2 <= 1e-9 * X.var(0).sum()


@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("max_samples", [None, 25])
@pytest.mark.usefixtures("entropic")
def test_itself__entropic__zero(inner, max_samples):
    X, y = clusters(0, 60)
    d = dataset_distance(X, y, X.copy(), y, inner=inner, max_samples=max_samples)
    assert d**2 <= 1e-9 * X.var(0).sum()


@pytest.mark.parametrize("inner", INNER)
def test_sides_exchanged__same(inner):
    a, b = clusters(0, 30), clusters(1, 45, n_classes=2)
    assert dataset_distance(*a, *b, inner=inner) == pytest.approx(
        dataset_distance(*b, *a, inner=inner), rel=1e-9
    )


@pytest.mark.parametrize("inner", INNER)
def test_rows_reordered_classes_renamed__same(inner):
    (X, y), b = clusters(0, 30), clusters(1, 45)
    order = np.random.default_rng(5).permutation(30)
    names = np.array(["d", "a", "c", "b"], dtype=object)[y]
    assert dataset_distance(X[order], names[order], *b, inner=inner) == pytest.approx(
        dataset_distance(X, y, *b, inner=inner), rel=1e-9
    )


@pytest.mark.parametrize("inner", INNER)
def test_moved__root_two_times_the_way(inner):
    (X, y), v = clusters(0, 50), np.array([30.0, -1.0, 4.0])
    expected = np.sqrt(2) * np.linalg.norm(v)
    d = dataset_distance(X, y, X + v, y, inner=inner)
    assert d == pytest.approx(expected, rel=1e-3 if inner == "sinkhorn" else 1e-9)


@pytest.mark.parametrize("inner", INNER)
def test_scaled__as_many_times(inner):
    (X, y), (Z, z) = clusters(0, 30), clusters(1, 40)
    assert dataset_distance(1e3 * X, y, 1e3 * Z, z, inner=inner) == pytest.approx(
        1e3 * dataset_distance(X, y, Z, z, inner=inner), rel=1e-6
    )


def test_float32__computed_in_float64():
    (X, y), (Z, z) = clusters(0), clusters(1)
    X, Z = X.astype(np.float32), Z.astype(np.float32)
    expected = dataset_distance(X.astype(float), y, Z.astype(float), z)
    assert dataset_distance(X, y, Z, z) == expected


def test_same_seed__same_value():
    a, b = clusters(0, 90), clusters(1, 80)
    values = [
        dataset_distance(*a, *b, max_samples=30, random_state=seed)
        for seed in (0, 0, 1)
    ]
    assert values[0] == values[1] != values[2]
