"""The dataset distance, against its definition."""

import time
import warnings

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from scipy.optimize import linprog
from scipy.spatial.distance import cdist
from sklearn.exceptions import ConvergenceWarning

from sklearn_pare.exceptions import DataError
from sklearn_pare.otdd import Alignment, _solvers, dataset_distance

INNER = ["exact", "gaussian", "sinkhorn"]


def _data(seed, n=40, d=3, n_classes=4, shift=0.0):
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, n)])[:n]
    centres = 2 * rng.normal(size=(n_classes, d))
    return centres[y] + rng.normal(size=(n, d)) + shift, y


@pytest.fixture
def entropic(monkeypatch):
    """The solver of large data, on small data."""
    monkeypatch.setattr(_solvers, "EXACT_LIMIT", 0)


# --- the definition


def _programme(cost):
    """Transport between uniform weights as a linear programme, term by term."""
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
    a = _data(seed, sizes[0], 3, classes[0])
    b = _data(seed + 100, sizes[1], 3, classes[1])
    expected = _by_definition(*a, *b, _w2)
    assert dataset_distance(*a, *b) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_gaussian__is_the_bures_formula(seed):
    a, b = _data(seed, 60, 3, 2), _data(seed + 50, 70, 3, 3)
    for _, y in (a, b):
        assert np.bincount(y).min() >= 11  # no shrinkage
    expected = _by_definition(*a, *b, _bures)
    found = dataset_distance(*a, *b, inner="gaussian")
    assert found == pytest.approx(expected, rel=1e-8)


def test_gaussian__few_rows__own_and_pooled_covariance():
    X_a, y_a = _data(0, 44, 2, 2)
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
    a, b = _data(1, 60, 3, 3), _data(2, 60, 3, 3)
    gaussian = dataset_distance(*a, *b, inner="gaussian")
    assert gaussian <= dataset_distance(*a, *b) * (1 + 1e-9)


# --- what follows from it


@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("max_samples", [None, 25])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_itself__zero(inner, max_samples, offset):
    X, y = _data(0, 60, shift=offset)
    d = dataset_distance(X, y, X.copy(), y, inner=inner, max_samples=max_samples)
    assert d**2 <= 1e-9 * X.var(0).sum()


@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("max_samples", [None, 25])
@pytest.mark.usefixtures("entropic")
def test_itself__entropic__zero(inner, max_samples):
    X, y = _data(0, 60)
    d = dataset_distance(X, y, X.copy(), y, inner=inner, max_samples=max_samples)
    assert d**2 <= 1e-9 * X.var(0).sum()


@pytest.mark.parametrize("inner", INNER)
def test_sides_exchanged__same(inner):
    a, b = _data(0, 30), _data(1, 45, n_classes=2)
    assert dataset_distance(*a, *b, inner=inner) == pytest.approx(
        dataset_distance(*b, *a, inner=inner), rel=1e-9
    )


@pytest.mark.parametrize("inner", INNER)
def test_rows_reordered_classes_renamed__same(inner):
    (X, y), b = _data(0, 30), _data(1, 45)
    order = np.random.default_rng(5).permutation(30)
    names = np.array(["d", "a", "c", "b"], dtype=object)[y]
    assert dataset_distance(X[order], names[order], *b, inner=inner) == pytest.approx(
        dataset_distance(X, y, *b, inner=inner), rel=1e-9
    )


@pytest.mark.parametrize("inner", INNER)
def test_moved__root_two_times_the_way(inner):
    (X, y), v = _data(0, 50), np.array([30.0, -1.0, 4.0])
    expected = np.sqrt(2) * np.linalg.norm(v)
    d = dataset_distance(X, y, X + v, y, inner=inner)
    assert d == pytest.approx(expected, rel=1e-3 if inner == "sinkhorn" else 1e-9)


@pytest.mark.parametrize("inner", INNER)
def test_scaled__as_many_times(inner):
    (X, y), (Z, z) = _data(0, 30), _data(1, 40)
    assert dataset_distance(1e3 * X, y, 1e3 * Z, z, inner=inner) == pytest.approx(
        1e3 * dataset_distance(X, y, Z, z, inner=inner), rel=1e-6
    )


def test_float32__computed_in_float64():
    (X, y), (Z, z) = _data(0), _data(1)
    X, Z = X.astype(np.float32), Z.astype(np.float32)
    expected = dataset_distance(X.astype(float), y, Z.astype(float), z)
    assert dataset_distance(X, y, Z, z) == expected


def test_same_seed__same_value():
    a, b = _data(0, 90), _data(1, 80)
    values = [
        dataset_distance(*a, *b, max_samples=30, random_state=seed)
        for seed in (0, 0, 1)
    ]
    assert values[0] == values[1] != values[2]


@pytest.mark.parametrize("inner", INNER)
def test_entropic__near_exact(inner, monkeypatch):
    a, b = _data(0, 150), _data(1, 120, n_classes=3)
    exact = dataset_distance(*a, *b, inner=inner)
    monkeypatch.setattr(_solvers, "EXACT_LIMIT", 0)
    assert dataset_distance(*a, *b, inner=inner) == pytest.approx(exact, rel=0.02)


