import pickle

import numpy as np
import pytest

from sklearn_pare._data.lazy import LazyArray, is_lazy
from sklearn_pare.datasets._readers.rows import ComputedRows, join, one_by_one

X = np.arange(90, dtype=np.float32).reshape(9, 2, 5) - 40


def _take(rows):
    return X[rows]


ROWS = ComputedRows(_take, np.arange(9)[::-1], (2, 5))


@pytest.mark.parametrize(
    "key",
    [2, -1, slice(1, 7, 2), slice(0, 0), [3, 0, 3], np.array([], int), (1, 0), ...,
     (slice(2, 4), 1, slice(3)), X[:, 0, 0] > 0, np.array([[1, 2], [8, 1]])],
    ids=str,
)  # fmt: skip
def test_getitem__as_for_an_array(key):
    np.testing.assert_array_equal(ROWS[key], X[::-1][key])
    assert np.asarray(ROWS[key]).dtype == np.float32


def test_getitem__none_of_samples_computed_one_by_one__empty():
    rows = ComputedRows(one_by_one(X.__getitem__), np.arange(9), (2, 5))
    assert rows[:0].shape == (0, 2, 5)


def test_array__shape_dtype_and_all_rows():
    assert (ROWS.shape, ROWS.ndim, len(ROWS)) == ((9, 2, 5), 3, 9)
    np.testing.assert_array_equal(np.asarray(ROWS), X[::-1])
    assert np.asarray(ROWS, np.float64).dtype == np.float64
    assert repr(ROWS) == "ComputedRows(shape=(9, 2, 5), dtype=float32)"


def test_lazy__read_by_the_estimators_in_any_order(monkeypatch):
    monkeypatch.setattr("sklearn_pare._data.lazy.MAX_READ", 0)
    assert is_lazy(ROWS, table=True)
    index = np.array([7, 0, 3, 7])
    np.testing.assert_array_equal(LazyArray(ROWS)[index], X[::-1][index])


def test_pickle__same_rows():
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(ROWS))[:], ROWS[:])


def test_join__arrays_and_computed_rows():
    joined = join([X[:2], X[2:3]])
    assert isinstance(joined, np.ndarray)
    np.testing.assert_array_equal(joined, X[:3])
    joined = join([ROWS, ComputedRows(one_by_one(X.__getitem__), [4], (2, 5))])
    whole = np.concatenate([X[::-1], X[4:5]])
    assert joined.shape == (10, 2, 5)
    np.testing.assert_array_equal(joined[:], whole)
    np.testing.assert_array_equal(joined[[9, 2, 9, 0]], whole[[9, 2, 9, 0]])
    assert join([ROWS]) is ROWS
