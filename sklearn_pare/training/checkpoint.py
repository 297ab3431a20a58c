"""Checkpoints: written during a fit, read when the same fit is started again."""

import json
import re
import time
import warnings

import torch
from skorch.callbacks import Callback

from sklearn_pare import _safetensors
from sklearn_pare._utils import expand
from sklearn_pare._version import __version__
from sklearn_pare.exceptions import CheckpointError, ModelFileError, SaveError
from sklearn_pare.training.callbacks import logger
from sklearn_pare.training.distributed import ALONE
from sklearn_pare.training.state import capture, restore

# A killed fit loses at most this time, or one epoch.
_MINUTES = 10
_KEPT = 2
_SCHEMA = 2
_NAME = re.compile(r"checkpoint-(\d+)\.safetensors")


class Checkpoints(Callback):
    """Callback that writes the checkpoints of one fit to a folder of their own.

    Parameters
    ----------
    folder : str or Path
        Created if it does not exist.
    fingerprint : dict of str to str
        Descriptions of everything that the fit depends on. Only a fit with the same
        fingerprint is continued.
    seeds : list of int
        Seeds of a new fit. A fit that is continued keeps those it began with.
    processes : Alone or Several, default=ALONE
        The first one reads and writes; the others continue from what it has read.

    Attributes
    ----------
    seeds : list of int
    alignment_history : list of float
        Losses of the alignment stage.

    Raises
    ------
    CheckpointError
        If the folder holds checkpoints of another fit (ValueError).
    ModelFileError
        If all checkpoints in the folder are damaged (ValueError).
    SaveError
        If the folder cannot be created (OSError).
    """

    def __init__(self, folder, fingerprint, seeds, processes=ALONE):
        self.folder, self.fingerprint, self.seeds = expand(folder), fingerprint, seeds
        self.alignment_history, self._arrays, self._values = [], None, None
        self.keep, self.processes = None, processes
        found = processes.first(self._open)
        if found is not None:
            self._path, self._arrays, described = found
            self.seeds = described["seeds"]
            self.alignment_history = described["alignment_history"]
            self._values = described["values"]

    def _open(self):
        """Return the latest checkpoint that is not damaged, or None."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SaveError(
                f"checkpoint_dir={str(self.folder)!r} cannot be created: {error}. Use "
                "a folder with write permission."
            ) from error
        return self._latest()

    def _paths(self):
        """Return the paths of the checkpoints, ordered by number, the latest first."""
        found = {path: _NAME.fullmatch(path.name) for path in self.folder.iterdir()}
        numbers = {path: int(match[1]) for path, match in found.items() if match}
        return sorted(numbers, key=numbers.get, reverse=True)

    def _latest(self):
        """Return path, arrays and description of the latest that is not damaged."""
        damage = None
        for path in self._paths():
            try:
                arrays, described = _read(path, len(self.seeds))
                break
            except ModelFileError as error:
                damage = damage or error
        else:
            if damage is not None:
                raise damage
            return None
        if damage is not None:
            warnings.warn(
                f"{damage} Training continues from the previous one, {path.name}.",
                UserWarning,
                stacklevel=8,
            )
        self._compare(path, described["fingerprint"])
        return path, arrays, described

    def _compare(self, path, other):
        """Raise CheckpointError with all differences of the fingerprints."""
        own = self.fingerprint
        differences = [
            f"{name} is {own.get(name, 'missing')}, but was "
            f"{other.get(name, 'missing')} there"
            for name in own | other
            if own.get(name) != other.get(name)
        ]
        if differences:
            raise CheckpointError(
                f"{path} belongs to another fit: {'; '.join(differences)}. Use the "
                "arguments and data of that fit to continue it, or another "
                "checkpoint_dir: each fit needs its own."
            )

    @property
    def found(self):
        """True if there is a fit to continue."""
        return self._values is not None

    def start(self, net, keep):
        """Restore a net from the checkpoint, or write the first checkpoint.

        Raises
        ------
        CheckpointError
            If the checkpoint does not fit the net (ValueError).
        """
        self.keep = keep
        if not self.found:
            self.write(net)
            return
        try:
            restore(net, keep, self._arrays, self._values)
        except ValueError as error:
            raise CheckpointError(
                f"{self._path} cannot be continued: {error}. Remove it, or use "
                "another checkpoint_dir."
            ) from error
        self._arrays = None
        logger.info("continuing from %s", self._path)
        self._written = time.monotonic()

    def on_batch_end(self, net, training=True, **kwargs):
        """Write a checkpoint within a long epoch."""
        if time.monotonic() - self._written >= 60 * _MINUTES:
            self.write(net)

    def on_epoch_end(self, net, **kwargs):
        """Write a checkpoint after each epoch."""
        self.write(net)

    def write(self, net):
        """Write a checkpoint in the first process, and remove all but the last two.

        Raises
        ------
        SaveError
            If it cannot be written, for example on a full disk. Earlier checkpoints are
            left untouched.
        """
        self._written = time.monotonic()
        if not self.processes.is_first:
            return
        arrays, values = capture(net, self.keep)
        text = json.dumps(
            {
                "schema": _SCHEMA,
                "versions": _versions(),
                "fingerprint": self.fingerprint,
                "seeds": self.seeds,
                "alignment_history": self.alignment_history,
                "values": values,
            }
        )
        path = self.folder / f"checkpoint-{net.step_:08d}.safetensors"
        _safetensors.write(path, arrays, text)
        for old in self._paths()[_KEPT:]:
            old.unlink()
        # Files that a killed fit left unfinished.
        for partial in self.folder.glob("checkpoint-*.partial"):
            partial.unlink()
        self._written = time.monotonic()


def _versions():
    return {"sklearn_pare": __version__, "torch": torch.__version__}


def _read(path, n_seeds):
    """Return arrays and description of a checkpoint, and check their form."""
    arrays, text = _safetensors.read(path)
    try:
        described = json.loads(text)
        schema, versions = described["schema"], described["versions"]
        forms = {"fingerprint": dict, "seeds": list, "values": dict}
        whole = all(isinstance(described[name], kind) for name, kind in forms.items())
        seeds = described["seeds"]
        whole &= all(type(seed) is int and 0 <= seed < 2**31 for seed in seeds)
        whole &= len(seeds) == n_seeds
        losses = described["alignment_history"]
        whole &= type(losses) is list and all(type(loss) is float for loss in losses)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelFileError(f"{path} is not a checkpoint: {error!r}.") from error
    if not whole or schema != _SCHEMA:
        raise ModelFileError(
            f"{path} is not a checkpoint that this version, {__version__}, reads: "
            f"it has schema {schema!r} and was written by {versions!r}."
        )
    if versions != _versions():
        warnings.warn(
            f"{path.name} was written by {versions}, here are {_versions()}: what "
            "follows may differ in the last bits.",
            UserWarning,
            stacklevel=9,
        )
    return arrays, described
