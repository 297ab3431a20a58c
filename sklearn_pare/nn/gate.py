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
