"""Embedders of images (B, C, H, W), signals (B, C, L) and tables (B, F) as tokens.

Each embedder maps samples of any size to ``grid``, the token grid of the backbone, with
tokens of width ``dim``. Tokens get the scale of those of the backbone's own stem, so
that target and source tokens match. Missing numbers of signals and images are NaN and
contribute nothing; a token that holds none but these is the mean of the others.
"""

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from sklearn_pare.nn.gaps import average, filled_tokens, with_mean, zeroed
from sklearn_pare.nn.kernels import DilatedKernels
from sklearn_pare.nn.wave_embed import LevelWaveEmbed, WaveEmbed

# Patch size of the bundled backbone.
PATCH = 4
# Larger images than this allows are reduced in size.
MAX_PATCH = 16
# Number of features and of dilations of the kernels in a ``SignalEmbed``.
_TOKEN_KERNELS = 500, 6
# Bins per numeric column, and the least width of a bin.
_BINS, _NARROW = 8, 1e-6


class ImageEmbed(nn.Module):
    """Linear map of the patches of an image or field, one token per patch.

    Images are resized to a whole number of patches: small images are enlarged to
    ``patch`` pixels per token; larger images get larger patches, up to ``MAX_PATCH``,
    before they are reduced in size. If ``norm`` is True, a LayerNorm follows, as in a
    Swin transformer; a ViT has none.
    """

    def __init__(self, input_shape, grid, dim, patch=PATCH, norm=True):
        super().__init__()
        channels, *size = input_shape
        self.grid, self.dim, self.patch = tuple(grid), dim, patch
        kernel = tuple(
            min(max(math.ceil(s / g), patch), max(MAX_PATCH, patch))
            for s, g in zip(size, grid, strict=True)
        )
        self.size = tuple(p * g for p, g in zip(kernel, grid, strict=True))
        self.proj = nn.Conv2d(channels, dim, kernel_size=kernel, stride=kernel)
        self.norm = nn.LayerNorm(dim) if norm else nn.Identity()

    def forward(self, x):
        """Embed images (B, C, H, W) as tokens (B, N, D)."""
        filled = filled_tokens(x, self.grid)
        if x.shape[-2:] != self.size:
            how = {"mode": "bilinear", "antialias": True}
            x = average(x, partial(F.interpolate, size=self.size, **how))
        x = x if filled is None else zeroed(x)
        tokens = self.norm(self.proj(x).flatten(2).transpose(1, 2))
        return with_mean(tokens, filled)

    @torch.no_grad()
    def start_from(self, stem):
        """Copy the weights of ``stem``, resized to this patch and number of channels.

        The stem's channels are repeated and scaled by 3/C and its patches interpolated
        at constant sum, so that responses to smooth inputs keep their scale. From the
        stem of a backbone of text or signals only the scale of the tokens is copied.
        """
        if not isinstance(stem, ImageEmbed):
            stem.scale_to(self.norm)
            return
        weight = _inflate(stem.proj.weight, self.proj.in_channels)
        patch = self.proj.kernel_size
        if patch != weight.shape[-2:]:
            area = weight.shape[-2] * weight.shape[-1] / math.prod(patch)
            weight = F.interpolate(weight, patch, mode="bilinear") * area
        self.proj.weight.copy_(weight)
        self.proj.bias.copy_(stem.proj.bias)
        self.norm.load_state_dict(stem.norm.state_dict())

    @torch.no_grad()
    def scale_to(self, norm):
        """Give the outputs of a LayerNorm the scale of this embedder's tokens."""
        if isinstance(self.norm, nn.LayerNorm):
            norm.load_state_dict(self.norm.state_dict())
            return
        # Expected square of the tokens of white noise.
        square = self.proj.weight.flatten(1).square().sum(1) + self.proj.bias.square()
        norm.weight.fill_(square.mean().sqrt())
        norm.bias.zero_()


def _inflate(weight, channels):
    """Repeat the channels of kernels (D, c, ...) and keep their sum over channels."""
    n_own = weight.shape[1]
    if channels == 1:
        return weight.sum(1, keepdim=True)
    return weight[:, torch.arange(channels) % n_own] * (n_own / channels)


