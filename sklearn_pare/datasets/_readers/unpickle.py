"""A reader of pickled data sets that runs nothing that they name.

It accepts only numpy's arrays, dtypes and scalars, besides plain values and containers,
and builds them itself, so that no content of a file reaches numpy's ``__setstate__``.
Everything else is refused.
"""

import pickle
import re
import struct

import numpy as np

# The modules have been renamed between versions of numpy.
_MULTIARRAY = {"numpy.core.multiarray", "numpy._core.multiarray"}
_NUMERIC = {"numpy.core.numeric", "numpy._core.numeric"}
_CODE = re.compile(r"[?biufcSUVO]\d*")
#: The error that ``unpickle`` raises.
UnpicklingError = pickle.UnpicklingError
_PLAIN = (str, bytes, int, float, complex, bool, type(None), np.generic)


class _Global:
    """A function that a pickle may call but not modify."""

    __slots__ = ("_function",)

    def __init__(self, function):
        object.__setattr__(self, "_function", function)

    def __call__(self, *args):
        return self._function(*args)

    def __setattr__(self, *_):
        raise pickle.UnpicklingError("it modifies a function")

    __setstate__ = __setattr__


class _Dtype:
    """A dtype, built from its description in a pickle."""

    def __init__(self, code, align=False, copy=True):
        code = _text(code)
        if not _CODE.fullmatch(code):
            raise pickle.UnpicklingError(f"it contains the dtype {code[:20]!r}")
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
    """An array, filled from its state in a pickle."""

    def __init__(self, *args):
        self.array = np.empty(0)

    def __setstate__(self, state):
        _, shape, dtype, fortran, content = state
        dtype, order = _dtype(dtype), "F" if fortran else "C"
        if dtype.hasobject:
            array = np.empty(len(content), dtype=object)
            # One by one: numpy would convert nested lists to arrays.
            for position, item in enumerate(list(content)):
                array[position] = item
        else:
            array = _from_bytes(content, dtype)
        self.array = array.reshape(shape, order=order)


def _dtype(value):
    if not isinstance(value, _Dtype):
        raise pickle.UnpicklingError("it contains an array without a dtype")
    return value.dtype


def _plain_dtype(value):
    """Return the dtype of a part; objects are allowed only as a whole array."""
    dtype = _dtype(value)
    if dtype.hasobject:
        raise pickle.UnpicklingError("it contains records of Python objects")
    return dtype


def _from_bytes(content, dtype):
    # A copy is writable and does not keep the content of the file in memory.
    return np.frombuffer(bytes(content), dtype).copy()


def _scalar(dtype, content=None):
    return _from_bytes(content, _plain_dtype(dtype))[0]


def _frombuffer(content, dtype, shape, order):
    made = _Array()
    array = _from_bytes(content, _plain_dtype(dtype))
    made.array = array.reshape(shape, order=_text(order))
    return made


def _encode(text, encoding="latin1"):
    """Encode bytes as protocol 2 stores them."""
    if _text(encoding) != "latin1":
        raise pickle.UnpicklingError(f"it uses the codec {encoding!r}")
    return text.encode("latin1")


def _no_bytes():
    """Return b"", which protocol 2 stores as a call."""
    return b""


def _text(value):
    return value.decode("latin1") if isinstance(value, bytes) else value


# Limits on the values in a pickle, counted with repetition: in total, and per value
# that is stored.
_MOST, _MOST_OF_EACH = 10**6, 100


def _check_keys(load, first=0):
    """Return ``load`` after a check of every second value on the stack, the keys."""

    def checked(unpickler):
        # Hashing tuples of tuples that repeat each other could take forever.
        for key in unpickler.stack[first::2]:
            if not isinstance(key, _PLAIN):
                raise pickle.UnpicklingError(f"a {type(key).__name__} is used as a key")
        load(unpickler)

    return checked


# The unpickler in C can allocate gigabytes for its memo because of one damaged byte;
# the one in Python uses a dictionary.
class _Unpickler(pickle._Unpickler):
    dispatch = pickle._Unpickler.dispatch.copy()

    def load_bytearray8(self):
        # The original allocates memory before it checks how many bytes exist.
        (size,) = struct.unpack("<Q", self.read(8))
        self.append(bytearray(self.read(size)))

    def load_set(self):
        raise pickle.UnpicklingError("it contains a set")

    dispatch[pickle.BYTEARRAY8[0]] = load_bytearray8
    dispatch[pickle.EMPTY_SET[0]] = dispatch[pickle.FROZENSET[0]] = load_set
    dispatch[pickle.DICT[0]] = _check_keys(pickle._Unpickler.load_dict)
    dispatch[pickle.SETITEM[0]] = _check_keys(pickle._Unpickler.load_setitem, -2)
    dispatch[pickle.SETITEMS[0]] = _check_keys(pickle._Unpickler.load_setitems)

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
        raise pickle.UnpicklingError(f"it refers to {module}.{name}")


def write_pickle(content, stream, protocol=2):
    """Write a pickle as the files of the benchmarks contain it."""
    pickle.dump(content, stream, protocol=protocol)


def unpickle(stream):
    """Read one pickle of numbers, text, bytes, arrays, and dict, list or tuple of them.

    Byte strings of Python 2 stay bytes, but the keys of dictionaries become str. Raises
    UnpicklingError if the pickle contains anything else, is truncated or damaged.
    """
    try:
        return _Resolver().resolve(_Unpickler(stream, encoding="bytes").load())[0]
    except pickle.UnpicklingError:
        raise
    except EOFError as error:
        raise pickle.UnpicklingError("it is truncated") from error
    # Damaged bytes can raise any error in an unpickler.
    except Exception as error:
        raise pickle.UnpicklingError(f"{type(error).__name__}: {error}") from error


class _Resolver:
    """A replacement of the descriptions of arrays by the arrays."""

    def __init__(self):
        self.known, self.n_stored = {}, 0

    def resolve(self, value):
        """Return the value with its arrays, and the number of values it contains."""
        self.n_stored += 1
        if isinstance(value, _PLAIN):
            return value, 1
        # A repeated value is resolved once: it could be repeated 2**50 times.
        if id(value) in self.known:
            if self.known[id(value)] is None:
                raise pickle.UnpicklingError("it contains itself")
            return self.known[id(value)]
        self.known[id(value)] = None
        result, size = self._resolve(value)
        # Printing, comparing or stacking the content would visit all repetitions.
        if size > max(_MOST, _MOST_OF_EACH * self.n_stored):
            raise pickle.UnpicklingError("it repeats the same values too often")
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
            raise pickle.UnpicklingError(f"it contains a {type(value).__name__}")
        array, size = value.array, 1
        if array.dtype.hasobject:
            items, size = self._all(array.flat)
            for place, item in zip(np.ndindex(array.shape), items, strict=True):
                array[place] = item
        return array, size

    def _all(self, values):
        pairs = [self.resolve(value) for value in values]
        return [value for value, _ in pairs], 1 + sum(size for _, size in pairs)
