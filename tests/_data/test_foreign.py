"""Containers and values of other libraries."""

import datetime
import functools
import pathlib
import warnings

import numpy as np
import pandas as pd
import pytest
import torch

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare._data.validation import check_rows
from sklearn_pare.exceptions import DataError
from tests.common.instances import tiny

N = 20
TABLE = np.random.default_rng(0).normal(size=(N, 3))
SIGNALS = np.random.default_rng(1).normal(size=(N, 1, 16))
FRAME = pd.DataFrame({"a": TABLE[:, 0], "b": ["x", "y"] * 10})
CLASSES = np.arange(N) % 2
DAYS = pd.Series(pd.date_range("2024-01-01", periods=N))


def _objects(values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


# ---- values

# Targets, and the type and advice in the error.
TARGETS = {
    "dates": (DAYS, "datetime64.*2024-01-01.*Subtract"),
    "days": (DAYS.to_numpy().astype("M8[D]"), "datetime64.*Subtract"),
    "dates with a time zone": (DAYS.dt.tz_localize("UTC"), "Timestamp.*Subtract"),
    "date objects": (_objects([datetime.date(2024, 1, 1)] * N), "date, .*Subtract"),
    "list of dates": ([datetime.datetime(2024, 1, 1)] * N, "datetime.*Subtract"),
    "frame with dates": (pd.DataFrame({"a": CLASSES, "b": DAYS}), "Timestamp"),
    "durations": (DAYS - DAYS[0], "timedelta64.*Divide"),
    "duration objects": (_objects([datetime.timedelta(1)] * N), "timedelta.*Divide"),
    "periods": (DAYS.dt.to_period("M"), "Period.*2024-01.*numbers or text"),
    "intervals": (pd.cut(TABLE[:, 0], 3), "Interval.*numbers or text"),
    "complex": (TABLE[:, 0] * 1j, "complex128.*imaginary"),
    "complex columns": (TABLE.astype(np.complex64), "complex64.*imaginary"),
    "complex objects": (_objects([1, 2j] * 10), "complex,.*imaginary"),
    "records": (np.zeros(N, [("a", float)]), r"void.*pandas\.DataFrame"),
    "functions": (_objects([len] * N), "builtin_function.*numbers or text"),
}


@pytest.fixture(scope="module")
def fitted():
    """Function that returns a fitted estimator of a class."""
    return functools.cache(lambda kind: tiny(kind, max_epochs=1).fit(TABLE, CLASSES))


@pytest.mark.parametrize("kind", [PaReClassifier, PaReRegressor])
@pytest.mark.parametrize("name", TARGETS)
def test_targets__neither_numbers_nor_classes__data_error(name, kind, fitted):
    y, expected = TARGETS[name]
    with pytest.raises(DataError, match=f"(?s)y holds values of type {expected}"):
        tiny(kind).fit(TABLE, y)
    with pytest.raises(DataError, match=f"(?s)y holds values of type {expected}"):
        tiny(kind).fit(TABLE, CLASSES, X_val=TABLE, y_val=y)
    with pytest.raises(DataError, match=f"(?s)y holds values of type {expected}"):
        fitted(kind).score(TABLE, y)


@pytest.mark.parametrize("kind", [PaReClassifier, PaReRegressor])
def test_dense_targets__complex__data_error(kind):
    with pytest.raises(DataError, match=r"complex128.*channels"):
        tiny(kind).fit(SIGNALS, SIGNALS * 1j)


SAMPLES = {
    # name: (X, settings, type and advice in the error)
    "dates": (np.zeros((N, 2), "M8[D]"), {}, "datetime64.*1970-01-01.*Subtract"),
    "durations": (np.zeros((N, 2, 9), "m8[s]"), {}, "timedelta64.*Divide"),
    "duration objects": (
        np.array([[datetime.timedelta(1)] * 2] * N), {}, "timedelta.*Divide",
    ),
    "rows with a date": ([[DAYS[0], 1.0]] * N, {}, "Timestamp.*2024-01-01.*Subtract"),
    "column of dates": (
        pd.DataFrame({"a": CLASSES, "b": DAYS}), {"input_shape": (1, 2)},
        "Timestamp.*Subtract",
    ),
    "column of lists": (
        pd.DataFrame({"a": CLASSES, "b": [[1]] * N}), {"input_shape": (1, 2)},
        "list.*one array",
    ),
    "records": (np.zeros(N, [("a", float)]), {}, r"void.*pandas\.DataFrame"),
    "dicts": ([{"a": 1}] * N, {}, r"dict.*pandas\.DataFrame"),
    "paths": ([pathlib.PurePosixPath("a.png")] * N, {}, "PurePosixPath.*a.png"),
    "complex": (SIGNALS * 1j, {}, "complex128.*two columns or channels"),
    "complex rows": ((TABLE * 1j).tolist(), {}, "complex128.*two columns or channels"),
    "complex tensor": (torch.tensor(SIGNALS * 1j), {}, "complex128.*channels"),
}  # fmt: skip


@pytest.mark.parametrize("name", SAMPLES)
def test_samples__not_numbers__data_error(name, fitted):
    X, settings, expected = SAMPLES[name]
    expected = f"(?s)X holds values of type {expected}"
    with pytest.raises(DataError, match=expected):
        tiny(PaReClassifier, **settings).fit(X, CLASSES)
    if not settings:
        with pytest.raises(DataError, match=expected):
            fitted(PaReClassifier).predict(X)


TEXTS = {
    "StringDType": np.array(["up", "no"] * 10, np.dtypes.StringDType()),
    "bytes": np.array([b"up", b"no"] * 10),
    "list of bytes": [b"up", b"no"] * 10,
    "objects of bytes": _objects([b"up", b"no"] * 10),
    "column": np.array([[b"up"], [b"no"]] * 10, object),
    "pandas": pd.Series(["up", "no"] * 10, dtype="string"),
    "categories": pd.Series(["up", "no"] * 10, dtype="category"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_targets__text_in_any_form__classes_as_text(name):
    y = TEXTS[name]
    clf = tiny(PaReClassifier, max_epochs=1)
    with warnings.catch_warnings():
        # Of scikit-learn: a column.
        warnings.simplefilter("ignore")
        clf.fit(TABLE, y)
    assert clf.classes_.tolist() == ["no", "up"]
    assert clf.score(TABLE, y) == clf.score(TABLE, ["up", "no"] * 10)


# ---- containers


class Eager:
    """A DataFrame of another library."""

    def __init__(self, frame):
        self._frame = frame

    columns = dtypes = property(lambda self: self._frame.columns)

    def collect_schema(self):
        raise AssertionError

    def to_pandas(self):
        return self._frame


class Lazy(Eager):
    """A lazy table like those of polars, which warns of costly attributes."""

    def collect(self):
        return Eager(self._frame)

    @property
    def columns(self):
        raise RuntimeError

    dtypes = to_pandas = columns


class Distributed:
    """A table like those of dask."""

    columns = dtypes = property(lambda self: self._frame.columns)

    def __init__(self, frame):
        self._frame = frame

    def compute(self):
        return self._frame


def _arrow(frame):
    return pytest.importorskip("pyarrow").Table.from_pandas(frame)


def _batch(frame):
    return pytest.importorskip("pyarrow").RecordBatch.from_pandas(frame)


def _polars(frame):
    polars = pytest.importorskip("polars")
    return polars.from_pandas(frame).lazy()


@pytest.mark.parametrize("make", [Eager, Lazy, Distributed, _arrow, _batch, _polars])
def test_tables__of_other_libraries__collected(make):
    X, y = check_rows(tiny(PaReClassifier), make(FRAME), make(FRAME[["b"]]), reset=True)
    pd.testing.assert_frame_equal(X, FRAME, check_dtype=False)
    assert np.ravel(y).tolist() == FRAME["b"].tolist()


def test_tables__columns_named_like_methods__as_they_are():
    names = ["compute", "collect", "collect_schema", "to_pandas", "dtype"]
    frame = pd.DataFrame(np.ones((N, 5)), columns=names)
    assert check_rows(tiny(PaReClassifier), frame, reset=True).shape == (N, 5)


def test_score__table_of_another_library__as_an_array():
    numbers = pd.DataFrame(TABLE[:, :2])
    for kind, y in [(PaReRegressor, numbers), (PaReClassifier, (numbers > 0) * 1)]:
        estimator = tiny(kind, max_epochs=1).fit(Lazy(FRAME), Lazy(y))
        assert estimator.score(Lazy(FRAME), Lazy(y)) == estimator.score(FRAME, y)


REFUSED = {
    "generator": (lambda: (row for row in TABLE), r"generator.*list\({}\)"),
    "iterator": (lambda: iter(TABLE), r"iterator.*list\({}\)"),
    "map": (lambda: map(list, TABLE), r"map.*list\({}\)"),
    "zip": (lambda: zip(TABLE, TABLE, strict=True), r"zip.*list\({}\)"),
    "dict": (lambda: {"a": TABLE[:, 0]}, r"dict.*pandas\.DataFrame\({}\)"),
    "values": (lambda: {"a": TABLE[:, 0]}.values(), "dict_values.*one item per sample"),
    "set": (lambda: set(range(N)), "set.*one item per sample"),
    "text": (lambda: "samples.csv", "str.*one item per sample"),
    "loader": (lambda: torch.utils.data.DataLoader(TABLE), "DataLoader.*per sample"),
    "number": (lambda: 3.0, "float.*one item per sample"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_containers__not_of_samples__data_error(name):
    make, expected = REFUSED[name]
    with pytest.raises(DataError, match=f"X is (of type|a) .*{expected.format('X')}"):
        tiny(PaReClassifier).fit(make(), CLASSES)
    with pytest.raises(DataError, match=f"y is of type .*{expected.format('y')}"):
        tiny(PaReClassifier).fit(TABLE, make())


@pytest.mark.parametrize("kind", [PaReClassifier, PaReRegressor])
def test_containers__none__error_names_the_argument(kind):
    with pytest.raises(ValueError, match=r"requires y to be passed"):
        tiny(kind).fit(TABLE, None)
    with pytest.raises(DataError, match="X is of type NoneType"):
        tiny(kind).fit(None, CLASSES)
    with pytest.raises(DataError, match="X is of type NoneType"):
        tiny(kind, max_epochs=1).fit(TABLE, CLASSES).predict(None)
