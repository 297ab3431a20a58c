"""The linear path, compared with scikit-learn and refits."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.special import expit, log_softmax, softmax
from sklearn.linear_model import LogisticRegression, Ridge, RidgeCV

from sklearn_pare.nn.linear_path import FeatureGroups, LinearPath, PooledNumbers
from sklearn_pare.training import linear_path
from sklearn_pare.training.linear_path import (
    fit_linear_path,
    has_linear_path,
    remainder,
)


class Columns(torch.nn.Module):
    """Features that are the columns as they are."""

    def __init__(self, n_features):
        super().__init__()
        self.n_features = n_features

    def forward(self, x):
        return x


def _groups(features):
    return FeatureGroups({"all": features})


@pytest.fixture
def make_table(rng):
    def make(n, n_columns, n_outputs=2):
        X = rng.normal(size=(n, n_columns)) * np.linspace(0.5, 3, n_columns) + 1
        noise = rng.normal(size=(n, n_outputs))
        y = X @ rng.normal(size=(n_columns, n_outputs)) + noise - 4
        return X.astype(np.float32), y.astype(np.float32)

    return make


def _fit(X, y, kind, weight=None, n_outputs=None):
    path = LinearPath(_groups(Columns(X.shape[1])), (n_outputs or y.shape[1],))
    weight = np.ones(len(X)) if weight is None else weight
    offset = fit_linear_path(path, torch.from_numpy(X), y, weight, kind)
    assert offset.dtype == np.float32
    return path(torch.from_numpy(X)).numpy(), offset, path


def _standardised(X):
    return (X - X.mean(0)) / X.std(0) / np.sqrt(X.shape[1])


WEIGHTS = {
    "even": np.ones(40),
    "uneven": np.random.default_rng(1).uniform(0.2, 3, 40),
}


@pytest.mark.parametrize("n_columns", [5, 90], ids=["tall", "wide"])
@pytest.mark.parametrize("weight", WEIGHTS.values(), ids=WEIGHTS)
def test_fit__values__ridge_and_its_leave_one_out(n_columns, weight, make_table):
    X, y = make_table(40, n_columns)
    prediction, offset, _ = _fit(X, y, "values", weight)
    Z = _standardised(X.astype(np.float64))
    alpha = RidgeCV(np.logspace(-6, 4, 21)).fit(Z, y, weight).alpha_
    ridge = Ridge(alpha).fit(Z, y, weight)
    np.testing.assert_allclose(prediction, ridge.predict(Z), atol=2e-3)
    by_hand = np.empty_like(y)
    for i in range(40):
        kept = np.arange(40) != i
        left_out = Ridge(alpha).fit(Z[kept], y[kept], weight[kept])
        by_hand[i] = left_out.predict(Z[i : i + 1])[0]
    np.testing.assert_allclose(offset, by_hand, atol=2e-3)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_fit__classes__out_of_fold_logits(n_classes, make_table, rng):
    X, y = make_table(60, 4, n_classes)
    codes = y.argmax(1)
    logits, offset, _ = _fit(X, codes, "classes", n_outputs=n_classes)
    assert offset.shape == logits.shape == (60, n_classes)
    assert (logits.argmax(1) == codes).mean() > 0.7
    # Random classes can be fitted to some extent, but not predicted out of fold.
    shuffled = rng.permutation(codes)
    logits, offset, _ = _fit(X, shuffled, "classes", n_outputs=n_classes)
    rows = np.arange(60), shuffled
    assert log_softmax(offset, 1)[rows].mean() <= log_softmax(logits, 1)[rows].mean()


def test_logistic__offset_of_a_sample__independent_of_its_class(monkeypatch, rng):
    monkeypatch.setattr(linear_path, "_CS", [1.0])
    X = rng.normal(size=(40, 3))
    codes = np.arange(40) % 2
    # With alternating classes the folds are blocks: swap two classes in the first.
    other = codes.copy()
    other[:2] = 1, 0
    before, after = (
        linear_path._logistic(X, c, np.ones(40), None)[2] for c in (codes, other)
    )
    np.testing.assert_allclose(before[:8], after[:8], atol=1e-6)
    assert (np.abs(before[8:] - after[8:]) > 1e-4).all()


def test_fit__classes__predicts_as_logistic_regression(make_table):
    X, y = make_table(80, 4, 3)
    codes = y.argmax(1)
    logits, _, _ = _fit(X, codes, "classes", n_outputs=3)
    Z = _standardised(X.astype(np.float64))
    peers = [
        LogisticRegression(C=c, max_iter=1000).fit(Z, codes).predict_proba(Z)
        for c in linear_path._CS
    ]
    own = softmax(logits, 1)
    assert min(np.abs(own - peer).max() for peer in peers) < 0.02


def test_fit__more_features_than_rows__calibrated_logits(make_table):
    X, _ = make_table(40, 200)
    codes = (X[:, :20].sum(1) > 20).astype(np.int64)
    logits, offset, _ = _fit(X, codes, "classes", n_outputs=2)
    assert ((logits[:, 1] > logits[:, 0]) == codes).mean() > 0.9

    def loss(factor):
        found = log_softmax(factor * offset, 1)
        own = found[np.arange(40), codes].mean()
        return -(40 * own + found.mean()) / 41

    # No other scale of the logits is better out of sample.
    assert loss(1.0) <= min(loss(0.5), loss(2.0))


def test_fit__labels__log_odds_of_each(make_table):
    X, y = make_table(60, 4, 3)
    there = (y > np.median(y, 0)).astype(np.float32)
    logits, offset, _ = _fit(X, there, "labels")
    assert ((logits > 0) == (there > 0)).mean() > 0.75
    for k in range(3):
        two, _, _ = _fit(X, (there[:, k]).astype(np.int64), "classes", n_outputs=2)
        np.testing.assert_allclose(
            expit(logits[:, k]), softmax(two, 1)[:, 1], atol=1e-5
        )
    assert offset.shape == (60, 3)


def test_fit__no_sample_misclassified__finite_logits(make_table):
    X, _ = make_table(30, 200)
    codes = (np.arange(30) % 2).astype(np.int64)
    X[:, :50] += 8 * codes[:, None]
    _, offset, _ = _fit(X, codes, "classes", n_outputs=2)
    probability = softmax(offset, 1)[np.arange(30), codes]
    assert 1 - 3 / 31 < np.median(probability) < 1 - 0.2 / 31


@pytest.mark.parametrize("kind", ["classes", "labels"])
def test_fit__class_without_samples__frequencies_alone(kind, make_table):
    X, _ = make_table(20, 3)
    codes = np.zeros(20, np.int64)
    if kind == "labels":
        codes = np.c_[codes, codes + 1].astype(np.float32)
    logits, offset, path = _fit(X, codes, kind, n_outputs=2)
    assert (path.weight == 0).all()
    assert np.isfinite(logits).all()
    np.testing.assert_allclose(offset, logits, rtol=1e-6)
    if kind == "classes":
        np.testing.assert_allclose(softmax(logits, 1)[0], [21 / 22, 1 / 22], rtol=1e-5)


@pytest.mark.parametrize("n_columns", [4, 300])
@pytest.mark.parametrize("kind", ["classes", "labels"])
def test_fit__class_of_one_sample__others_are_told_apart(kind, n_columns, rng):
    codes = np.r_[2, np.arange(20) % 2]
    X = rng.normal(size=(21, n_columns)).astype(np.float32)
    X += 3 * np.eye(3)[codes][:, np.arange(n_columns) % 3]
    codes = np.eye(3, dtype=np.float32)[codes] if kind == "labels" else codes
    logits, offset, _ = _fit(X, codes, kind, n_outputs=3)
    assert np.isfinite(logits).all()
    assert (logits.argmax(1)[1:] == np.arange(20) % 2).all()
    assert (offset.argmax(1)[1:] == np.arange(20) % 2).mean() > 0.8


@pytest.mark.parametrize("shape", [(2, 30), (1, 9, 6), (3, 80, 40)], ids=str)
def test_fit__fields__linear_map_found(shape, rng):
    X = rng.normal(size=(300, 1, 12)).astype(np.float32)
    smooth = np.linspace(0, 1, int(np.prod(shape))).reshape(shape)
    y = X[:, 0, 3].reshape(-1, *[1] * len(shape)) * smooth + smooth**2
    path = LinearPath(_groups(PooledNumbers((1, 12))), shape)
    offset = fit_linear_path(
        path, torch.from_numpy(X), y.astype(np.float32), np.ones(300), "values"
    )
    assert offset.shape == y.shape
    # Coarse outputs are interpolated.
    np.testing.assert_allclose(path(torch.from_numpy(X)).numpy(), y, atol=0.05)
    np.testing.assert_allclose(offset, y, atol=0.06)


@pytest.mark.filterwarnings("error")
def test_fit__column_that_hardly_varies__left_out(make_table):
    X, y = make_table(40, 3)
    X[:, 1] = 5.0 + 1e-9 * X[:, 1]
    prediction, _, path = _fit(X, y, "values")
    assert (path.weight[:, 1] == 0).all()
    assert np.isfinite(prediction).all()


def test_remainder__numbers_apart_and_fields_together(rng):
    codes = rng.normal(size=(500, 2)) * [1.0, 3.0]
    left = remainder(np.zeros_like(codes), codes)
    np.testing.assert_allclose(left, codes.std(0))
    np.testing.assert_allclose(remainder(codes, codes), 1e-4)
    field = rng.normal(size=(50, 2, 7)) * np.array([1.0, 3.0])[:, None]
    left = remainder(0 * field, field)
    np.testing.assert_allclose(left, field.std())
    assert left.shape == (2,)


@pytest.mark.parametrize(
    ("kind", "shape", "expected"),
    [
        ("classes", (50, 4), True),
        ("labels", (50, 2, 16), True),
        ("classes", (50, 1, 8, 8), False),
        ("labels", (50, 1, 8, 8), False),
        ("values", (50, 1, 8, 8), True),
        ("masks", (50, 2, 16), False),
        ("values", (4_000, 2), True),
        ("values", (4_001, 2), False),
    ],
)
def test_has_linear_path__by_size_and_kind(kind, shape, expected):
    target = SimpleNamespace(kind=kind, linear=True)
    assert has_linear_path(np.zeros(shape), target) is expected
