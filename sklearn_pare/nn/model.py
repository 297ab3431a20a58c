"""The network: embed, replace, body, heads, in one path."""

from typing import NamedTuple

import torch
from torch import nn

from sklearn_pare.nn.replace import replace_tokens


class Mixing(NamedTuple):
    """What a mixed step needs: source rows, how many tokens, and selection noise.

    Attributes
    ----------
    source : torch.Tensor of shape (B, ...)
        As many source rows as target rows.
    k : int
        Tokens to replace in each row, at least 1.
    target_noise : torch.Tensor of shape (B, N_t)
    source_noise : torch.Tensor of shape (B, N_s)
        Added to the scores before selection.
    """

    source: torch.Tensor
    k: int
    target_noise: torch.Tensor
    source_noise: torch.Tensor


class Outputs(NamedTuple):
    """What a step yields; all but `target` are None without mixing.

    Attributes
    ----------
    target : torch.Tensor of shape (B, K)
        Target head on clean tokens.
    mixed_target : torch.Tensor of shape (B, K) or None
        Target head on mixed tokens.
    mixed_source : torch.Tensor of shape (B, K_s) or None
        Source head on mixed tokens.
    fraction : float
        Fraction k / N_t of replaced tokens.
    target_index, source_index : torch.Tensor of shape (B, k) or None
        Replaced positions and where their replacements came from.
    """

    target: torch.Tensor
    mixed_target: torch.Tensor | None = None
    mixed_source: torch.Tensor | None = None
    fraction: float = 0.0
    target_index: torch.Tensor | None = None
    source_index: torch.Tensor | None = None


class PaReModel(nn.Module):
    """Target embedder, body and head; gate, source embedder and source head.

    Parameters
    ----------
    embed : torch.nn.Module
        Target rows (B, ...) -> tokens (B, N_t, D).
    body : torch.nn.Module
        Tokens (B, N, D) -> features (B, M, E).
    head : torch.nn.Module
        Features (B, M, E) -> outputs (B, K).
    gate : torch.nn.Module
        Tokens (B, N, D) -> scores (B, N); shared by both modalities.
    source_embed : torch.nn.Module, optional
        Source rows -> tokens (B, N_s, D).
    source_head : torch.nn.Module, optional
        Features (B, M, E) -> source logits (B, K_s).

    Notes
    -----
    Prediction uses `embed`, `body` and `head` alone.
    """

    def __init__(self, embed, body, head, gate, source_embed=None, source_head=None):
        super().__init__()
        self.embed = embed
        self.body = body
        self.head = head
        self.gate = gate
        self.source_embed = source_embed
        self.source_head = source_head

    def _run_body(self, tokens, bfloat16):
        # Only the body may run in bfloat16: 8 bits are too few for raw columns, and
        # selection and losses are cheap.
        with torch.autocast(tokens.device.type, torch.bfloat16, enabled=bfloat16):
            return self.body(tokens).float()

    def features(self, x, *, bfloat16=False):
        """Rows (B, ...) -> mean features of the body (B, E), float32."""
        return self._run_body(self.embed(x), bfloat16).mean(1)

    def predict(self, x, *, bfloat16=False):
        """Rows (B, ...) -> target outputs (B, K) on clean tokens, float32."""
        return self.head(self._run_body(self.embed(x), bfloat16))

    def forward(self, x, mixing=None, *, bfloat16=False):
        """Outputs for target rows, and for mixed rows where `mixing` is given.

        Parameters
        ----------
        x : torch.Tensor of shape (B, ...)
        mixing : Mixing, optional
        bfloat16 : bool, default=False
            Whether the body runs under autocast; all else is float32.

        Returns
        -------
        outputs : Outputs
        """
        if mixing is None:
            return Outputs(self.predict(x, bfloat16=bfloat16))
        tokens = self.embed(x)
        source_tokens = self.source_embed(mixing.source)
        mixed, target_index, source_index = replace_tokens(
            tokens,
            source_tokens,
            self.gate(tokens) + mixing.target_noise,
            self.gate(source_tokens) + mixing.source_noise,
            mixing.k,
        )
        # Clean and mixed rows in one pass: half the calls, twice the batch.
        features = self._run_body(torch.cat([tokens, mixed]), bfloat16)
        clean_features, mixed_features = features.chunk(2)
        return Outputs(
            self.head(clean_features),
            self.head(mixed_features),
            self.source_head(mixed_features),
            mixing.k / tokens.shape[1],
            target_index,
            source_index,
        )
