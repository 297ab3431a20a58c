"""Unusual data that work, and the parts of the validation."""

import numpy as np
import pytest
import torch

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare._validation import ChannelScaler, check_rows, split
from tests.common.instances import tiny

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(20, 6))
SIGNALS = RNG.uniform(0, 200, size=(20, 1, 16))
CLASSES = np.arange(20) % 2
NUMBERS = TABLE[:, 0]


def test_fit__constant_y__constant_prediction():
    reg = tiny(PaReRegressor).fit(TABLE, np.full(20, 7.25))
    np.testing.assert_array_equal(reg.predict(TABLE[:5]), 7.25)


def test_fit__one_of_two_targets_constant__others_learned():
    y = np.c_[NUMBERS, np.full(20, -3.0)]
    reg = tiny(PaReRegressor, max_epochs=40).fit(TABLE, y)
    np.testing.assert_array_equal(reg.predict(TABLE)[:, 1], -3.0)
    assert np.corrcoef(reg.predict(TABLE)[:, 0], NUMBERS)[0, 1] > 0.7


def test_fit__one_column__works():
    clf = tiny(PaReClassifier, max_epochs=20).fit(TABLE[:, :1], TABLE[:, 0] > 0)
    assert clf.score(TABLE[:, :1], TABLE[:, 0] > 0) > 0.9


def test_fit__constant_column_and_huge_offset__works():
    X = np.c_[np.full(20, 3.0), 1e9 + TABLE[:, 0]]
    clf = tiny(PaReClassifier, max_epochs=20).fit(X, TABLE[:, 0] > 0)
    assert clf.score(X, TABLE[:, 0] > 0) > 0.9


def test_fit__y_val_as_column__as_flat():
    column = {"X_val": TABLE, "y_val": CLASSES[:, None]}
    with pytest.warns(UserWarning, match="column-vector"):
        clf = tiny(PaReClassifier, linear_path=False).fit(TABLE, CLASSES, **column)
    assert clf.history_[-1]["valid_score"] == clf.score(TABLE, CLASSES)


def test_fit__numpy_integers__as_python_ones():
    clf = tiny(PaReClassifier, batch_size=np.int64(16), max_epochs=np.int32(2))
    assert clf.fit(TABLE, CLASSES).n_iter_ == 2


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_fit__tensors__as_arrays(dtype):
    X = torch.tensor(TABLE, dtype=dtype, requires_grad=True)
    clf = tiny(PaReClassifier).fit(X, torch.tensor(CLASSES))
    array = X.detach().double().numpy()
    expected = tiny(PaReClassifier).fit(array, CLASSES).predict_proba(array)
    np.testing.assert_allclose(clf.predict_proba(X), expected, atol=1e-5)


def test_fit__arrays_in_an_array__as_one_array():
    X = np.empty(20, dtype=object)
    X[:] = list(SIGNALS)
    clf, expected = (tiny(PaReClassifier).fit(x, CLASSES) for x in (X, SIGNALS))
    np.testing.assert_array_equal(clf.predict_proba(X), expected.predict_proba(SIGNALS))


@pytest.mark.parametrize("kind", [np.uint8, np.float16, np.float32])
def test_check_rows__small_numbers__float32(kind):
    X = check_rows(tiny(PaReClassifier), SIGNALS.astype(kind), reset=True)
    assert X.dtype == np.float32


@pytest.mark.parametrize("shape", [(20, 16), (20, 4, 4), (20, 2, 4, 4)])
@pytest.mark.parametrize("make", [np.asarray, torch.tensor, np.ndarray.tolist])
def test_check_rows__dense_y__as_it_is(shape, make):
    y = RNG.integers(5, size=shape)
    _, checked = check_rows(tiny(PaReRegressor), SIGNALS, make(y), reset=True)
    np.testing.assert_array_equal(checked, y)


def test_split__rare_class__warns_and_splits():
    with pytest.warns(UserWarning, match="smallest class has 1 rows"):
        kept, held_out = split(20, np.array([1] + [0] * 19), 0.1, 0)
    assert sorted([*kept, *held_out]) == list(range(20))


def test_split__classes_in_proportion():
    strata = np.repeat([0, 1], [60, 20])
    _, held_out = split(80, strata, 0.25, 0)
    assert np.bincount(strata[held_out]).tolist() == [15, 5]


@pytest.mark.parametrize("shape", [(50, 4), (50, 3, 7), (50, 2, 5, 6)])
def test_channel_scaler__zero_mean_unit_variance_per_channel(shape, monkeypatch):
    monkeypatch.setattr("sklearn_pare._lazy._BLOCK", 100)  # several blocks
    X = 5 + 3 * RNG.normal(size=shape)
    Z = ChannelScaler().fit(X).transform(X)
    axes = tuple(i for i in range(Z.ndim) if i != 1)
    assert Z.dtype == np.float32
    np.testing.assert_allclose(Z.mean(axes), 0, atol=1e-5)
    np.testing.assert_allclose(Z.std(axes), 1, atol=1e-5)