class ValueEmbed(nn.Module):
    """Linear map of the values in the windows of a signal, one token per window.

    A signal of any length fills the grid, line by line, with windows of ``patch`` or
    more time points.
    """

    def __init__(self, input_shape, grid, dim, patch=PATCH):
        super().__init__()
        channels, length = input_shape
        self.grid, self.n_tokens = tuple(grid), math.prod(grid)
        piece = max(math.ceil(length / self.n_tokens), patch)
        # Signals are resampled, not padded, so that every token has a part of them.
        self.length = piece * self.n_tokens
        self.proj = nn.Conv1d(channels, dim, kernel_size=piece, stride=piece)
        self.norm = nn.LayerNorm(dim)

    def _resized(self, x):
        """Return signals (B, C, L) with a whole number of positions per token."""
        resize = partial(F.interpolate, size=self.length, mode="linear")
        return x if x.shape[-1] == self.length else average(x, resize)

    def forward(self, x):
        """Embed signals (B, C, L) as tokens (B, N, D)."""
        filled, x = filled_tokens(x, self.grid), self._resized(x)
        x = x if filled is None else zeroed(x)
        return with_mean(self.norm(self.proj(x).transpose(1, 2)), filled)

    @torch.no_grad()
    def start_from(self, stem):
        """Copy the scale of the tokens and the weights of an image stem.

        The weights are summed over the height of a patch: the stem's response to an
        image of stripes, each line of pixels a copy of the signal.
        """
        stem.scale_to(self.norm)
        if not isinstance(stem, ImageEmbed):
            return
        weight = _inflate(stem.proj.weight.sum(2), self.proj.in_channels)
        (piece,) = self.proj.kernel_size
        if piece != weight.shape[-1]:
            share = weight.shape[-1] / piece
            weight = F.interpolate(weight, piece, mode="linear") * share
        self.proj.weight.copy_(weight)
        self.proj.bias.copy_(stem.proj.bias)


class SignalEmbed(ValueEmbed):
    """Map of the windows of a signal, one token per window.

    A token is the sum of two linear maps: one of the values in its window, as in the
    stem of an image backbone, and one of the shares of time in which dilated kernels
    respond there, as in MiniRocket.
    """

    def __init__(self, input_shape, grid, dim, patch=PATCH):
        super().__init__(input_shape, grid, dim, patch)
        self.kernels = DilatedKernels(*input_shape, *_TOKEN_KERNELS)
        self.shares = nn.Linear(self.kernels.n_features, dim)

    def fit(self, x):
        """Set the thresholds of the kernels from samples (n, C, L)."""
        self.kernels.fit(x)

    def read(self, x):
        """Return the numbers (B, n, N) of each window, NaN in those that hold nothing.

        No training changes what is read of signals (B, C, L).
        """
        filled = filled_tokens(x, self.grid)
        values = self._resized(x).unflatten(2, (self.n_tokens, -1)).transpose(2, 3)
        shares = self.kernels.windows(x, self.n_tokens) - 0.5
        read = torch.cat([values.flatten(1, 2), shares], 1)
        if filled is None:
            return read
        return torch.where(filled[:, None], zeroed(read), torch.nan)

    def forward(self, x):
        """Embed signals (B, C, L), or what was read of them, as tokens (B, N, D)."""
        parts = [self.proj.weight[0].numel(), self.kernels.n_features]
        x = x if x.shape[1] == sum(parts) else self.read(x)
        filled = filled_tokens(x, self.grid)
        x = x if filled is None else zeroed(x)
        values, shares = x.transpose(1, 2).split(parts, 2)
        # Of a single signal, the convolution would have other last bits.
        tokens = F.linear(values, self.proj.weight.flatten(1), self.proj.bias)
        return with_mean(self.norm(tokens + self.shares(shares)), filled)


