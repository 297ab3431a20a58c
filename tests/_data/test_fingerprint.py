"""Descriptions of arguments and data: equal for equal values, and else different."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklearn_pare._data import fingerprint
from sklearn_pare._data.fingerprint import describe
from sklearn_pare._data.lazy import LazyArray
from sklearn_pare._data.validation import select

ARRAY = np.arange(24.0).reshape(4, 6)
FRAME = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": ["x", "y", "x"]})


def _changed(array, place):
    array = array.copy()
    array[place] += 1e-9
    return array


@pytest.mark.parametrize(
    "other",
    [
        _changed(ARRAY, (0, 0)),
        _changed(ARRAY, (-1, -1)),
        ARRAY.astype(np.float32),
        ARRAY.reshape(6, 4),
        ARRAY[::-1],
        ARRAY.T.copy(),
        ARRAY.astype(object),
        ARRAY.tolist(),
    ],
)
def test_describe__another_number_order_shape_or_dtype__another_text(other):
    assert describe(other) != describe(ARRAY)


@pytest.mark.parametrize(
    "same", [ARRAY.copy(), np.asfortranarray(ARRAY), np.repeat(ARRAY, 2, 0)[::2]]
)
def test_describe__other_memory_layout__same_text(same):
    assert describe(same) == describe(ARRAY)


@pytest.mark.parametrize(
    "other",
    [
        FRAME.rename(columns={"a": "c"}),
        FRAME[["b", "a"]],
        FRAME[::-1],
        FRAME.assign(b=["x", "y", "z"]),
        FRAME.assign(b=FRAME["b"].astype("category")),
        FRAME.assign(a=[1, 2, 3]),
    ],
)
def test_describe__another_frame__another_text(other):
    assert describe(other) != describe(FRAME)


def test_describe__frame_with_another_index__same_text():
    # The index is not part of the data.
    assert describe(FRAME.set_axis([7, 8, 9])) == describe(FRAME)


def test_describe__objects__by_their_values():
    texts = [np.array(own, dtype=object) for own in (["a", None], ["a", "None"])]
    assert describe(texts[0]) == describe(texts[0].copy())
    assert describe(texts[0]) != describe(texts[1])


def test_describe__sparse_matrix__as_the_dense_one():
    dense = (ARRAY > 11).astype(int)
    assert describe(sparse.csr_array(dense)) == describe(dense)


def test_describe__empty_array__shape_and_dtype():
    text = describe(np.zeros((0, 3), np.float32))
    assert text.startswith("(0, 3) float32 sha256:")
    assert text != describe(np.zeros((0, 3)))


def test_describe__blocks__do_not_change_the_text(monkeypatch):
    whole = describe(ARRAY)
    monkeypatch.setattr("sklearn_pare._data.lazy.blocks.__defaults__", (0, 6))
    assert describe(ARRAY) == whole


def test_describe__chosen_samples__as_of_a_copy(rng):
    table, chosen = rng.normal(size=(900, 7)), rng.permutation(900)[:700]
    assert describe(select(table, chosen)) == describe(table[chosen])


def test_describe__array_in_a_file__some_samples_over_all_of_it(monkeypatch):
    whole = LazyArray(ARRAY)
    assert describe(whole) == describe(ARRAY)
    # 12 numbers: samples 0 and 2.
    monkeypatch.setattr(fingerprint, "_SAMPLE", 12)
    text = describe(whole)
    assert text.startswith("(4, 6) float64")
    assert describe(LazyArray(_changed(ARRAY, (2, 3)))) != text
    assert describe(LazyArray(_changed(ARRAY, (1, 3)))) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (np.int64(3), "3"),
        ("3", "'3'"),
        ((1, "a"), "[1, 'a']"),
        ([1, (2.5, None)], "[1, [2.5, None]]"),
        ({"up": 2, 1: [np.bool_(True)]}, "{'up': 2, 1: [True]}"),
    ],
)
def test_describe__plain_values__readable(value, text):
    assert describe(value) == text


def _one(prediction, target):
    return 2 * (prediction - target)


def _two(prediction, target):
    return 3 * (prediction - target)


def test_describe__functions__by_name_and_code():
    assert describe(_one) == describe(_one)
    assert "0x" not in describe(_one)
    texts = {describe(f) for f in (_one, _two, lambda a, b: a - b, lambda a, b: a + b)}
    assert len(texts) == 4
