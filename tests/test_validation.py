"""Bad input: one clear error each, and everything as it was before."""

import copy

import numpy as np
import pandas as pd
import pytest
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare._validation import ChannelScaler, split
from sklearn_pare.exceptions import DataError, UnknownNameError
from tests.common.instances import tiny

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(20, 6))
CLASSES = np.arange(20) % 2
NUMBERS = TABLE[:, 0]


def _with(value):
    X = TABLE.copy()
    X[3, 2] = value
    return X


CASES = {
    # name: (estimator, settings, X, y, error, words of the message)
    "nan": (PaReClassifier, {}, _with(np.nan), CLASSES, ValueError, "contains NaN"),
    "inf": (PaReClassifier, {}, _with(np.inf), CLASSES, ValueError, "infinity"),
    "y nan": (
        PaReRegressor, {}, TABLE, np.where(CLASSES, np.nan, 1.0), ValueError, "NaN",
    ),
    "1-D X": (PaReClassifier, {}, TABLE[:, 0], CLASSES, ValueError, "Expected 2D"),
    "5-D X": (
        PaReClassifier, {}, TABLE.reshape(20, 1, 1, 2, 3), CLASSES, DataError,
        r"shape \(20, 1, 1, 2, 3\)",
    ),
    "empty axis": (
        PaReClassifier, {}, np.empty((20, 2, 0)), CLASSES, DataError,
        r"shape \(20, 2, 0\)",
    ),
    "input_shape does not fit": (
        PaReClassifier, {"input_shape": (2, 4)}, TABLE, CLASSES, DataError,
        r"6 numbers a row.*input_shape=\(2, 4\).*\(n, 2, 4\)",
    ),
    "input_shape against 3-D X": (
        PaReClassifier, {"input_shape": (3, 2)}, TABLE.reshape(20, 2, 3), CLASSES,
        DataError, r"\(2, 3\).*input_shape=\(3, 2\)",
    ),
    "input_shape of one number": (
        PaReClassifier, {"input_shape": (6,)}, TABLE, CLASSES, DataError,
        r"input_shape=\(6,\) is no shape",
    ),
    "input_shape with zero": (
        PaReClassifier, {"input_shape": (0, 6)}, TABLE, CLASSES, DataError,
        r"input_shape=\(0, 6\) is no shape",
    ),
    "input_shape twice open": (
        PaReClassifier, {"input_shape": (1, -1, -1)}, TABLE, CLASSES, DataError,
        r"\(1, -1, -1\) is no shape",
    ),
    "one class": (
        PaReClassifier, {}, TABLE, np.ones(20, dtype=int), DataError, "1 class only",
    ),
    "one row": (PaReClassifier, {}, TABLE[:1], CLASSES[:1], ValueError, "1 sample"),
    "as many classes as rows": (
        PaReClassifier, {}, TABLE, [f"row {i}" for i in range(20)], DataError,
        "20 classes in 20 rows",
    ),
    "y too short": (
        PaReClassifier, {}, TABLE, CLASSES[:-1], ValueError,
        r"inconsistent numbers of samples: \[20, 19\]",
    ),
    "continuous classes": (
        PaReClassifier, {}, TABLE, NUMBERS, ValueError, "label type: continuous",
    ),
    "two multiclass columns": (
        PaReClassifier, {}, TABLE, np.c_[np.arange(20) % 3, CLASSES], DataError,
        r"y has shape \(20, 2\)",
    ),
    "text column": (
        PaReClassifier, {}, pd.DataFrame({"a": NUMBERS, "b": ["red", "blue"] * 10}),
        CLASSES, DataError, "'red'.*ColumnTransformer",
    ),
    "text numbers": (
        PaReRegressor, {}, TABLE, ["red", "blue"] * 10, ValueError, "red|blue",
    ),
    "negative weight": (
        PaReClassifier, {"sample_weight": -np.ones(20)}, TABLE, CLASSES, ValueError,
        "[Nn]egative",
    ),
    "all weights zero": (
        PaReClassifier, {"sample_weight": np.zeros(20)}, TABLE, CLASSES, ValueError,
        "at least one non-zero",
    ),
    "class weights zero": (
        PaReClassifier, {"class_weight": {0: 0.0, 1: 0.0}}, TABLE, CLASSES, DataError,
        "range from 0 to 0",
    ),
    "class weight negative": (
        PaReClassifier, {"class_weight": {0: -1.0, 1: 1.0}}, TABLE, CLASSES, DataError,
        "range from -1 to 1",
    ),
    "matrix of two other values": (
        PaReClassifier, {}, TABLE, np.where(TABLE[:, :3] > 0, 1, -1), DataError,
        r"values \[-1, 1\].*0 and 1",
    ),
    "X too large": (
        PaReClassifier, {}, 1e300 * TABLE, CLASSES, DataError, "X reaches .*e\\+300",
    ),
    "y too large": (
        PaReRegressor, {}, TABLE, 1e300 * NUMBERS, DataError, "y reaches .*e\\+300",
    ),
    "X_val without y_val": (
        PaReClassifier, {"X_val": TABLE}, TABLE, CLASSES, DataError, "go together",
    ),
    "unknown class in y_val": (
        PaReClassifier, {"X_val": TABLE, "y_val": CLASSES + 1}, TABLE, CLASSES,
        DataError, r"y_val holds classes.*\[2\]",
    ),
    "X_val of another width": (
        PaReClassifier, {"X_val": TABLE[:, :3], "y_val": CLASSES}, TABLE, CLASSES,
        ValueError, "expecting 6 features",
    ),
    "y_val of another width": (
        PaReRegressor, {"X_val": TABLE, "y_val": TABLE}, TABLE, TABLE[:, :2], DataError,
        r"y_val has shape \(20, 6\)",
    ),
    "nothing left to train on": (
        PaReClassifier, {"early_stopping": True, "validation_fraction": 0.99}, TABLE,
        CLASSES, DataError, "validation_fraction=0.99 of 20 rows",
    ),
    "unknown parameter value": (
        PaReClassifier, {"selector": "best"}, TABLE, CLASSES, InvalidParameterError,
        "'selector' parameter.*'best'",
    ),
    "fraction above one": (
        PaReRegressor, {"mix_start": 60}, TABLE, NUMBERS, InvalidParameterError,
        "'mix_start' parameter.*60",
    ),
    "alignment not there yet": (
        PaReClassifier, {"alignment": "otdd"}, TABLE, CLASSES, InvalidParameterError,
        "'alignment' parameter.*'otdd'",
    ),
    "warm_start not there yet": (
        PaReClassifier, {"warm_start": True}, TABLE, CLASSES, InvalidParameterError,
        "'warm_start' parameter",
    ),
    "checkpoint_dir not there yet": (
        PaReClassifier, {"checkpoint_dir": "/tmp/x"}, TABLE, CLASSES,
        InvalidParameterError, "'checkpoint_dir' parameter.*'/tmp/x'",
    ),
    "unknown backbone": (
        PaReClassifier, {"backbone": "swin_tiny"}, TABLE, CLASSES,
        UnknownNameError, "'swin_tiny' is not known.*pare-tiny",
    ),
    "unknown body of timm": (
        PaReClassifier, {"backbone": "timm:swin_tiny"}, TABLE, CLASSES,
        UnknownNameError, "no model 'swin_tiny'. Did you mean",
    ),
    "layer_decay of 0": (
        PaReClassifier, {"layer_decay": 0.0}, TABLE, CLASSES, ValueError,
        "'layer_decay' parameter",
    ),
    "unknown source": (
        PaReClassifier, {"source": "corpus"}, TABLE, CLASSES, UnknownNameError,
        "'corpus' is not known.*'formula'",
    ),
    "source of one array": (
        PaReClassifier, {"source": (TABLE,)}, TABLE, CLASSES, DataError,
        "tuple of length 1",
    ),
    "source lengths": (
        PaReClassifier, {"source": (TABLE, CLASSES[:3])}, TABLE, CLASSES, ValueError,
        r"\[20, 3\]",
    ),
    "source with nan": (
        PaReClassifier, {"source": (_with(np.nan), CLASSES)}, TABLE, CLASSES,
        ValueError, "X_source contains NaN",
    ),
    "unknown device": (
        PaReClassifier, {"device": "abacus"}, TABLE, CLASSES, ValueError,
        "device='abacus'.*'cpu'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_fit__bad_input__clear_error_and_nothing_changed(name):
    kind, settings, X, y, error, words = CASES[name]
    fit_names = ("sample_weight", "X_val", "y_val")
    in_fit = {k: v for k, v in settings.items() if k in fit_names}
    parameters = {k: v for k, v in settings.items() if k not in fit_names}
    random_state = np.random.RandomState(5)
    expected = np.random.RandomState(5).get_state()[1]
    before = copy.deepcopy((X, y))
    estimator = tiny(kind, **({"random_state": random_state} | parameters))
    with pytest.raises(error, match=f"(?s){words}"):
        estimator.fit(X, y, **in_fit)
    np.testing.assert_array_equal(np.asarray(X), np.asarray(before[0]))
    np.testing.assert_array_equal(np.asarray(y), np.asarray(before[1]))
    np.testing.assert_array_equal(random_state.get_state()[1], expected)
    assert not hasattr(estimator, "history_")


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


def test_predict__other_shape__error_shows_both():
    clf = tiny(PaReClassifier).fit(TABLE.reshape(20, 2, 3), CLASSES)
    with pytest.raises(DataError, match=r"(?s)\(2, 4\).*input_shape=\(2, 3\)"):
        clf.predict(np.zeros((4, 2, 4)))


def test_predict__far_from_the_rows_in_fit__clear_error():
    clf = tiny(PaReClassifier).fit(TABLE, CLASSES)
    with pytest.raises(DataError, match="too far from the rows in fit"):
        clf.predict(1e60 * TABLE)


def test_fit__y_val_as_column__as_flat():
    column = {"X_val": TABLE, "y_val": CLASSES[:, None]}
    with pytest.warns(UserWarning, match="column-vector"):
        clf = tiny(PaReClassifier).fit(TABLE, CLASSES, **column)
    assert clf.history_[-1]["valid_score"] == clf.score(TABLE, CLASSES)


def test_fit__numpy_integers__as_python_ones():
    clf = tiny(PaReClassifier, batch_size=np.int64(16), max_epochs=np.int32(2))
    assert clf.fit(TABLE, CLASSES).n_iter_ == 2


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
    monkeypatch.setattr("sklearn_pare._validation._BLOCK", 100)  # several blocks
    X = 5 + 3 * RNG.normal(size=shape)
    Z = ChannelScaler().fit(X).transform(X)
    axes = tuple(i for i in range(Z.ndim) if i != 1)
    assert Z.dtype == np.float32
    np.testing.assert_allclose(Z.mean(axes), 0, atol=1e-5)
    np.testing.assert_allclose(Z.std(axes), 1, atol=1e-5)
