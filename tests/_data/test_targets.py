"""Targets: codes and back, shapes of outputs, scores."""

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils.class_weight import compute_class_weight
from sklearn_pare._data.targets import (
    ClassTarget,
    LabelTarget,
    MaskTarget,
    ValueTarget,
    dense_r2,
    place_size,
)

from sklearn_pare.exceptions import DataError
from sklearn_pare.nn.losses import IGNORED

RNG = np.random.default_rng(0)
SHAPES = [(), (3,), (7,), (2, 7), (6, 5), (2, 6, 5)]
SIZES = [(), (), (7,), (7,), (6, 5), (6, 5)]
values = pytest.mark.parametrize(
    ("shape", "size"), list(zip(SHAPES, SIZES, strict=True)), ids=str
)


@values
@pytest.mark.parametrize("loss", ["squared_error", "huber", "relative_l2"])
def test_value_target__round_trip(shape, size, loss):
    y = 40 * RNG.normal(size=(30, *shape)) - 1000
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
def test_value_target__zoomed__same_numbers_in_other_units(shape, size):
    y = RNG.normal(size=(20, *shape)) + 3
    target = ValueTarget.from_y(y, size, "squared_error")
    factor = RNG.uniform(0.1, 2, len(target.mean))
    zoomed, codes = target.zoom(factor), target.encode(y)
    wide = factor.reshape(-1, *[1] * len(size))
    np.testing.assert_allclose(zoomed.encode(y), codes / wide, rtol=1e-5)
    np.testing.assert_allclose(zoomed.decode(codes / wide), y, rtol=1e-4, atol=1e-5)
    assert zoomed.output_shape == target.output_shape


def test_value_target__relative_l2__one_scale_and_no_shift():
    y = RNG.normal(size=(30, 2, 5)) * np.array([1.0, 100.0])[:, None] + 7
    target = ValueTarget.from_y(y, (5,), "relative_l2")
    codes = target.encode(y)
    np.testing.assert_allclose(codes / y, codes[0, 0, 0] / y[0, 0, 0], rtol=1e-5)
    assert np.square(codes).mean() == pytest.approx(1, rel=1e-5)


def test_value_target__constant_channel__predicted_exactly():
    y = RNG.normal(size=(10, 2, 4))
    y[:, 1] = 1e6 / 3
    target = ValueTarget.from_y(y, (4,), "squared_error")
    decoded = target.decode(RNG.normal(size=(5, 2, 4)))
    assert (decoded[:, 1] == 1e6 / 3).all()


@values
def test_value_target__score(shape, size):
    y = RNG.normal(size=(30, *shape)) + np.arange(np.prod(shape)).reshape(shape)
    prediction, weight = y + 0.3 * RNG.normal(size=y.shape), RNG.uniform(0, 1, 30)
    target = ValueTarget.from_y(y, size, "squared_error")
    score = target.score(target.encode(prediction), target.encode(y), weight)
    if not size:
        expected = r2_score(y, prediction, sample_weight=weight)
    else:
        # One channel: all places in one unit, and so the score is one of y itself.
        _, scale = target._units()
        y, prediction = (a.reshape(30, -1, *size) / scale for a in (y, prediction))
        mean = np.average(y, axis=0, weights=weight)
        wide = weight.reshape(-1, *[1] * (y.ndim - 1))
        left = (wide * (y - prediction) ** 2).sum()
        expected = 1 - left / (wide * (y - mean) ** 2).sum()
    assert score == pytest.approx(expected, abs=1e-4)


def test_dense_r2__places_that_do_not_vary__add_nothing_to_what_is_to_explain():
    y = RNG.normal(size=(20, 6))
    y[:, 0] = 3.0
    assert dense_r2(y, y) == 1
    assert dense_r2(y, np.broadcast_to(y.mean(0), y.shape)) == pytest.approx(0)
    worse = y.copy()
    worse[:, 0] += 1
    spread = ((y - y.mean(0)) ** 2).sum()
    assert dense_r2(y, worse) == pytest.approx(1 - 20 / spread)
    assert dense_r2(0 * y, 0 * y) == 1
    assert dense_r2(0 * y, y) == 0


def test_value_target__other_shape__says_which():
    target = ValueTarget.from_y(RNG.normal(size=(9, 2, 5)), (5,), "squared_error")
    with pytest.raises(DataError, match=r"\(9, 10\).*10 numbers.*\(2, 5\)"):
        target.encode(np.zeros((9, 10)))


@pytest.mark.parametrize("size", [(9,), (4, 6)], ids=str)
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, float])
def test_mask_target__round_trip_with_ignored_places(size, dtype):
    y = RNG.choice([3, 7, 255], size=(10, *size)).astype(dtype)
    target = MaskTarget.from_y(y, 255, None)
    assert target.classes.tolist() == [3, 7]
    assert target.output_shape == (2, *size)
    codes = target.encode(y)
    assert (codes[y == 255] == IGNORED).all()
    outputs = np.moveaxis(np.eye(2)[np.where(codes == IGNORED, 0, codes)], -1, 1)
    decoded = target.decode(outputs)
    assert decoded.shape == y.shape
    np.testing.assert_array_equal(decoded[y != 255], y[y != 255])
    np.testing.assert_allclose(target.probabilities(outputs).sum(1), 1)
    assert target.decide(outputs) is outputs


