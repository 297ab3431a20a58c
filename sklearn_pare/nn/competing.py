"""Features of signals from groups of random kernels that compete, as in Hydra."""

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from sklearn_pare.nn.gaps import known, valid_positions, zeroed
from sklearn_pare.nn.parts import convolve, in_parts, indicator

_TAPS = 9
_GROUPS, _MEMBERS = 64, 8
# Responses to longer signals are computed at this many positions only.
_POSITIONS = 4096
# Part of the largest value that responses must exceed.
_ROUNDING = 1e-5
# Responses at a time, so that they fit into the cache of a processor.
_AT_ONCE = 2**17


class CompetingKernels(nn.Module):
    """Which kernels of a group respond most, and how strongly, over a signal.

    At each position the kernel of a group with the largest response adds this response
    to its sum, and the kernel with the smallest response adds one to its count. Sums
    and counts are the features, as square roots. There are 64 groups of eight random
    kernels for each dilation; half of them read the first differences of the signal.
    Each group reads a fixed subset of the channels. Nothing is trained. Of a signal
    with gaps, sums and counts are those of its ``valid_positions``, times the ratio of
    all positions to these, or NaN if there are none.

    This is the transform of Dempster, Schmidt, Webb, "Hydra: Competing Convolutional
    Kernels for Fast and Accurate Time Series Classification", Data Mining and Knowledge
    Discovery, 2023.
    """

    def __init__(self, n_channels, length):
        super().__init__()
        exponents = range(int(math.log2(max(1, (length - 1) / (_TAPS - 1)))) + 1)
        self.dilations = [2**exponent for exponent in exponents]
        # Indices are computed even if the model is built on the meta device.
        with torch.device("cpu"):
            taps, read = _design(n_channels, len(self.dilations))
        # Saved, since other versions of torch may draw other numbers.
        self.register_buffer("taps", taps)
        self.register_buffer("read", read)
        self.n_features = 2 * _GROUPS * _MEMBERS * len(self.dilations)
        self.stride = math.ceil(length / _POSITIONS)

    def forward(self, x):
        """Return features (B, n_features) of signals (B, C, L)."""
        weights = (self.taps * self.read[..., None, :, None]).flatten(2, 3)
        n_positions = math.ceil(x.shape[2] / self.stride)
        few = max(1, _AT_ONCE // (weights.shape[2] * n_positions))
        return in_parts(partial(self._few, weights=weights), x, samples=few)

    def _few(self, x, weights):
        forms, there = _forms(x)
        # Where a signal is constant, responses differ by rounding alone.
        least = _ROUNDING * forms[0].abs().amax((1, 2))[:, None, None]
        features = []
        for dilation, *halves in zip(self.dilations, weights, self.read, strict=True):
            for form, own, weight, read in zip(forms, there, *halves, strict=True):
                responses = convolve(form, weight, self.stride, dilation)
                responses = responses * indicator(torch.gt, responses.abs(), least)
                valid = None
                if own is not None:
                    valid = valid_positions(own, read, dilation, self.stride, _TAPS)
                features += _compete(responses.unflatten(1, (-1, _MEMBERS)), valid)
        found = torch.cat(features, 1).clamp_min(0)
        # The root has an infinite slope at 0.
        return torch.where(found == 0, 1.0, found).sqrt() * (found != 0)


def _forms(x):
    """Return signals and their first differences, and where both are known."""
    changes, there = F.pad(x.diff(dim=2), (1, 0)), known(x)
    if there is None:
        return (x, changes), (None, None)
    changes = torch.where(there, changes, torch.nan)
    return (zeroed(x), zeroed(changes)), (there, ~changes.isnan())


def _compete(responses, valid):
    """Return sums and counts (B, G * 8) of responses (B, G, 8, P).

    `valid` (B, G, P) are the positions that count, if not all of them do.
    """
    wins = indicator(torch.ge, responses, responses.amax(2, keepdim=True))
    loses = indicator(torch.le, responses, responses.amin(2, keepdim=True))
    if valid is not None:
        wins, loses = wins * valid[:, :, None], loses * valid[:, :, None]
    sums, counts = (responses * wins).sum(3), loses.sum(3)
    if valid is not None:
        # 0 / 0 is NaN.
        share = valid.float().mean(2, keepdim=True)
        sums, counts = sums / share, counts / share
    return [sums.flatten(1), counts.flatten(1)]


def _design(n_channels, n_dilations):
    """Return kernels (D, 2, 32, 8, 1, 9), and which channels (D, 2, 32, C) they read.

    The second axis is for the signal and its differences. The seed is fixed.
    """
    generator = torch.Generator().manual_seed(0)
    shape = n_dilations, 2, _GROUPS // 2
    taps = torch.randn(*shape, _MEMBERS, 1, _TAPS, generator=generator)
    taps = taps - taps.mean(-1, keepdim=True)
    taps = taps / taps.abs().sum(-1, keepdim=True)
    limit = math.log2(min(n_channels, _TAPS) + 1)
    sizes = (2 ** (limit * torch.rand(shape, generator=generator))).long()
    ranks = torch.rand(*shape, n_channels, generator=generator).argsort(-1).argsort(-1)
    return taps, (ranks < sizes[..., None]).float()
