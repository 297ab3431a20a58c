"""Features of signals from a fixed bank of dilated kernels, as in MiniRocket."""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import nn

from sklearn_pare.nn.gaps import known, valid_positions, zeroed
from sklearn_pare.nn.parts import convolve, in_parts, indicator

_TAPS = 9
_MAX_DILATIONS = 32
# Responses to longer signals are computed at this many positions only.
_POSITIONS = 4096
# Responses at a time, so that they fit into the cache of a processor.
_AT_ONCE = 2**17
# Thresholds come from at most so many samples and responses per kernel.
_SAMPLES, _RESPONSES = 64, 2**12


class DilatedKernels(nn.Module):
    """Shares of time in which the responses of dilated kernels exceed thresholds.

    There are 84 kernels of nine taps, six of which are -1 and three are 2, at dilations
    from 1 to the length of the signal. Each kernel reads a fixed subset of the
    channels. Nothing is trained: ``fit`` sets the thresholds to quantiles of the
    responses to training samples. The number of features is about ``n_features``, since
    every kernel gets equally many thresholds. Shares of a signal with gaps are those of
    its ``valid_positions``, or NaN if there are none.

    This is the transform of Dempster, Schmidt, Webb, "MiniRocket: A Very Fast (Almost)
    Deterministic Transform for Time Series Classification", KDD 2021, except that all
    dilations have equally many thresholds, which come from several samples.
    """

    def __init__(self, n_channels, length, n_features, max_dilations=_MAX_DILATIONS):
        super().__init__()
        self.dilations = _dilations(length, max_dilations)
        weight = _weight(n_channels, len(self.dilations))
        shape = weight.shape[:2]
        n_levels = max(1, round(n_features / math.prod(shape)))
        self.n_features = math.prod(shape) * n_levels
        self.register_buffer("weight", weight, persistent=False)
        self.register_buffer("thresholds", torch.zeros(*shape, n_levels))
        self.stride = math.ceil(length / _POSITIONS)

    def _responses(self, x):
        """Yield the responses (B, 84, P) to signals (B, C, L) for each dilation.

        They are NaN where they are not valid.
        """
        there = known(x)
        x = x if there is None else zeroed(x)
        for dilation, weight in zip(self.dilations, self.weight, strict=True):
            responses = convolve(x, weight, self.stride, dilation)
            if there is not None:
                read = (weight != 0).any(-1)
                valid = valid_positions(there, read, dilation, self.stride, _TAPS)
                responses = torch.where(valid, responses, torch.nan)
            yield responses

    @torch.no_grad()
    def fit(self, x):
        """Set the thresholds from samples (n, C, L): quantiles by the golden ratio."""
        index = torch.linspace(0, len(x) - 1, min(len(x), _SAMPLES)).long()
        samples = x[index].to(self.weight.device)
        n_levels = self.thresholds.shape[2]
        step = (math.sqrt(5) - 1) / 2
        for i, responses in enumerate(self._responses(samples)):
            numbers = torch.arange(n_levels, device=samples.device) + i * n_levels
            flat = responses.transpose(0, 1).flatten(1)
            some = flat[:, :: math.ceil(flat.shape[1] / _RESPONSES)]
            # NaN comes last.
            sorted_ = some.sort(1).values
            last = (~some.isnan()).sum(1, keepdim=True).clamp_min(1) - 1
            quantiles = ((numbers + 1) * step % 1 * last).long()
            self.thresholds[i] = sorted_.gather(1, quantiles).nan_to_num(0.0)

    def forward(self, x):
        """Return features (B, n_features) of signals (B, C, L) as a whole."""
        n_positions = math.ceil(x.shape[2] / self.stride)
        few = max(1, _AT_ONCE // (self.weight.shape[1] * n_positions))
        return in_parts(lambda some: self.windows(some, 1)[..., 0], x, samples=few)

    def windows(self, x, n):
        """Return features (B, n_features, n) of n windows of signals (B, C, L)."""
        shares, exporting = [], torch.compiler.is_compiling()
        has_gaps = known(x) is not None
        for responses, levels in zip(self._responses(x), self.thresholds, strict=True):
            if exporting:
                # It takes more memory, but an exported network has fewer parts.
                above = (responses[:, :, None] > levels[:, :, None]).flatten(1, 2)
                shares.append(F.adaptive_avg_pool1d(above.float(), n))
                continue
            above = [
                _averages(indicator(torch.gt, responses, level[:, None]), n)
                for level in levels.T
            ]
            above = torch.stack(above, 2)
            if has_gaps:
                # NaN is not above a threshold, and 0 / 0 is NaN.
                valid = (~responses.isnan()).float()
                above = above / _averages(valid, n)[:, :, None]
            shares.append(above.flatten(1, 2))
        return torch.cat(shares, 1)


def _averages(x, n):
    """Return the means (B, K, n) of n windows of (B, K, P)."""
    return x.mean(2, keepdim=True) if n == 1 else F.adaptive_avg_pool1d(x, n)


def _weight(n_channels, n_dilations):
    """Return kernels (D, 84, C, 9), 0 in the channels that a kernel does not read."""
    twos = list(itertools.combinations(range(_TAPS), 3))
    shape = n_dilations, len(twos)
    # get_default_device() of torch 2.6 ignores "with torch.device(...)".
    if torch.empty(0).is_meta:
        # There is nothing to compute, and torch would import its compiler for it.
        return torch.empty(*shape, n_channels, _TAPS)
    taps = torch.full((len(twos), _TAPS), -1.0).scatter(1, torch.tensor(twos), 2.0)
    # The channels of a kernel are part of the design, so the seed is fixed.
    generator = torch.Generator().manual_seed(0)
    limit = math.log2(min(n_channels, _TAPS) + 1)
    sizes = (2 ** (limit * torch.rand(shape, generator=generator))).long()
    ranks = torch.rand(*shape, n_channels, generator=generator).argsort(-1)
    read = (ranks.argsort(-1) < sizes[..., None]).float()
    return read[..., None] * taps[:, None]


def _dilations(length, most):
    """Return exponentially spaced dilations; the longest kernel spans the signal."""
    largest = math.log2(max(1.0, (length - 1) / (_TAPS - 1)))
    exponents = torch.linspace(0, largest, most, dtype=torch.float64, device="cpu")
    return sorted({int(2**e) for e in exponents.tolist()})
