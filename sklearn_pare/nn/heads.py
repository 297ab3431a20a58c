"""Heads: maps from the features of a backbone to outputs."""

import math

import torch
from torch import nn

from sklearn_pare.nn.parts import product


class PooledHead(nn.Module):
    """Linear map of the mean feature, of width ``dim``, to class logits or values."""

    def __init__(self, dim, n_outputs):
        super().__init__()
        self.n_outputs = n_outputs
        self.linear = nn.Linear(dim, n_outputs)

    @torch.no_grad()
    def scale(self, factor):
        """Multiply the weights and bias, and with them all outputs, by a number."""
        for parameter in self.linear.parameters():
            parameter *= factor

    @torch.no_grad()
    def subset(self, index):
        """Return a head with some of the outputs, given their positions."""
        head = PooledHead(self.linear.in_features, len(index))
        for new, own in zip(head.parameters(), self.parameters(), strict=True):
            new.copy_(own[list(index)])
        return head

    def forward(self, features):
        """Map features (B, M, E) to outputs (B, K)."""
        return product(features.mean(1), self.linear.weight, self.linear.bias)


class LastStageHead(PooledHead):
    """A ``PooledHead`` that receives the features of all stages and reads the last."""

    def forward(self, stages):
        """Map the features (B, h, w, E) of each stage to outputs (B, K)."""
        return super().forward(stages[-1].flatten(1, 2))


class TokenHead(nn.Module):
    """Linear map of every feature, of width ``dim``, to the logits of a coarse mask.

    ``grid`` is the token grid at the input of the backbone. If the backbone merges
    tokens, its features form a smaller grid of the same aspect ratio.
    """

    def __init__(self, dim, n_outputs, grid):
        super().__init__()
        self.grid = grid
        self.linear = nn.Linear(dim, n_outputs)

    def forward(self, features):
        """Map features (B, M, E) to logits (B, K, h, w) with h * w = M."""
        shrink = math.sqrt(features.shape[1] / math.prod(self.grid))
        height = round(self.grid[0] * shrink)
        return self.linear(features).transpose(1, 2).unflatten(2, (height, -1))


class DenseHead(nn.Module):
    """Linear maps of features to rectangles of pixels, summed over the stages.

    For each stage, ``dims`` holds the width of a feature, and ``patches`` the height
    and width in pixels of the rectangle, or the side of the square, that a feature
    fills with ``n_outputs`` outputs per pixel.
    """

    def __init__(self, dims, patches, n_outputs):
        super().__init__()
        self.patches = tuple((p, p) if isinstance(p, int) else p for p in patches)
        self.linears = nn.ModuleList(
            nn.Linear(dim, n_outputs * math.prod(patch))
            for dim, patch in zip(dims, self.patches, strict=True)
        )

    def forward(self, stages):
        """Map the features (B, h, w, E) of each stage to outputs (B, K, H, W)."""
        parts = zip(stages, self.linears, self.patches, strict=True)
        return sum(_spread(linear(maps), patch) for maps, linear, patch in parts)


def _spread(values, patch):
    """Spread values (B, h, w, K * p * q) of patches (p, q) to pixels (B, K, H, W)."""
    parts = values.unflatten(3, (-1, *patch)).permute(0, 3, 1, 4, 2, 5)
    return parts.flatten(4, 5).flatten(2, 3)