@pytest.mark.usefixtures("entropic")
def test_entropic__blocks__same(monkeypatch):
    a, b = _data(0, 50), _data(1, 40)
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
        dataset_distance(*_data(0), *_data(1), inner="gaussian")


def test_exact__not_finished__warns(monkeypatch):
    monkeypatch.setattr(_solvers, "_SIMPLEX_STEPS", 1)
    with pytest.warns(ConvergenceWarning, match=r"did not finish 40x40.*max_samples"):
        dataset_distance(_data(0)[0], None, _data(1)[0], None, inner="gaussian")


# --- degenerate data


@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("solver_limit", [0, 4_000])
def test_degenerate__finite(inner, solver_limit, monkeypatch):
    monkeypatch.setattr(_solvers, "EXACT_LIMIT", solver_limit)
    rng = np.random.default_rng(0)
    X, Z, ids = rng.normal(size=(12, 4)), rng.normal(size=(9, 4)), np.arange(12)
    line = np.outer(rng.normal(size=12), np.ones(4))
    pairs = [
        (X, ids, Z, ids[:9]),  # one row a class
        (X, None, Z, None),  # one class
        (X, ids % 2, Z, None),
        (line, ids % 3, Z, ids[:9] % 2),  # rank 1
        (np.ones((12, 4)), ids % 2, np.zeros((9, 4)), None),  # constant
        (np.ones((12, 4)), ids % 2, np.ones((9, 4)), None),
        (rng.normal(size=(12, 5000)), ids % 3, rng.normal(size=(9, 5000)), None),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = [dataset_distance(*pair, inner=inner) for pair in pairs]
    assert np.isfinite(values).all()
    assert values[4] == pytest.approx(np.sqrt(8))
    assert values[5] == pytest.approx(0, abs=1e-6)


# --- kinds of input


def test_tokens__mean_and_images__flat():
    rng = np.random.default_rng(0)
    X, Z = rng.normal(size=(20, 5, 3)), rng.normal(size=(15, 7, 3))
    assert dataset_distance(X, None, Z, None) == dataset_distance(
        X.mean(1), None, Z.mean(1), None
    )
    X, Z = rng.normal(size=(20, 2, 3, 3)), rng.normal(size=(15, 2, 3, 3))
    assert dataset_distance(X, None, Z, None) == dataset_distance(
        X.reshape(20, 18), None, Z.reshape(15, 18), None
    )


def test_real_targets__ten_quantile_classes():
    X, _ = _data(0, 100)
    Z, z = _data(1)
    y = np.random.default_rng(2).normal(size=100)
    bins = np.argsort(np.argsort(y)) // 10
    assert dataset_distance(X, y, Z, z) == pytest.approx(
        dataset_distance(X, bins, Z, z), rel=1e-12
    )


def test_dense_targets__clusters():
    X, y = _data(0)
    Z, z = _data(1)
    # Fields that are the same within a class: k-means finds the classes.
    fields = np.random.default_rng(2).normal(size=(4, 6, 6))[y]
    assert dataset_distance(X, fields, Z, z) == pytest.approx(
        dataset_distance(X, y, Z, z), rel=1e-12
    )
    assert dataset_distance(X, fields, X, fields) <= 1e-6


_X = np.arange(12.0).reshape(6, 2)
_Y = [0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize(
    ("arguments", "choices", "message"),
    [
        ((_X, _Y, _X[:, :1], _Y), {}, r"X_a has 2 features and X_b has 1.*embed"),
        ((_X, _Y, _X[:1], _Y[:1]), {}, r"X_b has 1 samples.*at least 2.*pass more"),
        ((_X, [0, 1, np.nan, 1, 0, 1], _X, _Y), {}, r"y_a holds nan in row 2.*drop"),
        ((_X, _Y, _X, ["a", None] * 3), {}, r"y_b holds None in row 1.*drop"),
        ((_X, _Y, _X, _Y[:5]), {}, r"X_b has 6 rows and y_b has 5.*length 6"),
        ((_X, 3, _X, _Y), {}, r"X_a has 6 rows and y_a has no.*length 6"),
        ((_X, ["a", 1] * 3, _X, _Y), {}, r"y_a (mixes|holds).*astype\(str\)"),
        ((_X - [np.inf, 0], _Y, _X, _Y), {}, r"X_a holds -inf at \(0, 0\).*finite"),
        ((_X[:, 0], _Y, _X, _Y), {}, r"X_a has shape \(6,\).*reshape\(-1, 1\)"),
        ((_X[:, :0], _Y, _X, _Y), {}, r"X_a has shape \(6, 0\).*at least 1"),
        ((_X * 1j, _Y, _X, _Y), {}, r"X_a is no array of real numbers.*astype"),
        ((_X, _Y, _X, _Y), {"inner": "bures"}, r"inner='bures'.*inner='gaussian'"),
        ((_X, _Y, _X, _Y), {"max_samples": 1}, r"max_samples=1.*at least 2.*=2000"),
    ],
)
def test_bad_input__says_what_to_do(arguments, choices, message):
    if isinstance(arguments[1], list) and arguments[1][0] == "a":
        arguments = (arguments[0], np.array(arguments[1], object), *arguments[2:])
    with pytest.raises(DataError, match=message):
        dataset_distance(*arguments, **choices)


# --- speed


def test_exact__two_thousand_rows__seconds():
    a, b = _data(0, 2_000, 64, 10), _data(1, 2_000, 64, 10)
    start = time.perf_counter()
    dataset_distance(*a, *b)
    assert time.perf_counter() - start < 20


# --- the loss


@pytest.mark.parametrize("inner", INNER)
def test_alignment__value__near_the_squared_distance(inner):
    a, (Z, z) = _data(0, 200), _data(1, 100)
    loss = Alignment(*a, inner=inner).loss(torch.from_numpy(Z), z)
    expected = dataset_distance(*a, Z, z, inner=inner) ** 2
    assert loss.item() == pytest.approx(expected, rel=0.05)


def test_alignment__source_without_spread__exact():
    Z, z = _data(1, 30)
    source = np.ones((20, Z.shape[1]))
    features = torch.from_numpy(Z).requires_grad_()
    loss = Alignment(source, None).loss(features, z)
    loss.backward()
    expected = dataset_distance(source, None, Z, z, inner="gaussian") ** 2
    assert loss.item() == pytest.approx(expected, rel=1e-3)
    assert features.grad.isfinite().all()


def test_alignment__source_itself__zero_without_gradient():
    X, y = _data(0, 60)
    features = torch.from_numpy(X).requires_grad_()
    loss = Alignment(X, y).loss(features, y)
    loss.backward()
    assert abs(loss.item()) < 1e-9
    assert features.grad.abs().max() < 1e-9


@pytest.mark.parametrize("labels", [True, False])
def test_alignment__gradient__finite_differences(labels, monkeypatch):
    monkeypatch.setattr(_solvers, "TOLERANCE", 1e-10)
    monkeypatch.setattr(_solvers, "MAX_ITERATIONS", 5_000)
    monkeypatch.setattr(_solvers, "REGULARISATION", 0.1)
    (Z, z), alignment = _data(1, 8, n_classes=2), Alignment(*_data(0, 15, n_classes=2))
    z = z if labels else None
    features = torch.from_numpy(Z).requires_grad_()
    # Distances between classes are plain numbers to the gradient.
    held = alignment.label_distances(features, z)
    assert torch.autograd.gradcheck(
        lambda rows: alignment.loss(rows, z, label_distances=held),
        features,
        eps=1e-5,
        atol=1e-5,
        rtol=1e-4,
    )


def test_alignment__descent__comes_near():
    a = _data(0, 60)
    alignment = Alignment(*a)
    features = torch.from_numpy(_data(1, 40)[0] + 5).float().requires_grad_()
    y = _data(1, 40)[1]
    losses = []
    for _ in range(30):
        loss = alignment.loss(features, y)
        (gradient,) = torch.autograd.grad(loss, features)
        features = (features - 8 * gradient).detach().requires_grad_()
        losses.append(loss.item())
    assert loss.dtype == torch.float32
    assert losses[-1] < 0.2 * losses[0]


def test_alignment__cached__ten_times_faster():
    X, y = _data(0, 2_000, 32, 20)
    Z, z = _data(1, 64, 32, 10)
    features = torch.from_numpy(Z).requires_grad_()

    def seconds(run):
        start = time.perf_counter()
        run()
        return time.perf_counter() - start

    def fresh():
        Alignment(X, y, inner="exact").loss(features, z).backward()

    alignment = Alignment(X, y, inner="exact")
    held = alignment.label_distances(features, z)

    def cached():
        alignment.loss(features, z, label_distances=held).backward()

    cached()
    quick = min(seconds(cached) for _ in range(3))
    assert seconds(fresh) > 10 * quick


@pytest.mark.parametrize(
    ("features", "labels", "message"),
    [
        (torch.zeros(4, 3, 2), None, r"\[4, 3, 2\].*\(B, d\).*mean over tokens"),
        (torch.zeros(4, 2), None, r"X_source has 3 features and features has 2"),
        (torch.zeros(4, 3), [0, 1], r"features has 4 rows and labels has 2"),
    ],
)
def test_alignment__bad_input__says_what_to_do(features, labels, message):
    alignment = Alignment(*_data(0))
    with pytest.raises(DataError, match=message):
        alignment.loss(features, labels)


def test_alignment__other_classes_than_held__says_what_to_do():
    alignment, features = Alignment(*_data(0)), torch.zeros(4, 3)
    held = alignment.label_distances(features)
    with pytest.raises(DataError, match=r"2 classes.*holds 1.*label_distances"):
        alignment.loss(features, [0, 0, 1, 1], label_distances=held)
