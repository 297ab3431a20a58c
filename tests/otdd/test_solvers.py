"""The solvers: agreement, degenerate data, warnings if they stop early, speed."""

import time
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from sklearn_pare.otdd import _solvers, dataset_distance
from tests.otdd.data import clusters

INNER = ["exact", "gaussian", "sinkhorn"]


@pytest.mark.parametrize("inner", INNER)
def test_entropic__near_exact(inner, monkeypatch):
    a, b = clusters(0, 150), clusters(1, 120, n_classes=3)
    exact = dataset_distance(*a, *b, inner=inner)
    monkeypatch.setattr(_solvers, "EXACT_LIMIT", 0)
    assert dataset_distance(*a, *b, inner=inner) == pytest.approx(exact, rel=0.02)


@pytest.mark.usefixtures("entropic")
def test_entropic__blocks__same(monkeypatch):
    a, b = clusters(0, 50), clusters(1, 40)
    dense = dataset_distance(*a, *b, inner="gaussian")
    monkeypatch.setattr(_solvers, "_DENSE_ENTRIES", 0)
    monkeypatch.setattr(_solvers, "_BLOCK_ENTRIES", 300)
    found = dataset_distance(*a, *b, inner="gaussian")
    assert found == pytest.approx(dense, rel=1e-9)


@pytest.mark.usefixtures("entropic")
def test_entropic__not_converged__warns(monkeypatch):
    monkeypatch.setattr(_solvers, "MAX_ITERATIONS", 1)
    monkeypatch.setattr(_solvers, "TOLERANCE", 1e-12)
    with pytest.warns(ConvergenceWarning, match=r"1 iterations.*max_samples=2000"):
        dataset_distance(*clusters(0), *clusters(1), inner="gaussian")


def test_exact__not_finished__warns(monkeypatch):
    monkeypatch.setattr(_solvers, "_SIMPLEX_STEPS", 1)
    with pytest.warns(ConvergenceWarning, match=r"did not finish 40x40.*max_samples"):
        dataset_distance(clusters(0)[0], None, clusters(1)[0], None, inner="gaussian")


@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("solver_limit", [0, 4_000])
def test_degenerate__finite(inner, solver_limit, monkeypatch):
    monkeypatch.setattr(_solvers, "EXACT_LIMIT", solver_limit)
    rng = np.random.default_rng(0)
    X, Z, ids = rng.normal(size=(8, 4)), rng.normal(size=(6, 4)), np.arange(8)
    line = np.outer(rng.normal(size=8), np.ones(4))
    pairs = [
        (X, ids, Z, ids[:6]),  # one sample per class
        (X, None, Z, None),  # one class
        (X, ids % 2, Z, None),
        (line, ids % 3, Z, ids[:6] % 2),  # rank 1
        (np.ones((8, 4)), ids % 2, np.zeros((6, 4)), None),  # constant
        (np.ones((8, 4)), ids % 2, np.ones((6, 4)), None),
        (rng.normal(size=(8, 500)), ids % 3, rng.normal(size=(6, 500)), None),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = [dataset_distance(*pair, inner=inner) for pair in pairs]
    assert np.isfinite(values).all()
    assert values[4] == pytest.approx(np.sqrt(8))
    assert values[5] == pytest.approx(0, abs=1e-6)


def test_exact__a_thousand_samples__seconds():
    a, b = clusters(0, 1_000, 64, 10), clusters(1, 1_000, 64, 10)
    start = time.perf_counter()
    dataset_distance(*a, *b)
    assert time.perf_counter() - start < 10
