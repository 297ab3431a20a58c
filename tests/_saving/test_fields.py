"""Fields of saved files: what they accept, and how they are written to JSON."""

import json
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_pare._saving.fields import (
    ANY,
    FLAG,
    SCALAR,
    TEXT,
    Argument,
    Array,
    Many,
    Mapping,
    Maybe,
    Number,
    Object,
    Record,
    Wrong,
    one_of,
    real,
    whole,
)


def _short(value):
    """Return a name for a test that is the same in every worker."""
    return re.sub(r" at 0x\w+", "", str(value))[:60]


class Point:
    """An object that can be saved."""

    def __init__(self, x, name):
        self.x, self.name = x, name


class Other:
    """An object with the same attributes."""


POINT = Object(
    {Point: (Record({"x": real(), "name": Maybe(TEXT)}), lambda point: point.x != 13)}
)
POINT_5 = {"object": "Point", "fields": {"x": 5, "name": None}}


def _through_json(value):
    return json.loads(json.dumps(value, allow_nan=False))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (whole(0), 0),
        (whole(-3, 5), 5),
        (whole(0), np.int16(7)),
        (real(), -2.5),
        (real(0, 1), 1),
        (real(), np.float32(0.5)),
        (one_of("ab"), "b"),
        (TEXT, ""),
        (FLAG, False),
        (FLAG, np.bool_(True)),
        (SCALAR, "x"),
        (SCALAR, 1.5),
        (ANY, {"a": [None]}),
        (Number(), np.float64(3.25)),
        (Number(), math.inf),
        (Maybe(TEXT), None),
        (Maybe(TEXT), "x"),
        (Many(whole(0)), [1, 2]),
        (Many(whole(0), tuple, 2), (1, 2)),
        (Many(Many(FLAG)), [[True], []]),
        (Mapping(whole(0)), {"a": 1, "": 2}),
        (Record({"a": TEXT, "b": FLAG}, optional=("b",)), {"a": "x"}),
        (Argument(), None),
        (Argument(), {1: 0.5, "a": True}),
        (Argument(), ["noise", [1, 2.5, None]]),
        (Argument(), [{0: 1.0, 1: 2.0}, {1: 3.0}]),
    ],
    ids=_short,
)
def test_dump_and_load__value__equal(field, value):
    loaded = field.load(_through_json(field.dump(value)))
    assert loaded == value
    assert type(loaded) is type(getattr(value, "item", lambda: value)())


def test_number__nan__as_text():
    assert Number().dump(math.nan) == "nan"
    assert math.isnan(Number().load("nan"))


def test_argument__tuple__list():
    assert Argument().load(Argument().dump((1, (2, "x")))) == [1, [2, "x"]]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        (whole(1, 5), 0, "0 is not a whole number from 1 to 5"),
        (whole(1, 5), 6, "6 is not a whole number"),
        (whole(1), 2**53 + 1, "not a whole number"),
        (whole(1), 1.0, "1.0 is not a whole number"),
        (whole(0), True, "True is not a whole number"),
        (real(0, 1), 1.5, "1.5 is not a finite number from 0 to 1"),
        (real(), math.nan, "nan is not a finite number"),
        (real(), math.inf, "inf is not a finite number"),
        (real(), 2**64, "is not a finite number"),
        (real(), "1", "'1' is not a finite number"),
        (one_of(("gate", "random")), "best", "'best' is not one of 'gate', 'random'"),
        (one_of("ab"), ["a"], "is not one of"),
        (TEXT, 3, "3 is not a text"),
        (FLAG, 1, "1 is not true or false"),
        (SCALAR, None, "None is not a text, a finite number"),
        (SCALAR, [], "is not a text, a finite number"),
        (Number(), "NaN", "'NaN' is not a finite number"),
        (Maybe(TEXT), 3, "3 is not a text"),
        (Many(TEXT), "ab", "'ab' is not a list"),
        (Many(TEXT), ["a", 3], "item 1: 3 is not a text"),
        (Many(TEXT, list, 2), ["a"] * 3, "is not a list of 2 at most"),
        (Mapping(TEXT), ["a"], "is not an object"),
        (Mapping(TEXT), {"a": 3}, "'a': 3 is not a text"),
        (Record({"a": TEXT, "b": TEXT}), {"a": "x"}, "b is missing"),
        (Record({"a": TEXT}), {"a": "x", "c": 1}, "'c' is not known to this version"),
        (Record({"a": TEXT}), {"a": 3}, "a: 3 is not a text"),
        (Argument(), {"a": 1}, "pairs is missing"),
        (Argument(), {"pairs": [[1, 2, 3]]}, "is not a list of pairs"),
        (Argument(), {"pairs": [[[1], 2]]}, "is not a text, a finite number"),
        (Argument(), math.nan, "nan is not a text, a finite number"),
        (POINT, {"object": "Other", "fields": {}}, "'Other' is not one of 'Point'"),
        (POINT, {"object": "Point"}, "fields is missing"),
        (POINT, {"object": "Point", "fields": {"x": 1}}, "Point: name is missing"),
        (
            POINT,
            {"object": "Point", "fields": {"x": 13, "name": None}},
            "the fields of the Point are inconsistent",
        ),
    ],
    ids=_short,
)
def test_load__another_value__wrong_names_the_place(field, value, words):
    with pytest.raises(Wrong) as error:
        field.load(value)
    assert words in str(error.value)


