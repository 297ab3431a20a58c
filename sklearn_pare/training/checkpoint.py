"""Checkpoints of a fit: written as it goes, read when the same fit is begun again."""

import json
import re
import time
import warnings
from pathlib import Path

import torch
from skorch.callbacks import Callback

from sklearn_pare import _safetensors
from sklearn_pare._version import __version__
from sklearn_pare.exceptions import CheckpointError, ModelFileError, SaveError
from sklearn_pare.training.callbacks import logger
from sklearn_pare.training.state import capture, restore

# A killed fit loses less than this, or an epoch.
_MINUTES = 10
_KEPT = 2
_SCHEMA = 1
_NAME = re.compile(r"checkpoint-(\d+)\.safetensors")


class Checkpoints(Callback):
    """The checkpoints of one fit, in a folder of their own.

    Parameters
    ----------
    folder : str or Path
        Made if it is not there.
    fingerprint : dict of str to str
        What the fit is made from, in words; only the same fit goes on.
    seeds : list of int
        Of this fit. One that goes on has those it began with.

    Attributes
    ----------
    seeds : list of int
    alignment_history : list of float
        Losses of the stage before training.

    Raises
    ------
    CheckpointError
        If the folder holds checkpoints of another fit; a ValueError.
    ModelFileError
        If it holds checkpoints, but all are damaged; a ValueError.
    SaveError
        If the folder cannot be made; an OSError.
    """

    def __init__(self, folder, fingerprint, seeds):
        self.folder, self.fingerprint, self.seeds = Path(folder), fingerprint, seeds
        self.alignment_history, self._arrays, self._values = [], None, None
        self.keep = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SaveError(
                f"checkpoint_dir={str(folder)!r} cannot be made: {error}. Give a "
                "folder that may be written to."
            ) from error
        self._open()

    def _paths(self):
        """Checkpoints, the latest first: by number, not by name."""
        found = {path: _NAME.fullmatch(path.name) for path in self.folder.iterdir()}
        numbers = {path: int(match[1]) for path, match in found.items() if match}
        return sorted(numbers, key=numbers.get, reverse=True)

    def _open(self):
        """Read the latest checkpoint that is whole, if there is any."""
        damage = None
        for path in self._paths():
            try:
                self._arrays, described = _read(path, len(self.seeds))
                break
            except ModelFileError as error:
                damage = damage or error
        else:
            if damage is not None:
                raise damage
            return
        if damage is not None:
            warnings.warn(
                f"{damage} Training goes on from {path.name}, the one before.",
                UserWarning,
                stacklevel=5,
            )
        self._path = path
        self._compare(path, described["fingerprint"])
        self.seeds = described["seeds"]
        self.alignment_history = described["alignment_history"]
        self._values = described["values"]

    def _compare(self, path, other):
        """Complain about all that differs."""
        own = self.fingerprint
        differences = [
            f"{name} is {own.get(name, 'not there')}, there it was "
            f"{other.get(name, 'not there')}"
            for name in own | other
            if own.get(name) != other.get(name)
        ]
        if differences:
            raise CheckpointError(
                f"{path} belongs to another fit: {'; '.join(differences)}. Give the "
                "arguments and data of that fit to go on with it, or another "
                "checkpoint_dir, one for each fit."
            )

    @property
    def found(self):
        """Whether there is a fit to go on with."""
        return self._values is not None

    def start(self, net, keep):
        """Bring a net to where the checkpoint left it, or write the first one.

        Raises
        ------
        CheckpointError
            If the checkpoint is not one of such a net; a ValueError.
        """
        self.keep = keep
        if not self.found:
            self.write(net)
            return
        try:
            restore(net, keep, self._arrays, self._values)
        except ValueError as error:
            raise CheckpointError(
                f"{self._path} cannot be gone on with: {error}. Remove it, or give "
                "another checkpoint_dir."
            ) from error
        self._arrays = None
        logger.info("going on from %s", self._path)
        self._written = time.monotonic()

    def on_batch_end(self, net, training=True, **kwargs):
        """Write within long epochs."""
        if time.monotonic() - self._written >= 60 * _MINUTES:
            self.write(net)

    def on_epoch_end(self, net, **kwargs):
        """Write after every epoch."""
        self.write(net)

    def write(self, net):
        """Write a checkpoint, and remove those before the last but one.

        Raises
        ------
        SaveError
            If it cannot be written, such as on a full disk; those before are intact.
        """
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
        # What a killed fit was writing.
        for partial in self.folder.glob("checkpoint-*.partial"):
            partial.unlink()
        self._written = time.monotonic()


def _is_seed(value):
    return type(value) is int and 0 <= value < 2**31


def _versions():
    return {"sklearn_pare": __version__, "torch": torch.__version__}


def _read(path, n_seeds):
    """Arrays and description of a checkpoint, its form checked."""
    arrays, text = _safetensors.read(path)
    try:
        described = json.loads(text)
        schema, versions = described["schema"], described["versions"]
        forms = {"fingerprint": dict, "seeds": list, "values": dict}
        whole = all(isinstance(described[name], kind) for name, kind in forms.items())
        whole &= all(_is_seed(seed) for seed in described["seeds"])
        whole &= len(described["seeds"]) == n_seeds
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
            stacklevel=6,
        )
    return arrays, described
