"""Masked arrays: missing values in X, and errors elsewhere."""

import numpy as np
import pandas as pd
import pytest

from sklearn_pare import PaReClassifier, PaReRegressor, metrics, otdd
from sklearn_pare._data import lazy
from sklearn_pare._data.validation import check_rows
from sklearn_pare.exceptions import DataError
from sklearn_pare.sources import rank
from tests.common.containers import Variable, netcdf_variable
from tests.common.instances import tiny

RNG = np.random.default_rng(1)
N = 20
TABLE = np.random.default_rng(0).normal(size=(N, 4))
SIGNALS = np.random.default_rng(0).normal(size=(N, 2, 16))
IMAGES = np.random.default_rng(0).normal(size=(N, 1, 8, 8))
CLASSES = np.arange(N) % 2
FILL = -999.0


def _masked(X, place, fill=FILL):
    """Return a masked array whose data hold a fill value at the masked place."""
    X = X.copy()
    X[place] = fill
    return np.ma.masked_equal(X, fill)


def _objects(rows):
    array = np.empty(len(rows), dtype=object)
    array[:] = rows
    return array


def _hdf5(folder, X):
    file = pytest.importorskip("h5py").File(folder / "X.h5", "w")
    file["X"] = X
    file["X"].attrs["_FillValue"] = np.array([FILL])
    return file["X"]


def _rows_in_hdf5(folder, X):
    file = pytest.importorskip("h5py").File(folder / "rows.h5", "w")
    for number, row in enumerate(X):
        file[str(number)] = row
        file[str(number)].attrs["_FillValue"] = FILL
    return [file[str(number)] for number in range(len(X))]


TABLES = {
    "masked array": lambda folder, X: X,
    "list of masked arrays": lambda folder, X: list(X),
    "objects of masked arrays": lambda folder, X: _objects(list(X)),
    "masked objects": lambda folder, X: X.astype(object),
    "netCDF4": lambda folder, X: Variable(X.data, X.mask),
    "dask": lambda folder, X: pytest.importorskip("dask.array").from_array(X, chunks=3),
    "_FillValue": lambda folder, X: netcdf_variable(folder, X.data, _FillValue=FILL),
    "missing_value": lambda folder, X: netcdf_variable(
        folder, X.data, missing_value=FILL
    ),
    "hdf5": lambda folder, X: _hdf5(folder, X.data),
    "list of hdf5": lambda folder, X: _rows_in_hdf5(folder, X.data),
    "lists of numbers": lambda folder, X: [list(row) for row in X],
    "tuples in a Series": lambda folder, X: pd.Series([tuple(row) for row in X]),
    "tuple of lists": lambda folder, X: tuple(list(row) for row in X),
    "table of objects": lambda folder, X: np.array([list(r) for r in X], object),
}


@pytest.mark.parametrize("name", TABLES)
def test_masked__table__missing_value(name, tmp_path):
    X = TABLES[name](tmp_path, _masked(TABLE, (3, 2)))
    expected = TABLE.copy()
    expected[3, 2] = np.nan
    np.testing.assert_array_equal(
        check_rows(tiny(PaReClassifier), X, reset=True), expected
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, bool, np.float32])
def test_masked__table_of_other_numbers__missing_value(dtype):
    mask = np.repeat(np.arange(N) == 3, 4).reshape(N, 4)
    X = np.ma.MaskedArray((4 * TABLE).astype(dtype), mask)
    checked = check_rows(tiny(PaReClassifier), X, reset=True)
    assert np.isnan(checked[3]).all()
    np.testing.assert_array_equal(np.delete(checked, 3, 0), np.delete(X.data, 3, 0))


WAVES = SIGNALS.reshape(N, -1)
PLACES = {
    # name: (settings, X, where it is masked)
    "signals": ({}, _masked(SIGNALS, (7, 1, 5)), (7, 1, 5)),
    "images": ({}, _masked(IMAGES, (7, 0, 2, 3)), (7, 0, 2, 3)),
    "flattened": ({"input_shape": (2, -1)}, _masked(WAVES, (7, 9)), (7, 9)),
    "list": ({}, list(_masked(SIGNALS, (7, 1, 5))), (7, 1, 5)),
    "lists": ({}, [[*own] for own in _masked(SIGNALS, (7, 1, 5))], (7, 1, 5)),
    "objects": ({}, _objects([*_masked(SIGNALS, (7, 0, 5))]), (7, 0, 5)),
    "integers": ({}, _masked((9 * SIGNALS).astype(int), (7, 0, 5), -999), (7, 0, 5)),
    "netCDF4": ({}, Variable(SIGNALS, np.isin(SIGNALS, SIGNALS[7, 0])), (7, 0)),
}


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
def test_masked__signals_and_images__missing_value(name, large, monkeypatch):
    settings, X, where = PLACES[name]
    if large:
        monkeypatch.setattr(lazy, "MAX_READ", 0)
    checked = check_rows(tiny(PaReClassifier, **settings), X, reset=True)
    missing = np.zeros(checked.shape, bool)
    missing[where] = True
    np.testing.assert_array_equal(np.isnan(np.asarray(checked)), missing)


