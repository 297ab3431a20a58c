"""The two ways in which PDEBench lays out HDF5 files, told apart by their keys.

A layout is a plain description that pickles. It knows where a frame lies; which rows
and frames are wanted is not its affair.
"""

import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from sklearn_pare.datasets._readers.hdf5 import broken_as, is_own
from sklearn_pare.exceptions import FileFormatError

# Numbers of a frame, 1 GB; the largest of the benchmark has a million.
_MOST = 2**28
_AGAIN = "Delete the file and fetch it again."


def _space(axes):
    return ", ".join("xyz"[:axes])


def open_file(path, keys):
    """An HDF5 file to read from.

    Parameters
    ----------
    path : Path
    keys : iterable of str
        What it should hold, for the complaint.

    Raises
    ------
    FileFormatError
        If it is truncated, or no HDF5 file.
    ImportError
        If h5py is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise ImportError(
            "HDF5 files need h5py. Install it by "
            "pip install 'sklearn-pare[benchmarks]'."
        ) from error
    try:
        return h5py.File(path, "r")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _unreadable(path, keys, error) from error


def _unreadable(path, keys, error):
    return FileFormatError(
        f"{path} cannot be opened: {error}. Expected a whole HDF5 file with "
        f"{', '.join(keys)}. {_AGAIN}"
    )


def _read(dataset, where, path, key):
    def unreadable(error):
        return FileFormatError(
            f"{path}: {key} cannot be read: {error}. Expected {dataset.shape} numbers "
            f"of type {dataset.dtype}. {_AGAIN}"
        )

    with broken_as(unreadable):
        return dataset[where]


def _checked(item, key, shape, axes, path):
    """A data set of real numbers with the axes named in `shape`."""
    found = getattr(item, "shape", None)
    if not found or len(found) != axes or 0 in found or item.dtype.kind != "f":
        what = "is a group" if found is None else f"has shape {found} of {item.dtype}"
        raise FileFormatError(
            f"{path}: {key} {what}. Expected real numbers of shape ({shape}), no axis "
            "empty. Is it the file of another task?"
        )
    if not is_own(item):
        raise FileFormatError(
            f"{path}: the numbers of {key} lie in another file. Expected them in this "
            f"one. {_AGAIN}"
        )
    return item


@dataclass(frozen=True)
class Arrays:
    """One array for each channel, (rows, frames, x[, y]); without frames if still."""

    path: Path
    keys: tuple
    n_rows: int
    n_frames: int
    grid: tuple
    dtype: np.dtype
    still: bool

    @classmethod
    def find(cls, file, path, task, channels):
        """Check the arrays of some `channels`, names -> keys."""
        first, wanted = None, ", ".join(channels.values())
        for key in channels.values():
            still = key in task.still
            shape = f"rows, {'' if still else 'frames, '}{_space(task.axes)}"
            if key not in file:
                raise FileFormatError(
                    f"{path} has no key {key!r}; its keys are "
                    f"{', '.join(file) or 'none'}. Expected an array of shape "
                    f"({shape}) under each of {wanted}, or a group for each row: "
                    "0000, 0001, ... Is it the file of another task?"
                )
            axes = task.axes + (1 if still else 2)
            array = _checked(file[key], key, shape, axes, path)
            first = array if first is None else first
            if array.shape != first.shape:
                raise FileFormatError(
                    f"{path}: {key} has shape {array.shape}. Expected {first.shape}, "
                    f"as {first.name[1:]} has. {_AGAIN}"
                )
        n_frames = 1 if still else first.shape[1]
        return cls(
            path,
            tuple(channels.values()),
            first.shape[0],
            n_frames,
            first.shape[-task.axes :],
            first.dtype,
            still,
        )

    @property
    def n_channels(self):
        """Number of keys."""
        return len(self.keys)

    def read(self, file, start, stop, frame):
        """Rows of one frame, (stop - start, C, x[, y])."""
        rows = slice(start, stop)
        where = rows if self.still else (rows, frame)
        with broken_as(partial(_unreadable, self.path, self.keys)):
            arrays = [file[key] for key in self.keys]
        fields = [
            _read(array, where, self.path, key)
            for array, key in zip(arrays, self.keys, strict=True)
        ]
        return np.stack(fields, 1)


@dataclass(frozen=True)
class Groups:
    """One group for each row, with `data` (frames, x[, y], channels)."""

    path: Path
    keys: tuple
    channels: tuple
    n_frames: int
    grid: tuple
    dtype: np.dtype
    shape: tuple

    @classmethod
    def find(cls, file, path, task, channels, names):
        """Check the first of the groups `names`; the others are checked when read."""
        known = list(task.outputs)
        data = cls._data(file, path, names[0], task.axes)
        if data.shape[-1] != len(known):
            raise FileFormatError(
                f"{path}: {names[0]}/data has shape {data.shape}. Expected "
                f"{len(known)} on the last axis: {', '.join(known)}. Is it the file of "
                "another task?"
            )
        return cls(
            path,
            tuple(names),
            tuple(known.index(name) for name in channels),
            data.shape[0],
            data.shape[1:-1],
            data.dtype,
            data.shape,
        )

    @staticmethod
    def _data(file, path, name, axes):
        shape = f"frames, {_space(axes)}, channels"
        group = file[name]
        if not hasattr(group, "keys") or "data" not in group:
            found = ", ".join(getattr(group, "keys", list)()) or "nothing"
            raise FileFormatError(
                f"{path} has no key '{name}/data'; {name} holds {found}. Expected an "
                f"array of shape ({shape}) in each of the groups 0000, 0001, ... "
                "Is it the file of another task?"
            )
        return _checked(group["data"], f"{name}/data", shape, axes + 2, path)

    @property
    def n_rows(self):
        """Number of groups."""
        return len(self.keys)

    @property
    def n_channels(self):
        """Channels that are read."""
        return len(self.channels)

    def read(self, file, start, stop, frame):
        """Rows of one frame, (stop - start, C, x[, y])."""
        rows = []
        for name in self.keys[start:stop]:
            with broken_as(partial(_unreadable, self.path, [name])):
                data = self._data(file, self.path, name, len(self.grid))
            if data.shape != self.shape:
                raise FileFormatError(
                    f"{self.path}: {name}/data has shape {data.shape}. Expected "
                    f"{self.shape}, as {self.keys[0]}/data has. {_AGAIN}"
                )
            fields = _read(data, frame, self.path, f"{name}/data")
            rows.append(np.moveaxis(fields, -1, 0)[list(self.channels)])
        return np.stack(rows)


def find_layout(path, task, channels):
    """What the file of a task holds.

    Parameters
    ----------
    path : Path
    task : Task
    channels : dict of str
        Names of the channels wanted -> keys of arrays.

    Returns
    -------
    layout : Arrays or Groups

    Raises
    ------
    FileFormatError
        If the file is truncated, or lacks a key, or an array has another shape.
    """
    keys = channels.values()
    broken = broken_as(partial(_unreadable, path, keys))
    with open_file(path, keys) as file, broken:
        names = sorted(name for name in file if name.isdigit())
        if names:
            layout = Groups.find(file, path, task, channels, names)
        else:
            layout = Arrays.find(file, path, task, channels)
    if layout.n_channels * math.prod(layout.grid) > _MOST:
        # A damaged size: such a frame is made of nothing when it is read.
        raise FileFormatError(
            f"{path}: {layout.keys[0]} has frames of shape {layout.grid}. Expected "
            f"{_MOST} numbers at most. {_AGAIN}"
        )
    return layout
