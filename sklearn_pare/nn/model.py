"""The network: embed, replace, backbone, heads, in one path."""

from functools import partial
from typing import NamedTuple

import torch
from torch import nn

from sklearn_pare.nn.decoder import DenseDecoder, hide, stages
from sklearn_pare.nn.replace import replace_tokens


class Mixing(NamedTuple):
    """What a mixed step needs: source rows, how many tokens, and selection noise.

    Attributes
    ----------
    source : torch.Tensor of shape (m, ...)
        One source row for each target row to mix: the first m of the batch.
    k : int
        Tokens to replace in each row, at least 1.
    target_noise : torch.Tensor of shape (m, N_t)
    source_noise : torch.Tensor of shape (m, N_s)
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
    target : torch.Tensor of shape (B, K, ...)
        Target head on clean tokens.
    mixed_target : torch.Tensor of shape (m, K, ...) or None
        Target head on mixed tokens, of the first m rows.
    mixed_source : torch.Tensor of shape (m, K_s, ...) or None
        Source head on mixed tokens.
    fraction : float
        Fraction k / N_t of replaced tokens.
    target_index, source_index : torch.Tensor of shape (m, k) or None
        Replaced positions and where their replacements came from.
    """

    target: torch.Tensor
    mixed_target: torch.Tensor | None = None
    mixed_source: torch.Tensor | None = None
    fraction: float = 0.0
    target_index: torch.Tensor | None = None
    source_index: torch.Tensor | None = None

    def split(self, n):
        """Outputs of the first n rows, all of them mixed as well, and of the others."""
        pairs = [
            (value[:n], value[n:]) if isinstance(value, torch.Tensor) else (value,) * 2
            for value in self
        ]
        return tuple(Outputs(*values) for values in zip(*pairs, strict=True))


class PaReModel(nn.Module):
    """Target embedder, backbone and head; gate, source embedder and source head.

    Parameters
    ----------
    embed : torch.nn.Module
        Target rows (B, ...) -> tokens (B, N_t, D).
    backbone : torch.nn.Module
        Tokens (B, N, D) -> features (B, M, E).
    head : torch.nn.Module
        Features (B, M, E) -> outputs (B, K); or a `DenseDecoder`.
    gate : torch.nn.Module
        Tokens (B, N, D) -> scores (B, N); shared by both modalities.
    source_embed : torch.nn.Module, optional
        Source rows -> tokens (B, N_s, D).
    source_head : torch.nn.Module, optional
        What `head` reads of the backbone -> source logits (B, K_s, ...).
    linear : LinearPath, optional
        Rows (B, ...) -> outputs that those of the head are added to.

    Notes
    -----
    Prediction uses `embed`, `backbone`, `head` and `linear` alone.
    """

    def __init__(
        self,
        embed,
        backbone,
        head,
        gate,
        source_embed=None,
        source_head=None,
        linear=None,
    ):
        super().__init__()
        self.embed = embed
        self.backbone = backbone
        self.head = head
        self.gate = gate
        self.source_embed = source_embed
        self.source_head = source_head
        self.linear = linear

    def _run_backbone(self, run, tokens, bfloat16):
        # Embedders, heads of classes, selection and losses are cheap, and 8 bits are
        # too few for raw columns.
        with torch.autocast(tokens.device.type, torch.bfloat16, enabled=bfloat16):
            return run(tokens)

    def _read(self, tokens, x, offset, bfloat16):
        """Outputs (B, K, ...), and what of the backbone a source head reads."""
        if isinstance(self.head, DenseDecoder):
            maps = self._run_backbone(partial(stages, self.backbone), tokens, bfloat16)
            read = [features.to(tokens.dtype) for features in maps]
            with torch.autocast(x.device.type, torch.bfloat16, enabled=bfloat16):
                outputs = self.head(read, x, offset)
        else:
            read = self._run_backbone(self.backbone, tokens, bfloat16).to(tokens.dtype)
            outputs = self.head(read)
        return outputs if offset is None else outputs + offset, read

    def features(self, x, *, bfloat16=False):
        """Rows (B, ...) -> mean features of the backbone (B, E), float32."""
        features = self._run_backbone(self.backbone, self.embed(x), bfloat16)
        return features.float().mean(1)

    def predict(self, x, offset=None, *, bfloat16=False):
        """Rows (B, ...) -> target outputs (B, K, ...) on clean tokens, float32.

        Where there is a linear path, `offset` (B, K, ...) takes the place of its own
        outputs.
        """
        if offset is None and self.linear is not None:
            offset = self.linear(x)
        return self._read(self.embed(x), x, offset, bfloat16)[0]

    def forward(self, x, mixing=None, offset=None, *, bfloat16=False):
        """Outputs for target rows, and for mixed rows where `mixing` is given.

        Parameters
        ----------
        x : torch.Tensor of shape (B, ...)
        mixing : Mixing, optional
        offset : torch.Tensor of shape (B, K, ...), optional
            As in `predict`.
        bfloat16 : bool, default=False
            Whether backbone and dense decoder run under autocast; all else is float32.

        Returns
        -------
        outputs : Outputs
        """
        if mixing is None:
            return Outputs(self.predict(x, offset, bfloat16=bfloat16))
        tokens = self.embed(x)
        source_tokens = self.source_embed(mixing.source)
        n_clean, n_mixed = len(tokens), len(source_tokens)
        own = tokens[:n_mixed]
        mixed, target_index, source_index = replace_tokens(
            own,
            source_tokens,
            self.gate(own) + mixing.target_noise,
            self.gate(source_tokens) + mixing.source_noise,
            mixing.k,
        )
        if isinstance(self.head, DenseDecoder):
            # Details that a replaced token stood for are gone from the row as well.
            hidden = hide(x[:n_mixed], target_index, self.backbone.grid)
            x = torch.cat([x, hidden])
        if offset is not None:
            offset = torch.cat([offset, offset[:n_mixed]])
        # Clean and mixed rows in one pass: half the calls.
        outputs, read = self._read(torch.cat([tokens, mixed]), x, offset, bfloat16)
        return Outputs(
            outputs[:n_clean],
            outputs[n_clean:],
            self.source_head(_from(n_clean, read)),
            mixing.k / tokens.shape[1],
            target_index,
            source_index,
        )


def _from(start, read):
    """What was read of the rows from `start` on: features, or those of each stage."""
    if isinstance(read, list):
        return [features[start:] for features in read]
    return read[start:]
