"""What a task of NAS-Bench-360 is, and how a loader asks for its files."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from sklearn_pare.datasets._fetch import retrieve, unpack
from sklearn_pare.exceptions import FileFormatError, MissingFileError

#: Split -> the parts that it joins.
SPLITS = {
    "train": ("train",),
    "valid": ("valid",),
    "test": ("test",),
    "train+valid": ("train", "valid"),
    "valid+test": ("valid", "test"),
}


class Part(NamedTuple):
    """Rows of one part of a task.

    Attributes
    ----------
    data, target : ndarray or ComputedRows
    groups : ndarray or None
        Of which recording, clip or field each row is.
    """

    data: Any
    target: Any
    groups: Any = None


@dataclass(frozen=True)
class RemoteFile:
    """One file, or an archive of files.

    Parameters
    ----------
    path : str
        Below the folder of the benchmark. Of an archive: a folder that it holds.
    url : str or None
        None: it can be fetched by hand only, see `Task.by_hand`.
    size : str
        About.
    known_hash : str, optional
    archive, into, marker : str, default=""
        Of an archive: where it lies, and the folder that it is unpacked into, below the
        folder of the benchmark; what must be at its top.
    """

    path: str
    url: str | None
    size: str
    known_hash: str | None = None
    archive: str = ""
    into: str = ""
    marker: str = ""

    def provides(self, path):
        """Whether the file at `path` is this one, or out of this archive."""
        return path == self.path or (
            bool(self.archive) and path.startswith(f"{self.path}/")
        )


@dataclass(frozen=True)
class Task:
    """A task of the benchmark.

    Parameters
    ----------
    name, title : str
    kind : {"classes", "labels", "masks", "fields"}
        Of the target.
    metric : str
        A name for `sklearn_pare.metrics.get_scorer`.
    row_shape : tuple of int
        Of the data.
    outputs : int or tuple of int
        Classes or labels, or the shape of a row's target.
    files : tuple of RemoteFile
    load : callable
        ``load(request, part)`` -> Part.
    rows, preprocessing, omitted : str
        How the rows are split; what has been done to them; what the reference does to
        them and this package leaves to the user.
    protocol : tuple of str, default=("train+valid", "test")
        What the papers train on, and what they score.
    by_hand : str, default=""
        How to get a file that has no plain address.
    settings : dict
        Arguments of the estimators that the target asks for.
    licence : str, default="See the source."
    """

    name: str
    title: str
    kind: str
    metric: str
    row_shape: tuple
    outputs: Any
    files: tuple
    load: Callable
    rows: str
    preprocessing: str
    omitted: str
    protocol: tuple = ("train+valid", "test")
    by_hand: str = ""
    settings: dict = field(default_factory=dict)
    licence: str = "See the source."


class Request:
    """One call of a user: where files are, and what has been read so far.

    Parameters
    ----------
    task : Task
    home : Path
        Folder of the benchmark.
    download : bool
    parts : tuple of str
        Asked for together.
    """

    def __init__(self, task, home, download, parts):
        self.task, self.home, self.download = task, home, download
        #: Whether the rows are to be trained on: some tasks change those.
        self.training = "train" in parts
        #: What has been opened; what else the user gets, by name.
        self.files, self.extras = [], {}
        self._known = {}

    def path(self, name):
        """Path of a file or folder of the task, which is fetched if it is missing.

        Raises
        ------
        MissingFileError
            If it is not there and is not fetched.
        """
        path = self.home / name
        if not path.exists():
            self._fetch(name, path)
        if path.is_file() and path not in self.files:
            self.files.append(path)
        return path

    def _fetch(self, name, path):
        for remote in self.task.files:
            if not remote.provides(name):
                continue
            goal = self.home / (remote.archive or remote.path)
            had = goal.exists()
            try:
                retrieve(
                    remote.url,
                    goal,
                    known_hash=remote.known_hash,
                    download=self.download,
                )
            except MissingFileError as error:
                unpacked = f" Its archive is unpacked to {path}." * bool(remote.archive)
                raise MissingFileError(
                    f"Task {self.task.name!r} needs {name} ({remote.size}). "
                    f"{error}{unpacked} {self.task.by_hand}".strip()
                ) from error
            if remote.archive:
                unpack(goal, self.home / remote.into, remote.marker)
                if not had:
                    goal.unlink()
            if path.exists():
                return
        raise MissingFileError(
            f"Task {self.task.name!r} needs {path}, which is not there. Expected it "
            f"among the files of {', '.join(r.path for r in self.task.files)}: remove "
            "what is there, and fetch the task again."
        )

    def once(self, key, function):
        """``function()``, called once for all parts of this request."""
        if key not in self._known:
            self._known[key] = function()
        return self._known[key]


def hold_out(n, n_valid, part, *, shuffle=True):
    """Rows of a part of n training rows: the last `n_valid` are for validation.

    Parameters
    ----------
    n, n_valid : int
        At least one row is held out and one is kept.
    part : {"train", "valid"}
    shuffle : bool, default=True
        Last of a shuffle that never changes; False: last in the file.

    Returns
    -------
    rows : ndarray of int
        Sorted.

    Raises
    ------
    FileFormatError
        If there are no two rows; a ValueError.
    """
    if n < 2:
        raise FileFormatError(
            f"{n} row to train on cannot be split into rows to train on and rows to "
            "validate on. Expected a file with at least two."
        )
    order = np.random.default_rng(0).permutation(n) if shuffle else np.arange(n)
    first = n - min(max(1, n_valid), n - 1)
    return np.sort(order[:first] if part == "train" else order[first:])
