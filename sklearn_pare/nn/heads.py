"""Read-outs: from features of the backbone (B, M, E) to what the loss wants."""

import math

import torch
import torch.nn.functional as F
from torch import nn


class PooledHead(nn.Module):
    """One linear map of the mean feature: class logits or values.

    Parameters
    ----------
    dim : int
        Width of a feature.
    n_outputs : int
        Classes, labels or numbers to predict.
    """

    def __init__(self, dim, n_outputs):
        super().__init__()
        self.n_outputs = n_outputs
        self.linear = nn.Linear(dim, n_outputs)

    @torch.no_grad()
    def scale(self, factor):
        """Multiply all outputs, also those to come, by a number."""
        for parameter in self.linear.parameters():
            parameter *= factor

    def forward(self, features):
        """Features (B, M, E) -> outputs (B, K)."""
        return self.linear(features.mean(1))


class LastStageHead(PooledHead):
    """A `PooledHead` that gets the features of all stages and reads the last."""

    def forward(self, stages):
        """Features (B, h, w, E) of each stage -> outputs (B, K)."""
        return super().forward(stages[-1].flatten(1, 2))


class TokenHead(nn.Module):
    """One linear map of every feature: class logits of a coarse mask.

    Parameters
    ----------
    dim : int
        Width of a feature.
    n_outputs : int
        Classes.
    grid : tuple of int
        Tokens along height and width where the backbone begins; features of a backbone that
        merges tokens lie on a smaller grid of the same aspect.
    """

    def __init__(self, dim, n_outputs, grid):
        super().__init__()
        self.grid = grid
        self.linear = nn.Linear(dim, n_outputs)

    def forward(self, features):
        """Features (B, M, E) -> logits (B, K, h, w) with h * w = M."""
        shrink = math.sqrt(features.shape[1] / math.prod(self.grid))
        height = round(self.grid[0] * shrink)
        return self.linear(features).transpose(1, 2).unflatten(2, (height, -1))


class DenseHead(nn.Module):
    """Pixels from the features of all stages of a backbone.

    Every token of a stage paints the square of pixels it stands for by one linear map,
    and the paintings of all stages add up.

    Parameters
    ----------
    dims : sequence of int
        Width of a feature, stage by stage.
    patches : sequence of int
        Side, in pixels, of the square of a token of each stage.
    n_outputs : int
        Values to predict for a pixel.
    """

    def __init__(self, dims, patches, n_outputs):
        super().__init__()
        self.patches = tuple(patches)
        self.linears = nn.ModuleList(
            nn.Linear(dim, n_outputs * patch**2)
            for dim, patch in zip(dims, patches, strict=True)
        )

    def forward(self, stages):
        """Features (B, h, w, E) of each stage -> outputs (B, K, H, W)."""
        return sum(
            F.pixel_shuffle(linear(features).permute(0, 3, 1, 2), patch)
            for features, linear, patch in zip(
                stages, self.linears, self.patches, strict=True
            )
        )
