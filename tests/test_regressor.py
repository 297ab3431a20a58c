"""The regressor: units, weights, early stopping."""

import numpy as np
import pytest

from sklearn_pare import PaReRegressor
from tests.common.instances import tiny


@pytest.fixture
def numbers():
    X = np.random.default_rng(0).normal(size=(80, 4))
    return X, 100 + 7 * X[:, 1]


def test_fit__learns_in_the_units_of_y(numbers):
    X, y = numbers
    reg = tiny(PaReRegressor, max_epochs=60).fit(X, y)
    assert reg.score(X, y) > 0.8
    assert abs(reg.predict(X).mean() - 100) < 2


def test_fit__several_targets__shape_kept_and_scales_apart(numbers):
    X, _ = numbers
    y = np.c_[1e6 * X[:, 0], 1e-3 * X[:, 2]]
    reg = tiny(PaReRegressor, max_epochs=80).fit(X, y)
    assert reg.predict(X).shape == (80, 2)
    assert reg.score(X, y) > 0.7


def test_predict__shifted_and_scaled_target__same_up_to_units(numbers):
    X, y = numbers
    plain = tiny(PaReRegressor).fit(X, y).predict(X)
    other = tiny(PaReRegressor).fit(X, 1e3 * y - 5).predict(X)
    np.testing.assert_allclose(other, 1e3 * plain - 5, rtol=1e-3)


def test_fit__zero_weight__target_left_out(numbers):
    X, y = numbers
    wrong = np.where(np.arange(80) < 70, y, 1e6)
    weight = (np.arange(80) < 70).astype(float)
    left_out = tiny(PaReRegressor).fit(X, wrong, sample_weight=weight)
    never_there = tiny(PaReRegressor).fit(X[:70], y[:70])
    np.testing.assert_array_equal(left_out.predict(X), never_there.predict(X))


def test_early_stopping__scores_with_r2(numbers):
    X, y = numbers
    reg = tiny(PaReRegressor, early_stopping=True, max_epochs=4, linear_path=False)
    reg.fit(X, y, X_val=X[:30], y_val=y[:30])
    best = max(row["valid_score"] for row in reg.history_)
    assert reg.score(X[:30], y[:30]) == pytest.approx(best, abs=1e-5)
