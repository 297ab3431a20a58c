"""Signals whose values are linear in a number that is to be predicted."""

import numpy as np
import pytest

from sklearn_pare import PaReRegressor
from tests.common.instances import tiny


@pytest.fixture
def spectra(rng):
    # Three peaks that overlap, of which two disturb.
    place = np.linspace(0, 1, 120)
    peaks = np.exp(-0.5 * ((place - [[0.4], [0.5], [0.62]]) / 0.08) ** 2)
    amounts = rng.uniform(size=(90, 3))
    X = amounts @ peaks + 1e-3 * rng.normal(size=(90, 120))
    return X[:, None], amounts[:, 1]


@pytest.mark.filterwarnings("ignore::sklearn_pare.exceptions.NetworkUnusedWarning")
@pytest.mark.parametrize("scale", [1.0, 1e-4, 3e3])
def test_values__read_by_the_linear_path(scale, spectra):
    X, y = spectra
    model = tiny(PaReRegressor, max_epochs=1).fit(scale * X[:60], y[:60])
    assert "numbers" in model._architecture.linear
    assert model.score(scale * X[60:], y[60:]) > 0.99


@pytest.mark.filterwarnings("ignore::sklearn_pare.exceptions.NetworkUnusedWarning")
def test_values__left_out_where_kernels_know_more(rng):
    # The number is a frequency, and the phase is random.
    y = rng.uniform(1, 3, 120)
    time = np.linspace(0, 10, 80)
    X = np.sin(2 * np.pi * (y[:, None] * time + rng.uniform(size=(120, 1))))
    model = tiny(PaReRegressor, max_epochs=1).fit(X[:80, None], y[:80])
    assert "numbers" not in model._architecture.linear
    assert model.score(X[80:, None], y[80:]) > 0.9
