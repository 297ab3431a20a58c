"""The network: embedders, token replacement, backbone and heads."""

from functools import partial
from typing import NamedTuple

import torch
from torch import nn

from sklearn_pare.nn.decoder import DenseDecoder, hide, stages
from sklearn_pare.nn.gaps import (
    at_outputs,
    filled_mixed,
    filled_tokens,
    only,
    with_mean,
    zeroed,
)
from sklearn_pare.nn.replace import replace_tokens


class Mixing(NamedTuple):
    """Target samples to mix, samples whose tokens replace theirs, and how many tokens.

    Attributes
    ----------
    x : torch.Tensor of shape (m, ...)
        Target samples.
    k : int
        Number of tokens to replace in each sample, at least 1.
    noise : torch.Tensor of shape (2, m, N)
        Noise that is added to the scores of both sides before selection.
    others : torch.Tensor of shape (m, ...)
        Samples whose tokens replace theirs.
    own : bool
        Whether these are target samples instead of source samples.
    offset : torch.Tensor of shape (m, K, ...) or None
        Outputs of the linear path for the mixed samples.
    """

    x: torch.Tensor
    k: int
    noise: torch.Tensor
    others: torch.Tensor
    own: bool = False
    offset: torch.Tensor | None = None

    def subset(self, index):
        """Return some of the mixed samples, given their positions."""
        return self._replace(
            x=self.x[index],
            noise=self.noise[:, index],
            others=self.others[index],
            offset=None if self.offset is None else self.offset[index],
        )


