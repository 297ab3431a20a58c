"""From rows to tokens: images (B, C, H, W), signals (B, C, L), tables (B, F).

Every embedder brings a row of any size to the token grid of the backbone, and its tokens to
the scale of the backbone's own stem, so that tokens of all modalities, source included,
have one scale.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from sklearn_pare.nn.kernels import DilatedKernels

# Patch size of the stem that images of formulas were pretrained with.
PATCH = 4
# Large inputs get larger patches up to this, before they lose samples.
MAX_PATCH = 16
# Features and dilations of the kernels that a token of a signal is made of.
_TOKEN_KERNELS = 500, 6
# Bins of a number in a table; narrower ones are steps.
_BINS, _NARROW = 8, 1e-6


class ImageEmbed(nn.Module):
    """Non-overlapping patches of an image or field, one token a patch.

    The image is resized to a whole number of patches: small images are enlarged to
    `patch` pixels a token, large ones get larger patches instead of fewer pixels, up
    to `MAX_PATCH`.

    Parameters
    ----------
    input_shape : tuple of int
        (C, H, W) of one row.
    grid : tuple of int
        Tokens along height and width.
    dim : int
        Width of a token.
    patch : int, default=4
        Pixels along a side of a patch, at least.
    norm : bool, default=True
        Whether a LayerNorm follows, as in a Swin transformer; a ViT has none.
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
        """Images (B, C, H, W) -> tokens (B, N, D)."""
        if x.shape[-2:] != self.size:
            x = F.interpolate(x, self.size, mode="bilinear", antialias=True)
        return self.norm(self.proj(x).flatten(2).transpose(1, 2))

    @torch.no_grad()
    def start_from(self, stem):
        """Take the weights of `stem`, resized to this patch and channel count.

        Channels repeat the stem's and are scaled by 3/C, patches are interpolated at
        constant sum, so the response to a smooth input keeps its scale. Of a stem of
        words only the scale is taken.
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
        """Make a LayerNorm put out tokens as long as those of this embedder."""
        if isinstance(self.norm, nn.LayerNorm):
            norm.load_state_dict(self.norm.state_dict())
            return
        # Expected square of a token of white noise.
        square = self.proj.weight.flatten(1).square().sum(1) + self.proj.bias.square()
        norm.weight.fill_(square.mean().sqrt())
        norm.bias.zero_()


def _inflate(weight, channels):
    """Kernels (D, c, ...) -> (D, C, ...): repeated, with the sum over channels kept."""
    own = weight.shape[1]
    if channels == 1:
        return weight.sum(1, keepdim=True)
    return weight[:, torch.arange(channels) % own] * (own / channels)


class SignalEmbed(nn.Module):
    """Windows of a signal, one token a window.

    A token is what two views of the signal say of its window: consecutive samples,
    as a backbone of images would see them, and the shares of time at which kernels of
    all dilations respond, as in MiniRocket. A signal of any length fills the grid.

    Parameters
    ----------
    input_shape : tuple of int
        (C, L) of one row.
    grid : tuple of int
        The backbone's token grid; windows fill it row by row.
    dim : int
        Width of a token.
    patch : int, default=4
        Samples of a window, at least.
    """

    def __init__(self, input_shape, grid, dim, patch=PATCH):
        super().__init__()
        channels, length = input_shape
        self.n_tokens = math.prod(grid)
        piece = max(math.ceil(length / self.n_tokens), patch)
        # Resampled to whole pieces instead of padded: every token carries signal.
        self.length = piece * self.n_tokens
        self.proj = nn.Conv1d(channels, dim, kernel_size=piece, stride=piece)
        self.kernels = DilatedKernels(channels, length, *_TOKEN_KERNELS)
        self.shares = nn.Linear(self.kernels.n_features, dim)
        self.norm = nn.LayerNorm(dim)

    def fit(self, x):
        """Set the thresholds of the kernels from rows (n, C, L)."""
        self.kernels.fit(x)

    def forward(self, x):
        """Signals (B, C, L) -> tokens (B, N, D)."""
        shares = self.kernels.windows(x, self.n_tokens).transpose(1, 2) - 0.5
        if x.shape[-1] != self.length:
            x = F.interpolate(x, self.length, mode="linear")
        return self.norm(self.proj(x).transpose(1, 2) + self.shares(shares))

    @torch.no_grad()
    def start_from(self, stem):
        """Take the stem's kernels as if the signal were drawn as an image.

        A stem of images sees a signal as stripes, each row of pixels a copy of the
        next: its kernels, summed over their height, are kernels of a signal. Of a stem
        of words only the scale is taken.
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


