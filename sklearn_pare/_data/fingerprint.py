"""Short descriptions of arguments and data, to recognise a fit."""

import hashlib
import math

import numpy as np

from sklearn_pare._data.lazy import ChosenRows, LazyArray, blocks
from sklearn_pare._data.tables import is_frame

# Numbers of an array in a file that its description depends on.
_SAMPLE = 2**22


def describe(value):
    """Return a short text that differs if values differ.

    Parameters
    ----------
    value : object
        A plain value, a container, an array or a DataFrame, or a LazyArray, of which
        only evenly spaced samples are read.

    Returns
    -------
    text : str
        For arrays, shape, dtype and the beginning of a sha256.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_pare._data.fingerprint import describe
    >>> describe({"a": [1, np.float64(0.5), None]})
    "{'a': [1, 0.5, None]}"
    >>> describe(np.zeros((2, 3)))
    '(2, 3) float64 sha256:17b0761f87b081d5'
    """
    if isinstance(value, np.generic):
        return repr(value.item())
    if isinstance(value, dict):
        pairs = (f"{key!r}: {describe(own)}" for key, own in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(describe, value))}]"
    if hasattr(value, "shape"):
        return _describe_array(value)
    if hasattr(value, "__code__"):
        # The representation of a function is its address.
        code = repr((value.__code__.co_code, value.__code__.co_consts)).encode()
        return f"{value.__qualname__} sha256:{hashlib.sha256(code).hexdigest()[:16]}"
    return repr(value)


def _describe_array(array):
    if is_frame(array):
        from pandas.util import hash_pandas_object

        kinds = [f"{name!r} {dtype}" for name, dtype in array.dtypes.items()]
        found = hashlib.sha256("\0".join(kinds).encode())
        found.update(hash_pandas_object(array, index=False).to_numpy())
        return f"{array.shape} table sha256:{found.hexdigest()[:16]}"
    # Sparse matrices of labels are small.
    array = array.toarray() if hasattr(array, "toarray") else array
    if not isinstance(array, ChosenRows | LazyArray):
        array = np.asarray(array)
    shape, found = array.shape, hashlib.sha256()
    if isinstance(array, LazyArray):
        array = array[:: -(-math.prod(shape) // _SAMPLE)]
    for rows in blocks(array) if 0 not in shape else ():
        block = np.ascontiguousarray(array[rows])
        if block.dtype == object:
            found.update("\0".join(map(repr, block.flat)).encode())
        else:
            found.update(block.reshape(-1).view(np.uint8))
    return f"{shape} {array.dtype} sha256:{found.hexdigest()[:16]}"
