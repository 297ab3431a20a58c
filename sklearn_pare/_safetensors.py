"""Files of arrays and text: written whole or not at all, and checked when read.

The format is safetensors, whose reader runs nothing that a file says. The text lies in
the metadata, with a sha256 of everything beside it.
"""

import hashlib
import os
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from sklearn_pare.exceptions import ModelFileError, SaveError

_TEXT, _DIGEST = "sklearn_pare", "sha256"


def digest(arrays, text=""):
    """Hash of arrays and a text.

    Parameters
    ----------
    arrays : dict of str to ndarray
    text : str

    Returns
    -------
    digest : str
        Hexadecimal sha256 of names, dtypes, shapes and bytes, in the order of names.
    """
    found = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        # The same numbers have the same hash, however they lie in memory.
        array = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
        found.update(f"\0{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        found.update(array.reshape(-1).view(np.uint8))
    return found.hexdigest()


def write(path, arrays, text):
    """Write a file in one move: a reader sees the old one or the new one.

    Parameters
    ----------
    path : str or Path
        An existing file is replaced.
    arrays : dict of str to ndarray
    text : str

    Raises
    ------
    SaveError
        If the file cannot be written, such as on a full disk; an OSError. What was
        there before is untouched.
    """
    path = Path(path)
    # Processes that write to one path do not write into one file.
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        save_file(
            {name: np.asarray(array, order="C") for name, array in arrays.items()},
            partial,
            metadata={_TEXT: text, _DIGEST: digest(arrays, text)},
        )
        _flush(partial)
        partial.replace(path)
        _flush(path.parent)
    except (OSError, SafetensorError) as error:
        size = sum(array.nbytes for array in arrays.values())
        raise SaveError(
            f"{path} could not be written: {error}. It needs {size / 2**20:.1f} MB "
            "in a folder that exists and may be written to. What was there before is "
            "untouched."
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def read(path):
    """Read what `write` wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    arrays : dict of str to ndarray
    text : str

    Raises
    ------
    FileNotFoundError
    ModelFileError
        If the file is none of this package, or its bytes are not those that were
        written; a ValueError.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        text = metadata[_TEXT]
        if _DIGEST not in metadata:
            raise ModelFileError(
                f"{path} has no sha256: it was written before the first release of "
                "sklearn_pare, or by another program. Fit and save again."
            )
        expected = metadata[_DIGEST]
    except FileNotFoundError:
        raise
    # Types that numpy lacks come as TypeError or AttributeError.
    except (SafetensorError, OSError, KeyError, TypeError, AttributeError) as error:
        raise ModelFileError(
            f"{path} is not a file of sklearn_pare, or is damaged: {error!r}."
        ) from error
    found = digest(arrays, text)
    if found != expected:
        raise ModelFileError(
            f"{path} is damaged: its content has sha256 {found}, it was written with "
            f"{expected}. Copy it again from where it was made."
        )
    return arrays, text


def _flush(path):
    """Wait until a file or folder is on the disk."""
    # Windows cannot open folders; there a rename is flushed with the file.
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
