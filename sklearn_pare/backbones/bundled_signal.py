"""The bundled backbone "pare-signal": a small pretrained transformer for signals."""

from pathlib import Path

import torch
from torch import nn

from sklearn_pare._utils import without_traces
from sklearn_pare.backbones.attention import attend_to_filled
from sklearn_pare.backbones.backbone import Backbone, BackboneCard
from sklearn_pare.backbones.bundled import WEIGHTS as _TINY
from sklearn_pare.backbones.bundled import other_weights, read_weights
from sklearn_pare.nn.init import DrawFrom, xavier_
from sklearn_pare.nn.wave_embed import WaveEmbed

NAME = "pare-signal"
WEIGHTS = _TINY.with_name(f"{NAME}.safetensors")

_N_TOKENS, _MERGED = 64, 4
_DIMS, _DEPTHS, _N_HEADS = (96, 192, 320), (2, 4, 1), (3, 6, 10)


class SignalBackbone(nn.Module):
    """Transformer in stages, between which four neighbouring tokens become one.

    Within a stage, every token attends to every other. Attributes and `stages` are
    those of the Swin transformers, with grids of height 1.
    """

    has_blocks = True

    def __init__(self, n_tokens=_N_TOKENS, dims=_DIMS, depths=_DEPTHS, heads=_N_HEADS):
        super().__init__()
        self.grid, self.dim, self.feature_dim = (1, n_tokens), dims[0], dims[-1]
        self.dims = tuple(dims)
        self.positions = nn.Parameter(torch.zeros(n_tokens, dims[0]))
        before = (None, *dims[:-1])
        self.layers = nn.ModuleList(
            _Stage(*sizes) for sizes in zip(before, dims, depths, heads, strict=True)
        )
        self.norm = nn.LayerNorm(dims[-1])
        attend_to_filled(self, self.grid)

    def stages(self, tokens):
        """Return the features (B, 1, M, E) of each stage, before the last norm."""
        features, x = [], tokens + self.positions
        for layer in self.layers:
            x = layer(x)
            features.append(x[:, None])
        return features

    def forward(self, tokens):
        """Compute features (B, M, E) of tokens (B, N, D)."""
        return self.norm(self.stages(tokens)[-1]).flatten(1, 2)


class _Stage(nn.Module):
    """Merging of tokens of width `before`, if it is given, and blocks."""

    def __init__(self, before, dim, depth, n_heads):
        super().__init__()
        # timm takes seconds to import.
        with without_traces():
            from timm.models.vision_transformer import Block

        self.merge = nn.Identity() if before is None else _Merge(before, dim)
        self.blocks = nn.Sequential(
            *(Block(dim, n_heads, qkv_bias=True) for _ in range(depth))
        )

    def forward(self, x):
        return self.blocks(self.merge(x))


class _Merge(nn.Module):
    """Linear map of four neighbouring tokens, normalised together, to one."""

    def __init__(self, before, dim):
        super().__init__()
        self.norm = nn.LayerNorm(_MERGED * before)
        self.proj = nn.Linear(_MERGED * before, dim)

    def forward(self, x):
        return self.proj(self.norm(x.unflatten(1, (-1, _MERGED)).flatten(2)))


def build_signal(generator: torch.Generator) -> Backbone:
    """Build "pare-signal" with new Xavier weights."""
    with DrawFrom(torch.Generator()):
        module = SignalBackbone()
        backbone = Backbone(
            module=module,
            stem=WaveEmbed((1, 512), module.grid, module.dim),
            card=BackboneCard(
                name=NAME,
                description="transformer of 3.6 M weights on 64 tokens of a signal",
                licence="BSD-3-Clause",
            ),
        )
        xavier_(backbone.parts, generator)
    return backbone


def load_signal_file(path: Path, generator: torch.Generator) -> Backbone:
    """Build "pare-signal" with the weights of a file of the pretraining."""
    tensors, card = read_weights(path)
    backbone = build_signal(generator)
    try:
        backbone.parts.load_state_dict(tensors)
    # Weights of other names or shapes.
    except RuntimeError as error:
        raise other_weights(path, NAME, error) from error
    backbone.card = card
    return backbone


def load_signal(pretrained: bool, generator: torch.Generator) -> Backbone:
    """Build "pare-signal", pretrained or with new Xavier weights."""
    if pretrained:
        return load_signal_file(WEIGHTS, generator)
    return build_signal(generator)
