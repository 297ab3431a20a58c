"""Targets of regressors: codes and their inverse, shapes of outputs, scores."""

import re

import numpy as np
import pytest
import torch
from sklearn.metrics import d2_pinball_score, r2_score

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
@pytest.mark.parametrize(
    "loss", ["squared_error", "absolute_error", "huber", "relative_l2"]
)
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


# --- quantiles, counts and functions


@values
@pytest.mark.parametrize("levels", [0.3, [0.3], [0.9, 0.1], [0.1, 0.5, 0.9]], ids=str)
def test_quantiles__sorted_in_the_order_of_the_levels(shape, size, levels, rng):
    y = 40 * rng.normal(size=(30, *shape)) - 1000
    target = ValueTarget.from_y(y, size, "quantile", levels)
    n_levels, several = np.size(levels), np.ndim(levels) > 0
    n_channels = len(target.mean)
    assert target.output_shape == (n_channels * n_levels, *size)
    outputs = rng.normal(size=(30, *target.output_shape)).astype(np.float32)
    found = target.decode(outputs)
    assert found.shape == (30, *shape, *([n_levels] if several else []))
    if several:
        ascending = found[..., np.argsort(levels)]
        assert (np.diff(ascending) >= 0).all()
        # The same numbers as before, only in another order.
        apart = outputs.reshape(30, n_channels, n_levels, *size).sum(2) / n_levels
        plain = ValueTarget.from_y(y, size, "squared_error")
        np.testing.assert_allclose(found.mean(-1), plain.decode(apart), rtol=1e-5)


@values
def test_quantiles__exact__score_one_and_of_constants_zero(shape, size, rng):
    y = rng.normal(size=(40, *shape)) + 5
    target = ValueTarget.from_y(y, size, "quantile", [0.2, 0.7])
    codes, ones = target.encode(y), np.ones(40)
    assert target.score(target.repeat(codes), codes, ones) == pytest.approx(1, abs=1e-5)
    constants = [
        np.quantile(codes, level, axis=0, method="inverted_cdf") for level in (0.2, 0.7)
    ]
    outputs = np.stack(constants, 1).reshape(target.output_shape)
    score = target.score(np.tile(outputs, (40, *[1] * outputs.ndim)), codes, ones)
    assert score == pytest.approx(0, abs=1e-5)


def test_quantiles__score__near_that_of_scikit_learn(rng):
    y = rng.normal(size=(400, 2))
    prediction = y + rng.normal(size=(400, 2))
    target = ValueTarget.from_y(y, (), "quantile", 0.3)
    score = target.score(target.encode(prediction), target.encode(y), np.ones(400))
    expected = d2_pinball_score(y, prediction, alpha=0.3)
    assert score == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    "quantile", [None, 0.0, 1.0, [0.5, 1.5], [], [[0.1, 0.9]], [float("nan")]], ids=str
)
def test_quantiles__levels_that_are_none__error_names_them(quantile, rng):
    with pytest.raises(DataError, match=r"quantile is .*\[0.1, 0.5, 0.9\]"):
        ValueTarget.from_y(rng.normal(size=9), (), "quantile", quantile)


@pytest.mark.parametrize("loss", ["absolute_error", "quantile"])
@pytest.mark.parametrize("size", [(), (5,)])
def test_shift__quantile_of_the_residuals_by_weight(loss, size, rng):
    y = rng.normal(size=(60, 2, *size))
    target = ValueTarget.from_y(y, size, loss, [0.9, 0.25])
    residuals = rng.gamma(1, size=(60, *target.output_shape))
    weight = rng.integers(1, 4, 60)
    shift = target.shift(residuals, weight.astype(float))
    levels = [0.9, 0.25] * 2 if loss == "quantile" else [0.5] * 2
    for k, level in enumerate(levels):
        repeated = np.repeat(residuals[:, k], weight, axis=0)
        expected = np.quantile(repeated, level, method="inverted_cdf")
        assert shift[k] == expected


@pytest.mark.parametrize("loss", ["squared_error", "huber", "relative_l2", "poisson"])
def test_shift__losses_of_means__none(loss, rng):
    target = ValueTarget.from_y(rng.gamma(1, size=(9, 2)), (), loss)
    assert target.shift(rng.normal(size=(9, 2)), np.ones(9)) is None


@values
def test_poisson__outputs_are_logarithms_of_multiples_of_the_mean(shape, size, rng):
    y = rng.poisson(4, (30, *shape)).astype(float)
    target = ValueTarget.from_y(y, size, "poisson")
    start = target.decode(np.zeros((2, *target.output_shape), np.float32))
    start, channels = (a.reshape(len(a), len(target.mean), -1) for a in (start, y))
    np.testing.assert_allclose(start[0, :, 0], channels.mean((0, 2)))
    outputs = rng.normal(size=(30, *target.output_shape)).astype(np.float32)
    assert (target.decode(outputs) > 0).all()
    codes = torch.from_numpy(target.encode(y))
    other = ValueTarget.from_y(1000 * y, size, "poisson")
    torch.testing.assert_close(torch.from_numpy(other.encode(1000 * y)), codes)
    assert target.linear is False


@pytest.mark.parametrize("value", [-1.0, -1e-9, -1e30])
def test_poisson__negative_target__error_names_it(value, rng):
    y = rng.poisson(4, 30).astype(float)
    target = ValueTarget.from_y(y, (), "poisson")
    y[7] = value
    for use in (lambda: ValueTarget.from_y(y, (), "poisson"), lambda: target.encode(y)):
        with pytest.raises(DataError, match=re.escape(f"y holds {value:g}, and")):
            use()


@values
def test_function__gets_standard_deviations_of_y_in_its_shape(shape, size, rng):
    y = 40 * rng.normal(size=(30, *shape)) - 1000
    seen = []

    def loss(prediction, target):
        seen[:] = prediction, target
        return (prediction - target).abs()

    target = ValueTarget.from_y(y, size, loss)
    zoomed = target.zoom(rng.uniform(0.1, 2, len(target.mean)))
    for own in (target, zoomed):
        codes = torch.from_numpy(own.encode(y))
        losses = own.loss(torch.zeros_like(codes), codes)
        assert losses.shape == (30,)
        prediction, given = seen
        assert prediction.shape == given.shape == y.shape
        channels = y.reshape(30, -1, *size)
        axes = (0, *range(2, channels.ndim))
        wide = (channels - channels.mean(axes, keepdims=True)) / channels.std(
            axes, keepdims=True
        )
        np.testing.assert_allclose(given, wide.reshape(y.shape), atol=1e-3)
        np.testing.assert_allclose(
            losses, np.abs(wide).reshape(30, -1).mean(1), rtol=1e-3
        )


@pytest.mark.parametrize(
    "loss",
    [
        torch.nn.functional.mse_loss,
        torch.nn.HuberLoss(),
        lambda prediction, target: 0.5,
        lambda prediction, target: None,
        lambda prediction, target: prediction[:-1],
        lambda prediction, target: (prediction - target).detach().numpy(),
    ],
    ids=["mean", "module", "number", "nothing", "one less", "numpy"],
)
def test_function__no_loss_of_each_sample__error_says_how(loss, rng):
    target = ValueTarget.from_y(rng.normal(size=9), (), loss)
    codes = torch.zeros(9, 1)
    with pytest.raises(DataError, match=r"loss returned .*reduction='none'"):
        target.loss(codes, codes)
