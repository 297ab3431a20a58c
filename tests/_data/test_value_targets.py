"""Targets of regressors: codes and their inverse, shapes of outputs, scores."""

import numpy as np
import pytest
from sklearn.metrics import r2_score

from sklearn_pare._data.value_targets import (
    ValueTarget,
    check_values,
    dense_r2,
    make_value_target,
)
from sklearn_pare.exceptions import DataError

SHAPES = [(), (3,), (7,), (2, 7), (6, 5), (2, 6, 5)]
SIZES = [(), (), (7,), (7,), (6, 5), (6, 5)]
values = pytest.mark.parametrize(
    ("shape", "size"), list(zip(SHAPES, SIZES, strict=True)), ids=str
)


@values
@pytest.mark.parametrize("loss", ["squared_error", "huber", "relative_l2"])
def test_value_target__round_trip(shape, size, loss, rng):
    y = 40 * rng.normal(size=(30, *shape)) - 1000
    target = ValueTarget.from_y(y, size, loss)
    codes = target.encode(y)
    assert codes.dtype == np.float32
    assert codes.shape == (30, *target.output_shape)
    assert target.output_shape[1:] == size
    np.testing.assert_allclose(target.decode(codes), y, rtol=1e-4)
    if loss != "relative_l2":
        channels = np.moveaxis(codes, 1, 0).reshape(codes.shape[1], -1)
        np.testing.assert_allclose(channels.mean(1), 0, atol=1e-4)
        np.testing.assert_allclose(channels.std(1), 1, rtol=1e-4)


@values
def test_value_target__zoomed__same_numbers_in_other_units(shape, size, rng):
    y = rng.normal(size=(20, *shape)) + 3
    target = ValueTarget.from_y(y, size, "squared_error")
    factor = rng.uniform(0.1, 2, len(target.mean))
    zoomed, codes = target.zoom(factor), target.encode(y)
    wide = factor.reshape(-1, *[1] * len(size))
    np.testing.assert_allclose(zoomed.encode(y), codes / wide, rtol=1e-5)
    np.testing.assert_allclose(zoomed.decode(codes / wide), y, rtol=1e-4, atol=1e-5)
    assert zoomed.output_shape == target.output_shape


def test_value_target__relative_l2__one_scale_and_no_shift(rng):
    y = rng.normal(size=(30, 2, 5)) * np.array([1.0, 100.0])[:, None] + 7
    target = ValueTarget.from_y(y, (5,), "relative_l2")
    codes = target.encode(y)
    np.testing.assert_allclose(codes / y, codes[0, 0, 0] / y[0, 0, 0], rtol=1e-5)
    assert np.square(codes).mean() == pytest.approx(1, rel=1e-5)


def test_value_target__constant_channel__predicted_exactly(rng):
    y = rng.normal(size=(10, 2, 4))
    y[:, 1] = 1e6 / 3
    target = ValueTarget.from_y(y, (4,), "squared_error")
    decoded = target.decode(rng.normal(size=(5, 2, 4)))
    assert (decoded[:, 1] == 1e6 / 3).all()


@values
def test_value_target__score(shape, size, rng):
    y = rng.normal(size=(30, *shape)) + np.arange(np.prod(shape)).reshape(shape)
    prediction, weight = y + 0.3 * rng.normal(size=y.shape), rng.uniform(0, 1, 30)
    target = ValueTarget.from_y(y, size, "squared_error")
    score = target.score(target.encode(prediction), target.encode(y), weight)
    if not size:
        expected = r2_score(y, prediction, sample_weight=weight)
    else:
        # Each channel has one unit, in which the score is that of y itself.
        _, scale = target._units()
        y, prediction = (a.reshape(30, -1, *size) / scale for a in (y, prediction))
        mean = np.average(y, axis=0, weights=weight)
        wide = weight.reshape(-1, *[1] * (y.ndim - 1))
        left = (wide * (y - prediction) ** 2).sum()
        expected = 1 - left / (wide * (y - mean) ** 2).sum()
    assert score == pytest.approx(expected, abs=1e-4)


def test_dense_r2__positions_that_do_not_vary__add_nothing_to_the_spread(rng):
    y = rng.normal(size=(20, 6))
    y[:, 0] = 3.0
    assert dense_r2(y, y) == 1
    assert dense_r2(y, np.broadcast_to(y.mean(0), y.shape)) == pytest.approx(0)
    worse = y.copy()
    worse[:, 0] += 1
    spread = ((y - y.mean(0)) ** 2).sum()
    assert dense_r2(y, worse) == pytest.approx(1 - 20 / spread)
    assert dense_r2(0 * y, 0 * y) == 1
    assert dense_r2(0 * y, y) == 0


def test_value_target__other_shape__error_names_both(rng):
    target = ValueTarget.from_y(rng.normal(size=(9, 2, 5)), (5,), "squared_error")
    with pytest.raises(DataError, match=r"\(9, 10\).*10 numbers.*\(2, 5\), as in y"):
        target.encode(np.zeros((9, 10)))


@pytest.mark.parametrize("size", [(), (8,)])
def test_value_target__deviation_that_overflows__error_names_the_value(size):
    y = 1e200 * np.linspace(-1, 1, 24).reshape(3, 8)
    with pytest.raises(DataError, match=r"y reaches 1e\+200.*Divide y"):
        ValueTarget.from_y(y, size, "squared_error")


@pytest.mark.parametrize(
    ("shape", "loss", "expected", "size"),
    [
        ((9,), "auto", "squared_error", ()),
        ((9, 3), "auto", "squared_error", ()),
        ((9, 16), "auto", "relative_l2", (16,)),
        ((9, 2, 16), "auto", "relative_l2", (16,)),
        ((9,), "huber", "huber", ()),
        ((9, 16), "squared_error", "squared_error", (16,)),
    ],
)
def test_make_value_target__loss_by_kind_of_target(shape, loss, expected, size, rng):
    target = make_value_target(rng.normal(size=shape), (1, 16), loss)
    assert (target.loss_name, target.size) == (expected, size)


@pytest.mark.filterwarnings("ignore:A column-vector y")
def test_check_values__single_column__flat():
    assert check_values(np.zeros((4, 1))).shape == (4,)
    assert check_values(np.zeros((4, 2))).shape == (4, 2)
    assert check_values(np.zeros((4, 1, 3))).shape == (4, 1, 3)
