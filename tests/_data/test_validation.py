"""Shapes, selection and weights of samples."""

import numpy as np
import pandas as pd
import pytest

from sklearn_pare._data.validation import (
    check_input_shape,
    place_size,
    positive,
    select,
    shape_rows,
)
from sklearn_pare.exceptions import DataError

TABLE = np.random.default_rng(0).normal(size=(20, 6))


@pytest.mark.parametrize(
    ("shape", "input_shape", "expected"),
    [
        ((5, 12), None, (5, 12)),
        ((5, 12), (3, 4), (5, 3, 4)),
        ((5, 12), (3, -1), (5, 3, 4)),
        ((5, 12), (-1, 2, 2), (5, 3, 2, 2)),
        ((5, 3, 4), (3, 4), (5, 3, 4)),
        ((5, 3, 4), (3, -1), (5, 3, 4)),
        ((5, 3, 2, 2), (3, -1, 2), (5, 3, 2, 2)),
    ],
)
def test_shape_rows__folds_flat_rows_in_order(shape, input_shape, expected):
    X = np.arange(np.prod(shape)).reshape(shape)
    shaped = shape_rows(X, input_shape)
    np.testing.assert_array_equal(shaped, X.reshape(expected))
    if shape == expected:
        assert shaped is X


def test_shape_rows__rows_that_do_not_fit__says_which_would():
    with pytest.raises(DataError) as error:
        shape_rows(np.zeros((5, 2, 6)), (3, -1))
    assert str(error.value) == (
        "X has samples of shape (2, 6) with 12 numbers, which do not fit input_shape="
        "(3, -1). Give X of shape (n, 3, 4), or flattened samples of 12 numbers, or "
        "another input_shape. Signals in a list may be shorter."
    )


@pytest.mark.parametrize(
    ("input_shape", "whole"),
    [
        ((1, 1), True), ((1, 1, 1), True), ((-1, 5), True), ((3, -1, 5), True),
        (np.array([3, 4]), True), (None, True),
        ((1,), False), ((1, 2, 3, 4), False), ((), False), ((0, 5), False),
        ((-2, 5), False), ((-1, -1), False), ((2.0, 3), False), (("2", 3), False),
    ],
)  # fmt: skip
def test_check_input_shape__what_a_row_can_have(input_shape, whole):
    if whole:
        check_input_shape(input_shape)
        return
    with pytest.raises(DataError) as error:
        check_input_shape(input_shape)
    assert str(error.value) == (
        f"input_shape={input_shape!r} is not the shape of a sample. Use (C, L) for "
        "signals or (C, H, W) for images, with positive numbers of which one may be "
        "-1; for a table leave it None."
    )


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
def test_place_size__size_of_a_dense_target(shape, row_shape, channels, expected):
    y = np.zeros(shape)
    if expected is None:
        with pytest.raises(DataError, match="cannot be resampled"):
            place_size(y, row_shape, channels=channels)
    else:
        assert place_size(y, row_shape, channels=channels) == expected


def test_select__rows_by_position__of_arrays_and_frames():
    frame = pd.DataFrame({"a": range(5), "b": list("vwxyz")}, index=[4, 3, 2, 1, 0])
    kept = np.array([True, False, True, False, False])
    for rows in (np.array([0, 2]), slice(0, 3, 2), kept):
        assert select(frame, rows)["b"].tolist() == ["v", "x"]
        np.testing.assert_array_equal(select(TABLE[:5], rows), TABLE[[0, 2]])


@pytest.mark.parametrize("kind", [np.array, pd.DataFrame])
def test_positive__rows_without_weight__left_out_of_rows_and_targets(kind):
    weight, y = np.array([0.5, 0.0, 2.0]), np.array([7, 8, 9])
    X = kind([[0, 1], [2, 3], [4, 5]])
    some, few, kept = positive(weight, X, y)
    np.testing.assert_array_equal(some, [[0, 1], [4, 5]])
    assert few.tolist() == [7, 9]
    assert kept.tolist() == [0.5, 2.0]
    same, targets, whole = positive(weight + 0.1, X, y)
    assert same is X
    assert targets is y
    np.testing.assert_array_equal(whole, weight + 0.1)


@pytest.mark.parametrize(
    ("weight", "least", "most"),
    [
        ([0.0, 0.0], "0", "0"),
        ([-1.0, 2.0], "-1", "2"),
        ([1.0, np.inf], "1", "inf"),
        ([1.0, np.nan], "nan", "nan"),
        ([-0.5, -2.0], "-2", "-0.5"),
    ],
)
def test_positive__no_weights__error(weight, least, most):
    with pytest.raises(DataError) as error:
        positive(np.array(weight), TABLE[:2], np.arange(2))
    assert str(error.value) == (
        "The sample weights, in fit times class_weight, range from "
        f"{least} to {most}. They must be finite and not negative, and at least one "
        "must be positive."
    )
