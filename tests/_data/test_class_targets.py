"""Targets of classifiers: codes and their inverse, weights, scores."""

import numpy as np
import pytest
import torch
from scipy.special import expit, softmax
from sklearn.metrics import accuracy_score
from sklearn.utils.class_weight import compute_class_weight

from sklearn_pare._data.class_targets import (
    ClassTarget,
    LabelTarget,
    MaskTarget,
    check_classes,
    make_class_target,
)
from sklearn_pare.exceptions import DataError
from sklearn_pare.nn.losses import IGNORED

# ---- one class per sample


def test_class_target__round_trip(rng):
    y = np.array(["b", "a", "c", "a"])
    target = ClassTarget.from_y(y)
    codes = target.encode(y)
    assert codes.tolist() == [1, 0, 2, 0]
    outputs = rng.normal(size=(4, 3))
    np.testing.assert_array_equal(target.decode(np.eye(3)[codes]), y)
    np.testing.assert_allclose(target.probabilities(outputs), softmax(outputs, 1))
    expected = accuracy_score(y, target.decode(outputs), sample_weight=[1, 2, 3, 4])
    assert target.score(outputs, codes, [1, 2, 3, 4]) == expected


def test_class_target__two_classes__decision_is_the_log_odds(rng):
    outputs = rng.normal(size=(5, 2))
    two = ClassTarget.from_y(np.array([0, 1, 1]))
    odds = np.exp(two.decide(outputs))
    share = two.probabilities(outputs)
    np.testing.assert_allclose(odds, share[:, 1] / share[:, 0])
    three = ClassTarget.from_y(np.array([0, 1, 2, 1]))
    outputs = rng.normal(size=(5, 3))
    np.testing.assert_array_equal(three.decide(outputs), outputs)


@pytest.mark.parametrize(
    ("class_weight", "expected"),
    [
        (None, [1.0, 2.0, 3.0]),
        ({"a": 2.0, "b": 0.5}, [2.0, 4.0, 1.5]),
        # Classes that are not in the dict have weight 1, as in scikit-learn.
        ({"b": 0.0}, [1.0, 2.0, 0.0]),
        ("balanced", [0.75, 1.5, 4.5]),
    ],
)
def test_class_target__weigh__sample_weight_times_class_weight(class_weight, expected):
    y = np.array(["a", "a", "b"])
    target = ClassTarget.from_y(y, class_weight)
    found = target.weigh(np.array([1.0, 2.0, 3.0]), target.encode(y))
    np.testing.assert_allclose(found, expected)


# ---- masks


@pytest.mark.parametrize("size", [(9,), (4, 6)], ids=str)
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, float])
def test_mask_target__round_trip_with_ignored_positions(size, dtype, rng):
    y = rng.choice([3, 7, 255], size=(10, *size)).astype(dtype)
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


def test_mask_target__score__share_of_positions_not_ignored():
    y = np.array([[0, 1, 1, 9], [9, 9, 9, 0]])
    target = MaskTarget.from_y(y, 9, None)
    outputs = np.zeros((2, 2, 4))
    # Class 1 everywhere: two of four positions are correct.
    outputs[:, 1] = 1.0
    codes = target.encode(y)
    assert target.score(outputs, codes, np.ones(2)) == 0.5
    assert target.score(outputs, codes, np.array([1.0, 0.0])) == pytest.approx(2 / 3)


@pytest.mark.parametrize("class_weight", ["balanced", {0: 1.0, 1: 5.0}], ids=str)
def test_mask_target__class_weight__as_in_scikit_learn_with_mean_one(class_weight, rng):
    y = (rng.random((10, 8)) < 0.1).astype(int)
    target = MaskTarget.from_y(y, None, class_weight)
    expected = compute_class_weight(class_weight, classes=np.array([0, 1]), y=y.ravel())
    ratio = np.array(target.class_weight) / expected
    assert ratio[0] == pytest.approx(ratio[1])
    assert np.array(target.class_weight)[y].mean() == pytest.approx(1)


def test_mask_target__log_shares__of_positions_not_ignored():
    y = np.array([[0, 1, 1, 9], [1, 9, 9, 1]])
    target = MaskTarget.from_y(y, 9, None)
    np.testing.assert_allclose(np.exp(target.log_shares(target.encode(y))), [0.2, 0.8])
    target = MaskTarget.from_y(y, 9, "balanced")
    np.testing.assert_allclose(np.exp(target.log_shares(target.encode(y))), [0.5, 0.5])
    # The only position of class 0 lies in the sample that is left out.
    assert np.isfinite(target.log_shares(target.encode(y[1:]))).all()


def test_mask_target__unknown_class__error_names_it():
    target = MaskTarget.from_y(np.array([[0, 1], [1, 0]]), None, None)
    with pytest.raises(DataError, match=r"classes that y of fit does not: \[5\]"):
        target.encode(np.array([[0, 5]]))


# ---- label sets


def test_label_target__round_trip_and_subset_accuracy():
    y = np.array([[0, 1, 1], [1, 0, 0], [0, 0, 0], [1, 1, 1]])
    target = LabelTarget.from_y(y, None)
    codes = target.encode(y)
    np.testing.assert_array_equal(target.decode(2 * codes - 1), y)
    outputs = 2 * codes - 1
    # One wrong label of one sample.
    outputs[0, 0] = 1
    assert target.score(outputs, codes, None) == 0.75
    np.testing.assert_allclose(target.probabilities(outputs), expit(outputs))


