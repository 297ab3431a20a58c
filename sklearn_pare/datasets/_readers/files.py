"""Files of data sets: readers that run nothing, and errors that say what is wrong.

Every reader names the file, what it looked for in it, what it found and what it
expected. Of a pickle only numpy's types and plain containers are read.
"""

import csv
import gzip
import io
import json
import struct
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np

from sklearn_pare.datasets._fetch import extra
from sklearn_pare.datasets._readers.hdf5 import broken_as, is_own
from sklearn_pare.datasets._readers.matlab import read_matlab
from sklearn_pare.datasets._readers.unpickle import UnpicklingError, unpickle
from sklearn_pare.exceptions import FileFormatError

_NPY, _GZIP, _HDF5 = b"\x93NUMPY", b"\x1f\x8b", b"\x89HDF\r\n\x1a\n"
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def bad_file(path, key, found, expected):
    """The error for a file that is not as it should be.

    Parameters
    ----------
    path : Path
    key : str or None
        Part of the file; None: all of it.
    found, expected : str

    Returns
    -------
    error : FileFormatError
    """
    part = f", {key!r}" if key is not None else ""
    return FileFormatError(
        f"{path}{part}: {found}. Expected {expected}. The file may be cut short or of "
        "another version: remove it, and fetch it again from its source."
    )


def exists(path):
    """Whether there is a file, by a name that another file gives."""
    try:
        return path.exists()
    # Of names that no file can have: they are too long, or not of characters.
    except (OSError, ValueError):
        return False


def check_array(array, path, key, shape, *, kinds="biuf", low=None, high=None):
    """Check an array that a file holds.

    Parameters
    ----------
    array : array-like
    path : Path
    key : str or None
        For the text of errors, as in `bad_file`.
    shape : tuple of int or None
        None stands for any length but 0.
    kinds : str, default="biuf"
        Kinds of dtype that will do.
    low, high : number, optional
        Range of the values.

    Returns
    -------
    array : ndarray
        Numbers in an array of objects become float64.

    Raises
    ------
    FileFormatError
        If anything is other than asked for; a ValueError.
    """
    array = _numbers(array, path, key)
    wanted = check_form(array, path, key, shape, kinds)
    # So that NaN is out of range.
    if low is not None and not (array.min() >= low and array.max() <= high):
        found = f"has values from {array.min()} to {array.max()}"
        raise bad_file(path, key, found, f"{wanted} of values from {low} to {high}")
    return array


def check_form(array, path, key, shape, kinds="biuf"):
    """Check shape and dtype of anything that has them; gives what was expected."""
    sizes = ", ".join("N" if size is None else str(size) for size in shape)
    wanted = f"an array of shape ({sizes}{',' * (len(shape) == 1)})"
    fits = len(shape) == len(array.shape) and all(
        have == want or (want is None and have > 0)
        for have, want in zip(array.shape, shape, strict=True)
    )
    if not fits:
        raise bad_file(path, key, f"has shape {array.shape}", wanted)
    names = {"b": "booleans", "i": "integers", "u": "integers", "f": "floats"}
    wanted += f" of {' or '.join(dict.fromkeys(names[kind] for kind in kinds))}"
    if array.dtype.kind not in kinds:
        raise bad_file(path, key, f"has dtype {array.dtype}", wanted)
    return wanted


def _numbers(array, path, key):
    """Lists, and arrays of objects or of text, as arrays of numbers."""
    try:
        array = np.asarray(array)
        if array.dtype == object and array.ndim == 1 and np.ndim(array[0]) > 0:
            array = np.stack(list(array))
        return array.astype(np.float64) if array.dtype.kind in "OSU" else array
    except (TypeError, ValueError, IndexError, OverflowError, MemoryError) as error:
        raise bad_file(path, key, f"is no array ({error})", "numbers") from error


