"""Lists of signals of different lengths, and signals that end with NaN."""

import numpy as np
import pandas as pd
import pytest
import torch

from sklearn_pare import PaReClassifier
from sklearn_pare._data.validation import check_rows
from sklearn_pare.exceptions import DataError
from tests.common.instances import tiny

LENGTHS = [5, 12, 7, 12, 9, 3]
CLASSES = np.arange(len(LENGTHS)) % 2


def _signals(*channels):
    rng = np.random.default_rng(0)
    return [rng.normal(size=(*channels, length)) for length in LENGTHS]


def _padded(rows, length=12):
    rows = [np.atleast_2d(row) for row in rows]
    X = np.full((len(rows), len(rows[0]), length), np.nan)
    for own, row in zip(X, rows, strict=True):
        own[:, : row.shape[1]] = row
    return X


def _objects(rows):
    array = np.empty(len(rows), dtype=object)
    array[:] = rows
    return array


FORMS = {
    # name: (list of signals, settings)
    "channels": (_signals(3), {}),
    "one channel": (_signals(1), {}),
    "without channels": (_signals(), {}),
    "tuple": (tuple(_signals(2)), {}),
    "objects": (_objects(_signals(2)), {}),
    "series": (pd.Series(_signals(2)), {}),
    "series of series": ([pd.Series(row) for row in _signals()], {}),
    "torch": ([torch.tensor(row) for row in _signals(2)], {}),
    "float32": ([row.astype(np.float32) for row in _signals(2)], {}),
    "whole numbers": ([(9 * row).astype(int) for row in _signals(2)], {}),
    "lists": ([row.tolist() for row in _signals(2)], {"input_shape": (2, -1)}),
    "lists of numbers": (
        [row.tolist() for row in _signals()], {"input_shape": (1, -1)},
    ),
    "given length": (_signals(2), {"input_shape": (2, 12)}),
    "longer": (_signals(2), {"input_shape": (2, 20)}),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_lists__signals_of_different_lengths__padded_with_nan(name):
    rows, settings = FORMS[name]
    X = check_rows(tiny(PaReClassifier, **settings), rows, reset=True)
    plain = [np.asarray(row) for row in rows]
    length = settings.get("input_shape", (0, -1))[1]
    np.testing.assert_array_equal(X, _padded(plain, max(length, max(LENGTHS))))
    assert X.dtype == (np.float32 if name == "float32" else np.float64)


def test_lists__masked_and_missing__nan():
    rows = _signals(2)
    expected = _padded(rows)
    expected[1, 0, 4] = expected[2, 1, 3] = np.nan
    rows[1] = np.ma.masked_equal(rows[1], rows[1][0, 4])
    rows[2] = rows[2].astype(object)
    rows[2][1, 3] = None
    X = check_rows(tiny(PaReClassifier), rows, reset=True)
    np.testing.assert_array_equal(X, expected)


WRONG = {
    # name: (rows, settings, words)
    "images": ([np.zeros((1, 8, 8)), np.zeros((1, 8, 9))], {}, "2 different shapes"),
    "channels": ([np.zeros((2, 8)), np.zeros((3, 8))], {}, "Only signals may differ"),
    "time first": ([np.zeros((9, 2)), np.zeros((8, 2))], {}, "one number of channels"),
    "a faulty table": ([[1.0, 2.0], [3.0]], {}, r"set input_shape=\(C, -1\)"),
    "other channels": (
        [np.zeros((2, 8)), np.zeros((2, 9))], {"input_shape": (3, -1)},
        "2 different shapes",
    ),
    "too long": (
        [np.zeros((2, 8)), np.zeros((2, 9))], {"input_shape": (2, 8)},
        r"Sample 1 of X is a signal of 9 positions, and at most 8 .*\[x\[\.\.\., :8\] "
        r"for x in X\].*input_shape=\(C, 9\)",
    ),
    "text": (
        [np.array([["a", "b"]]), np.array([["c"]])], {},
        "X holds text",
    ),
    "complex": ([np.zeros((1, 8)), np.ones((1, 9)) * 1j], {}, "columns or channels"),
    "empty": ([np.zeros((2, 8)), np.zeros((2, 0))], {}, "All values of sample 1 of X"),
    "nested": ([[[1.0, 2.0], [3.0]]] * 2, {}, "list of parts of different lengths"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_lists__other_samples__error(name):
    rows, settings, words = WRONG[name]
    with pytest.raises(DataError, match=words):
        check_rows(tiny(PaReClassifier, **settings), rows, reset=True)


def _fitted(X, **settings):
    settings = {"max_epochs": 1, "linear_path": False} | settings
    return tiny(PaReClassifier, **settings).fit(X, CLASSES)


TAILS = {
    # name: (X in fit, settings, shape of a sample)
    "list": (_signals(2), {}, (2, 12)),
    "array": (_padded(_signals(2)), {}, (2, 12)),
    "padded twice as long": (_padded(_signals(2), 24), {}, (2, 12)),
    "one channel": (_padded(_signals(), 40), {}, (1, 12)),
    "room": (_padded(_signals(2)), {"input_shape": (2, 12)}, (2, 12)),
    "masked": (np.ma.masked_invalid(_padded(_signals(2), 24)), {}, (2, 12)),
}  # fmt: skip


@pytest.mark.parametrize("name", TAILS)
def test_tails__fit__length_of_the_longest_signal(name):
    X, settings, shape = TAILS[name]
    clf = _fitted(X, **settings)
    assert clf.input_shape_ == shape
    plain = _signals(*shape[:-1]) if shape[0] > 1 else _signals(1)
    expected = _fitted(plain).predict_proba(plain)
    np.testing.assert_array_equal(clf.predict_proba(X), expected)


@pytest.mark.parametrize("settings", [{}, {"input_shape": (1, -1)}], ids=str)
@pytest.mark.parametrize("form", ["arrays", "lists"])
def test_lists__predict__of_one_length_or_several(settings, form):
    rows = _signals()
    rows = rows if form == "arrays" or not settings else [row.tolist() for row in rows]
    clf = _fitted(rows, **settings)
    together = clf.predict_proba(rows)
    for i, row in enumerate(rows):
        np.testing.assert_array_equal(clf.predict_proba([row])[0], together[i])
    np.testing.assert_array_equal(
        clf.predict_proba([rows[1], rows[3]]), together[[1, 3]]
    )


def test_lists__fit_flattened__predict_lists():
    X = np.random.default_rng(0).normal(size=(6, 12))
    clf = _fitted(X, input_shape=(1, 12))
    expected = clf.predict_proba(np.where(np.arange(12) < 8, X, np.nan))
    np.testing.assert_array_equal(clf.predict_proba([row[:8] for row in X]), expected)


@pytest.mark.parametrize("form", ["array", "list"])
def test_tails__longer_signal_in_predict__error(form):
    clf = _fitted(_signals(2))
    X = _padded(_signals(2), 24)
    X[3, 1, 15] = 1.0
    X = X if form == "array" else [X[3, :, :16]]
    sample = 3 if form == "array" else 0
    with pytest.raises(DataError, match=f"Sample {sample} of X is a signal of 16 pos"):
        clf.predict(X)


def test_tails__shorter_array_in_predict__error_that_names_lists():
    clf = _fitted(_signals(2))
    with pytest.raises(DataError, match="Signals in a list may be shorter"):
        clf.predict(np.zeros((6, 2, 7)))


def test_tails__dense_targets__length_kept():
    X = _padded(_signals(2), 16)
    clf = tiny(PaReClassifier, max_epochs=1, linear_path=False)
    clf.fit(X, (np.nan_to_num(X[:, 0]) > 0).astype(int))
    assert clf.input_shape_ == (2, 16)
    assert clf.predict(X).shape == (6, 16)
