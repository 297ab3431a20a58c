"""Weights files of bodies: one safetensors file and a card in JSON beside it."""

import hashlib
import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save_file

from sklearn_pare.backbones.card import BackboneCard
from sklearn_pare.exceptions import ModelFileError


def write_weights(tensors, card: BackboneCard, path: Path) -> None:
    """Write `tensors` in float16 to `path` and the card, with the hash, beside it."""
    half = {
        name: value.detach().to("cpu", torch.float16).contiguous()
        for name, value in tensors.items()
    }
    partial = path.with_suffix(".partial")
    save_file(half, partial)
    described = card.to_dict() | {"sha256": _sha256(partial.read_bytes())}
    partial.replace(path)
    path.with_suffix(".json").write_text(json.dumps(described, indent=2) + "\n")


def read_weights(path: Path) -> tuple[dict, BackboneCard]:
    """Tensors in float32 and the card of a file written by `write_weights`.

    Raises
    ------
    ModelFileError
        If a file is missing or damaged, or its bytes are not those the card names.
    """
    described = path.with_suffix(".json")
    try:
        content = path.read_bytes()
        card = BackboneCard(**json.loads(described.read_text()))
    except FileNotFoundError as error:
        raise ModelFileError(
            f"{error.filename} is missing. It is part of the installed package: "
            "install sklearn-pare again."
        ) from error
    # No JSON, brackets in brackets without end, or other fields.
    except (ValueError, RecursionError, TypeError) as error:
        raise ModelFileError(
            f"{described} is no card of a body: {error}. Expected the file that was "
            "written beside the weights."
        ) from error
    if _sha256(content) != card.sha256:
        raise ModelFileError(
            f"{path} has sha256 {_sha256(content)}, its card says {card.sha256}: the "
            "file was changed or cut short. Install sklearn-pare again."
        )
    try:
        tensors = load(content)
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise ModelFileError(
            f"{path} is no safetensors file: {error!r}. Expected what the pretraining "
            "writes."
        ) from error
    return {name: value.float() for name, value in tensors.items()}, card


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