def take_key(content, path, key, kind=None):
    """``content[key]`` of a file that holds a dictionary.

    Parameters
    ----------
    content : object
    path : Path
    key : str
    kind : type, optional
        What must be there.

    Raises
    ------
    FileFormatError
        If there is no dictionary, no such key, or something else; a ValueError.
    """
    expected = f"a dictionary with the key {key!r}"
    if not isinstance(content, dict):
        raise bad_file(
            path, key, f"the file holds a {type(content).__name__}", expected
        )
    if key not in content:
        keys = ", ".join(map(repr, list(content)[:10])) or "none"
        raise bad_file(path, key, f"no such key; there are {keys}", expected)
    value = content[key]
    if kind is not None and not isinstance(value, kind):
        name = getattr(kind, "__name__", str(kind))
        raise bad_file(path, key, f"is a {type(value).__name__}", f"a {name}")
    return value


def read_object(path):
    """Content of a file: an array of numpy, or a pickle, compressed by gzip or not.

    Parameters
    ----------
    path : Path

    Returns
    -------
    content : object
        An array of shape () that holds one object gives that object.

    Raises
    ------
    FileFormatError
        If it is neither, cut short, or names anything but numpy's types; a ValueError.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from sklearn_pare.datasets._readers.files import read_object
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "labels.npy")
    ...     np.save(path, np.arange(3))
    ...     read_object(path)
    array([0, 1, 2])
    """
    with Path(path).open("rb") as stream:
        start = stream.read(len(_NPY))
        stream.seek(0)
        if start.startswith(_NPY):
            return _read_array(stream, path, None)
        if start.startswith(_GZIP):
            return _read_gzip(stream, path)
        return _read_pickle(stream, path, None)


def _read_gzip(stream, path):
    try:
        with gzip.open(stream) as inner:
            return _read_pickle(io.BufferedReader(inner, 2**20), path, None)
    except (gzip.BadGzipFile, OSError) as error:
        raise bad_file(path, None, f"broken gzip ({error})", "a gzip file") from error


def _read_pickle(stream, path, key):
    try:
        return unpickle(stream)
    except UnpicklingError as error:
        expected = "a pickle of numpy arrays, numbers, text, dict, list and tuple only"
        raise bad_file(path, key, f"not read: {error}", expected) from error


def _read_array(stream, path, key):
    """One array in numpy's format."""
    try:
        version = np.lib.format.read_magic(stream)
        if version in _HEADERS:
            shape, _, dtype = _HEADERS[version](stream)
            if dtype.hasobject:
                return _read_objects(stream, path, key, shape)
        stream.seek(0)
        return np.lib.format.read_array(stream, allow_pickle=False)
    except FileFormatError:
        raise
    # EOFError, errors of zip and zlib, and ValueError for all else.
    except Exception as error:
        found = f"broken ({type(error).__name__}: {error})"
        raise bad_file(path, key, found, "an array in numpy's format") from error


def _read_objects(stream, path, key, shape):
    content = _read_pickle(stream, path, key)
    if not isinstance(content, np.ndarray) or content.shape != shape:
        raise bad_file(path, key, "another shape than its header says", f"{shape}")
    return content[()] if shape == () else content


