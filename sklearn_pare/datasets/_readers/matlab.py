"""Arrays of numbers in files of MATLAB, versions 5 to 7, read without trust in them.

Damaged bytes make scipy's compiled reader leave its memory and take the process with
it. Here every length is held against the bytes that are there.
"""

import math
import struct
import zlib
from pathlib import Path

import numpy as np

_HEADER = 128
_ORDERS = {b"IM": "<", b"MI": ">"}
_MATRIX, _COMPRESSED = 14, 15
# How numbers are stored, and what they are; MATLAB stores whole doubles in a byte each.
_STORED = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8",
    13: "u8",
}  # fmt: skip
_CLASSES = {
    6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4",
    14: "i8", 15: "u8",
}  # fmt: skip
_COMPLEX = 0x800
# Bytes of an array's description: its flags, sizes and name.
_LONGEST = 4096
_BLOCK = 2**20


def read_matlab(path, key):
    """One array of a file, and the names of those before it.

    Parameters
    ----------
    path : Path
    key : str

    Returns
    -------
    array : ndarray or None
        Axes as in MATLAB; None if no array has this name.
    names : list of str
        Of the arrays that were passed.

    Raises
    ------
    ValueError, struct.error, zlib.error
        If the file is no such file, is damaged, or holds something else by that name.
    """
    names = []
    with Path(path).open("rb") as file:
        header = file.read(_HEADER)
        order = _ORDERS.get(header[126:])
        if order is None or struct.unpack(f"{order}H", header[124:126]) != (0x100,):
            raise ValueError("no header of MATLAB")
        while start := file.read(8):
            kind, size = struct.unpack(f"{order}II", start.ljust(8, b"\0"))
            end, stream = file.tell() + size, _Stored(file, size)
            if kind == _COMPRESSED:
                stream = _Inflated(stream)
                kind, size = struct.unpack(f"{order}II", stream.read(8))
            if kind == _MATRIX:
                name, array = _read_array(stream, order, key)
                if array is not None:
                    return array, names
                names.append(name)
            file.seek(end)
    return None, names


class _Stored:
    """So many bytes of a file."""

    def __init__(self, file, size):
        self.file, self.left = file, size

    def some(self):
        """The next of them, b"" at their end."""
        block = self.file.read(min(_BLOCK, self.left))
        self.left -= len(block)
        return block

    def read(self, size):
        """As many as asked for; they come in blocks, as there may be fewer."""
        content = bytearray()
        while len(content) < size:
            block = self.file.read(min(_BLOCK, self.left, size - len(content)))
            if not block:
                raise ValueError(f"{size - len(content)} bytes are missing")
            content += block
            self.left -= len(block)
        return content


class _Inflated:
    """What compressed bytes say."""

    def __init__(self, stored):
        self.stored, self.inflate = stored, zlib.decompressobj()

    def read(self, size):
        """As many bytes as asked for."""
        content = bytearray()
        while len(content) < size:
            block = self.inflate.unconsumed_tail or self.stored.some()
            more = self.inflate.decompress(block, size - len(content))
            if not block and not more:
                raise ValueError(f"{size - len(content)} bytes are missing")
            content += more
        return content


def _read_element(stream, order, most=None):
    """Kind and bytes of a part of an array's description, or of its numbers."""
    start = stream.read(8)
    kind, size = struct.unpack(f"{order}II", start)
    if kind >> 16:
        # Up to four bytes lie in the place of the size.
        kind, size = kind & 0xFFFF, kind >> 16
        if size > 4:
            raise ValueError(f"a short part of {size} bytes")
        return kind, start[4 : 4 + size]
    if most is not None and size > most:
        raise ValueError(f"{size} bytes where {most} are the most")
    content = stream.read(size)
    if most is not None:
        stream.read(-size % 8)
    return kind, content


def _read_array(stream, order, key):
    """Name of an array, and the array if it is the one asked for."""
    _, flags = _read_element(stream, order, _LONGEST)
    (flags,) = struct.unpack(f"{order}I", flags[:4])
    _, sizes = _read_element(stream, order, _LONGEST)
    _, name = _read_element(stream, order, _LONGEST)
    name = name.decode("latin1")
    if name != key:
        return name, None
    of = flags & 0xFF
    if of not in _CLASSES or flags & _COMPLEX:
        raise ValueError(f"of MATLAB's class {of}, not an array of real numbers")
    shape = tuple(np.frombuffer(sizes, f"{order}i4").tolist())
    kind, content = _read_element(stream, order)
    if kind not in _STORED:
        raise ValueError(f"numbers of the unknown kind {kind}")
    stored = np.dtype(order + _STORED[kind])
    if min(shape, default=-1) < 0 or math.prod(shape) * stored.itemsize != len(content):
        raise ValueError(f"{len(content)} bytes of {stored} for the shape {shape}")
    array = np.frombuffer(content, stored).reshape(shape, order="F")
    with np.errstate(invalid="ignore"):
        return name, array.astype(_CLASSES[of], copy=False)
