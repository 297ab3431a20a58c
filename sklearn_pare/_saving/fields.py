"""Fields of a saved file: conversion between Python values and JSON, with checks.

``field.dump(value)`` returns a plain value; ``field.load(plain)`` converts it back.
Loading trusts nothing: a value of another type or out of range raises `Wrong`, and no
object becomes much larger than its plain value.
"""

import math
import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

# JSON readers agree on integers up to this.
LARGEST = 2**53
# All items of a text array have one width: one long item makes the array huge.
_MOST_CHARACTERS = 2**22
_DTYPE = re.compile(r"[<>|](b1|[iu][1248]|f[248]|U[1-9]\d{0,6}|O)")
_ITEMS = {"b": bool, "i": int, "u": int, "f": float}


class Wrong(Exception):
    """Invalid value in a file; the message states the place and what is expected."""


def show(value):
    """Return a value for an error message, shortened."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _ask(right, value, what):
    if not right:
        raise Wrong(f"{show(value)} is not {what}")


def _within(place, field, value):
    try:
        return field.load(value)
    except Wrong as error:
        raise Wrong(f"{place}: {error}") from error


def _item(value):
    """Return a numpy scalar as a Python number."""
    return value.item() if isinstance(value, np.generic) else value


class Leaf(NamedTuple):
    """Field of one plain value; ``what`` describes the values that are valid."""

    what: str
    fits: Callable

    def dump(self, value):
        return _item(value)

    def load(self, value):
        _ask(self.fits(value), value, self.what)
        return value


def whole(least, most=LARGEST):
    """Return the field of an integer from `least` to `most`."""
    return Leaf(
        f"a whole number from {least} to {most}",
        lambda value: type(value) is int and least <= value <= most,
    )


def _is_real(value):
    if type(value) is float:
        return math.isfinite(value)
    return type(value) is int and abs(value) < 2**64


def real(least=-math.inf, most=math.inf):
    """Return the field of a finite number from `least` to `most`."""
    return Leaf(
        f"a finite number from {least} to {most}",
        lambda value: _is_real(value) and least <= value <= most,
    )


def one_of(names):
    """Return the field of one of several texts."""
    what = f"one of {', '.join(map(repr, names))}"
    return Leaf(what, lambda value: type(value) is str and value in names)


ANY = Leaf("a value", lambda value: True)
TEXT = Leaf("a text", lambda value: type(value) is str)
FLAG = Leaf("true or false", lambda value: type(value) is bool)
SCALAR = Leaf(
    "a text, a finite number, true or false",
    lambda value: type(value) in (str, bool) or _is_real(value),
)


class Number:
    """Field of any number; infinity and NaN are stored as text."""

    def dump(self, value):
        """Return the number, or a text for infinity and NaN."""
        value = _item(value)
        return value if _is_real(value) else str(value)

    def load(self, value):
        if value in ("nan", "inf", "-inf"):
            return float(value)
        return real().load(value)


class Maybe(NamedTuple):
    """Field of a value or None."""

    field: object

    def dump(self, value):
        return None if value is None else self.field.dump(value)

    def load(self, value):
        return None if value is None else self.field.load(value)


class Many(NamedTuple):
    """Field of a list of values of one kind, converted by `build` when loaded."""

    field: object
    build: type = list
    most: int = LARGEST

    def dump(self, values):
        return [self.field.dump(value) for value in values]

    def load(self, values):
        _ask(type(values) is list, values, "a list")
        _ask(len(values) <= self.most, values, f"a list of {self.most} at most")
        return self.build(
            _within(f"item {place}", self.field, value)
            for place, value in enumerate(values)
        )


class Mapping(NamedTuple):
    """Field of a dict with any names and values of one kind."""

    field: object

    def dump(self, values):
        return {name: self.field.dump(value) for name, value in values.items()}

    def load(self, values):
        _ask(type(values) is dict, values, "an object")
        return {k: _within(show(k), self.field, v) for k, v in values.items()}


class Record(NamedTuple):
    """Field of a dict with known names, which are required unless `optional`."""

    fields: dict
    optional: tuple = ()

    def dump(self, values):
        return {k: f.dump(values[k]) for k, f in self.fields.items() if k in values}

    def load(self, values):
        _ask(type(values) is dict, values, "an object")
        missing = self.fields.keys() - values.keys() - set(self.optional)
        if missing:
            raise Wrong(f"{', '.join(sorted(missing))} is missing")
        unknown = min(values.keys() - self.fields.keys(), default=None)
        if unknown is not None:
            raise Wrong(f"{show(unknown)} is not known to this version")
        return {k: _within(k, self.fields[k], v) for k, v in values.items()}


class Array(NamedTuple):
    """Field of an array (n,) with a dtype of given kinds; objects must be texts."""

    kinds: str

    def dump(self, array):
        return {"dtype": array.dtype.str, "values": array.tolist()}

    def load(self, value):
        parts = Record({"dtype": TEXT, "values": Many(SCALAR)}).load(value)
        code, values = parts["dtype"], parts["values"]
        _ask(_DTYPE.fullmatch(code), code, "the dtype of an array")
        dtype = np.dtype(code)
        _ask(dtype.kind in self.kinds, code, f"a dtype of one of {self.kinds!r}")
        kind = _ITEMS.get(dtype.kind, str)
        for item in values:
            _ask(type(item) is kind, item, f"a value of an array of dtype {code}")
        if dtype.kind == "U":
            size = len(values) * dtype.itemsize // 4
            _ask(size <= _MOST_CHARACTERS, code, f"a width for {len(values)} texts")
        try:
            with np.errstate(over="ignore"):
                array = np.array(values, dtype)
        except OverflowError as error:
            raise Wrong(f"a value is too large for the dtype {code}") from error
        _ask(array.tolist() == values, values, f"a list of values of dtype {code}")
        return array


class Object(NamedTuple):
    """Field of an object of one of several classes.

    For each class there is a `Record` of its attributes, and a function that returns
    whether the attributes of an object are consistent.
    """

    classes: dict

    def dump(self, value):
        record, _ = self.classes[type(value)]
        return {"object": type(value).__name__, "fields": record.dump(vars(value))}

    def load(self, value):
        """Return an object, made without calling its constructor."""
        parts = Record({"object": TEXT, "fields": ANY}).load(value)
        by_name = {kind.__name__: kind for kind in self.classes}
        name = one_of(by_name).load(parts["object"])
        record, fits = self.classes[by_name[name]]
        built = by_name[name].__new__(by_name[name])
        vars(built).update(_within(name, record, parts["fields"]))
        if not fits(built):
            raise Wrong(f"the fields of the {name} are inconsistent")
        return built


class Argument:
    """Field of a constructor argument: a plain value, nested lists, or a dict.

    The keys of a dict are classes and may be other plain values than text.
    """

    def dump(self, value):
        """Return the plain value; a dict becomes a list of pairs."""
        if isinstance(value, dict):
            return {"pairs": [[self.dump(k), self.dump(v)] for k, v in value.items()]}
        if isinstance(value, list | tuple):
            return [self.dump(item) for item in value]
        return self.load(_item(value))

    def load(self, value):
        """Return the argument; a tuple becomes a list."""
        if type(value) is list:
            return [self.load(item) for item in value]
        if type(value) is dict:
            pairs = Record({"pairs": Many(Many(SCALAR, tuple))}).load(value)["pairs"]
            _ask(all(len(pair) == 2 for pair in pairs), value, "a list of pairs")
            return dict(pairs)
        return Maybe(SCALAR).load(value)
