"""Weights files: their origin and hash, and whether their tensors fit a model."""

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from safetensors import safe_open

from sklearn_pare.exceptions import ModelFileError

WEIGHTS = "model.safetensors"
# Tensors that an error names of each kind.
_SHOWN = 3


@dataclass(frozen=True)
class WeightsFile:
    """A safetensors file with pretrained weights.

    Attributes
    ----------
    path : Path
    origin : str
        The path as the user wrote it, or repository and file name.
    checked : str or None
        The sha256 that the content has been compared with, if it has been.
    """

    path: Path
    origin: str
    checked: str | None = None

    def provenance(self):
        """Return the entries of a card that identify the file."""
        return {"origin": self.origin, "sha256": self.checked or _sha256(self.path)}

    def shapes(self):
        """Return the shape of each tensor; only the header of the file is read."""
        with self._open() as file:
            names = file.keys()
            return {name: tuple(file.get_slice(name).get_shape()) for name in names}

    def read(self, names):
        """Return the tensors that a dict of new and old names selects."""
        with self._open() as file:
            return {new: file.get_tensor(old) for new, old in names.items()}

    @contextmanager
    def _open(self):
        try:
            with safe_open(self.path, "pt") as file:
                yield file
        except MemoryError:
            raise
        # safetensors raises various errors for damaged and for other files.
        except Exception as error:
            raise ModelFileError(
                f"{self.path} is not a whole safetensors file: {error}. Copy or save "
                "it again. If it is in the cache of downloads, delete it: it is then "
                "downloaded again."
            ) from error

    def unfit(self, name, reason):
        """Return the error for a file with other weights than those of a backbone."""
        return ModelFileError(
            f"{self.path} does not contain the weights of {name!r}: {reason}. Use a "
            "file that was saved from this model, or the name (in a folder of "
            "transformers: the config.json) of the model that it was saved from."
        )


def difference(found, expected, resampled=()):
    """Return how two dicts of shapes differ as a text, which is empty if they do not.

    Of tensors whose names end with one of `resampled`, only the last side counts.
    """
    wrong = wrong_shapes(found, expected, resampled)
    kinds = {
        "": [
            f"{name} has shape {found[name]} in the file and {expected[name]} in the "
            "model"
            for name in wrong
        ],
        "the file lacks ": [name for name in expected if name not in found],
        "the model has no ": [name for name in found if name not in expected],
    }
    return "; ".join(what + _first(names) for what, names in kinds.items() if names)


def wrong_shapes(found, expected, resampled=()):
    """Return the names of tensors with other shapes; see `difference`."""
    return [
        name
        for name, shape in expected.items()
        if name in found and not _same(found[name], shape, name.endswith(resampled))
    ]


def _same(found, expected, resampled):
    if resampled and len(found) == len(expected):
        return found[-1] == expected[-1]
    return found == expected


def _first(names):
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def shapes_of(model):
    """Return the shape of each tensor that a model saves."""
    return {name: tuple(value.shape) for name, value in model.state_dict().items()}


def _sha256(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