def test_mask_target__score__share_of_places_not_ignored():
    y = np.array([[0, 1, 1, 9], [9, 9, 9, 0]])
    target = MaskTarget.from_y(y, 9, None)
    outputs = np.zeros((2, 2, 4))
    outputs[:, 1] = 1.0  # class 1 everywhere: two places of four are right
    codes = target.encode(y)
    assert target.score(outputs, codes, np.ones(2)) == 0.5
    assert target.score(outputs, codes, np.array([1.0, 0.0])) == pytest.approx(2 / 3)


@pytest.mark.parametrize("class_weight", ["balanced", {0: 1.0, 1: 5.0}], ids=str)
def test_mask_target__class_weight__as_in_scikit_learn_with_mean_one(class_weight):
    y = (RNG.random((10, 8)) < 0.1).astype(int)
    target = MaskTarget.from_y(y, None, class_weight)
    expected = compute_class_weight(class_weight, classes=np.array([0, 1]), y=y.ravel())
    ratio = np.array(target.class_weight) / expected
    assert ratio[0] == pytest.approx(ratio[1])
    assert np.array(target.class_weight)[y].mean() == pytest.approx(1)


def test_mask_target__log_shares__of_places_not_ignored():
    y = np.array([[0, 1, 1, 9], [1, 9, 9, 1]])
    target = MaskTarget.from_y(y, 9, None)
    np.testing.assert_allclose(np.exp(target.log_shares(target.encode(y))), [0.2, 0.8])
    target = MaskTarget.from_y(y, 9, "balanced")
    np.testing.assert_allclose(np.exp(target.log_shares(target.encode(y))), [0.5, 0.5])
    # The only place of class 0 lies in the row that is left out.
    assert np.isfinite(target.log_shares(target.encode(y[1:]))).all()


def test_mask_target__unknown_class__says_which():
    target = MaskTarget.from_y(np.array([[0, 1], [1, 0]]), None, None)
    with pytest.raises(DataError, match=r"classes that y does not: \[5\]"):
        target.encode(np.array([[0, 5]]))


def test_class_target__round_trip():
    y = np.array(["b", "a", "c", "a"])
    target = ClassTarget.from_y(y)
    codes = target.encode(y)
    assert codes.tolist() == [1, 0, 2, 0]
    outputs = RNG.normal(size=(4, 3))
    np.testing.assert_array_equal(target.decode(np.eye(3)[codes]), y)
    np.testing.assert_allclose(target.probabilities(outputs), softmax(outputs, 1))
    expected = accuracy_score(y, target.decode(outputs), sample_weight=[1, 2, 3, 4])
    assert target.score(outputs, codes, [1, 2, 3, 4]) == expected


def test_label_target__round_trip_and_subset_accuracy():
    y = np.array([[0, 1, 1], [1, 0, 0], [0, 0, 0], [1, 1, 1]])
    target = LabelTarget.from_y(y, None)
    codes = target.encode(y)
    np.testing.assert_array_equal(target.decode(2 * codes - 1), y)
    outputs = 2 * codes - 1
    outputs[0, 0] = 1  # one label of one row
    assert target.score(outputs, codes, None) == 0.75
    np.testing.assert_allclose(target.probabilities(outputs), expit(outputs))


@pytest.mark.parametrize(
    ("pos_weight", "expected"),
    [(None, None), (2, [2, 2, 2]), ([1, 2, 3], [1, 2, 3]), ("balanced", [3, 1, 3])],
)
def test_label_target__pos_weight(pos_weight, expected):
    y = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0]])
    target = LabelTarget.from_y(y, pos_weight)
    assert target.pos_weight == expected


@pytest.mark.parametrize(
    ("shape", "row_shape", "channels", "expected"),
    [
        ((9,), (4,), True, ()),
        ((9, 4), (4,), True, ()),
        ((9, 3), (1, 16), True, ()),
        ((9, 16), (1, 16), True, (16,)),
        ((9, 16), (1, 16), False, (16,)),
        ((9, 2, 8), (1, 16), True, (8,)),
        ((9, 8), (1, 8, 8), True, ()),
        ((9, 8, 8), (1, 8, 8), True, (8, 8)),
        ((9, 5, 3), (2, 8, 8), False, (5, 3)),
        ((9, 1, 20, 4), (2, 8, 8), True, (20, 4)),
        ((9, 2, 8), (4,), True, None),
        ((9, 2, 8), (1, 16), False, None),
        ((9, 1, 8, 8), (1, 16), True, None),
        ((9, 1, 8, 8), (1, 8, 8), False, None),
    ],
)
def test_place_size__what_y_is(shape, row_shape, channels, expected):
    y = np.zeros(shape)
    if expected is None:
        with pytest.raises(DataError, match="cannot be resampled"):
            place_size(y, row_shape, channels=channels)
    else:
        assert place_size(y, row_shape, channels=channels) == expected