@pytest.mark.parametrize("step", ["fit", "predict", "X_val", "X_unlabeled", "large"])
def test_masked__signals_in_every_step__like_nan(step, monkeypatch):
    masked = _masked(SIGNALS, (7, 1, 5))
    found = []
    for X in (masked, masked.filled(np.nan)):
        clf = tiny(PaReClassifier, max_epochs=1, linear_path=False)
        more = {"X_val": {"X_val": X, "y_val": CLASSES}, "X_unlabeled": {step: X}}
        if step == "large":
            monkeypatch.setattr(lazy, "MAX_READ", 0)
        own = X if step in ("fit", "large") else SIGNALS
        clf.fit(own, CLASSES, **more.get(step, {}))
        found.append(clf.predict_proba(X))
    np.testing.assert_array_equal(*found)
    assert np.isfinite(found[0]).all()


TARGETS = {
    # name: (estimator, y, what the error says)
    "numbers": (PaReRegressor, _masked(TABLE[:, 0], 4), "sample 4"),
    "several": (PaReRegressor, _masked(TABLE, (4, 1)), r"sample 4, at \(1,\)"),
    "fields": (PaReRegressor, _masked(SIGNALS, (4, 1, 3)), r"sample 4, at \(1, 3\)"),
    "classes": (PaReClassifier, _masked(CLASSES + 5, 4, -999), "sample 4"),
    "masks": (
        PaReClassifier, _masked((SIGNALS[:, 0] > 0).astype(int), (4, 3), -999),
        r"sample 4, at \(3,\)",
    ),
    "list": (PaReRegressor, [*_masked(TABLE, (4, 1))], r"sample 4, at \(1,\)"),
    "list of numbers": (PaReRegressor, [*_masked(TABLE[:, 0], 4)], "sample 4"),
}  # fmt: skip


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("argument", ["y", "y_val", "score"])
def test_masked__targets__error_with_the_place(name, argument):
    kind, y, where = TARGETS[name]
    estimator = tiny(kind, max_epochs=1, linear_path=False)
    plain = np.ma.getdata(np.ma.array([np.ma.getdata(own) for own in y]))
    plain = np.where(plain == FILL, plain.reshape(N, -1).max(), plain)
    if argument == "score":
        estimator.fit(SIGNALS, plain)
    run = {
        "y": lambda: estimator.fit(SIGNALS, y),
        "y_val": lambda: estimator.fit(SIGNALS, plain, X_val=SIGNALS, y_val=y),
        "score": lambda: estimator.score(SIGNALS, y),
    }[argument]
    with pytest.raises(DataError, match=f"y holds a masked value in {where}.*filled"):
        run()


@pytest.mark.parametrize("form", [list, tuple, pd.Series])
def test_masked__targets_in_lists__error_with_the_place(form):
    y = form([[*own] for own in _masked(TABLE, (4, 1))])
    with pytest.raises(DataError, match=r"y holds a masked value in sample 4, at \(1"):
        tiny(PaReRegressor).fit(SIGNALS, y)