class TableEmbed(nn.Module):
    """Learned maps of the columns of a table, each token from one or a few columns.

    With at most N columns each token reads one column, and columns are repeated, with
    different weights, until the grid is full. With more, each token reads ceil(F / N)
    neighbouring columns. Numbers enter as they are and as piecewise linear functions
    between quantiles of the training samples (Gorishniy et al., "On Embeddings for
    Numerical Features in Tabular Deep Learning", NeurIPS 2022). Each category of a
    column has a learned vector; missing and unknown values share another.

    ``cardinalities`` holds the number of categories of each column, 0 for numbers; by
    default all are 0.
    """

    def __init__(self, input_shape, grid, dim, cardinalities=None):
        super().__init__()
        (n_columns,) = input_shape
        n_tokens = math.prod(grid)
        group = math.ceil(n_columns / n_tokens)
        cardinalities = cardinalities or [0] * n_columns
        # Indices are computed even if the model is built on the meta device.
        with torch.device("cpu"):
            columns = torch.arange(n_tokens * group) % n_columns
            sizes = torch.tensor(cardinalities)
            # The last vector of each column is for missing values.
            zero = torch.zeros(1, dtype=torch.int64)
            first = torch.cat([zero, (sizes + 1).cumsum(0)])
            buffers = {
                "columns": columns.reshape(n_tokens, group),
                "numeric": sizes == 0,
                "missing": first[1:] - 1,
                "first": first[:-1],
            }
        for name, buffer in buffers.items():
            self.register_buffer(name, buffer, persistent=False)
        self.register_buffer("edges", torch.zeros(n_columns, _BINS + 1))
        self.weight = nn.Parameter(torch.empty(n_tokens, group * (1 + _BINS), dim))
        self.bias = nn.Parameter(torch.empty(n_tokens, dim))
        self.vectors = nn.Embedding(sum(cardinalities) + n_columns, dim)
        self.norm = nn.LayerNorm(dim)

    @torch.no_grad()
    def fit(self, x):
        """Set the bins of each numeric column from samples (n, F)."""
        levels = torch.linspace(0, 1, _BINS + 1, device=x.device)
        # The quantiles of a column without any values are NaN.
        self.edges.copy_(x.nanquantile(levels, 0).T.nan_to_num(0.0))

    def forward(self, x):
        """Embed samples (B, F), NaN where values are missing, as tokens (B, N, D)."""
        missing = x.isnan()
        code = torch.where(missing | self.numeric, 0, x).long()
        vector = torch.where(missing, self.missing, self.first + code)
        numbers = torch.where(missing | ~self.numeric, 0.0, x)
        low, high = self.edges[:, :-1], self.edges[:, 1:]
        widths = (high - low).clamp_min(_NARROW)
        bins = ((numbers[..., None] - low) / widths).clamp(0, 1)
        bins = torch.where((missing | ~self.numeric)[..., None], 0.0, bins)
        read = torch.cat([numbers[..., None], bins], -1)[:, self.columns].flatten(2)
        tokens = torch.einsum("bng,ngd->bnd", read, self.weight) + self.bias
        # Numbers have a vector only where they are missing.
        used = (missing | ~self.numeric)[..., None]
        tokens = tokens + (self.vectors(vector) * used)[:, self.columns].sum(2)
        return self.norm(tokens)

    @torch.no_grad()
    def start_from(self, stem):
        """Copy the scale of the stem's tokens only."""
        stem.scale_to(self.norm)


class WordEmbed(nn.Module):
    """Word vectors of a text backbone with ``n_words`` words, of width ``dim``."""

    def __init__(self, n_words, grid, dim):
        super().__init__()
        self.grid, self.dim = tuple(grid), dim
        self.table = nn.Embedding(n_words, dim)

    def forward(self, words):
        """Embed word ids (B, N), int64, as tokens (B, N, D)."""
        return self.table(words)

    @torch.no_grad()
    def start_from(self, stem):
        """Copy the word vectors of ``stem``."""
        self.table.load_state_dict(stem.table.state_dict())

    @torch.no_grad()
    def scale_to(self, norm):
        """Give the outputs of a LayerNorm the scale of the word vectors."""
        norm.weight.fill_(self.table.weight.square().mean().sqrt())
        norm.bias.zero_()


class MaskToken(nn.Module):
    """A single learned token of width ``dim``, repeated over the token grid."""

    def __init__(self, grid, dim):
        super().__init__()
        self.n_tokens = math.prod(grid)
        self.token = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        """Return B times the same tokens, (B, N, D); only the length of x is used."""
        return self.token.expand(len(x), self.n_tokens, -1)

    def start_from(self, stem):
        """Do nothing: the token starts at zero."""


def embedder(input_shape, stem, cardinalities=None):
    """Build the embedder for samples (F,), (C, L) or (C, H, W).

    The backbone's ``stem``, an ``ImageEmbed``, ``WordEmbed`` or ``WaveEmbed``,
    determines grid, width and patch; ``start_from`` copies its weights.
    """
    shape, patch = tuple(input_shape), getattr(stem, "patch", PATCH)
    if len(shape) == 1:
        return TableEmbed(shape, stem.grid, stem.dim, cardinalities)
    if len(shape) == 2 and isinstance(stem, WaveEmbed):
        return LevelWaveEmbed(shape, stem.grid, stem.dim)
    if len(shape) == 2:
        return SignalEmbed(shape, stem.grid, stem.dim, patch)
    norm = not isinstance(getattr(stem, "norm", None), nn.Identity)
    return ImageEmbed(shape, stem.grid, stem.dim, patch, norm)


def value_embedder(length, stem):
    """Build an embedder of single-channel signals (1, L) whose weights are the stem's.

    ``start_from`` sets them; for the stem of a text backbone they stay random.
    """
    if isinstance(stem, WaveEmbed):
        return WaveEmbed((1, length), stem.grid, stem.dim)
    return ValueEmbed((1, length), stem.grid, stem.dim, getattr(stem, "patch", PATCH))