def test_load__long_value__shortened_in_the_message():
    with pytest.raises(Wrong) as error:
        TEXT.load([7] * 10_000)
    assert len(str(error.value)) < 100


def test_object__loaded_without_its_constructor(monkeypatch):
    monkeypatch.setattr(Point, "__init__", None)
    point = POINT.load(POINT_5)
    assert (type(point), vars(point)) == (Point, {"x": 5, "name": None})


def test_object__dump__known_classes_only():
    point = Point(5, None)
    point.more = "is not in the record"
    assert POINT.dump(point) == POINT_5
    with pytest.raises(KeyError):
        POINT.dump(Other())


ARRAYS = st.one_of(
    st.lists(st.integers(-(2**31), 2**31 - 1)).map(lambda v: np.array(v, ">i4")),
    st.lists(st.integers(0, 255)).map(lambda v: np.array(v, np.uint8)),
    st.lists(st.floats(allow_nan=False, allow_infinity=False)).map(np.array),
    st.lists(st.floats(width=16, allow_nan=False, allow_infinity=False)).map(
        lambda v: np.array(v, np.float16)
    ),
    st.lists(st.booleans()).map(lambda v: np.array(v, bool)),
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"))).map(
        lambda v: np.array(v, object)
    ),
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9)
    ).map(lambda v: np.array(v, "<U9")),
)


@given(array=ARRAYS)
def test_array__any_values__equal_with_the_same_dtype(array):
    field = Array("biufUO")
    loaded = field.load(_through_json(field.dump(array)))
    assert loaded.dtype == array.dtype
    np.testing.assert_array_equal(loaded, array)


@pytest.mark.parametrize(
    ("dtype", "values", "words"),
    [
        ("<f8", [1.0], "not a dtype of one of 'iuU'"),
        ("float64", [1.0], "'float64' is not the dtype of an array"),
        ("i4,O", [1], "'i4,O' is not the dtype of an array"),
        ("|V8", [1], "'|V8' is not the dtype of an array"),
        ("<i4", [1.0], "1.0 is not a value of an array of dtype <i4"),
        ("<i4", [True], "True is not a value of an array"),
        ("<i4", ["1"], "'1' is not a value of an array"),
        ("|i1", [1, 300], "a value is too large for the dtype |i1"),
        ("|u1", [-1], "a value is too large for the dtype |u1"),
        ("<U2", ["abc"], "is not a list of values of dtype <U2"),
        ("<U9999999", ["a"], "is not a width for 1 texts"),
        ("<U2", [1], "1 is not a value of an array of dtype <U2"),
        ("<i4", [None], "is not a text, a finite number"),
        ("<i4", "ab", "is not a list"),
    ],
)
def test_array__values_that_the_dtype_cannot_hold__wrong(dtype, values, words):
    with pytest.raises(Wrong) as error:
        Array("iuU").load({"dtype": dtype, "values": values})
    assert words in str(error.value)
