"""Pickles of data sets, read without running anything that they name.

Data sets of others come as pickles. Of what a pickle may name, this module knows the
arrays, dtypes and scalars of numpy alone, and makes even those itself: nothing of a
file reaches numpy's own `__setstate__`. Everything else is refused.
"""

import pickle
import re
import struct

import numpy as np

# What pickles call them; the modules have moved between versions of numpy.
_MULTIARRAY = {"numpy.core.multiarray", "numpy._core.multiarray"}
_NUMERIC = {"numpy.core.numeric", "numpy._core.numeric"}
_CODE = re.compile(r"[?biufcSUVO]\d*")
#: What `unpickle` raises.
UnpicklingError = pickle.UnpicklingError
_PLAIN = (str, bytes, int, float, complex, bool, type(None), np.generic)


class _Global:
    """Something that a pickle may call; it cannot be given a state."""

    __slots__ = ("_function",)

    def __init__(self, function):
        object.__setattr__(self, "_function", function)

    def __call__(self, *args):
        return self._function(*args)

    def __setattr__(self, name, value):
        raise pickle.UnpicklingError("it changes what it calls")

    def __setstate__(self, state):
        raise pickle.UnpicklingError("it changes what it calls")


class _Dtype:
    """A dtype as a pickle describes it."""

    def __init__(self, code, align=False, copy=True):
        code = _text(code)
        if not _CODE.fullmatch(code):
            raise pickle.UnpicklingError(f"it holds the dtype {code[:20]!r}")
        self.dtype = np.dtype(code)

    def __setstate__(self, state):
        _, order, sub, names, fields, itemsize, *_ = state
        if names is not None:
            fields = {_text(name): field for name, field in fields.items()}
            names = [_text(name) for name in names]
            dtype = {
                "names": names,
                "formats": [_plain_dtype(fields[name][0]) for name in names],
                "offsets": [fields[name][1] for name in names],
                "itemsize": itemsize,
            }
            self.dtype = np.dtype(dtype)
        elif sub is not None:
            self.dtype = np.dtype((_plain_dtype(sub[0]), sub[1]))
        elif _text(order) in "<>":
            self.dtype = self.dtype.newbyteorder(_text(order))


class _Array:
    """An array whose content comes as its state."""

    def __init__(self, *args):
        self.array = np.empty(0)

    def __setstate__(self, state):
        _, shape, dtype, fortran, content = state
        dtype, order = _dtype(dtype), "F" if fortran else "C"
        if dtype.hasobject:
            array = np.empty(len(content), dtype=object)
            # One by one: numpy would look into lists that the array holds.
            for position, item in enumerate(list(content)):
                array[position] = item
        else:
            array = _from_bytes(content, dtype)
        self.array = array.reshape(shape, order=order)


def _dtype(value):
    if not isinstance(value, _Dtype):
        raise pickle.UnpicklingError("an array of it has no dtype")
    return value.dtype


def _plain_dtype(value):
    """Dtype of a part; objects are admitted as a whole array only."""
    dtype = _dtype(value)
    if dtype.hasobject:
        raise pickle.UnpicklingError("it holds records of Python objects")
    return dtype


def _from_bytes(content, dtype):
    # A copy, which is writable and holds nothing of the file.
    return np.frombuffer(bytes(content), dtype).copy()


def _scalar(dtype, content=None):
    return _from_bytes(content, _plain_dtype(dtype))[0]


def _frombuffer(content, dtype, shape, order):
    made = _Array()
    array = _from_bytes(content, _plain_dtype(dtype))
    made.array = array.reshape(shape, order=_text(order))
    return made


def _encode(text, encoding="latin1"):
    """How protocol 2 spells bytes."""
    if _text(encoding) != "latin1":
        raise pickle.UnpicklingError(f"it calls the codec {encoding!r}")
    return text.encode("latin1")


def _no_bytes():
    """How protocol 2 spells b""."""
    return b""


def _text(value):
    return value.decode("latin1") if isinstance(value, bytes) else value


# Values that a pickle may hold beyond those that it names.
_MOST, _MOST_OF_EACH = 10**6, 100


