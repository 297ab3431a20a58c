"""Read-outs: from features of the body (B, M, E) to what the loss wants."""

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

    def forward(self, features):
        """Features (B, M, E) -> outputs (B, K)."""
        return self.linear(features.mean(1))


class DenseHead(nn.Module):
    """Pixels from the features of all stages of a body.

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