ELSEWHERE = {
    "sample_weight": lambda masked: tiny(PaReClassifier).fit(
        TABLE, CLASSES, sample_weight=masked[:, 0]
    ),
    "X_source": lambda masked: tiny(PaReClassifier, source=(masked, CLASSES)).fit(
        TABLE, CLASSES
    ),
    "y_source": lambda masked: tiny(PaReClassifier, source=(TABLE, masked[:, 0])).fit(
        TABLE, CLASSES
    ),
    "y": lambda masked: rank(TABLE, masked[:, 0], ["noise"]),
    "X_b": lambda masked: otdd.dataset_distance(TABLE, CLASSES, masked, CLASSES),
    "y_a": lambda masked: otdd.dataset_distance(TABLE, masked[:, 0], TABLE, CLASSES),
    "y_true": lambda masked: metrics.relative_l2(masked, TABLE),
    "y_pred": lambda masked: metrics.mean_f1(CLASSES, masked[:, 0]),
    "y_score": lambda masked: metrics.pixel_auroc(TABLE > 0, masked),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_masked__other_arrays__error_with_the_place(name):
    masked = _masked(TABLE, (3, 0))
    with pytest.raises(DataError, match=f"{name} holds a masked value in sample 3"):
        ELSEWHERE[name](masked)


@pytest.mark.parametrize("X", [TABLE, SIGNALS, IMAGES], ids=["table", "1-D", "2-D"])
def test_masked__nothing_masked__plain(X):
    plain = np.ma.MaskedArray(X, np.zeros(X.shape, bool))
    checked = check_rows(tiny(PaReClassifier), plain, reset=True)
    assert type(checked) is np.ndarray
    np.testing.assert_array_equal(checked, X)


def test_masked__scaled_netcdf__missing_value(tmp_path):
    X = np.round(100 * SIGNALS).astype(np.int32)
    X[7, 1, 5] = -32768
    fill = {"_FillValue": np.int32(-32768), "scale_factor": 0.01}
    variable = netcdf_variable(tmp_path, X, scale=True, **fill)
    checked = check_rows(tiny(PaReClassifier), variable, reset=True)
    assert np.argwhere(np.isnan(checked)).tolist() == [[7, 1, 5]]


@pytest.mark.parametrize("dtype", ["Int64", "Float64", object])
def test_masked__pandas_missing_in_flattened_signals__missing_value(dtype):
    frame = pd.DataFrame(np.round(WAVES)).astype(dtype)
    frame.iloc[7, 9] = pd.NA
    clf = tiny(PaReClassifier, input_shape=(2, -1))
    checked = np.asarray(check_rows(clf, frame, reset=True), float)
    assert np.argwhere(np.isnan(checked)).tolist() == [[7, 9]]


PACKED = {
    # name: (integers, attributes, numbers)
    "scale": ([[1, 2], [3, 4]], {"scale_factor": 0.5}, [[0.5, 1], [1.5, 2]]),
    "offset": ([[1, 2], [3, 4]], {"add_offset": 10}, [[11, 12], [13, 14]]),
    "both": (
        [[1, 2], [3, -9]],
        {"scale_factor": np.array([2.0]), "add_offset": 1.0, "_FillValue": np.int8(-9)},
        [[3, 5], [7, np.nan]],
    ),
    "unsigned": ([[1, -1], [3, 4]], {"_Unsigned": "true"}, [[1, 255], [3, 4]]),
    "signed": ([[1, -1], [3, 4]], {"_Unsigned": "false"}, [[1, -1], [3, 4]]),
    # 257 is 1 in 8 bits.
    "fill too large": ([[1, 2], [3, 4]], {"_FillValue": 257}, [[1, 2], [3, 4]]),
    "fill of NaN": ([[0, 2], [3, 4]], {"missing_value": np.nan}, [[0, 2], [3, 4]]),
    "fraction": ([[1, 2], [3, 4]], {"_FillValue": 1.5}, [[1, 2], [3, 4]]),
}


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("large", [False, True], ids=["read", "large"])
def test_packed__integers_in_a_file__their_numbers(name, large, tmp_path, monkeypatch):
    integers, attributes, numbers = PACKED[name]
    file = pytest.importorskip("h5py").File(tmp_path / "X.h5", "w")
    file["X"] = np.array(integers, np.int8)[:, None] if large else np.int8(integers)
    file["X"].attrs.update(attributes)
    monkeypatch.setattr(lazy, "MAX_READ", 0)
    clf = tiny(PaReClassifier)
    checked = np.asarray(check_rows(clf, file["X"], reset=True))
    np.testing.assert_array_equal(checked.reshape(2, 2), numbers)


@pytest.mark.parametrize("scale", [False, True], ids=["integers", "scaled by scipy"])
def test_packed__netcdf__their_numbers(scale, tmp_path):
    X = np.round(100 * SIGNALS).astype(np.int32)
    attributes = {"scale_factor": 0.01, "add_offset": 3.0}
    variable = netcdf_variable(tmp_path, X, scale=scale, **attributes)
    checked = check_rows(tiny(PaReClassifier), variable, reset=True)
    # The file holds the attributes in 32 bits.
    np.testing.assert_allclose(checked, X * 0.01 + 3, atol=1e-5)


def test_fill_value__rounded_to_the_floats__masked(tmp_path):
    file = pytest.importorskip("h5py").File(tmp_path / "X.h5", "w")
    X = TABLE.astype(np.float32)
    X[3, 2] = -999.1
    file["X"], X[3, 2] = X, np.nan
    file["X"].attrs.update(_FillValue=-999.1, missing_value=1e300)
    checked = check_rows(tiny(PaReClassifier), file["X"], reset=True)
    np.testing.assert_array_equal(checked, X)