# In C, one damaged byte can ask for gigabytes of memo, and get them; the one in Python
# keeps a dictionary.
class _Unpickler(pickle._Unpickler):
    dispatch = pickle._Unpickler.dispatch.copy()

    def load_bytearray8(self):
        # The original makes room before it looks how many bytes there are.
        (size,) = struct.unpack("<Q", self.read(8))
        self.append(bytearray(self.read(size)))

    def load_set(self):
        raise pickle.UnpicklingError("it holds a set")

    def load_dict(self):
        _check_keys(self.stack[::2])
        super().load_dict()

    def load_setitem(self):
        _check_keys(self.stack[-2:-1])
        super().load_setitem()

    def load_setitems(self):
        _check_keys(self.stack[::2])
        super().load_setitems()

    dispatch[pickle.BYTEARRAY8[0]] = load_bytearray8
    dispatch[pickle.EMPTY_SET[0]] = dispatch[pickle.FROZENSET[0]] = load_set
    dispatch[pickle.DICT[0]] = load_dict
    dispatch[pickle.SETITEM[0]] = load_setitem
    dispatch[pickle.SETITEMS[0]] = load_setitems

    def find_class(self, module, name):
        if module in _MULTIARRAY and name in {"_reconstruct", "scalar"}:
            return _Global(_Array if name == "_reconstruct" else _scalar)
        if module in _NUMERIC and name == "_frombuffer":
            return _Global(_frombuffer)
        if module == "numpy" and name in {"dtype", "ndarray"}:
            return _Global(_Dtype if name == "dtype" else _Array)
        if module == "_codecs" and name == "encode":
            return _Global(_encode)
        if module in {"builtins", "__builtin__"} and name in {"complex", "bytes"}:
            return _Global(complex if name == "complex" else _no_bytes)
        raise pickle.UnpicklingError(f"it names {module}.{name}")


def _check_keys(keys):
    # To hash tuples of tuples, each held twice, takes for ever.
    for key in keys:
        if not isinstance(key, _PLAIN):
            raise pickle.UnpicklingError(f"a {type(key).__name__} is a key in it")


def write_pickle(content, stream, protocol=2):
    """Write a pickle as files of benchmarks are, for `unpickle` to read."""
    pickle.dump(content, stream, protocol=protocol)


def unpickle(stream):
    """Read one pickle: numbers, text, bytes, arrays, and dict, list and tuple of them.

    Parameters
    ----------
    stream : binary file
        Read up to the end of the pickle. Byte strings of Python 2 stay bytes, but keys
        of dictionaries become str.

    Returns
    -------
    content : object

    Raises
    ------
    pickle.UnpicklingError
        If the pickle names anything but the types above, or is cut short or damaged.

    Examples
    --------
    >>> import io, pickle
    >>> import numpy as np
    >>> from sklearn_pare.datasets._readers.unpickle import unpickle
    >>> unpickle(io.BytesIO(pickle.dumps({"label": np.arange(3)})))
    {'label': array([0, 1, 2])}
    """
    try:
        return _Resolver().resolve(_Unpickler(stream, encoding="bytes").load())[0]
    except pickle.UnpicklingError:
        raise
    except EOFError as error:
        raise pickle.UnpicklingError("it is cut short") from error
    # Damaged bytes are instructions for anything that an unpickler can do wrong.
    except Exception as error:
        raise pickle.UnpicklingError(f"{type(error).__name__}: {error}") from error


class _Resolver:
    """Puts arrays in the place of their descriptions."""

    def __init__(self):
        self.known, self.n_named = {}, 0

    def resolve(self, value):
        """The same with arrays, and how many values it holds."""
        self.n_named += 1
        if isinstance(value, _PLAIN):
            return value, 1
        # What a pickle holds twice is resolved once: it could hold it 2**50 times.
        if id(value) in self.known:
            if self.known[id(value)] is None:
                raise pickle.UnpicklingError("it holds itself")
            return self.known[id(value)]
        self.known[id(value)] = None
        result, size = self._resolve(value)
        # Whoever prints, compares or stacks it meets them all.
        if size > max(_MOST, _MOST_OF_EACH * self.n_named):
            raise pickle.UnpicklingError("it holds the same again and again")
        self.known[id(value)] = result, size
        return result, size

    def _resolve(self, value):
        if isinstance(value, dict):
            items, size = self._all(value.values())
            return dict(zip(map(_text, value), items, strict=True)), size
        if isinstance(value, list | tuple):
            items, size = self._all(value)
            return type(value)(items), size
        if isinstance(value, bytearray):
            return bytes(value), 1
        if not isinstance(value, _Array):
            raise pickle.UnpicklingError(f"it holds a {type(value).__name__}")
        array, size = value.array, 1
        if array.dtype.hasobject:
            items, size = self._all(array.flat)
            for place, item in zip(np.ndindex(array.shape), items, strict=True):
                array[place] = item
        return array, size

    def _all(self, values):
        pairs = [self.resolve(value) for value in values]
        return [value for value, _ in pairs], 1 + sum(size for _, size in pairs)
