"""Pickles of data sets, read without running anything that they name.

Data sets of others come as pickles. Of what a pickle may name, this module knows the
arrays, dtypes and scalars of numpy alone, and makes even those itself: nothing of a
file reaches numpy's own `__setstate__`. Everything else is refused.
"""

import pickle
import re

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


# In C, one damaged byte can ask for gigabytes of memo, and get them; the one in Python
# keeps a dictionary.
class _Unpickler(pickle._Unpickler):
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
    >>> from sklearn_pare.datasets._unpickle import unpickle
    >>> unpickle(io.BytesIO(pickle.dumps({"label": np.arange(3)})))
    {'label': array([0, 1, 2])}
    """
    try:
        return _resolved(_Unpickler(stream, encoding="bytes").load(), {})
    except pickle.UnpicklingError:
        raise
    except EOFError as error:
        raise pickle.UnpicklingError("it is cut short") from error
    # Damaged bytes are instructions for anything that an unpickler can do wrong.
    except Exception as error:
        raise pickle.UnpicklingError(f"{type(error).__name__}: {error}") from error


def _resolved(value, known):
    """The same with arrays in place of their descriptions."""
    if isinstance(value, _PLAIN):
        return value
    # What a pickle holds twice is resolved once: it could hold it 2**50 times.
    if id(value) in known:
        if known[id(value)] is known:
            raise pickle.UnpicklingError("it holds itself")
        return known[id(value)]
    known[id(value)] = known
    if isinstance(value, dict):
        result = {_text(key): _resolved(item, known) for key, item in value.items()}
    elif isinstance(value, list | tuple):
        result = type(value)(_resolved(item, known) for item in value)
    elif isinstance(value, bytearray):
        result = bytes(value)
    elif isinstance(value, _Array):
        result = value.array
        if result.dtype.hasobject:
            for place in np.ndindex(result.shape):
                result[place] = _resolved(result[place], known)
    else:
        raise pickle.UnpicklingError(f"it holds a {type(value).__name__}")
    known[id(value)] = result
    return result
