"""A fixed bank of dilated kernels: what makes signals easy for a linear model."""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import nn

_TAPS = 9
_MAX_DILATIONS = 32
# Longer signals are looked at in this many places, with the kernels at full rate.
_PLACES = 4096
# Rows that thresholds are taken from, and responses of a kernel to them.
_ROWS, _RESPONSES = 64, 2**14


class DilatedKernels(nn.Module):
    """Shares of time at which dilated kernels respond above thresholds.

    The 84 kernels of nine taps, -1 but for three that are 2, at dilations from 1 to
    the length of the signal. Every kernel sees a fixed subset of the channels. Nothing
    here is learned by gradients: thresholds are quantiles of responses to training
    rows, set by `fit`.

    Parameters
    ----------
    n_channels : int
    length : int
        Samples of a row.
    n_features : int
        As near to this as whole numbers of thresholds allow.
    max_dilations : int, default=32

    References
    ----------
    Dempster, Schmidt, Webb, "MiniRocket: A Very Fast (Almost) Deterministic Transform
    for Time Series Classification", KDD 2021.
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
        self.stride = math.ceil(length / _PLACES)

    def _responses(self, x):
        """Signals (B, C, L) -> responses (B, 84, P), dilation by dilation."""
        for dilation, weight in zip(self.dilations, self.weight, strict=True):
            reach = dilation * (_TAPS // 2)
            yield F.conv1d(
                x, weight, padding=reach, dilation=dilation, stride=self.stride
            )

    @torch.no_grad()
    def fit(self, x):
        """Thresholds from rows (n, C, L): quantiles by the golden ratio."""
        rows = x[torch.linspace(0, len(x) - 1, min(len(x), _ROWS)).long()]
        n_levels = self.thresholds.shape[2]
        step = (math.sqrt(5) - 1) / 2
        for i, responses in enumerate(self._responses(rows)):
            places = torch.arange(i * n_levels, (i + 1) * n_levels, device=x.device)
            flat = responses.transpose(0, 1).flatten(1)
            some = flat[:, :: math.ceil(flat.shape[1] / _RESPONSES)]
            sorted_ = some.sort(1).values
            quantiles = ((places + 1) * step % 1 * (sorted_.shape[1] - 1)).long()
            self.thresholds[i] = sorted_[:, quantiles]

    def forward(self, x):
        """Signals (B, C, L) -> shares of the whole time (B, n_features)."""
        return self.windows(x, 1)[..., 0]

    def windows(self, x, n):
        """Signals (B, C, L) -> shares of time in n windows (B, n_features, n)."""
        shares = []
        for responses, levels in zip(self._responses(x), self.thresholds, strict=True):
            above = [
                F.adaptive_avg_pool1d((responses > level[:, None]).float(), n)
                for level in levels.T
            ]
            shares.append(torch.stack(above, 2).flatten(1, 2))
        return torch.cat(shares, 1)


def _weight(n_channels, n_dilations):
    """Kernels (D, 84, C, 9), 0 in the channels that a kernel does not see."""
    twos = list(itertools.combinations(range(_TAPS), 3))
    shape = n_dilations, len(twos)
    if torch.get_default_device().type == "meta":
        # An outline has no numbers; torch would import its compiler for them.
        return torch.empty(*shape, n_channels, _TAPS)
    taps = torch.full((len(twos), _TAPS), -1.0).scatter(1, torch.tensor(twos), 2.0)
    # Which channels a kernel sees is part of the design, as the taps are.
    generator = torch.Generator().manual_seed(0)
    limit = math.log2(min(n_channels, _TAPS) + 1)
    sizes = (2 ** (limit * torch.rand(shape, generator=generator))).long()
    ranks = torch.rand(*shape, n_channels, generator=generator).argsort(-1)
    seen = (ranks.argsort(-1) < sizes[..., None]).float()
    return seen[..., None] * taps[:, None]


def _dilations(length, most):
    """Exponentially spaced dilations, so that the longest kernel spans the signal."""
    largest = math.log2(max(1.0, (length - 1) / (_TAPS - 1)))
    exponents = torch.linspace(0, largest, most, dtype=torch.float64, device="cpu")
    return sorted({int(2**e) for e in exponents.tolist()})
