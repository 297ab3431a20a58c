"""The description of a task, and the access of its loader to the files."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from sklearn_pare.datasets._readers.fetch import retrieve, unpack
from sklearn_pare.exceptions import FileFormatError, MissingFileError

SPLITS = ("train", "valid", "test", "train+valid", "valid+test")


class Part(NamedTuple):
    """Samples of one part; ``groups`` names the recording, clip or field of each."""

    data: Any
    target: Any
    groups: Any = None


@dataclass(frozen=True)
class RemoteFile:
    """One file, or an archive of files; paths are relative to the benchmark's folder.

    ``path`` is that of the file, or of a folder in the archive at ``archive``, which is
    unpacked ``into`` a folder and has ``marker`` at the top of its content.
    """

    path: str
    url: str | None
    size: str
    known_hash: str | None = None
    archive: str = ""
    into: str = ""
    marker: str = ""

    def provides(self, path):
        """Return whether the file at ``path`` is this one, or in this archive."""
        inside = bool(self.archive) and path.startswith(f"{self.path}/")
        return path == self.path or inside


@dataclass(frozen=True)
class Task:
    """A task of the benchmark.

    ``metric`` is a name for ``sklearn_pare.metrics.get_scorer``; ``outputs`` the number
    of classes or labels, or the shape of a target; ``load(request, part)`` returns a
    ``Part``. ``sizes`` are the numbers of samples, or of groups if there are any, of
    the distributed "train", "valid" and "test". ``rows``, ``preprocessing``,
    ``omitted`` and ``by_hand`` state how samples are split and prepared, which
    preparation is left to the user, and how to obtain a file by hand.
    """

    name: str
    title: str
    row_shape: tuple
    outputs: Any
    files: tuple
    load: Callable
    rows: str
    preprocessing: str
    sizes: tuple = ()
    kind: str = "classes"
    metric: str = "accuracy"
    omitted: str = "nothing"
    protocol: tuple = ("train+valid", "test")
    by_hand: str = ""
    settings: dict = field(default_factory=dict)
    licence: str = "See the source."


class Request:
    """One call of a user for some ``parts``, with the files that it has read."""

    def __init__(self, task, home, download, parts):
        self.task, self.home, self.download = task, home, download
        #: Whether the samples are for training: some tasks alter those.
        self.training = "train" in parts
        #: The files opened, and further entries of the user's Bunch by name.
        self.files, self.extras = [], {}
        self._known = {}

    def path(self, name):
        """Return the path of a file or folder of the task, fetched if it is missing."""
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
            existed, known = goal.exists(), remote.known_hash
            try:
                retrieve(remote.url, goal, known_hash=known, download=self.download)
            except MissingFileError as error:
                unpacked = f" Its archive is unpacked to {path}." * bool(remote.archive)
                raise MissingFileError(
                    f"Task {self.task.name!r} needs {name} ({remote.size}). "
                    f"{error}{unpacked} {self.task.by_hand}".strip()
                ) from error
            if remote.archive:
                unpack(goal, self.home / remote.into, remote.marker)
                if not existed:
                    goal.unlink()
            if path.exists():
                return
        raise MissingFileError(
            f"Task {self.task.name!r} needs {path}, which does not exist. Expected it "
            f"among the files of {', '.join(r.path for r in self.task.files)}: remove "
            "those and fetch the task again."
        )

    def once(self, function, *args):
        """Return ``function(*args)``, called once for all parts of this request."""
        key = function, args
        if key not in self._known:
            self._known[key] = function(*args)
        return self._known[key]


def hold_out(n, n_valid, part, *, shuffle=True):
    """Return the sorted samples of a part of a file of n samples; "test" has all.

    The last ``n_valid`` samples, of a fixed shuffle or of the file, are for validation:
    at least one is held out and one is kept. Raises FileFormatError if n is below two.
    """
    if part == "test":
        return np.arange(n)
    if n < 2:
        raise FileFormatError(
            f"{n} sample cannot be split for training and validation. Expected "
            "a file with at least two."
        )
    order = np.random.default_rng(0).permutation(n) if shuffle else np.arange(n)
    first = n - min(max(1, n_valid), n - 1)
    return np.sort(order[:first] if part == "train" else order[first:])
