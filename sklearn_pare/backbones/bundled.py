"""The bundled backbone "pare-tiny": a small pretrained Swin transformer."""

import hashlib
import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from sklearn_pare._utils import without_traces
from sklearn_pare.backbones.attention import attend_to_filled
from sklearn_pare.backbones.backbone import Backbone, BackboneCard
from sklearn_pare.exceptions import ModelFileError
from sklearn_pare.nn.embed import ImageEmbed
from sklearn_pare.nn.heads import DenseHead, PooledHead
from sklearn_pare.nn.init import DrawFrom, xavier_

WEIGHTS = Path(__file__).parent / "weights" / "pare-tiny.safetensors"

# Outputs of the pretraining: classes of formulas, and values per pixel.
N_CLASSES, N_DENSE = 2048, 2
_PATCH, _DIMS = 4, (64, 128, 256)


class SwinBackbone(nn.Module):
    """The stages of a timm Swin transformer, without its stem and its head."""

    has_blocks = True

    def __init__(self, img_size, patch_size, **shape):
        super().__init__()
        # timm takes seconds to import.
        with without_traces():
            from timm.models.swin_transformer import SwinTransformer

        # Stochastic depth would draw from torch's global generator.
        swin = SwinTransformer(
            img_size=img_size, patch_size=patch_size, drop_path_rate=0.0, **shape
        )
        self.grid = tuple(swin.patch_embed.grid_size)
        self.dim = swin.embed_dim
        self.feature_dim = swin.num_features
        self.layers = swin.layers
        self.norm = swin.norm
        attend_to_filled(self, self.grid)

    def stages(self, tokens):
        """Return the features (B, h, w, E) of each stage, before the last norm."""
        features, x = [], tokens.unflatten(1, self.grid)
        for layer in self.layers:
            x = layer(x)
            features.append(x)
        return features

    def forward(self, tokens):
        """Compute features (B, M, E) of tokens (B, N, D)."""
        return self.norm(self.stages(tokens)[-1]).flatten(1, 2)


def build_tiny(generator: torch.Generator, n_classes=N_CLASSES) -> Backbone:
    """Build "pare-tiny" with new Xavier weights."""
    with DrawFrom(torch.Generator()):
        module = SwinBackbone(
            img_size=32,
            patch_size=_PATCH,
            window_size=4,
            embed_dim=_DIMS[0],
            depths=(2, 4, 2),
            num_heads=(2, 4, 8),
        )
        backbone = Backbone(
            module=module,
            stem=ImageEmbed((3, 32, 32), module.grid, module.dim),
            source_head=PooledHead(module.feature_dim, n_classes),
            dense_head=DenseHead(_DIMS, (_PATCH, 2 * _PATCH, 4 * _PATCH), N_DENSE),
            card=BackboneCard(
                name="pare-tiny",
                description="Swin transformer of 2.6 M weights on 8 x 8 tokens",
                licence="BSD-3-Clause",
            ),
        )
        xavier_(backbone.parts, generator)
    return backbone


def load_file(path: Path, generator: torch.Generator) -> Backbone:
    """Build "pare-tiny" with the weights of a file of the pretraining.

    The dense head has new weights if the file has none for it.
    """
    tensors, card = read_weights(path)
    # The head is built with the number of classes of the file.
    found = tensors.get("source_head.linear.weight", torch.empty(0)).shape
    if len(found) != 2 or found[1] != _DIMS[-1]:
        raise other_weights(path, "pare-tiny", f"a head of shape {tuple(found)}")
    backbone = build_tiny(generator, found[0])
    try:
        missing, unexpected = backbone.parts.load_state_dict(tensors, strict=False)
    # Weights of other shapes.
    except RuntimeError as error:
        raise other_weights(path, "pare-tiny", error) from error
    wrong = unexpected + [k for k in missing if not k.startswith("dense_head.")]
    if wrong:
        raise other_weights(path, "pare-tiny", wrong[:3])
    backbone.card = card
    return backbone


def other_weights(path, name, what):
    """Return the error for a file with other weights than those of a backbone."""
    return ModelFileError(
        f"{path} does not contain the weights of {name!r}: {what}. Use a file that "
        "'python -m studies pretraining' wrote."
    )


def load_tiny(pretrained: bool, generator: torch.Generator) -> Backbone:
    """Build "pare-tiny", pretrained or with new Xavier weights."""
    return load_file(WEIGHTS, generator) if pretrained else build_tiny(generator)


def write_weights(tensors, card: BackboneCard, path: Path) -> None:
    """Write tensors in float16 to `path`, and the card with their hash beside it."""
    half = {
        name: value.detach().to("cpu", torch.float16).contiguous()
        for name, value in tensors.items()
    }
    partial, content = path.with_suffix(".partial"), save(half)
    # Not by save_file, which lets only the owner read a file.
    partial.write_bytes(content)
    described = card.to_dict() | {"sha256": _sha256(content)}
    partial.replace(path)
    path.with_suffix(".json").write_text(json.dumps(described, indent=2) + "\n")


def read_weights(path: Path) -> tuple[dict, BackboneCard]:
    """Return the tensors in float32 and the card of a file, checked by their hash."""
    described = path.with_suffix(".json")
    try:
        content = path.read_bytes()
        card = BackboneCard(**json.loads(described.read_text()))
    except FileNotFoundError as error:
        raise ModelFileError(
            f"{error.filename} is missing. It is part of the installed package: "
            "reinstall sklearn-pare."
        ) from error
    # Not JSON, too deeply nested, or other fields.
    except (ValueError, RecursionError, TypeError) as error:
        raise ModelFileError(
            f"{described} is not the card of a backbone: {error}. Use the file that "
            "was written beside the weights."
        ) from error
    if _sha256(content) != card.sha256:
        raise ModelFileError(
            f"{path} has sha256 {_sha256(content)} instead of {card.sha256}: it was "
            "changed or truncated. Reinstall sklearn-pare."
        )
    try:
        tensors = load(content)
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise ModelFileError(
            f"{path} is not a safetensors file: {error!r}. Use a file that "
            "'python -m studies pretraining' wrote."
        ) from error
    return {name: value.float() for name, value in tensors.items()}, card


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
