"""Embedder of signals by two convolutions: the stem of a backbone of signals."""

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from sklearn_pare.nn.gaps import average, filled_tokens, known, with_mean, zeroed

#: Positions of a signal per token, after resampling.
POSITIONS = 8
_WIDTH, _KERNEL, _DILATION = 48, 9, 4
# Root mean squares below this one are treated as equal to it.
_LEAST_RMS = 1e-4
# Largest level, in units of the spread. Levels that hardly vary in training would drown
# the signal if they are others later.
_MOST = 5.0


class WaveEmbed(nn.Module):
    """Values of a signal and two convolutions of it, pooled in one window per token.

    Signals of any length are resampled to ``POSITIONS`` per token of the ``grid``, and
    each channel of a sample is standardised. The convolutions read values and first
    differences, both with a mean square of 1; a token of width ``dim`` is a linear map
    of the values of its window, and of the mean and maximum of both convolutions there,
    followed by a LayerNorm.
    """

    def __init__(self, input_shape, grid, dim):
        super().__init__()
        channels = input_shape[0]
        self.grid, self.dim = tuple(grid), dim
        self.n_tokens = math.prod(grid)
        self.length = POSITIONS * self.n_tokens
        same = {"kernel_size": _KERNEL, "padding": "same"}
        self.near = nn.Conv1d(2 * channels, _WIDTH, **same)
        self.far = nn.Conv1d(_WIDTH, _WIDTH, dilation=_DILATION, **same)
        self.proj = nn.Linear(channels * POSITIONS + 4 * _WIDTH, dim)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        """Embed signals (B, C, L) as tokens (B, N, D)."""
        filled = filled_tokens(x, self.grid)
        if x.shape[-1] != self.length:
            how = {"mode": "bilinear", "antialias": True}
            resize = partial(F.interpolate, size=(1, self.length), **how)
            x = average(x.unsqueeze(2), resize).squeeze(2)
        x, changes = _standardised(x) if filled is None else _of_known(x)
        near = F.relu(self.near(torch.cat([x, changes], 1)))
        far = F.relu(self.far(near))
        x, near, far = (
            found.unflatten(2, (self.n_tokens, POSITIONS)) for found in (x, near, far)
        )
        means, maxima = (near.mean(3), far.mean(3)), (near.amax(3), far.amax(3))
        read = torch.cat([x.transpose(2, 3).flatten(1, 2), *means, *maxima], 1)
        return with_mean(self.norm(self.proj(read.transpose(1, 2))), filled)

    @torch.no_grad()
    def start_from(self, stem):
        """Copy the weights of ``stem``, which reads a single channel.

        For C channels they are repeated and divided by C, so that equal channels give
        the tokens of one channel.
        """
        channels = self.near.in_channels // 2
        self.near.weight.copy_(
            stem.near.weight.repeat_interleave(channels, 1) / channels
        )
        values, pooled = stem.proj.weight.split([POSITIONS, 4 * _WIDTH], 1)
        values = values.repeat(1, channels) / channels
        self.proj.weight.copy_(torch.cat([values, pooled], 1))
        self.near.bias.copy_(stem.near.bias)
        self.proj.bias.copy_(stem.proj.bias)
        self.far.load_state_dict(stem.far.state_dict())
        self.norm.load_state_dict(stem.norm.state_dict())

    @torch.no_grad()
    def scale_to(self, norm):
        """Give the outputs of a LayerNorm the scale of this embedder's tokens."""
        norm.load_state_dict(self.norm.state_dict())


class LevelWaveEmbed(WaveEmbed):
    """The same with the level of each channel: the mean, and the log of the deviation.

    Both are lost where signals are standardised one by one, and may be all that a
    target depends on. They are standardised over the training samples.
    """

    def __init__(self, input_shape, grid, dim):
        super().__init__(input_shape, grid, dim)
        n_levels = 2 * input_shape[0]
        self.levels = nn.Linear(n_levels, dim)
        self.register_buffer("center", torch.zeros(n_levels))
        self.register_buffer("spread", torch.ones(n_levels))

    @torch.no_grad()
    def fit(self, x):
        """Set mean and spread of the levels from samples (n, C, L)."""
        found = _levels(x)
        self.center.copy_(found.nanmean(0).nan_to_num())
        spread = (found - self.center).square().nanmean(0).sqrt().nan_to_num()
        self.spread.copy_(torch.where(spread > _LEAST_RMS, spread, 1.0))

    def forward(self, x):
        """Embed signals (B, C, L) as tokens (B, N, D)."""
        levels = ((_levels(x) - self.center) / self.spread).clamp(-_MOST, _MOST)
        levels = zeroed(levels)
        return super().forward(x) + self.levels(levels)[:, None]


def _levels(x):
    """Return means and log deviations (B, 2 C) of channels, NaN if one is missing."""
    average = torch.mean if known(x) is None else torch.nanmean
    mean = average(x, -1, keepdim=True)
    deviation = average((x - mean).square(), -1).sqrt().clamp_min(_LEAST_RMS)
    # Few signals may be far from all others.
    return torch.cat([mean.squeeze(-1).asinh(), deviation.log()], 1)


def _scaled(x):
    """Divide signals by their root mean square."""
    norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return x / (norm / math.sqrt(x.shape[-1])).clamp_min(_LEAST_RMS)


def _standardised(x):
    """Return signals (B, C, L) and their first differences, both scaled."""
    x = _scaled(x - x.mean(-1, keepdim=True))
    return x, _scaled(F.pad(x.diff(dim=-1), (1, 0)))


def _of_known(x):
    """Do the same with signals that have gaps, where the results are 0."""
    found = []
    for own in (x - x.nanmean(-1, keepdim=True), F.pad(x.diff(dim=-1), (1, 0))):
        rms = own.square().nanmean(-1, keepdim=True).sqrt()
        found.append(zeroed(own / rms.clamp_min(_LEAST_RMS)))
    return found
