"""Files of arrays and text, written completely or not at all, and checked when read.

The format is safetensors, whose reader executes nothing. The text is part of the
metadata, together with a sha256 of the text and the arrays.
"""

import hashlib
import io
import json
import os
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load, save, save_file

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


def write(file, arrays, text):
    """Write a file atomically: a reader sees the old or the new file.

    Parameters
    ----------
    file : str, Path or file object
        An existing file is replaced. A file object is written to at its position.
    arrays : dict of str to ndarray
    text : str

    Raises
    ------
    SaveError
        If the file cannot be written, for example on a full disk (OSError). An
        existing file is left untouched.
    """
    arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    metadata = {_TEXT: text, _DIGEST: digest(arrays, text)}
    if hasattr(file, "write"):
        _write_object(file, save(arrays, metadata))
        return
    size = sum(array.nbytes for array in arrays.values())
    _write_path(Path(file), lambda path: save_file(arrays, path, metadata), size)


def write_bytes(file, content):
    """Write bytes like `write`."""
    if hasattr(file, "write"):
        _write_object(file, content)
    else:
        _write_path(Path(file), lambda path: path.write_bytes(content), len(content))


def _write_path(path, save_to, size):
    """Write a file of about `size` bytes by a function of a temporary path."""
    # Processes that write to the same path use different temporary files.
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.touch()
        mode = partial.stat().st_mode
        save_to(partial)
        # safetensors lets only its owner read a file.
        partial.chmod(mode)
        _flush(partial)
        partial.replace(path)
        _flush(path.parent)
    except (OSError, SafetensorError) as error:
        raise SaveError(
            f"{path} could not be written: {error}. It needs {size / 2**20:.1f} MB "
            "in an existing folder with write permission. An existing file is left "
            "untouched."
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def _write_object(file, content):
    """Write bytes to a file object, which may be unbuffered and take only a part."""
    n_bytes = len(content)
    try:
        while content:
            n_written = file.write(content)
            if n_written == 0:
                raise OSError("it takes no more bytes")
            content = content[n_bytes if n_written is None else n_written :]
    # Closed files raise ValueError, and files in text mode raise TypeError.
    except (OSError, ValueError, TypeError) as error:
        raise SaveError(
            f"{file} could not be written: {error}. It must be open for writing in "
            f"binary mode, such as with 'wb', and have room for {n_bytes / 2**20:.1f} "
            "MB."
        ) from error


def read(file):
    """Read a file that `write` wrote.

    Parameters
    ----------
    file : str, Path or file object
        A file object is read from its position to its end.

    Raises
    ------
    FileNotFoundError
    ModelFileError
        If the file is not one of this package, or was changed later (ValueError).
    """
    try:
        metadata, arrays = (
            _read_object(file) if hasattr(file, "read") else _read_path(file)
        )
        text = metadata[_TEXT]
        if _DIGEST not in metadata:
            raise ModelFileError(
                f"{file} has no sha256: it was written before the first release of "
                "sklearn_pare, or by another program. Fit and save again."
            )
        expected = metadata[_DIGEST]
    except (FileNotFoundError, MemoryError, ModelFileError):
        raise
    # Dtypes that numpy lacks raise TypeError or AttributeError, and file objects raise
    # errors of their own.
    except Exception as error:
        raise ModelFileError(
            f"{file} is not a file of sklearn_pare, or is damaged: {error!r}."
        ) from error
    found = digest(arrays, text)
    if found != expected:
        raise ModelFileError(
            f"{file} is damaged: its content has sha256 {found}, but was written with "
            f"{expected}. Copy the file again from its origin."
        )
    return arrays, text


def _read_path(path):
    with safe_open(path, framework="numpy") as file:
        names = file.keys()
        return file.metadata() or {}, {name: file.get_tensor(name) for name in names}


def _read_object(file):
    if isinstance(file, io.TextIOBase):
        raise ModelFileError(
            f"{file} is open in text mode. Open it in binary mode, such as with 'rb'."
        )
    content = file.read()
    if not content:
        raise ModelFileError(
            f"{file} is empty, or nothing is left to read at its position; call "
            "seek(0)."
        )
    arrays = load(content)
    # The reader has checked the header, but returns only the arrays.
    size = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + size]).get("__metadata__", {}), arrays


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