def read_npz(path, key):
    """One array of an npz file.

    Parameters
    ----------
    path : Path
    key : str

    Returns
    -------
    array : ndarray

    Raises
    ------
    FileFormatError
        If the file is broken or has no such array; a ValueError.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
            if key not in names:
                found = f"no such array; there are {', '.join(names[:10]) or 'none'}"
                raise bad_file(path, key, found, f"an npz file with the array {key!r}")
            with archive.open(f"{key}.npy") as stream:
                return _read_array(stream, path, key)
    except FileFormatError:
        raise
    # BadZipFile, and whatever a damaged directory of the archive leads to.
    except (zipfile.BadZipFile, OSError, RuntimeError, ValueError) as error:
        raise bad_file(path, key, f"broken ({error})", "an npz file") from error


def read_mat(path, key, shape, index):
    """Part of one array of a MATLAB file, version 7 or 7.3 (HDF5).

    Parameters
    ----------
    path : Path
    key : str
    shape : tuple of int or None
        Of the array in MATLAB, as in `check_array`.
    index : tuple of slice
        Part to read. Of an HDF5 file nothing else is read.

    Returns
    -------
    array : ndarray
        Axes as in MATLAB: HDF5 stores them in reverse.

    Raises
    ------
    FileFormatError
        If the file is broken, has no such array, or one of another shape; a ValueError.
    """
    if _is_hdf5(path):
        h5py = extra("h5py")

        def broken(error):
            return bad_file(path, key, f"broken ({error})", "an HDF5 file")

        # A file cut short is seen when it is opened, damage when it is read.
        with broken_as(broken), h5py.File(path, "r") as file:
            dataset = take_key(dict(file.items()), path, key, h5py.Dataset)
            wanted = check_form(dataset, path, key, shape[::-1])
            if not is_own(dataset):
                raise bad_file(path, key, "lies in another file", wanted)
            return dataset[index[::-1]].T
    return check_array(_load_mat(path, key), path, key, shape)[index]


def _is_hdf5(path):
    """Whether it starts as HDF5, or does so after the header of MATLAB."""
    with Path(path).open("rb") as file:
        start = file.read(512 + len(_HDF5))
    return start.startswith(_HDF5) or start.endswith(_HDF5)


def _load_mat(path, key):
    try:
        array, names = read_matlab(path, key)
    except (ValueError, struct.error, zlib.error) as error:
        raise bad_file(path, key, f"broken ({error})", "a MATLAB file") from error
    found = {} if array is None else {key: array}
    return take_key(dict.fromkeys(names) | found, path, key)


def read_wav(path, rate):
    """Samples of a wav file.

    Parameters
    ----------
    path : Path
    rate : int
        Samples a second that it must have.

    Returns
    -------
    samples : ndarray of float32 of shape (L,)
        Between -1 and 1; the mean of several channels.

    Raises
    ------
    FileFormatError
        If it is broken, empty or has another rate; a ValueError.
    """
    import scipy.io.wavfile

    try:
        with warnings.catch_warnings():
            # Chunks with an artist's name are no damage; a cut file is.
            warnings.simplefilter("error", scipy.io.wavfile.WavFileWarning)
            warnings.filterwarnings("ignore", "Chunk")
            found, samples = scipy.io.wavfile.read(path)
    except Exception as error:
        text = f"broken ({type(error).__name__}: {error})"
        raise bad_file(path, None, text, f"a wav file at {rate} Hz") from error
    if found != rate or not len(samples):
        text = f"{len(samples)} samples at {found} Hz"
        raise bad_file(path, None, text, f"a wav file at {rate} Hz")
    if samples.dtype.kind == "u":
        samples = samples.astype(np.float32) / 128 - 1
    elif samples.dtype.kind == "i":
        samples = samples.astype(np.float32) / -float(np.iinfo(samples.dtype).min)
    return samples.reshape(len(samples), -1).mean(1, dtype=np.float32)


def read_csv(path, columns):
    """Columns of a CSV file with a header, as lists of str.

    Parameters
    ----------
    path : Path
    columns : list of str

    Returns
    -------
    values : list of list of str
        One list a column.

    Raises
    ------
    FileFormatError
        If a column or all rows are missing, or the file is no text; a ValueError.
    """
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            reader = csv.reader(file)
            names = next(reader, [])
            for column in columns:
                take_key(dict.fromkeys(names), path, column)
            places = [names.index(column) for column in columns]
            rows = [_cells(row, places, path, reader.line_num) for row in reader if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise bad_file(path, None, f"no CSV ({error})", "a CSV file") from error
    if not rows:
        raise bad_file(path, None, "no rows", f"columns {', '.join(columns)}")
    return [list(column) for column in zip(*rows, strict=True)]


def _cells(row, places, path, line):
    if len(row) <= max(places):
        found = f"{len(row)} values in line {line}"
        raise bad_file(path, None, found, f"{max(places) + 1} or more in each")
    return [row[place] for place in places]


def read_json(path):
    """Content of a JSON file; FileFormatError if it is none."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    # RecursionError: brackets in brackets.
    except (ValueError, RecursionError) as error:
        raise bad_file(path, None, f"no JSON ({error})", "a JSON file") from error
