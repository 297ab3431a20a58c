"""The linear path: from raw rows to outputs, beside embedder, backbone and head.

Its weights are set in closed form or by a convex fit (see `sklearn_pare.training.linear_path`), not
by the training loop, so they are buffers.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

# Numbers of a row, in and out, that a linear path connects; more are pooled.
_MOST = 2048
# Numbers that matrix products take at once.
_WIDTH = 16


class ColumnFeatures(nn.Module):
    """Columns of a table as a linear model wants them.

    A missing number becomes 0, the mean, beside a 1 in a column of its own; a category
    becomes its indicator, of which all are 0 where it is missing or unknown.

    Parameters
    ----------
    cardinalities : sequence of int
        Number of categories of each column; 0 for a column of numbers.
    """

    def __init__(self, cardinalities):
        super().__init__()
        # Positions, which are computed even where weights are an outline alone.
        with torch.device("cpu"):
            sizes = torch.tensor(cardinalities)
            numeric = (sizes == 0).nonzero()[:, 0]
            columns = torch.arange(len(sizes)).repeat_interleave(sizes)
            codes = [torch.arange(size) for size in cardinalities if size]
            codes = torch.cat([torch.arange(0), *codes])
        self.register_buffer("numeric", numeric, persistent=False)
        self.register_buffer("columns", columns, persistent=False)
        self.register_buffer("codes", codes, persistent=False)
        self.n_features = 2 * len(self.numeric) + len(codes)

    def forward(self, x):
        """Rows (B, F) -> features (B, n_features)."""
        numbers = x[:, self.numeric]
        indicators = (x[:, self.columns] == self.codes).float()
        missing = numbers.isnan().float()
        return torch.cat([numbers.nan_to_num(0.0), missing, indicators], 1)


class PooledNumbers(nn.Module):
    """The numbers of a signal or field, averaged over cells where there are too many.

    Parameters
    ----------
    input_shape : tuple of int
        (C, L) or (C, H, W) of one row.
    """

    def __init__(self, input_shape):
        super().__init__()
        self.size = pooled_size(input_shape)
        self.n_features = input_shape[0] * math.prod(self.size)

    def forward(self, x):
        """Rows (B, C, ...) -> features (B, n_features)."""
        return pool(x, self.size).flatten(1)


def pooled_size(shape):
    """Sides of a field of `shape` (C, ...) pooled to what a linear path connects."""
    channels, *size = shape
    shrink = (channels * math.prod(size) / _MOST) ** (1 / len(size))
    return tuple(max(1, min(s, int(s / shrink))) for s in size)


def pool(x, size):
    """Fields (B, C, ...) -> (B, C, *size), averages over cells."""
    if x.shape[2:] == size:
        return x
    return (F.adaptive_avg_pool1d if x.ndim == 3 else F.adaptive_avg_pool2d)(x, size)


def resample(x, size):
    """Fields (B, C, ...) -> (B, C, *size), linear in between."""
    if x.shape[2:] == tuple(size):
        return x
    return F.interpolate(x, tuple(size), mode="linear" if x.ndim == 3 else "bilinear")


class LinearPath(nn.Module):
    """One linear map of features of the raw row.

    Parameters
    ----------
    features : torch.nn.Module
        Rows (B, ...) -> features (B, n_features), with that attribute.
    output_shape : tuple of int
        (K,) of a row, or (K, L) or (K, H, W) of a dense target. Dense outputs of more
        than a few thousand numbers are made on a coarser grid and interpolated.
    """

    def __init__(self, features, output_shape):
        super().__init__()
        self.features = features
        self.size = tuple(output_shape[1:])
        self.shape = (output_shape[0],)
        if self.size:
            self.shape += pooled_size(output_shape)
        n_outputs = math.prod(self.shape)
        self.register_buffer("weight", torch.zeros(n_outputs, features.n_features))
        self.register_buffer("bias", torch.zeros(n_outputs))

    def forward(self, x):
        """Rows (B, ...) -> outputs (B, K, ...)."""
        features = self.features(x)
        # At odd widths the last bits of a row depend on its place in the batch.
        spare = (0, -features.shape[1] % _WIDTH)
        weight = F.pad(self.weight, spare)
        return self.unfold(F.linear(F.pad(features, spare), weight, self.bias))

    @torch.no_grad()
    def zoom(self, factor):
        """Put outputs out in units larger by `factor` (K,), one for each channel."""
        factor = factor.repeat_interleave(len(self.bias) // len(factor))
        self.weight /= factor[:, None]
        self.bias /= factor

    def fold(self, y):
        """Targets (B, K, ...) -> the numbers (B, n_outputs) that the map makes."""
        return pool(y, self.shape[1:]).flatten(1) if self.size else y

    def unfold(self, outputs):
        """Numbers (B, n_outputs) -> outputs (B, K, ...)."""
        outputs = outputs.unflatten(1, self.shape)
        return resample(outputs, self.size) if self.size else outputs