class TableEmbed(nn.Module):
    """Columns of a table: each token is a learned map of its own few columns.

    With at most N columns a token reads one column, and columns are read several
    times, with different weights, until the grid is full. With more, each token reads
    ceil(F / N) neighbouring columns. A number is read as itself and piecewise linearly
    between quantiles of the training rows (Gorishniy et al., "On Embeddings for
    Numerical Features in Tabular Deep Learning", NeurIPS 2022), a category as a vector
    of its own, and what is missing or unknown as another.

    Parameters
    ----------
    input_shape : tuple of int
        (F,) of one row.
    grid : tuple of int
        The backbone's token grid.
    dim : int
        Width of a token.
    cardinalities : sequence of int, optional
        Categories of each column, 0 for numbers; by default all are numbers.
    """

    def __init__(self, input_shape, grid, dim, cardinalities=None):
        super().__init__()
        (n_columns,) = input_shape
        n_tokens = math.prod(grid)
        group = math.ceil(n_columns / n_tokens)
        cardinalities = cardinalities or [0] * n_columns
        # Positions, which are computed even where weights are an outline alone.
        with torch.device("cpu"):
            columns = torch.arange(n_tokens * group) % n_columns
            sizes = torch.tensor(cardinalities)
            # Rows of the vectors: each column has one for what is missing.
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
        """Set the bins of each column of numbers from rows (n, F)."""
        levels = torch.linspace(0, 1, _BINS + 1, device=x.device)
        # All that these rows have of a column may be missing.
        self.edges.copy_(x.nanquantile(levels, 0).T.nan_to_num(0.0))

    def forward(self, x):
        """Rows (B, F), NaN where nothing is known -> tokens (B, N, D)."""
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
        # Numbers that are known have no vector.
        known = (missing | ~self.numeric)[..., None]
        tokens = tokens + (self.vectors(vector) * known)[:, self.columns].sum(2)
        return self.norm(tokens)

    @torch.no_grad()
    def start_from(self, stem):
        """Take the scale of the stem's tokens; columns get new maps."""
        stem.scale_to(self.norm)


class WordEmbed(nn.Module):
    """The word vectors of a text backbone: numbers of words -> tokens.

    Parameters
    ----------
    n_words : int
    grid : tuple of int
        The backbone's token grid.
    dim : int
        Width of a token.
    """

    def __init__(self, n_words, grid, dim):
        super().__init__()
        self.grid, self.dim = tuple(grid), dim
        self.table = nn.Embedding(n_words, dim)

    def forward(self, words):
        """Word numbers (B, N), int64 -> tokens (B, N, D)."""
        return self.table(words)

    @torch.no_grad()
    def start_from(self, stem):
        """Take the word vectors of `stem`."""
        self.table.load_state_dict(stem.table.state_dict())

    @torch.no_grad()
    def scale_to(self, norm):
        """Make a LayerNorm put out tokens as long as word vectors."""
        norm.weight.fill_(self.table.weight.square().mean().sqrt())
        norm.bias.zero_()


class MaskToken(nn.Module):
    """One learned token in every place: a source that knows nothing.

    Parameters
    ----------
    grid : tuple of int
        The backbone's token grid.
    dim : int
        Width of a token.
    """

    def __init__(self, grid, dim):
        super().__init__()
        self.n_tokens = math.prod(grid)
        self.token = nn.Parameter(torch.zeros(dim))

    def forward(self, rows):
        """Rows (B,) of nothing -> tokens (B, N, D)."""
        return self.token.expand(len(rows), self.n_tokens, -1)

    def start_from(self, stem):
        """Start at zero, whatever the stem."""


def embedder(input_shape, stem, cardinalities=None):
    """The embedder of one kind of rows for the backbone that `stem` belongs to.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one row: (F,), (C, L) or (C, H, W).
    stem : ImageEmbed or WordEmbed
        Gives grid, width and patch; its weights are taken by `start_from`.
    cardinalities : sequence of int, optional
        As in `TableEmbed`.

    Returns
    -------
    module : TableEmbed, SignalEmbed or ImageEmbed
    """
    shape, patch = tuple(input_shape), getattr(stem, "patch", PATCH)
    if len(shape) == 1:
        return TableEmbed(shape, stem.grid, stem.dim, cardinalities)
    if len(shape) == 2:
        return SignalEmbed(shape, stem.grid, stem.dim, patch)
    norm = not isinstance(getattr(stem, "norm", None), nn.Identity)
    return ImageEmbed(shape, stem.grid, stem.dim, patch, norm)