class Outputs(NamedTuple):
    """Outputs of a step; without mixing, all but ``target`` have their defaults.

    Attributes
    ----------
    target : torch.Tensor of shape (B, K, ...)
        Target outputs for clean samples.
    mixed_target : torch.Tensor of shape (m, K, ...) or None
        Target outputs for mixed samples.
    mixed_source : torch.Tensor of shape (m, K_s, ...) or None
        Source outputs for samples that are mixed with source samples.
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
        pairs = ((v[:n], v[n:]) if torch.is_tensor(v) else (v, v) for v in self)
        return tuple(Outputs(*values) for values in zip(*pairs, strict=True))


class PaReModel(nn.Module):
    """Network for the target modality, with a gate and a source for training.

    Prediction uses only ``embed``, ``backbone``, ``head`` and ``linear``. Missing
    numbers of signals and images are NaN, see ``sklearn_pare.nn.gaps``.

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
    replace : callable, default=replace_tokens
        Mixes tokens: ``replace_tokens`` or ``replace_in_order``.
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
        replace=replace_tokens,
    ):
        super().__init__()
        self.embed = embed
        self.backbone = backbone
        self.head = head
        self.gate = gate
        self.source_embed = source_embed
        self.source_head = source_head
        self.linear = linear
        self.replace = replace

    def _run_backbone(self, run, tokens, filled, bfloat16):
        # The other parts are cheap, and 8 bits are too few for raw features.
        kind = tokens.device.type
        with torch.autocast(kind, torch.bfloat16, enabled=bfloat16), only(filled):
            return run(tokens)

    def _features(self, tokens, filled, bfloat16):
        """Return features (B, M, E) whose mean is that of the filled ones."""
        found = self._run_backbone(self.backbone, tokens, filled, bfloat16)
        filled = at_outputs(filled, self.backbone.grid, found.shape[1])
        return with_mean(found, filled)

    def _filled(self, x):
        return filled_tokens(x, self.backbone.grid)

    def _read(self, tokens, x, filled, offset, bfloat16):
        """Return outputs (B, K, ...) and the features that the head read."""
        if isinstance(self.head, DenseDecoder):
            run, maps = partial(stages, self.backbone), []
            if tokens is not None:
                maps = self._run_backbone(run, tokens, filled, bfloat16)
            read = [features.to(x.dtype) for features in maps]
            x = x if filled is None else zeroed(x)
            with torch.autocast(x.device.type, torch.bfloat16, enabled=bfloat16):
                outputs = self.head(read, x, offset)
        else:
            read = self._features(tokens, filled, bfloat16).to(tokens.dtype)
            outputs = self.head(read)
        return outputs if offset is None else outputs + offset, read

    def features(self, x, *, bfloat16=False):
        """Map samples (B, ...) to mean features of the backbone (B, E) in float32."""
        features = self._features(self.embed(x), self._filled(x), bfloat16)
        return features.float().mean(1)

    def _filled_of_both(self, x, mixing, *index):
        """Return the filled tokens of clean and mixed samples, or None if all are."""
        others = self._filled(mixing.others) if mixing.own else None
        mixed = filled_mixed(self._filled(mixing.x), others, *index)
        clean, n_tokens = self._filled(x), mixing.noise.shape[2]
        if clean is None and mixed is None:
            return None
        parts = [
            x.new_ones(n, n_tokens, dtype=torch.bool) if filled is None else filled
            for n, filled in ((len(x), clean), (len(mixing.x), mixed))
        ]
        return torch.cat(parts)

    def predict(self, x, offset=None, *, bfloat16=False, alone=False):
        """Map samples (B, ...) to target outputs (B, K, ...) in float32.

        If ``offset`` (B, K, ...) is given, it replaces the outputs of the linear path.
        """
        if offset is None and self.linear is not None:
            offset = self.linear(x)
        # In training, the share of a backbone gets its first gradients while it is 0.
        alone = alone or (not torch.is_grad_enabled() and self.ignores_backbone)
        tokens = None if alone else self.embed(x)
        return self._read(tokens, x, self._filled(x), offset, bfloat16)[0]

    @property
    def ignores_backbone(self):
        """True if a dense decoder gives the backbone no share in any channel."""
        return isinstance(self.head, DenseDecoder) and not self.head.share.any()

    def predict_linear(self, x, *, bfloat16=False):
        """Map samples (B, ...) to the outputs (B, K, ...) of the linear path alone."""
        return self.linear(x)

    def forward(self, x, mixing=None, offset=None, *, bfloat16=False, alone=False):
        """Return outputs for clean samples and, given ``mixing``, for mixed ones.

        Parameters
        ----------
        x : torch.Tensor of shape (B, ...)
        mixing : Mixing, optional
        offset : torch.Tensor of shape (B, K, ...), optional
            As in ``predict``; required by a model with a linear path if it mixes.
        bfloat16 : bool, default=False
            If True, the backbone and a dense decoder run in bfloat16.
        alone : bool, default=False
            If True, a dense decoder reads nothing from the backbone. Without mixing.
        """
        if mixing is None:
            return Outputs(self.predict(x, offset, bfloat16=bfloat16, alone=alone))
        own = self.embed(mixing.x)
        # CUDA cannot resize no images at all.
        tokens = self.embed(x) if len(x) else own[:0]
        n_clean = len(tokens)
        others = (self.embed if mixing.own else self.source_embed)(mixing.others)
        own_noise, other_noise = mixing.noise
        mixed, target_index, source_index = self.replace(
            own,
            others,
            self.gate(own) + own_noise,
            self.gate(others) + other_noise,
            mixing.k,
        )
        filled = self._filled_of_both(x, mixing, target_index, source_index)
        if isinstance(self.head, DenseDecoder):
            # The decoder reads the sample as well: hide what the tokens contained.
            x = torch.cat([x, hide(mixing.x, target_index, self.backbone.grid)])
        if offset is not None:
            offset = torch.cat([offset, mixing.offset])
        # Clean and mixed samples in one pass, which takes half the calls.
        tokens = torch.cat([tokens, mixed])
        outputs, read = self._read(tokens, x, filled, offset, bfloat16)
        mixed_source = None
        if not mixing.own:
            if isinstance(read, list):
                mixed_source = self.source_head([maps[n_clean:] for maps in read])
            else:
                mixed_source = self.source_head(read[n_clean:])
        return Outputs(
            outputs[:n_clean],
            outputs[n_clean:],
            mixed_source,
            mixing.k / tokens.shape[1],
            target_index,
            source_index,
        )
