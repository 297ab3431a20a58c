import itertools

import numpy as np
import pytest
import torch

from sklearn_pare.metrics import relative_l2
from studies import unet
from studies.unet import UNet, UNetRegressor


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("size", [(30,), (8,), (17, 32), (8, 8)])
def test_unet__any_size(size):
    net = UNet(len(size), 2, 3, width=8)
    assert net(torch.randn(2, 2, *size)).shape == (2, 3, *size)


@pytest.mark.parametrize(
    ("X_shape", "y_shape"),
    [
        ((6, 1, 16), (6, 16)),
        ((6, 3, 16), (6, 2, 16)),
        ((6, 2, 8, 12), (6, 8, 12)),
        ((6, 1, 8, 8), (6, 1, 8, 8)),
    ],
)
def test_unet_regressor__shape_of_y(rng, X_shape, y_shape):
    X, y = rng.normal(size=X_shape), rng.normal(size=y_shape)
    predicted = UNetRegressor(seconds=0.01).fit(X, y).predict(X)
    assert predicted.shape == y.shape
    assert np.isfinite(predicted).all()


def test_unet_regressor__learns_in_its_time_and_leaves_the_global_state(
    rng, monkeypatch
):
    X = rng.normal(size=(32, 1, 32)) + 5
    y = 100 * X[:, 0] + np.arange(32)
    # A clock that advances by a second per step.
    monkeypatch.setattr(unet.time, "process_time", itertools.count().__next__)
    state = torch.random.get_rng_state()
    model = UNetRegressor(seconds=60.0, random_state=0).fit(X, y)
    assert model.n_steps_ == 60
    assert relative_l2(y, model.predict(X)) < 0.1
    assert torch.equal(torch.random.get_rng_state(), state)


def test_unet_regressor__one_step__the_same_again(rng):
    X, y = rng.normal(size=(2, 6, 1, 16))
    first, again = (
        UNetRegressor(seconds=1e-6, random_state=3).fit(X, y) for _ in range(2)
    )
    assert first.n_steps_ == 1
    np.testing.assert_array_equal(first.predict(X), again.predict(X))
