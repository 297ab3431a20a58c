"""The gate: one score per token, the same map for both modalities."""

from torch import nn


class Gate(nn.Module):
    """Linear score q(z) = w.z + b of a token, as a logit.

    The paper passes the score through a sigmoid; a logit ranks tokens alike and is not
    drowned by the selection noise, whose spread exceeds the whole range of a sigmoid.

    Parameters
    ----------
    dim : int
        Width of a token.
    """

    def __init__(self, dim):
        super().__init__()
        self.linear = nn.Linear(dim, 1)

    def forward(self, tokens):
        """Tokens (B, N, D) -> scores (B, N)."""
        return self.linear(tokens).squeeze(-1)


class RandomGate(nn.Module):
    """The control: every token scores the same, so the noise alone selects."""

    def forward(self, tokens):
        """Tokens (B, N, D) -> zeros (B, N)."""
        return tokens.new_zeros(tokens.shape[:2])


class ContrastGate(nn.Module):
    """A gate without weights: how far a token lies from the mean token of its row.

    Distances of a row are brought to mean 0 and variance 1. Plain background scores
    low and is replaced first.
    """

    def forward(self, tokens):
        """Tokens (B, N, D) -> scores (B, N)."""
        distance = (tokens - tokens.mean(1, keepdim=True)).norm(dim=2)
        centred = distance - distance.mean(1, keepdim=True)
        return centred / (centred.std(1, keepdim=True, correction=0) + 1e-6)
