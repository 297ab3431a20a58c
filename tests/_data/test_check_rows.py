"""Checks of X and y: forms and dtypes that are accepted, and the errors."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.ensemble import BaggingClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare._data import lazy
from sklearn_pare._data.lazy import LazyArray
from sklearn_pare._data.validation import check_rows
from sklearn_pare.exceptions import DataError
from tests.common.instances import tiny

TABLE = np.random.default_rng(0).normal(size=(20, 6))
SIGNALS = np.random.default_rng(1).uniform(0, 200, size=(20, 1, 16))
CLASSES = np.arange(20) % 2
NUMBERS = TABLE[:, 0]


def _objects(rows):
    array = np.empty(len(rows), dtype=object)
    array[:] = rows
    return array


# ---- accepted


@pytest.mark.parametrize("kind", [np.uint8, np.float16, np.float32])
def test_check_rows__small_numbers__float32(kind):
    X = check_rows(tiny(PaReClassifier), SIGNALS.astype(kind), reset=True)
    assert X.dtype == np.float32


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.float64, ">f8", ">i4"])
def test_check_rows__large_numbers__float64(kind):
    X = check_rows(tiny(PaReClassifier), SIGNALS.astype(kind), reset=True)
    assert X.dtype == np.float64


_NUMBERS = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
)
_SIDES = st.integers(1, 4)
_SHAPES = st.one_of([
    st.tuples(st.integers(2, 5), *[_SIDES] * n_axes) for n_axes in (1, 2, 3)
])  # fmt: skip


def _arrays(shapes):
    return _NUMBERS.flatmap(
        lambda dtype: hnp.arrays(
            dtype,
            shapes,
            elements=hnp.from_dtype(dtype, allow_nan=False, allow_infinity=False),
        )
        # Larger numbers raise an error.
    ).filter(lambda X: (np.abs(X.astype(np.float64)) < 1e140).all())


def _strided(X):
    """Return a view of every other sample of a larger array."""
    larger = np.zeros((2 * len(X), *X.shape[1:]), X.dtype)
    larger[::2] = X
    return larger[::2]


def _native(X):
    return X.astype(X.dtype.newbyteorder("="))


FORMS = {
    "array": lambda X: X,
    "columns first": np.asfortranarray,
    "strided": _strided,
    "reversed": lambda X: np.ascontiguousarray(X[::-1])[::-1],
    "list": lambda X: X.tolist(),
    "list of arrays": list,
    "tuple": lambda X: tuple(X.tolist()),
    "tensor": lambda X: torch.tensor(_native(X)),
    "frame": lambda X: pd.DataFrame(_native(X)) if X.ndim == 2 else X,
}


@given(X=_arrays(_SHAPES), form=st.sampled_from(sorted(FORMS)))
def test_check_rows__any_numbers_in_any_form__the_same_numbers_as_floats(X, form):
    rows, estimator = FORMS[form](X), tiny(PaReClassifier)
    if isinstance(rows, np.ndarray):
        rows.flags.writeable = False
    before = X.copy()
    for reset in (True, False):
        checked = np.asarray(check_rows(estimator, rows, reset=reset))
        assert checked.dtype in (np.float32, np.float64)
        # Nothing may be rounded.
        np.testing.assert_array_equal(
            checked.astype(np.float64), X.astype(np.float64), strict=True
        )
    np.testing.assert_array_equal(X, before)
    assert estimator.n_features_in_ == X.shape[1]


@given(
    y=_arrays(st.one_of([st.tuples(st.just(4), *[_SIDES] * n) for n in (2, 3)])),
    form=st.sampled_from(sorted(FORMS)),
)
def test_check_rows__dense_y_in_any_form__the_same_numbers(y, form):
    _, checked = check_rows(
        tiny(PaReRegressor), SIGNALS[:4], FORMS[form](y), reset=True
    )
    np.testing.assert_array_equal(checked, y)
    assert checked.dtype != np.float16


@pytest.mark.parametrize("shape", [(20, 16), (20, 4, 4), (20, 2, 4, 4)])
@pytest.mark.parametrize("make", [np.asarray, torch.tensor, np.ndarray.tolist])
def test_check_rows__dense_y__as_it_is(shape, make, rng):
    y = rng.integers(5, size=shape)
    _, checked = check_rows(tiny(PaReRegressor), SIGNALS, make(y), reset=True)
    np.testing.assert_array_equal(checked, y)


@pytest.mark.parametrize("form", [str, object])
def test_check_rows__numbers_as_text_for_a_regressor__numbers(form):
    y = np.arange(20.0).astype(form)
    _, checked = check_rows(tiny(PaReRegressor), SIGNALS, y, reset=True)
    assert checked.dtype == np.float64
    np.testing.assert_array_equal(checked, np.arange(20))


def test_check_rows__one_row_to_predict__fine():
    estimator = tiny(PaReClassifier)
    check_rows(estimator, SIGNALS, reset=True)
    assert len(check_rows(estimator, SIGNALS[:1], reset=False)) == 1


@pytest.mark.parametrize("y", ["none", "given"])
def test_check_rows__y__returned_only_where_it_is_given(y):
    estimator = tiny(PaReClassifier)
    if y == "none":
        assert isinstance(check_rows(estimator, SIGNALS, reset=True), np.ndarray)
    else:
        X, checked = check_rows(estimator, SIGNALS, list(CLASSES), reset=True)
        assert X.shape == SIGNALS.shape
        np.testing.assert_array_equal(checked, CLASSES)
        with pytest.raises(ValueError, match="requires y to be passed"):
            check_rows(estimator, SIGNALS, None, reset=True)


def test_check_rows__mixed_frame__stays_a_frame_with_its_names():
    frame = pd.DataFrame({"a": NUMBERS, "b": ["x", "y"] * 10})
    estimator = tiny(PaReClassifier)
    checked = check_rows(estimator, frame, reset=True)
    pd.testing.assert_frame_equal(checked, frame)
    assert estimator.feature_names_in_.tolist() == ["a", "b"]


def test_check_rows__frame_of_another_library__as_that_of_pandas():
    frame = pd.DataFrame({"a": NUMBERS, "b": ["x", "y"] * 10})

    class Frame:
        """Attributes of a DataFrame of another library, such as polars."""

        columns, dtypes, iloc = frame.columns, frame.dtypes, None

        def to_pandas(self):
            return frame

    checked = check_rows(tiny(PaReClassifier), Frame(), reset=True)
    pd.testing.assert_frame_equal(checked, frame)


@pytest.mark.parametrize("n", [2**24 + 1, 2**53 - 1])
def test_check_rows__integers_in_a_tensor__not_rounded(n):
    X = torch.full((20, 1, 4), n)
    checked, y = check_rows(tiny(PaReRegressor), X, X, reset=True)
    assert (checked.astype(np.float64) == n).all()
    assert (y.astype(np.float64) == n).all()


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float32, np.float64, bool])
@pytest.mark.parametrize("shape", [(20,), (20, 3), (20, 4, 4)])
def test_check_rows__y_of_numbers__keeps_its_dtype(dtype, shape):
    y = np.zeros(shape, dtype)
    _, checked = check_rows(tiny(PaReRegressor), SIGNALS, y, reset=True)
    assert checked.dtype == dtype


def test_check_rows__dense_y_of_short_floats__float32():
    y = np.zeros((20, 4, 4), np.float16)
    _, checked = check_rows(tiny(PaReRegressor), SIGNALS, y, reset=True)
    assert checked.dtype == np.float32


@pytest.mark.parametrize("dtype", ["<U4", object])
def test_check_rows__classes_of_text__as_they_are(dtype):
    y = np.array(["red", "blue"] * 10, dtype)
    _, checked = check_rows(tiny(PaReClassifier), SIGNALS, y, reset=True)
    assert checked.dtype == dtype
    np.testing.assert_array_equal(checked, y)


def test_check_rows__columns_of_numbers_as_text__numbers():
    y = np.arange(40.0).reshape(20, 2)
    _, checked = check_rows(tiny(PaReRegressor), SIGNALS, y.astype(str), reset=True)
    np.testing.assert_array_equal(checked, y)


def test_check_rows__nullable_integers__integers():
    y = pd.Series(CLASSES, dtype="Int64")
    _, checked = check_rows(tiny(PaReClassifier), SIGNALS, y, reset=True)
    assert checked.dtype.kind in "if"
    np.testing.assert_array_equal(checked, CLASSES)


def test_check_rows__table_in_a_file__read(tmp_path, monkeypatch):
    monkeypatch.setattr(lazy, "MAX_READ", 0)
    X = np.memmap(tmp_path / "X", np.float64, "w+", shape=TABLE.shape)
    X[:] = TABLE
    assert not isinstance(check_rows(tiny(PaReClassifier), X, reset=True), LazyArray)
    flat = tiny(PaReClassifier, input_shape=(2, 3))
    assert isinstance(check_rows(flat, X, reset=True), LazyArray)


def test_check_rows__large_memory_map__not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(lazy, "MAX_READ", 0)
    X = np.memmap(tmp_path / "X", np.float32, "w+", shape=(20, 2, 16))
    X[4] = np.nan
    assert isinstance(check_rows(tiny(PaReClassifier), X, reset=True), LazyArray)


OBJECTS = {
    # name: (objects, numbers)
    "mixed": ([[1, 2.5], [True, np.float32(4)]], [[1, 2.5], [1, 4]]),
    "None": ([[1, None], [3, 4.0]], [[1, np.nan], [3, 4]]),
    "NaN": ([[1, np.nan], [3, 4.0]], [[1, np.nan], [3, 4]]),
    "pandas.NA": ([[1, pd.NA], [pd.NaT, 4.0]], [[1, np.nan], [np.nan, 4]]),
    "decimal": ([[Decimal("1.5"), 2], [3, 4]], [[1.5, 2], [3, 4]]),
    "digits": ([["1.5", np.str_("2")], [3, 4]], [[1.5, 2], [3, 4]]),
    "large": ([[2**53 - 1, 2], [3, 2**70]], [[2**53 - 1, 2], [3, 2**70]]),
}


@pytest.mark.parametrize("form", ["array", "list"])
@pytest.mark.parametrize("name", OBJECTS)
def test_objects__of_numbers_in_X__numbers(name, form):
    rows, numbers = OBJECTS[name]
    rows = 5 * rows if form == "list" else np.array(5 * rows, object)
    checked = check_rows(tiny(PaReClassifier), rows, reset=True)
    assert checked.dtype == np.float64
    np.testing.assert_array_equal(checked, np.array(5 * numbers, float))


@pytest.mark.parametrize("shape", [(4,), (2, 8), (1, 6, 5)], ids=str)
@pytest.mark.parametrize("form", ["elements", "samples", "lists"])
def test_objects__of_samples_of_one_shape__numbers(shape, form, rng):
    X = rng.normal(size=(20, *shape))
    rows = {
        "elements": X.astype(object),
        "samples": _objects(list(X)),
        "lists": _objects(X.tolist()),
    }[form]
    checked = check_rows(tiny(PaReClassifier), rows, reset=True)
    np.testing.assert_array_equal(checked, X)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_objects__missing_in_signals__nan(missing):
    X = SIGNALS.astype(object)
    X[3, 0, 5] = missing
    checked = check_rows(tiny(PaReClassifier), X, reset=True)
    assert np.argwhere(np.isnan(checked)).tolist() == [[3, 0, 5]]


Y_OBJECTS = {
    # name: (estimator, y, numbers)
    "classes": (PaReClassifier, CLASSES.astype(object), CLASSES),
    "booleans": (PaReClassifier, (CLASSES > 0).astype(object), CLASSES > 0),
    "series": (PaReClassifier, pd.Series(CLASSES, dtype=object), CLASSES),
    "label sets": (
        PaReClassifier, (TABLE > 0).astype(int).astype(object), (TABLE > 0).astype(int),
    ),
    "frame": (
        PaReClassifier, pd.DataFrame(TABLE > 0).astype(int).astype(object),
        (TABLE > 0).astype(int),
    ),
    "numbers": (PaReRegressor, NUMBERS.astype(object), NUMBERS),
    "decimals": (PaReRegressor, np.array([*map(Decimal, range(20))]), np.arange(20.0)),
    "fields": (PaReRegressor, SIGNALS.astype(object), SIGNALS),
    "arrays": (
        PaReRegressor, np.array([*SIGNALS, None], object)[:-1], SIGNALS,
    ),
    "masks": (PaReClassifier, (SIGNALS[:, 0] > 99).astype(object), SIGNALS[:, 0] > 99),
}  # fmt: skip


@pytest.mark.parametrize("name", Y_OBJECTS)
def test_objects__of_numbers_in_y__numbers(name):
    kind, y, numbers = Y_OBJECTS[name]
    _, checked = check_rows(tiny(kind), SIGNALS, y, reset=True)
    assert checked.dtype == numbers.dtype
    np.testing.assert_array_equal(checked, numbers)


def test_objects__from_estimators_of_scikit_learn__fitted():
    frame = pd.DataFrame(TABLE).astype(object)
    frame.iloc[3, 2] = np.nan
    imputer = SimpleImputer(strategy="most_frequent")
    model = make_pipeline(imputer, tiny(PaReClassifier, max_epochs=1))
    bagging = BaggingClassifier(model, n_estimators=2, random_state=0)
    y = CLASSES.astype(object)
    assert model.fit(frame, y).score(frame, y) >= 0
    assert set(bagging.fit(frame, CLASSES).predict(frame.to_numpy())) <= {0, 1}


# ---- errors: the value, the limit, the remedy


def _raised(X=SIGNALS, y=CLASSES, kind=PaReClassifier, reset=True, **settings):
    with pytest.raises(DataError) as error:
        check_rows(tiny(kind, **settings), X, y, reset=reset)
    return str(error.value)


SHAPES = (
    "Expected no empty axis and 2 dimensions (a table of n rows and F columns), 3 "
    "dimensions (n signals of C channels and L samples), 4 dimensions (n images of C "
    "channels, H rows and W columns)."
)
EVEN = (
    "Bring them to one shape: pad the short ones with numpy.pad, or resample with "
    "scipy.signal.resample."
)


def test_check_rows__text__says_how_to_give_it():
    assert _raised([["red", "1"]] * 20) == (
        "X holds text: could not convert string to float: 'red'. Give a table with "
        "text as a pandas.DataFrame: its columns of text are taken as categories."
    )


def test_check_rows__arrays_in_a_table_of_objects__says_how_to_give_them():
    rows = _objects([*SIGNALS[:, 0], *SIGNALS[:, 0]]).reshape(20, 2)
    error = _raised(rows)
    assert error.startswith("X holds values of type ndarray, such as array([102.36")
    assert error.endswith(
        "Make them one array of numbers, (n, C, L) for signals or (n, C, H, W) for "
        "images."
    )
    assert "\n" not in error


@pytest.mark.parametrize("shape", [(20, 1, 0), (20, 2, 0, 3), (20, 1, 1, 2, 3)])
def test_check_rows__shape_of_nothing__says_which_there_are(shape):
    assert _raised(np.zeros(shape)) == f"X has shape {shape}. {SHAPES}"


@pytest.mark.parametrize("form", [list, tuple, _objects])
def test_check_rows__ragged__says_which_rows(form):
    rows = form([row[: 1 - (i == 3)] for i, row in enumerate(SIGNALS)])
    assert _raised(rows) == (
        "The samples of X have 2 different shapes: sample 0 has (1, 16), sample 3 has "
        "(0, 16). Only signals may differ, in length: give arrays (C, L_i) with one "
        "number of channels, or set input_shape=(C, -1). Bring other samples to one "
        "shape."
    )


def test_check_rows__ragged_row__says_which():
    rows = [*SIGNALS.tolist()[:2], [[1.0, 2.0], [3.0]], *SIGNALS.tolist()[3:]]
    assert _raised(rows) == (
        "Sample 2 of X is a list of parts of different lengths. Pad or resample them "
        "to one length."
    )


def test_check_rows__ragged_y__says_which():
    y = [np.zeros(4 + (i == 5)) for i in range(20)]
    assert _raised(y=y) == (
        "The samples of y have 2 different shapes: sample 0 has (4,), sample 5 has "
        f"(5,). {EVEN}"
    )


@pytest.mark.parametrize(
    "y",
    [
        np.full((20, 3, 4), "a"),
        np.zeros((20, 3, 0)),
        np.zeros((20, 1, 1, 1, 1)),
    ],
    ids=lambda y: f"{y.dtype} {y.shape}",
)
def test_check_rows__dense_y_of_nothing__says_what_there_is(y):
    assert _raised(y=y) == (
        f"y has shape {y.shape} and dtype {y.dtype}. Targets at every position "
        "are real numbers, or classes as whole numbers, of shape (n, L), (n, H, W) or "
        "(n, C, H, W), without an empty axis."
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_check_rows__dense_y_not_finite__says_where(value):
    y = np.zeros((20, 3, 4))
    y[7, 1, 2] = y[9, 0, 0] = value
    assert _raised(y=y) == (
        f"y holds {value} in sample 7, at (1, 2). Give every position a finite number, "
        "or leave the sample out."
    )


def test_check_rows__text_for_a_regressor__says_which_estimator_takes_it():
    assert _raised(y=["red", "blue"] * 10, kind=PaReRegressor) == (
        "y holds text: could not convert string to float: 'red'. PaReRegressor "
        "predicts numbers; for classes use PaReClassifier."
    )


def test_check_rows__lazy_array_of_one_row__error(tmp_path, monkeypatch):
    monkeypatch.setattr(lazy, "MAX_READ", 0)
    X = np.memmap(tmp_path / "X", np.float32, "w+", shape=(1, 2, 16))
    assert _raised(X, y=[0]) == "X has 1 sample; fit needs at least 2."


def test_check_rows__one_row_to_fit__error():
    assert _raised(TABLE[:1]) == "X has 1 sample; fit needs at least 2."


def test_check_rows__other_columns_than_in_fit__error():
    estimator = tiny(PaReClassifier)
    check_rows(estimator, TABLE, reset=True)
    with pytest.raises(ValueError, match=r"3 features.*expecting 6"):
        check_rows(estimator, TABLE[:, :3], reset=False)


@pytest.mark.parametrize("y", [CLASSES[:-1], SIGNALS[:-1], [*CLASSES, 0]], ids=len)
def test_check_rows__y_of_another_length__error(y):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        check_rows(tiny(PaReRegressor), SIGNALS, y, reset=True)


def test_check_rows__table_or_flattened_rows__may_or_may_not_have_gaps():
    X = TABLE.copy()
    X[3, 2] = np.nan
    np.testing.assert_array_equal(check_rows(tiny(PaReClassifier), X, reset=True), X)
    flat = tiny(PaReClassifier, input_shape=(2, 3))
    np.testing.assert_array_equal(check_rows(flat, X, reset=True), X)


def test_check_rows__infinity_in_a_frame__names_the_column():
    frame = pd.DataFrame({"a": NUMBERS, "b": np.where(NUMBERS > 0, np.inf, 0)})
    assert _raised(frame).startswith("X holds infinity in column 'b' of X.")
