"""The network: embedders, token replacement, backbone and heads."""

from functools import partial
from typing import NamedTuple

import torch
from torch import nn

from sklearn_pare.nn.decoder import DenseDecoder, hide, stages
from sklearn_pare.nn.replace import replace_tokens


class Mixing(NamedTuple):
    """Source samples, number of tokens and selection noise of a mixed step.

    Attributes
    ----------
    source : torch.Tensor of shape (m, ...)
        A source sample for each of the first m target samples, which are mixed.
    k : int
        Number of tokens to replace in each sample, at least 1.
    target_noise, source_noise : torch.Tensor of shape (m, N_t) and (m, N_s)
        Noise that is added to the scores before selection.
    """

    source: torch.Tensor
    k: int
    target_noise: torch.Tensor
    source_noise: torch.Tensor


class Outputs(NamedTuple):
    """Outputs of a step; without mixing, all but ``target`` have their defaults.

    Attributes
    ----------
    target : torch.Tensor of shape (B, K, ...)
        Target outputs for clean samples.
    mixed_target, mixed_source : torch.Tensor of shape (m, K, ...) and (m, K_s, ...)
        Target and source outputs for the first m samples with source tokens.
    fraction : float
        Fraction k / N_t of replaced tokens.
    target_index, source_index : torch.Tensor of shape (m, k) or None
        Positions of the replaced tokens and of their replacements.
    """

    target: torch.Tensor
    mixed_target: torch.Tensor | None = None
    mixed_source: torch.Tensor | None = None
    fraction: float = 0.0
    target_index: torch.Tensor | None = None
    source_index: torch.Tensor | None = None

    def split(self, n):
        """Split into outputs for the first n samples, mixed as well, and the others."""
        pairs = [
            (value[:n], value[n:]) if isinstance(value, torch.Tensor) else (value,) * 2
            for value in self
        ]
        return tuple(Outputs(*values) for values in zip(*pairs, strict=True))


class PaReModel(nn.Module):
    """Network for the target modality, with a gate and a source for training.

    Prediction uses only ``embed``, ``backbone``, ``head`` and ``linear``.

    Parameters
    ----------
    embed : torch.nn.Module
        Maps target samples (B, ...) to tokens (B, N_t, D).
    backbone : torch.nn.Module
        Maps tokens (B, N, D) to features (B, M, E).
    head : torch.nn.Module
        Maps features (B, M, E) to outputs (B, K); or a ``DenseDecoder``.
    gate : torch.nn.Module
        Maps tokens (B, N, D) of both modalities to scores (B, N).
    source_embed : torch.nn.Module, optional
        Maps source samples to tokens (B, N_s, D).
    source_head : torch.nn.Module, optional
        Maps the inputs of ``head`` to source logits (B, K_s, ...).
    linear : LinearPath, optional
        Maps samples (B, ...) to outputs that are added to those of the head.
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
        # The other parts are cheap, and 8 bits are too few for raw features.
        with torch.autocast(tokens.device.type, torch.bfloat16, enabled=bfloat16):
            return run(tokens)

    def _read(self, tokens, x, offset, bfloat16):
        """Return outputs (B, K, ...) and the features that the head read."""
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
        """Map samples (B, ...) to mean features of the backbone (B, E) in float32."""
        features = self._run_backbone(self.backbone, self.embed(x), bfloat16)
        return features.float().mean(1)

    def predict(self, x, offset=None, *, bfloat16=False):
        """Map samples (B, ...) to target outputs (B, K, ...) in float32.

        If ``offset`` (B, K, ...) is given, it replaces the outputs of the linear path.
        """
        if offset is None and self.linear is not None:
            offset = self.linear(x)
        return self._read(self.embed(x), x, offset, bfloat16)[0]

    def forward(self, x, mixing=None, offset=None, *, bfloat16=False):
        """Return outputs for clean samples and, given ``mixing``, for mixed ones.

        Parameters
        ----------
        x : torch.Tensor of shape (B, ...)
        mixing : Mixing, optional
        offset : torch.Tensor of shape (B, K, ...), optional
            As in ``predict``; required by a model with a linear path if it mixes.
        bfloat16 : bool, default=False
            If True, the backbone and a dense decoder run in bfloat16.
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
            # The decoder reads the sample as well: hide what the tokens contained.
            hidden = hide(x[:n_mixed], target_index, self.backbone.grid)
            x = torch.cat([x, hidden])
        if offset is not None:
            offset = torch.cat([offset, offset[:n_mixed]])
        # Clean and mixed samples in one pass, which takes half the calls.
        outputs, read = self._read(torch.cat([tokens, mixed]), x, offset, bfloat16)
        if isinstance(read, list):
            mixed_read = [features[n_clean:] for features in read]
        else:
            mixed_read = read[n_clean:]
        return Outputs(
            outputs[:n_clean],
            outputs[n_clean:],
            self.source_head(mixed_read),
            mixing.k / tokens.shape[1],
            target_index,
            source_index,
        )
