"""Fields of a saved file: values of Python <-> what JSON holds, checked.

``field.dump(value)`` makes a value plain, ``field.load(plain)`` gives it back. Loading
takes nothing for granted: what is not of the type and in the range of a field is
`Wrong`, and nothing larger is made than what was there already.
"""

import math
import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

# Readers of JSON in other languages agree on whole numbers up to this.
LARGEST = 2**53
# Arrays of text have one width: one long name among many would make them huge.
_MOST_CHARACTERS = 2**22
_DTYPE = re.compile(r"[<>|](b1|[iu][1248]|f[248]|U[1-9]\d{0,6}|O)")
_ITEMS = {"b": bool, "i": int, "u": int, "f": float}


class Wrong(Exception):
    """A value that no file may hold; the text says where, and what it should be."""


def show(value):
    """A value for the text of an error, cut short."""
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
    """A number of numpy as one of Python."""
    return value.item() if isinstance(value, np.generic) else value


class Leaf(NamedTuple):
    """One plain value.

    Attributes
    ----------
    what : str
        What it should be, for the text of errors.
    fits : callable
        Whether a value is that.
    """

    what: str
    fits: Callable

    def dump(self, value):
        """The value, of a type of Python."""
        return _item(value)

    def load(self, value):
        """The value."""
        _ask(self.fits(value), value, self.what)
        return value


def whole(least, most=LARGEST):
    """A whole number from `least` to `most`."""
    return Leaf(
        f"a whole number from {least} to {most}",
        lambda value: type(value) is int and least <= value <= most,
    )


def _is_real(value):
    if type(value) is float:
        return math.isfinite(value)
    return type(value) is int and abs(value) < 2**64


def real(least=-math.inf, most=math.inf):
    """A finite number from `least` to `most`."""
    return Leaf(
        f"a finite number from {least} to {most}",
        lambda value: _is_real(value) and least <= value <= most,
    )


def one_of(names):
    """One of some texts."""
    return Leaf(
        f"one of {', '.join(map(repr, names))}",
        lambda value: type(value) is str and value in names,
    )


ANY = Leaf("a value", lambda value: True)
TEXT = Leaf("a text", lambda value: type(value) is str)
FLAG = Leaf("true or false", lambda value: type(value) is bool)
SCALAR = Leaf(
    "a text, a finite number, true or false",
    lambda value: type(value) in (str, bool) or _is_real(value),
)


class Number:
    """A number; JSON has none for infinity and NaN, so these are spelled."""

    def dump(self, value):
        """The number, or its name."""
        value = _item(value)
        return value if _is_real(value) else str(value)

    def load(self, value):
        """The number."""
        if value in ("nan", "inf", "-inf"):
            return float(value)
        return real().load(value)


class Maybe(NamedTuple):
    """A value or None."""

    field: object

    def dump(self, value):
        """None as it is."""
        return None if value is None else self.field.dump(value)

    def load(self, value):
        """None as it is."""
        return None if value is None else self.field.load(value)


class Many(NamedTuple):
    """Values of one kind in a list, or what `build` makes of it."""

    field: object
    build: type = list
    most: int = LARGEST

    def dump(self, values):
        """A list."""
        return [self.field.dump(value) for value in values]

    def load(self, values):
        """A list, or what `build` makes of it."""
        _ask(type(values) is list, values, "a list")
        _ask(len(values) <= self.most, values, f"a list of {self.most} at most")
        return self.build(
            _within(f"item {place}", self.field, value)
            for place, value in enumerate(values)
        )


class Mapping(NamedTuple):
    """Values of one kind by any names."""

    field: object

    def dump(self, values):
        """A dict."""
        return {name: self.field.dump(value) for name, value in values.items()}

    def load(self, values):
        """A dict."""
        _ask(type(values) is dict, values, "an object")
        return {k: _within(show(k), self.field, v) for k, v in values.items()}


class Record(NamedTuple):
    """Values by known names, all of which must be there but the `optional` ones."""

    fields: dict
    optional: tuple = ()

    def dump(self, values):
        """A dict of those that are there."""
        return {k: f.dump(values[k]) for k, f in self.fields.items() if k in values}

    def load(self, values):
        """A dict."""
        _ask(type(values) is dict, values, "an object")
        missing = self.fields.keys() - values.keys() - set(self.optional)
        if missing:
            raise Wrong(f"{', '.join(sorted(missing))} is missing")
        unknown = min(values.keys() - self.fields.keys(), default=None)
        if unknown is not None:
            raise Wrong(f"{show(unknown)} is not known to this version")
        return {k: _within(k, self.fields[k], v) for k, v in values.items()}


class Array(NamedTuple):
    """An array (n,) whose dtype is of one of some kinds; its objects are texts."""

    kinds: str

    def dump(self, array):
        """Dtype and values."""
        return {"dtype": array.dtype.str, "values": array.tolist()}

    def load(self, value):
        """An array."""
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
    """An object of one of some classes.

    Attributes
    ----------
    classes : dict
        Class -> pair of a `Record` of its attributes and a function of an object that
        says whether they go together.
    """

    classes: dict

    def dump(self, value):
        """Class by name, and attributes."""
        record, _ = self.classes[type(value)]
        return {"object": type(value).__name__, "fields": record.dump(vars(value))}

    def load(self, value):
        """An object, made without its constructor."""
        parts = Record({"object": TEXT, "fields": ANY}).load(value)
        by_name = {kind.__name__: kind for kind in self.classes}
        name = one_of(by_name).load(parts["object"])
        record, fits = self.classes[by_name[name]]
        built = by_name[name].__new__(by_name[name])
        vars(built).update(_within(name, record, parts["fields"]))
        if not fits(built):
            raise Wrong(f"the fields of the {name} do not go together")
        return built


class Argument:
    """A constructor argument: plain, or lists and one level of dict of what is plain.

    Keys of dictionaries are classes, which need not be text as in JSON.
    """

    def dump(self, value):
        """Plain; a dict as a list of pairs."""
        if isinstance(value, dict):
            return {"pairs": [[self.dump(k), self.dump(v)] for k, v in value.items()]}
        if isinstance(value, list | tuple):
            return [self.dump(item) for item in value]
        return self.load(_item(value))

    def load(self, value):
        """The argument; a tuple comes back as a list."""
        if type(value) is list:
            return [self.load(item) for item in value]
        if type(value) is dict:
            pairs = Record({"pairs": Many(Many(SCALAR, tuple))}).load(value)["pairs"]
            _ask(all(len(pair) == 2 for pair in pairs), value, "a list of pairs")
            return dict(pairs)
        return Maybe(SCALAR).load(value)
