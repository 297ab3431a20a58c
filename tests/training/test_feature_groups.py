"""Choice of groups of features by held-out errors in closed form."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from sklearn_pare._data.splits import grouped_folds
from sklearn_pare.training.feature_groups import choose_groups, held_out_error

ALPHAS = np.logspace(-4, 4, 17)


@pytest.fixture
def samples(rng):
    X = rng.normal(size=(40, 60))
    y = X[:, :3] @ rng.normal(size=(3, 2)) + rng.normal(size=(40, 2))
    return (X - X.mean(0)) / np.sqrt(60), y


@pytest.mark.parametrize("uneven", [False, True])
@pytest.mark.parametrize("n_groups", [None, 8])
def test_held_out_error__equals_refits(uneven, n_groups, samples, rng):
    X, y = samples
    weight = rng.uniform(0.2, 3, 40) if uneven else np.ones(40)
    weight /= weight.mean()
    folds, own = None, [np.array([i]) for i in range(40)]
    if n_groups is not None:
        groups = rng.integers(n_groups, size=40)
        folds = own = [fold for _, fold in grouped_folds(None, groups, 5)]
    for alpha in (0.01, 1.0):
        error = 0.0
        for fold in own:
            kept = np.setdiff1d(np.arange(40), fold)
            ridge = Ridge(alpha).fit(X[kept], y[kept], weight[kept])
            left = y[fold] - ridge.predict(X[fold])
            error += (weight[fold][:, None] * left**2).sum() / 40
        found = held_out_error(X @ X.T, y, weight, folds, [alpha])
        np.testing.assert_allclose(found, error, rtol=1e-5)


def _grams(parts):
    parts = {name: X - X.mean(0) for name, X in parts.items()}
    return {name: X @ X.T / X.var(0).sum() for name, X in parts.items()}


def _choose(parts, y, groups=None, always=()):
    y = y if y.ndim > 1 else y[:, None]
    return choose_groups(_grams(parts), y, np.ones(len(y)), groups, ALPHAS, always)


def test_choose__group_of_noise__left_out(rng):
    X = rng.normal(size=(200, 5))
    noise = rng.normal(size=(200, 300))
    y = X @ rng.normal(size=5)
    assert _choose({"first": X, "noise": noise}, y) == ("first",)
    assert _choose({"noise": noise, "second": X}, y) == ("second",)
    found = _choose({"noise": noise, "second": X}, y, always=("noise",))
    assert found == ("noise", "second")


def test_choose__groups_that_complement_each_other__all(rng):
    parts = {name: rng.normal(size=(150, 4)) for name in "abc"}
    y = sum(X @ rng.normal(size=4) for X in parts.values()) + rng.normal(size=150)
    assert _choose(parts, y) == ("a", "b", "c")
    # As good with two: a set must be better to replace a larger one.
    parts["d"] = parts["a"] + 1e-3 * rng.normal(size=(150, 4))
    assert _choose(parts, y) == ("a", "b", "c", "d")


def test_choose__group_that_knows_the_subject__left_out_with_groups(monkeypatch, rng):
    monkeypatch.setattr("sklearn_pare.training.feature_groups._MARGIN", 0.0)
    subject = np.repeat(np.arange(20), 10)
    level = rng.normal(size=20)[subject]
    X = rng.normal(size=(200, 3))
    y = X @ np.ones(3) + 3 * level
    known = rng.normal(size=(20, 200))[subject]
    parts = {"first": X, "subject": known}
    assert _choose(parts, y) == ("first", "subject")
    assert _choose(parts, y, groups=subject) == ("first",)


def test_choose__many_samples__a_thousand_decide(monkeypatch, rng):
    X = rng.normal(size=(1500, 3))
    seen = []

    def error(gram, *others):
        seen.append(gram.shape)
        return held_out_error(gram, *others)

    module = "sklearn_pare.training.feature_groups.held_out_error"
    monkeypatch.setattr(module, error)
    parts = {"first": X, "noise": rng.normal(size=(1500, 40))}
    assert _choose(parts, X[:, 0]) == ("first",)
    assert set(seen) == {(1000, 1000)}


@pytest.mark.parametrize("n_rare", [1, 60])
def test_choose__rare_group_among_many_samples__in_the_folds(n_rare, rng):
    X = rng.normal(size=(1500, 3))
    groups = np.zeros(1500, dtype=int)
    groups[700 : 700 + n_rare] = 1
    parts = {"first": X, "noise": rng.normal(size=(1500, 40))}
    assert _choose(parts, X[:, 0], groups)[0] == "first"


def test_choose__several_sets_of_one_size__the_best_of_them(monkeypatch, rng):
    errors = {3: [1.0], 2: [0.94, 0.90], 1: [0.88]}
    found = [error for size in (3, 2, 1) for error in errors[size]]
    monkeypatch.setattr(
        "sklearn_pare.training.feature_groups.held_out_error",
        lambda *others: found.pop(0),
    )
    parts = {name: rng.normal(size=(20, 2)) for name in "abc"}
    assert _choose(parts, rng.normal(size=20), always=("a",)) == ("a", "c")


def test_choose__errors_that_are_not_numbers__all(monkeypatch, rng):
    monkeypatch.setattr(
        "sklearn_pare.training.feature_groups.held_out_error",
        lambda *others: np.nan,
    )
    parts = {name: rng.normal(size=(20, 2)) for name in "ab"}
    assert _choose(parts, rng.normal(size=20)) == ("a", "b")
