"""Read-outs: from features of the body (B, M, E) to what the loss wants."""

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
