"""Unusual data that work, and the parts of the validation."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare._data.lazy import LazyArray
from sklearn_pare._data.tables import TableEncoder
from sklearn_pare._data.validation import (
    ChannelScaler,
    check_input_shape,
    check_rows,
    encoder_for,
    n_held_out,
    positive,
    select,
    shape_rows,
    split,
)
from sklearn_pare.exceptions import DataError
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
        # Larger numbers are an error.
    ).filter(lambda X: (np.abs(X.astype(np.float64)) < 1e140).all())


def _strided(X):
    """The same numbers, every other one of a larger array."""
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
        # Equal as float64 numbers: nothing is rounded away.
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
def test_check_rows__dense_y__as_it_is(shape, make):
    y = RNG.integers(5, size=shape)
    _, checked = check_rows(tiny(PaReRegressor), SIGNALS, make(y), reset=True)
    np.testing.assert_array_equal(checked, y)


def test_split__rare_class__warns_and_splits():
    with pytest.warns(UserWarning, match="smallest class has 1 rows"):
        kept, held_out = split(20, np.array([1] + [0] * 19), 0.1, 0)
    assert sorted([*kept, *held_out]) == list(range(20))


def test_split__warning__points_at_the_caller():
    clf = tiny(PaReClassifier, early_stopping=True, max_epochs=1)
    with pytest.warns(UserWarning, match="smallest class has 1 rows") as caught:
        clf.fit(TABLE, np.r_[1, np.zeros(19)])
    assert caught[0].filename == __file__


def test_split__classes_in_proportion():
    strata = np.repeat([0, 1], [60, 20])
    _, held_out = split(80, strata, 0.25, 0)
    assert np.bincount(strata[held_out]).tolist() == [15, 5]


@pytest.mark.parametrize("shape", [(50, 4), (50, 3, 7), (50, 2, 5, 6)])
def test_channel_scaler__zero_mean_unit_variance_per_channel(shape, monkeypatch):
    monkeypatch.setattr("sklearn_pare._data.lazy._BLOCK", 100)  # several blocks
    X = 5 + 3 * RNG.normal(size=shape)
    Z = ChannelScaler().fit(X).transform(X)
    axes = tuple(i for i in range(Z.ndim) if i != 1)
    assert Z.dtype == np.float32
    np.testing.assert_allclose(Z.mean(axes), 0, atol=1e-5)
    np.testing.assert_allclose(Z.std(axes), 1, atol=1e-5)


def test_channel_scaler__lazy_rows__evenly_spaced_within_the_limit(
    tmp_path, monkeypatch
):
    X = np.memmap(tmp_path / "X", np.float32, "w+", shape=(30, 2, 16))
    X[:] = RNG.normal(size=X.shape)
    # Less than eight of 30 rows: every fifth, since every fourth would be eight.
    monkeypatch.setattr("sklearn_pare._data.validation._SAMPLE", 32 * 8 - 1)
    read = ChannelScaler().fit(LazyArray(X))
    expected = ChannelScaler().fit(np.asarray(X[::5]))
    np.testing.assert_array_equal(read.mean_, expected.mean_)
    np.testing.assert_array_equal(read.scale_, expected.scale_)
    # One row at least, however large it is.
    monkeypatch.setattr("sklearn_pare._data.validation._SAMPLE", 31)
    one = ChannelScaler().fit(LazyArray(X)).mean_
    np.testing.assert_allclose(one, X[0].mean(1), rtol=1e-5)


def test_encoder_for__table_or_channels():
    assert isinstance(encoder_for(TABLE), TableEncoder)
    scaler = encoder_for(SIGNALS)
    assert isinstance(scaler, ChannelScaler)
    np.testing.assert_allclose(scaler.mean_, SIGNALS.mean((0, 2)))
    np.testing.assert_allclose(scaler.scale_, SIGNALS.std((0, 2)))


# ---- parts


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
        f"input_shape={input_shape!r} is no shape of one row. Use (C, L) for signals "
        "or (C, H, W) for images, with positive numbers of which one may be -1; for a "
        "table leave it None."
    )


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
        "The weights of the rows, sample_weight times class_weight, range from "
        f"{least} to {most}. They must be finite and not negative, and at least one "
        "must be positive."
    )


@pytest.mark.parametrize(
    ("n", "fraction", "count"),
    [(100, 0.1, 10), (101, 0.1, 11), (5, 0.1, 2), (10, 0.2, 2), (30, 0.1, 3)],
)
def test_n_held_out__rounded_up_and_two_at_least(n, fraction, count):
    assert n_held_out(n, fraction) == count


@pytest.mark.parametrize(("n", "fraction"), [(2, 0.1), (10, 0.99), (10, 1.0)])
def test_n_held_out__none_left__error(n, fraction):
    with pytest.raises(DataError) as error:
        n_held_out(n, fraction)
    assert str(error.value) == (
        f"validation_fraction={fraction} of {n} rows leaves none to train on. Give "
        "more rows, a smaller fraction, or X_val and y_val."
    )


@given(
    strata=st.lists(st.integers(0, 3), min_size=8, max_size=40).map(np.array),
    fraction=st.floats(0.05, 0.7),
    seed=st.integers(0, 2**31),
)
def test_split__any_classes__parts_of_the_rows_that_the_seed_fixes(
    strata, fraction, seed
):
    n = len(strata)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kept, held_out = split(n, strata, fraction, seed)
        again = split(n, strata, fraction, seed)
    assert sorted([*kept, *held_out]) == list(range(n))
    assert len(held_out) == n_held_out(n, fraction)
    np.testing.assert_array_equal(kept, again[0])
    np.testing.assert_array_equal(held_out, again[1])


@pytest.mark.parametrize(
    ("sizes", "fraction", "words"),
    [
        # A class of one row; fewer rows held out, or kept, than classes.
        ((1, 19), 0.1, "The smallest class has 1 rows and 2 rows are held out for 2"),
        ((7, 7, 6), 0.1, "The smallest class has 6 rows and 2 rows are held out for 3"),
        ((4, 3, 3), 0.8, "The smallest class has 3 rows and 8 rows are held out for 3"),
    ],
)
def test_split__no_row_of_each_class__warns(sizes, fraction, words):
    strata = np.repeat(range(len(sizes)), sizes)
    with pytest.warns(UserWarning, match="smallest class") as record:
        split(len(strata), strata, fraction, 0)
    assert str(record[0].message) == (
        f"{words} classes: the validation rows are drawn without regard to class."
    )


@pytest.mark.parametrize(
    ("sizes", "fraction"), [((2, 2), 0.5), ((5, 5), 0.2), ((4, 4), 0.75)]
)
def test_split__just_enough_rows_of_each_class__every_class_on_both_sides(
    sizes, fraction
):
    strata = np.repeat(range(len(sizes)), sizes)
    for rows in split(len(strata), strata, fraction, 0):
        assert set(strata[rows]) == {0, 1}


# ---- what is said: the value, the limit, what to do


def _raised(X=SIGNALS, y=CLASSES, kind=PaReClassifier, reset=True, **settings):
    with pytest.raises(DataError) as error:
        check_rows(tiny(kind, **settings), X, y, reset=reset)
    return str(error.value)


def _objects(rows):
    array = np.empty(len(rows), dtype=object)
    array[:] = rows
    return array


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
    assert _raised(rows) == (
        "X is an array of objects that hold arrays. Make it one array of numbers, "
        "(n, C, L) for signals or (n, C, H, W) for images."
    )


@pytest.mark.parametrize("shape", [(20, 1, 0), (20, 2, 0, 3), (20, 1, 1, 2, 3)])
def test_check_rows__shape_of_nothing__says_which_there_are(shape):
    assert _raised(np.zeros(shape)) == f"X has shape {shape}. {SHAPES}"


@pytest.mark.parametrize("form", [list, tuple, _objects])
def test_check_rows__ragged__says_which_rows(form):
    rows = form([row[:, : 16 - (i == 3)] for i, row in enumerate(SIGNALS)])
    assert _raised(rows) == (
        "The rows of X have 2 different shapes: row 0 has (1, 16), row 3 has (1, 15). "
        f"{EVEN}"
    )


def test_check_rows__ragged_row__says_which():
    rows = [*SIGNALS.tolist()[:2], [[1.0, 2.0], [3.0]], *SIGNALS.tolist()[3:]]
    assert _raised(rows) == (
        "Row 2 of X is a list of parts of different lengths. Pad or resample them to "
        "one length."
    )


def test_check_rows__ragged_y__says_which():
    y = [np.zeros(4 + (i == 5)) for i in range(20)]
    assert _raised(y=y) == (
        f"The rows of y have 2 different shapes: row 0 has (4,), row 5 has (5,). {EVEN}"
    )


@pytest.mark.parametrize(
    "y",
    [
        np.zeros((20, 3, 4), complex),
        np.full((20, 3, 4), "a"),
        np.zeros((20, 3, 0)),
        np.zeros((20, 1, 1, 1, 1)),
    ],
    ids=lambda y: f"{y.dtype} {y.shape}",
)
def test_check_rows__dense_y_of_nothing__says_what_there_is(y):
    assert _raised(y=y) == (
        f"y has shape {y.shape} and dtype {y.dtype}. Targets of every place of a row "
        "are real numbers, or classes as whole numbers, of shape (n, L), (n, H, W) or "
        "(n, C, H, W), without an empty axis."
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_check_rows__dense_y_not_finite__says_where(value):
    y = np.zeros((20, 3, 4))
    y[7, 1, 2] = y[9, 0, 0] = value
    assert _raised(y=y) == (
        f"y holds {value} in row 7, at (1, 2). Give every place a finite target, or "
        "leave the row out."
    )


def test_check_rows__text_for_a_regressor__says_which_estimator_takes_it():
    assert _raised(y=["red", "blue"] * 10, kind=PaReRegressor) == (
        "y holds text: could not convert string to float: 'red'. PaReRegressor "
        "predicts numbers; for classes use PaReClassifier."
    )


@pytest.mark.parametrize("form", [str, object])
def test_check_rows__numbers_as_text_for_a_regressor__numbers(form):
    y = np.arange(20.0).astype(form)
    _, checked = check_rows(tiny(PaReRegressor), SIGNALS, y, reset=True)
    assert checked.dtype == np.float64
    np.testing.assert_array_equal(checked, np.arange(20))


def test_shape_rows__rows_that_do_not_fit__says_which_would():
    with pytest.raises(DataError) as error:
        shape_rows(np.zeros((5, 2, 6)), (3, -1))
    assert str(error.value) == (
        "X has rows of shape (2, 6), 12 numbers a row, which do not fit input_shape="
        "(3, -1). Give X of shape (n, 3, 4), or flattened rows of 12 numbers, or "
        "another input_shape."
    )


def test_check_rows__lazy_array_of_one_row__error(tmp_path):
    X = np.memmap(tmp_path / "X", np.float32, "w+", shape=(1, 2, 16))
    assert _raised(X, y=[0]) == "X has 1 sample; fit needs 2 rows at least."


def test_check_rows__other_columns_than_in_fit__error():
    estimator = tiny(PaReClassifier)
    check_rows(estimator, TABLE, reset=True)
    with pytest.raises(ValueError, match=r"3 features.*expecting 6"):
        check_rows(estimator, TABLE[:, :3], reset=False)


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


def test_check_rows__table_or_flattened_rows__may_or_may_not_have_gaps():
    X = TABLE.copy()
    X[3, 2] = np.nan
    np.testing.assert_array_equal(check_rows(tiny(PaReClassifier), X, reset=True), X)
    words = _raised(X, input_shape=(2, 3))
    assert words.startswith("X holds NaN in row 3, index 2.")


def test_check_rows__mixed_frame__stays_a_frame_with_its_names():
    frame = pd.DataFrame({"a": NUMBERS, "b": ["x", "y"] * 10})
    estimator = tiny(PaReClassifier)
    checked = check_rows(estimator, frame, reset=True)
    pd.testing.assert_frame_equal(checked, frame)
    assert estimator.feature_names_in_.tolist() == ["a", "b"]
    assert "b" in _raised(frame.assign(b=None))


def test_check_rows__infinity_in_a_frame__names_the_column():
    frame = pd.DataFrame({"a": NUMBERS, "b": np.where(NUMBERS > 0, np.inf, 0)})
    assert _raised(frame).startswith("X holds infinity in column 'b' of X.")


def test_check_rows__frame_of_another_library__as_that_of_pandas():
    frame = pd.DataFrame({"a": NUMBERS, "b": ["x", "y"] * 10})

    class Frame:
        """What is_frame asks for, such as a frame of polars."""

        columns, dtypes, iloc = frame.columns, frame.dtypes, None

        def to_pandas(self):
            return frame

    checked = check_rows(tiny(PaReClassifier), Frame(), reset=True)
    pd.testing.assert_frame_equal(checked, frame)


def test_check_rows__one_row_to_fit__error():
    assert _raised(TABLE[:1]) == "X has 1 sample; fit needs 2 rows at least."


@pytest.mark.parametrize("y", [CLASSES[:-1], SIGNALS[:-1], [*CLASSES, 0]], ids=len)
def test_check_rows__y_of_another_length__error(y):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        check_rows(tiny(PaReRegressor), SIGNALS, y, reset=True)


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


def test_check_rows__table_in_a_file__read(tmp_path):
    X = np.memmap(tmp_path / "X", np.float64, "w+", shape=TABLE.shape)
    X[:] = TABLE
    assert not isinstance(check_rows(tiny(PaReClassifier), X, reset=True), LazyArray)
    flat = tiny(PaReClassifier, input_shape=(2, 3))
    assert isinstance(check_rows(flat, X, reset=True), LazyArray)


def test_check_rows__memory_map__not_read(tmp_path):
    X = np.memmap(tmp_path / "X", np.float32, "w+", shape=(20, 2, 16))
    X[4] = np.nan
    assert isinstance(check_rows(tiny(PaReClassifier), X, reset=True), LazyArray)
