"""Files of arrays and text, written completely or not at all, and checked when read.

The format is safetensors, whose reader executes nothing. The text is part of the
metadata, together with a sha256 of the text and the arrays.
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
    """Return a hash of arrays and a text.

    Returns
    -------
    digest : str
        Hexadecimal sha256 of names, dtypes, shapes and bytes, ordered by name.
    """
    found = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        # The hash does not depend on byte order and memory layout.
        array = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
        found.update(f"\0{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        found.update(array.reshape(-1).view(np.uint8))
    return found.hexdigest()


def write(path, arrays, text):
    """Write a file atomically: a reader sees the old or the new file.

    Parameters
    ----------
    path : str or Path
        An existing file is replaced.
    arrays : dict of str to ndarray
    text : str

    Raises
    ------
    SaveError
        If the file cannot be written, for example on a full disk; an OSError. An
        existing file is left untouched.
    """
    path = Path(path)
    # Processes that write to the same path use different temporary files.
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
            "in an existing folder with write permission. An existing file is left "
            "untouched."
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def read(path):
    """Read a file that `write` wrote.

    Raises
    ------
    FileNotFoundError
    ModelFileError
        If the file is not one of this package, or was changed since it was written; a
        ValueError.
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
    # Dtypes that numpy lacks raise TypeError or AttributeError.
    except (SafetensorError, OSError, KeyError, TypeError, AttributeError) as error:
        raise ModelFileError(
            f"{path} is not a file of sklearn_pare, or is damaged: {error!r}."
        ) from error
    found = digest(arrays, text)
    if found != expected:
        raise ModelFileError(
            f"{path} is damaged: its content has sha256 {found}, but was written with "
            f"{expected}. Copy the file again from its origin."
        )
    return arrays, text


def _flush(path):
    """Wait until a file or folder is written to the disk."""
    # Windows cannot open folders, and flushes a rename with the file.
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
