"""Targets of regressors: codes and their inverse, shapes of outputs, scores."""

import re

import numpy as np
import pytest
import torch
from sklearn.metrics import r2_score

from sklearn_pare._data.value_targets import (
    ValueTarget,
    check_values,
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


@values
def test_value_target__relative_l2__in_standard_deviations_of_y(shape, size, rng):
    y = 40 * rng.normal(size=(30, *shape)) - 1000
    target = ValueTarget.from_y(y, size, "relative_l2")
    codes = torch.from_numpy(target.encode(y))
    outputs = codes + torch.from_numpy(rng.normal(size=codes.shape)).float()
    factor = rng.uniform(0.1, 2, len(target.mean))
    wide = torch.tensor(factor, dtype=torch.float32).reshape(-1, *[1] * len(size))
    error, norm = ((a**2).flatten(1).mean(1).sqrt() for a in (outputs - codes, codes))
    expected = error / norm.clamp_min(0.1)
    torch.testing.assert_close(target.loss(outputs, codes), expected)
    zoomed = target.zoom(factor)
    torch.testing.assert_close(zoomed.loss(outputs / wide, codes / wide), expected)


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
        y, prediction = (a.reshape(30, -1, *size) for a in (y, prediction))
        mean = np.average(y, axis=0, weights=weight)
        # The units of a channel cancel.
        wide, axes = weight.reshape(-1, *[1] * (y.ndim - 1)), (0, *range(2, y.ndim))
        left = (wide * (y - prediction) ** 2).sum(axes)
        expected = np.mean(1 - left / (wide * (y - mean) ** 2).sum(axes))
    assert score == pytest.approx(expected, abs=1e-4)


def test_value_target__other_shape__error_names_both(rng):
    target = ValueTarget.from_y(rng.normal(size=(9, 2, 5)), (5,), "squared_error")
    with pytest.raises(
        DataError, match=r"\(9, 10\).*10 numbers.*\(2, 5\), as in y of fit"
    ):
        target.encode(np.zeros((9, 10)))


@pytest.mark.parametrize("size", [(), (8,)])
@pytest.mark.parametrize("largest", ["1e+200", "1.7e+308", "1e-200", "4e-310"])
def test_value_target__deviation_out_of_range__error_names_the_value(size, largest):
    y = float(largest) * np.linspace(-1, 1, 24).reshape(3, 8)
    with pytest.raises(DataError, match=rf"y reaches {re.escape(largest)}.*Divide y"):
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
