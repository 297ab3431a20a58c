"""From rows to tokens: images (B, C, H, W), signals (B, C, L), tables (B, F).

Every embedder brings a row of any size to the token grid of the body and ends in a
LayerNorm, so that tokens of all modalities, source included, have one scale.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

# Inputs are drawn up to at least this many samples a token and axis; it is the patch
# size of the stem that images of formulas were pretrained with.
MIN_PATCH = 4
MAX_PATCH = 16


class ImageEmbed(nn.Module):
    """Non-overlapping patches of an image or field, one token a patch.

    The image is resized to a whole number of patches: small images are enlarged to
    `MIN_PATCH` pixels a token, large ones get larger patches instead of fewer pixels,
    up to `MAX_PATCH`.

    Parameters
    ----------
    input_shape : tuple of int
        (C, H, W) of one row.
    grid : tuple of int
        Tokens along height and width.
    dim : int
        Width of a token.
    """

    def __init__(self, input_shape, grid, dim):
        super().__init__()
        channels, *size = input_shape
        patch = tuple(
            min(max(math.ceil(s / g), MIN_PATCH), MAX_PATCH)
            for s, g in zip(size, grid, strict=True)
        )
        self.size = tuple(p * g for p, g in zip(patch, grid, strict=True))
        self.proj = nn.Conv2d(channels, dim, kernel_size=patch, stride=patch)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        """Images (B, C, H, W) -> tokens (B, N, D)."""
        if x.shape[-2:] != self.size:
            x = F.interpolate(x, self.size, mode="bilinear", antialias=True)
        return self.norm(self.proj(x).flatten(2).transpose(1, 2))

    @torch.no_grad()
    def start_from(self, stem):
        """Take the weights of `stem`, resized to this patch and channel count.

        Channels repeat the stem's and are scaled by 3/C, patches are interpolated at
        constant sum, so the response to a smooth input keeps its scale.
        """
        weight = stem.proj.weight
        channels, patch = self.proj.in_channels, self.proj.kernel_size
        own = weight.shape[1]
        if channels == 1:
            weight = weight.sum(1, keepdim=True)
        else:
            weight = weight[:, torch.arange(channels) % own] * (own / channels)
        if patch != weight.shape[-2:]:
            area = weight.shape[-2] * weight.shape[-1] / math.prod(patch)
            weight = F.interpolate(weight, patch, mode="bilinear") * area
        self.proj.weight.copy_(weight)
        self.proj.bias.copy_(stem.proj.bias)
        self.norm.load_state_dict(stem.norm.state_dict())


class SignalEmbed(nn.Module):
    """Consecutive pieces of a signal, one token a piece.

    Parameters
    ----------
    input_shape : tuple of int
        (C, L) of one row.
    grid : tuple of int
        The body's token grid; pieces fill it row by row.
    dim : int
        Width of a token.
    """

    def __init__(self, input_shape, grid, dim):
        super().__init__()
        channels, length = input_shape
        n_tokens = math.prod(grid)
        piece = max(math.ceil(length / n_tokens), MIN_PATCH)
        # Resampled to whole pieces instead of padded: every token carries signal.
        self.length = piece * n_tokens
        self.proj = nn.Conv1d(channels, dim, kernel_size=piece, stride=piece)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        """Signals (B, C, L) -> tokens (B, N, D)."""
        if x.shape[-1] != self.length:
            x = F.interpolate(x, self.length, mode="linear")
        return self.norm(self.proj(x).transpose(1, 2))

    def start_from(self, stem):
        """Take the scale of the stem's tokens; the pieces themselves are new."""
        self.norm.load_state_dict(stem.norm.state_dict())


class TableEmbed(nn.Module):
    """Columns of a table: each token is a learned map of its own few columns.

    With at most N columns a token reads one column, and columns are read several
    times, with different weights, until the grid is full. With more, each token reads
    ceil(F / N) neighbouring columns.

    Parameters
    ----------
    input_shape : tuple of int
        (F,) of one row.
    grid : tuple of int
        The body's token grid.
    dim : int
        Width of a token.
    """

    def __init__(self, input_shape, grid, dim):
        super().__init__()
        (n_columns,) = input_shape
        n_tokens = math.prod(grid)
        group = math.ceil(n_columns / n_tokens)
        columns = torch.arange(n_tokens * group).reshape(n_tokens, group) % n_columns
        self.register_buffer("columns", columns, persistent=False)
        self.weight = nn.Parameter(torch.empty(n_tokens, group, dim))
        self.bias = nn.Parameter(torch.empty(n_tokens, dim))
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        """Rows (B, F) -> tokens (B, N, D)."""
        pieces = x[:, self.columns]
        tokens = torch.einsum("bng,ngd->bnd", pieces, self.weight) + self.bias
        return self.norm(tokens)

    @torch.no_grad()
    def start_from(self, stem):
        """Take the scale of the stem's tokens; columns get new maps."""
        self.norm.load_state_dict(stem.norm.state_dict())


_BY_RANK = {1: TableEmbed, 2: SignalEmbed, 3: ImageEmbed}


def embedder(input_shape, grid, dim):
    """The embedder for one row of shape `input_shape`: (F,), (C, L) or (C, H, W)."""
    return _BY_RANK[len(input_shape)](tuple(input_shape), tuple(grid), dim)
