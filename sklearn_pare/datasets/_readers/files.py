"""Readers of data files; they run no code, and their errors name the defect.

An error names the file, the key, the content found and the content expected.
"""

import csv
import gzip
import io
import json
import struct
import sys
import warnings
import zipfile
import zlib
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from sklearn_pare.datasets._readers.fetch import extra
from sklearn_pare.datasets._readers.matlab import read_matlab
from sklearn_pare.datasets._readers.unpickle import UnpicklingError, unpickle
from sklearn_pare.exceptions import FileFormatError, PaReError

_NPY, _GZIP, _HDF5 = b"\x93NUMPY", b"\x1f\x8b", b"\x89HDF\r\n\x1a\n"
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_KINDS = {"b": "booleans", "i": "integers", "u": "integers", "f": "floats"}
# Errors of the libraries about damaged bytes; h5py, for one, has none of its own.
_DAMAGE = (
    csv.Error,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    struct.error,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


def bad_file(path, key, found, expected):
    """Return the error for an invalid file; ``key`` is a part of it, or None."""
    part = f", {key!r}" if key is not None else ""
    return FileFormatError(
        f"{path}{part}: {found}. Expected {expected}. The file may be truncated, or of "
        "another version or task: remove it and download it again from its source."
    )


def warn_of_file(path, key, found, expected):
    """Warn of a file that can be read, but may be another one than it seems."""
    part = f", {key!r}" if key is not None else ""
    frame, level = sys._getframe(), 1
    # The caller of this package; decorators of scikit-learn lie between.
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("sklearn"):
        frame, level = frame.f_back, level + 1
    warnings.warn(f"{path}{part}: {found}. Expected {expected}.", stacklevel=level)


def warn_of_repeats(names, path, key=None):
    """Warn if a list of samples contains one twice: it may be in two parts."""
    if len(set(names)) < len(names):
        ((name, n),) = Counter(names).most_common(1)
        warn_of_file(path, key, f"contains {name!r} {n} times", "each sample once")


@contextmanager
def broken_as(path, key, expected, errors=_DAMAGE):
    """Replace the errors of a library about damaged bytes by that of ``bad_file``."""
    try:
        yield
    except (PaReError, FileNotFoundError):
        raise
    except errors as error:
        found = f"broken ({type(error).__name__}: {error})"
        raise bad_file(path, key, found, expected) from error


def exists(path):
    """Return whether a file exists whose name comes from another file."""
    try:
        return path.exists()
    # Names that no file can have: too long, or with invalid characters.
    except (OSError, ValueError):
        return False


def check_array(array, path, key, shape, *, kinds="biuf", low=None, high=None):
    """Return an array of numbers after ``check_form`` and a check of its range."""
    array = _numbers(array, path, key)
    wanted = check_form(array, path, key, shape, kinds)
    # Written so that NaN is out of range.
    if low is not None and not (array.min() >= low and array.max() <= high):
        found = f"has values from {array.min()} to {array.max()}"
        raise bad_file(path, key, found, f"{wanted} of values from {low} to {high}")
    return array


def array_of(shape):
    """Describe an expected array; ``shape`` is that of ``check_form``."""
    return f"an array of shape {tuple(shape)}".replace("'", "")


def check_form(array, path, key, shape, kinds="biuf"):
    """Check shape and dtype of anything that has them; return what was expected.

    ``shape`` holds an int for each axis of fixed length, and a name for each axis of
    any length except 0; ``kinds`` are the kinds of dtype that are accepted.
    """
    wanted = array_of(shape)
    fits = len(shape) == len(array.shape) and all(
        have == want or (isinstance(want, str) and have > 0)
        for have, want in zip(array.shape, shape, strict=True)
    )
    if not fits:
        raise bad_file(path, key, f"has shape {array.shape}", wanted)
    wanted += f" of {' or '.join(dict.fromkeys(_KINDS[kind] for kind in kinds))}"
    if array.dtype.kind not in kinds:
        raise bad_file(path, key, f"has dtype {array.dtype}", wanted)
    return wanted


def check_dataset(dataset, path, key, shape, kinds="biuf"):
    """Check a data set of HDF5 as ``check_form`` does, and that its file stores it."""
    wanted = check_form(dataset, path, key, shape, kinds)
    if dataset.external is not None or dataset.is_virtual:
        raise bad_file(path, key, "is stored in another file", f"{wanted} in this file")


def _numbers(array, path, key):
    """Convert lists, and arrays of objects or of text, to arrays of numbers."""
    try:
        array = np.asarray(array)
        if array.dtype == object and array.ndim == 1 and np.ndim(array[0]) > 0:
            array = np.stack(list(array))
        return array.astype(np.float64) if array.dtype.kind in "OSU" else array
    except (TypeError, ValueError, IndexError, OverflowError, MemoryError) as error:
        raise bad_file(path, key, f"is no array ({error})", "numbers") from error


def take_key(content, path, key, kind=None):
    """Return ``content[key]`` if it exists and has the type ``kind``."""
    expected = f"a dictionary with the key {key!r}"
    if not isinstance(content, dict):
        found = f"the file contains a {type(content).__name__}"
        raise bad_file(path, key, found, expected)
    if key not in content:
        keys = ", ".join(map(repr, list(content)[:10])) or "none"
        raise bad_file(path, key, f"no such key; the keys are {keys}", expected)
    value = content[key]
    if kind is not None and not isinstance(value, kind):
        name = getattr(kind, "__name__", str(kind))
        raise bad_file(path, key, f"is of type {type(value).__name__}", f"a {name}")
    return value


def read_object(path):
    """Read an array or a scalar object of numpy, or a pickle, possibly in gzip."""
    with Path(path).open("rb") as stream:
        start = stream.read(len(_NPY))
        stream.seek(0)
        if start.startswith(_NPY):
            return _read_array(stream, path, None)
        if start.startswith(_GZIP):
            with broken_as(path, None, "a gzip file"), gzip.open(stream) as inner:
                return _read_pickle(io.BufferedReader(inner, 2**20), path, None)
        return _read_pickle(stream, path, None)


def _read_pickle(stream, path, key):
    try:
        return unpickle(stream)
    except UnpicklingError as error:
        expected = "a pickle of numpy arrays, numbers, text, dict, list and tuple only"
        raise bad_file(path, key, f"not read: {error}", expected) from error


def _read_array(stream, path, key):
    """Read one array in numpy's format."""
    with broken_as(path, key, "an array in numpy's format", Exception):
        version = np.lib.format.read_magic(stream)
        if version in _HEADERS:
            shape, _, dtype = _HEADERS[version](stream)
            if dtype.hasobject:
                content = _read_pickle(stream, path, key)
                if not isinstance(content, np.ndarray) or content.shape != shape:
                    found = "its shape differs from that of its header"
                    raise bad_file(path, key, found, f"the shape {shape}")
                return content[()] if shape == () else content
        stream.seek(0)
        return np.lib.format.read_array(stream, allow_pickle=False)


def read_npz(path, key):
    """Read one array of an npz file."""
    with broken_as(path, key, "an npz file"), zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        if key not in names:
            found = f"no such array; the arrays are {', '.join(names[:10]) or 'none'}"
            raise bad_file(path, key, found, f"an npz file with the array {key!r}")
        with archive.open(f"{key}.npy") as stream:
            return _read_array(stream, path, key)


def read_mat(path, key, shape, index):
    """Read ``index``, slices, of one array of a MATLAB file, version 7 or 7.3 (HDF5).

    ``shape``, as in ``check_form``, and the axes of the result are those in MATLAB;
    HDF5 stores them in reverse. In an HDF5 file, nothing else is read.
    """
    with Path(path).open("rb") as file:
        start = file.read(512 + len(_HDF5))
    # HDF5 starts at once, or after MATLAB's header.
    if start.startswith(_HDF5) or start.endswith(_HDF5):
        h5py = extra("h5py")
        with broken_as(path, key, "an HDF5 file"), h5py.File(path, "r") as file:
            dataset = take_key(dict(file.items()), path, key, h5py.Dataset)
            check_dataset(dataset, path, key, shape[::-1])
            return dataset[index[::-1]].T
    with broken_as(path, key, "a MATLAB file"):
        array, names = read_matlab(path, key)
    found = {} if array is None else {key: array}
    array = take_key(dict.fromkeys(names) | found, path, key)
    return check_array(array, path, key, shape)[index]


def read_wav(path, rate):
    """Read a wav file: float32 (L,) between -1 and 1, the mean of the channels."""
    import scipy.io.wavfile

    expected = f"a wav file at {rate} Hz"
    with broken_as(path, None, expected, Exception), warnings.catch_warnings():
        # Unknown chunks, such as an artist's name, are allowed; truncation is not.
        warnings.simplefilter("error", scipy.io.wavfile.WavFileWarning)
        warnings.filterwarnings("ignore", "Chunk")
        found, samples = scipy.io.wavfile.read(path)
    if found != rate or not len(samples):
        text = f"{len(samples)} samples at {found} Hz"
        raise bad_file(path, None, text, expected)
    if samples.dtype.kind == "u":
        samples = samples.astype(np.float32) / 128 - 1
    elif samples.dtype.kind == "i":
        samples = samples.astype(np.float32) / -float(np.iinfo(samples.dtype).min)
    return samples.reshape(len(samples), -1).mean(1, dtype=np.float32)


def read_csv(path, columns):
    """Read columns of a CSV file with a header; returns one list of str per column."""
    with (
        broken_as(path, None, "a CSV file"),
        Path(path).open(newline="", encoding="utf-8") as file,
    ):
        reader = csv.reader(file)
        names = next(reader, [])
        for column in columns:
            take_key(dict.fromkeys(names), path, column)
        places, rows = [names.index(column) for column in columns], []
        for row in filter(None, reader):
            if len(row) <= max(places):
                found = f"{len(row)} values in line {reader.line_num}"
                expected = f"at least {max(places) + 1} in each line"
                raise bad_file(path, None, found, expected)
            rows.append([row[place] for place in places])
    if not rows:
        raise bad_file(path, None, "no rows", f"columns {', '.join(columns)}")
    return [list(column) for column in zip(*rows, strict=True)]


def read_json(path):
    """Read the content of a JSON file."""
    with broken_as(path, None, "a JSON file"):
        return json.loads(Path(path).read_text(encoding="utf-8"))
