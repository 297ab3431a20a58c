"""A reader of arrays of numbers in MATLAB files, versions 5 to 7, that are not trusted.

Damaged bytes can crash the process in scipy's compiled reader. This one checks every
length against the bytes that exist.
"""

import math
import struct
import zlib
from pathlib import Path

import numpy as np

_HEADER = 128
_ORDERS = {b"IM": "<", b"MI": ">"}
_MATRIX, _COMPRESSED = 14, 15
# Types as stored and as read: MATLAB stores doubles with integral values as integers.
_STORED = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8",
    13: "u8",
}  # fmt: skip
_CLASSES = {
    6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4",
    14: "i8", 15: "u8",
}  # fmt: skip
_COMPLEX = 0x800
# Most bytes of each part of an array's description: its flags, sizes and name.
_LONGEST = 4096
_BLOCK = 2**20


def read_matlab(path, key):
    """Return the array named ``key``, or None, and the names of the arrays before it.

    Raises ValueError, struct.error or zlib.error if the file or the array is invalid.
    """
    names = []
    with Path(path).open("rb") as file:
        header = file.read(_HEADER)
        order = _ORDERS.get(header[126:])
        if order is None or struct.unpack(f"{order}H", header[124:126]) != (0x100,):
            raise ValueError("it has no MATLAB header")
        while start := file.read(8):
            kind, size = struct.unpack(f"{order}II", start.ljust(8, b"\0"))
            inflated = kind == _COMPRESSED
            end, stream = file.tell() + size, (_Stored, _Inflated)[inflated](file, size)
            if inflated:
                kind, size = struct.unpack(f"{order}II", stream.read(8))
            if kind == _MATRIX:
                name, array = _read_array(stream, order, key)
                if array is not None:
                    return array, names
                names.append(name)
            file.seek(end)
    return None, names


class _Stored:
    """The next ``size`` bytes of a file."""

    def __init__(self, file, size):
        self.file, self.left = file, size

    def some(self, most):
        """Return at most ``most`` bytes of the next block, or b"" at the end."""
        block = self.file.read(min(_BLOCK, self.left, most))
        self.left -= len(block)
        return block

    def read(self, size):
        """Return exactly ``size`` bytes, read in blocks in case there are fewer."""
        content = bytearray()
        while len(content) < size:
            block = self.some(size - len(content))
            if not block:
                raise ValueError(f"{size - len(content)} bytes are missing")
            content += block
        return content


class _Inflated(_Stored):
    """The decompressed content of the next ``size`` bytes of a file."""

    def __init__(self, file, size):
        super().__init__(file, size)
        self.inflate = zlib.decompressobj()

    def some(self, most):
        while True:
            block = self.inflate.unconsumed_tail or super().some(_BLOCK)
            more = self.inflate.decompress(block, most)
            if more or not block:
                return more


def _read_element(stream, order, most=None):
    """Return kind and bytes of one part of an array; ``most`` limits their number."""
    start = stream.read(8)
    kind, size = struct.unpack(f"{order}II", start)
    if kind >> 16:
        # Up to four bytes are stored in place of the size.
        kind, size = kind & 0xFFFF, kind >> 16
        if size > 4:
            raise ValueError(f"a short part has {size} bytes, more than 4")
        return kind, start[4 : 4 + size]
    if most is not None and size > most:
        raise ValueError(f"a part has {size} bytes, more than {most}")
    content = stream.read(size)
    if most is not None:
        stream.read(-size % 8)
    return kind, content


def _read_array(stream, order, key):
    """Return the name of an array, and the array if its name is ``key``."""
    _, flags = _read_element(stream, order, _LONGEST)
    (flags,) = struct.unpack(f"{order}I", flags[:4])
    _, sizes = _read_element(stream, order, _LONGEST)
    _, name = _read_element(stream, order, _LONGEST)
    name = name.decode("latin1")
    if name != key:
        return name, None
    kind = flags & 0xFF
    if kind not in _CLASSES or flags & _COMPLEX:
        raise ValueError(f"of MATLAB's class {kind}, not an array of real numbers")
    dtype = _CLASSES[kind]
    shape = tuple(np.frombuffer(sizes, f"{order}i4").tolist())
    kind, content = _read_element(stream, order)
    if kind not in _STORED:
        raise ValueError(f"numbers of unknown kind {kind}")
    stored = np.dtype(order + _STORED[kind])
    if min(shape, default=-1) < 0 or math.prod(shape) * stored.itemsize != len(content):
        raise ValueError(f"{len(content)} bytes of {stored} for the shape {shape}")
    array = np.frombuffer(content, stored).reshape(shape, order="F")
    with np.errstate(invalid="ignore"):
        return name, array.astype(dtype, copy=False)
