"""The two layouts of PDEBench's HDF5 files, distinguished by their keys.

A layout is a description that pickles. It locates the frames of a file; the selection
of samples and frames is up to the caller.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sklearn_pare.datasets._readers.fetch import extra
from sklearn_pare.datasets._readers.files import (
    array_of,
    bad_file,
    broken_as,
    check_dataset,
    warn_of_file,
)

# Most numbers per frame, 1 GB; the largest frame of the benchmark has a million.
_MOST = 2**28


def open_file(path, keys):
    """Open an HDF5 file to read; ``keys`` are named in the error if it is damaged."""
    h5py = extra("h5py")
    with _broken(path, keys):
        return h5py.File(path, "r")


def _broken(path, keys):
    return broken_as(path, None, f"a complete HDF5 file with {', '.join(keys)}")


def _read(dataset, where, path, key):
    expected = f"{dataset.shape} numbers of type {dataset.dtype}"
    with broken_as(path, key, expected):
        return dataset[where]


def _checked(item, path, key, shape):
    """Return a data set of real numbers after checking it."""
    if not hasattr(item, "shape"):
        raise bad_file(path, key, "is a group", array_of(shape))
    check_dataset(item, path, key, shape, kinds="f")
    return item


@dataclass(frozen=True)
class _Layout:
    """A file, the keys that are read, and the numbers of what it contains."""

    path: Path
    keys: tuple
    n_rows: int
    n_frames: int
    grid: tuple
    n_channels: int
    dtype: np.dtype


@dataclass(frozen=True)
class Arrays(_Layout):
    """One array per channel, (samples, frames, x[, y]), without frames if still."""

    still: bool

    @classmethod
    def find(cls, file, path, task, channels):
        """Check the arrays of some ``channels``, a dict of names and keys."""
        first, wanted = None, ", ".join(channels.values())
        for key in channels.values():
            still = key in task.still
            shape = ("samples", *["frames"] * (not still), *"xy"[: task.axes])
            if key not in file:
                found = f"no such key; the keys are {', '.join(file) or 'none'}"
                expected = (
                    f"{array_of(shape)} under each of {wanted}, or "
                    "one group per sample: 0000, 0001, ..."
                )
                raise bad_file(path, key, found, expected)
            array = _checked(file[key], path, key, shape)
            first = array if first is None else first
            if array.shape != first.shape:
                expected = f"{first.shape}, as {first.name[1:]} has"
                raise bad_file(path, key, f"has shape {array.shape}", expected)
        n_frames = 1 if still else first.shape[1]
        grid, keys = first.shape[-task.axes :], tuple(channels.values())
        sizes = len(first), n_frames, grid, len(keys)
        return cls(path, keys, *sizes, first.dtype, still)

    def read(self, file, start, stop, frame):
        """Read one frame of some samples, (stop - start, C, x[, y])."""
        rows = slice(start, stop)
        where = rows if self.still else (rows, frame)
        with _broken(self.path, self.keys):
            arrays = [file[key] for key in self.keys]
        fields = [
            _read(array, where, self.path, key)
            for array, key in zip(arrays, self.keys, strict=True)
        ]
        return np.stack(fields, 1)


@dataclass(frozen=True)
class Groups(_Layout):
    """One group per sample, with ``data`` of shape (frames, x[, y], channels)."""

    channels: tuple
    shape: tuple

    @classmethod
    def find(cls, file, path, task, channels, names):
        """Check the first of the groups ``names``; the others are checked when read."""
        known = list(task.outputs)
        data = cls._data(file, path, names[0], task.axes)
        if data.shape[-1] != len(known):
            expected = f"{len(known)} channels on the last axis: {', '.join(known)}"
            found = f"has shape {data.shape}"
            raise bad_file(path, f"{names[0]}/data", found, expected)
        chosen = tuple(known.index(name) for name in channels)
        sizes = len(names), len(data), data.shape[1:-1], len(chosen)
        return cls(path, tuple(names), *sizes, data.dtype, chosen, data.shape)

    @staticmethod
    def _data(file, path, name, axes):
        shape = ("frames", *"xy"[:axes], "channels")
        group, key = file[name], f"{name}/data"
        if not hasattr(group, "keys") or "data" not in group:
            there = ", ".join(getattr(group, "keys", list)()) or "nothing"
            expected = f"{array_of(shape)} in each group"
            found = f"no such key; {name} contains {there}"
            raise bad_file(path, key, found, expected)
        return _checked(group["data"], path, key, shape)

    def read(self, file, start, stop, frame):
        """Read one frame of some samples, (stop - start, C, x[, y])."""
        rows = []
        for name in self.keys[start:stop]:
            with _broken(self.path, [name]):
                data = self._data(file, self.path, name, len(self.grid))
            key = f"{name}/data"
            if data.shape != self.shape:
                expected = f"{self.shape}, as {self.keys[0]}/data has"
                raise bad_file(self.path, key, f"has shape {data.shape}", expected)
            fields = _read(data, frame, self.path, key)
            rows.append(np.moveaxis(fields, -1, 0)[list(self.channels)])
        return np.stack(rows)


def _check_names(names, path, arrays):
    """Refuse groups beside arrays; warn if numbers between the groups are missing."""
    if arrays:
        expected = f"either groups such as {names[0]} or arrays, not both"
        raise bad_file(path, arrays[0], f"is beside the group {names[0]}", expected)
    numbers = sorted(map(int, names))
    n = numbers[-1] - numbers[0] + 1
    if len(names) != n:
        found = f"contains {len(names)} groups"
        warn_of_file(path, f"{names[0]} to {names[-1]}", found, f"{n} groups")


def find_layout(path, task, channels):
    """Return the layout of a task's file, for a dict of channels and their keys."""
    keys = channels.values()
    with open_file(path, keys) as file, _broken(path, keys):
        names = sorted(name for name in file if name.isdigit())
        if names:
            _check_names(names, path, [key for key in keys if key in file])
            layout = Groups.find(file, path, task, channels, names)
        else:
            layout = Arrays.find(file, path, task, channels)
    if layout.n_channels * math.prod(layout.grid) > _MOST:
        # A damaged size: reading such a frame would fill the memory with zeros.
        found = f"has frames of shape {layout.grid}"
        raise bad_file(path, layout.keys[0], found, f"at most {_MOST} numbers")
    return layout