INDICATORS = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0]])


@pytest.mark.parametrize(
    ("class_weight", "expected"),
    [
        (None, None),
        ({0: 1.0, 1: 10.0}, [[1, 10]] * 3),
        # A value that is not in the dict has weight 1.
        ({1: 3}, [[1, 3]] * 3),
        ([{1: 2}, {0: 5.0}, {0: 0, 1: np.float64(4)}], [[1, 2], [5, 1], [0, 4]]),
        # n / (2 count), where a value that does not occur counts once.
        ("balanced", [[4 / 6, 4 / 2], [4 / 4, 4 / 4], [4 / 8, 4 / 2]]),
    ],
    ids=str,
)
def test_label_target__class_weight__pairs_per_label(class_weight, expected):
    target = LabelTarget.from_y(INDICATORS, class_weight)
    if expected is None:
        assert target.class_weight is None
        return
    np.testing.assert_allclose(target.class_weight, expected)
    assert all(type(w) is float for pair in target.class_weight for w in pair)


def test_label_target__balanced__as_compute_class_weight_for_each_label(rng):
    y = (rng.random((50, 4)) < [0.1, 0.3, 0.5, 0.9]).astype(int)
    found = LabelTarget.from_y(y, "balanced").class_weight
    for k in range(4):
        expected = compute_class_weight("balanced", classes=np.array([0, 1]), y=y[:, k])
        np.testing.assert_allclose(found[k], expected)


@pytest.mark.parametrize(
    ("class_weight", "words"),
    [
        ([{1: 2.0}], "class_weight has 1 entries, y has 3 labels.*'balanced'"),
        ([{1: 2.0}] * 4, "class_weight has 4 entries, y has 3 labels"),
        ([1.0, 2.0, 3.0], r"class_weight of a label is 1\.0\. Give a dict.*\{0: 1"),
        ({2: 1.0}, r"class_weight of a label is \{2: 1\.0\}\. Give a dict"),
        ({"1": 1.0}, r"class_weight of a label is \{'1': 1\.0\}"),
        ([{1: 1.0}, None, {1: 1.0}], "class_weight of a label is None"),
        ({0: -1.0}, r"class_weight of a label is \{0: -1\.0\}\. Weights are >= 0"),
        ({1: np.nan}, r"class_weight of a label is \{1: nan\}\. Weights are >= 0"),
        ({1: np.inf}, r"class_weight of a label is \{1: inf\}\. Weights are >= 0"),
    ],
    ids=str,
)
def test_label_target__class_weight_of_another_form__error(class_weight, words):
    with pytest.raises(DataError, match=words):
        LabelTarget.from_y(INDICATORS, class_weight)


def test_label_target__loss__weighs_each_label_by_its_value(rng):
    outputs = rng.normal(size=(4, 3))
    weights = [[0.5, 2.0], [1.0, 0.0], [3.0, 4.0]]
    target = LabelTarget.from_y(
        INDICATORS, [{0: without, 1: having} for without, having in weights]
    )
    losses = target.loss(
        torch.from_numpy(outputs), torch.from_numpy(INDICATORS).double()
    )
    for row in range(4):
        expected = 0.0
        for k in range(3):
            share = expit(outputs[row, k])
            term = share if INDICATORS[row, k] else 1 - share
            expected -= weights[k][INDICATORS[row, k]] * np.log(term) / 3
        assert losses[row].item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.array([[1, -1, 1]]), r"values \[-1, 1\].*0 and 1.*y == y\.max"),
        (np.zeros((2, 4)), r"targets have shape \(2, 4\); expected \(n, 3\)"),
        (np.zeros(3), r"targets have shape \(3,\); expected \(n, 3\)"),
    ],
    ids=str,
)
def test_label_target__encode__other_values_or_shape__error(y, words):
    with pytest.raises(DataError, match=words):
        LabelTarget.from_y(INDICATORS, None).encode(y)


# ---- choice of the target


@pytest.mark.parametrize(
    ("y", "kind"),
    [
        (np.array([0, 1, 0]), ClassTarget),
        (np.array(["a", "b", "a"]), ClassTarget),
        (np.array([[0, 1], [1, 1], [0, 0]]), LabelTarget),
        (np.tile([0, 1], (3, 4)), MaskTarget),
    ],
    ids=str,
)
def test_make_class_target__by_shape_of_y(y, kind):
    y = check_classes(y, (2, 8))
    assert type(make_class_target(y, (2, 8), None, None)) is kind


def test_check_classes__sparse_indicators__dense():
    sparse = pytest.importorskip("scipy.sparse")
    found = check_classes(sparse.csr_array(INDICATORS), (5,))
    np.testing.assert_array_equal(found, INDICATORS)


def test_check_classes__several_multiclass_columns__error_names_an_alternative():
    with pytest.raises(DataError, match=r"\(3, 2\).*MultiOutputClassifier"):
        check_classes(np.array([[0, 1], [1, 2], [2, 0]]), (5,))
