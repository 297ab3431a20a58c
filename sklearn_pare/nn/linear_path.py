"""The linear path: a linear model of the raw sample, added to the output of the head.

Its weights are buffers, which the training loop leaves alone:
``sklearn_pare.training.linear_path`` fits them beforehand.
"""

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from sklearn_pare.nn.gaps import average
from sklearn_pare.nn.parts import product

# Largest number of inputs, and of outputs, of the linear map; more are pooled.
_MOST = 2048
# Inputs and outputs of the matrix product are padded to a multiple of this.
_WIDTH = 16


class ColumnFeatures(nn.Module):
    """Numeric features of the columns of a table.

    A numeric column gives two features: the number, with missing ones replaced by the
    mean 0, and an indicator of missing numbers. A column of categories gives one
    indicator per category, all 0 where the category is missing or unknown.

    ``cardinalities`` holds the number of categories of each column, 0 for numbers.
    """

    def __init__(self, cardinalities):
        super().__init__()
        # Indices are computed even if the model is built on the meta device.
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
        """Map samples (B, F) to features (B, n_features)."""
        numbers = x[:, self.numeric]
        indicators = (x[:, self.columns] == self.codes).float()
        missing = numbers.isnan().float()
        return torch.cat([numbers.nan_to_num(0.0), missing, indicators], 1)


class PooledNumbers(nn.Module):
    """Values of a signal or field; if there are too many, averages over cells.

    They are NaN where all values are missing.
    """

    def __init__(self, input_shape):
        super().__init__()
        self.size = pooled_size(input_shape)
        self.n_features = input_shape[0] * math.prod(self.size)

    def forward(self, x):
        """Map samples (B, C, ...) to features (B, n_features)."""
        return average(x, partial(pool, size=self.size)).flatten(1)


def pooled_size(shape):
    """Return the size to which the linear path pools a field of shape (C, ...)."""
    channels, *size = shape
    shrink = (channels * math.prod(size) / _MOST) ** (1 / len(size))
    return tuple(max(1, min(s, int(s / shrink))) for s in size)


def pool(x, size):
    """Average fields (B, C, ...) over cells of a grid of ``size``."""
    if x.shape[2:] == size:
        return x
    return (F.adaptive_avg_pool1d if x.ndim == 3 else F.adaptive_avg_pool2d)(x, size)


def resample(x, size):
    """Interpolate fields (B, C, ...) linearly to ``size``."""
    if x.shape[2:] == tuple(size):
        return x
    return F.interpolate(x, tuple(size), mode="linear" if x.ndim == 3 else "bilinear")


class FeatureGroups(nn.ModuleDict):
    """Features of several kinds, each from a module that states its ``n_features``."""

    @property
    def n_features(self):
        """Number of features of all kinds."""
        return sum(group.n_features for group in self.values())

    def fit(self, x):
        """Set what depends on samples (n, ...)."""
        for group in self.values():
            if hasattr(group, "fit"):
                group.fit(x)

    def forward(self, x):
        """Map samples (B, ...) to features (B, n_features)."""
        return torch.cat([group(x) for group in self.values()], 1)


class LinearPath(nn.Module):
    """Linear map of features of the raw sample to outputs (K,), (K, L) or (K, H, W).

    Dense outputs of more than 2048 values are computed on a coarser grid and
    interpolated. ``features`` are a ``FeatureGroups``; those that are NaN, since they
    cannot be computed for a sample with gaps, are replaced by their means.
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
        self.register_buffer("mean", torch.zeros(features.n_features))

    def keep(self, names):
        """Leave out all other groups of features, before the weights are set."""
        for name in self.features.keys() - set(names):
            del self.features[name]
        self.mean = self.mean.new_zeros(self.features.n_features)
        self.weight = self.weight.new_zeros(len(self.bias), len(self.mean))

    def forward(self, x):
        """Map samples (B, ...) to outputs (B, K, ...)."""
        features = self.features(x)
        features = torch.where(features.isnan(), self.mean, features)
        # At other widths the last bits of a sample depend on its place in the batch.
        n_inputs, n_outputs = features.shape[1], len(self.bias)
        inputs, outputs = (0, -n_inputs % _WIDTH), (0, -n_outputs % _WIDTH)
        weight = F.pad(self.weight, inputs + outputs)
        made = product(F.pad(features, inputs), weight, F.pad(self.bias, outputs))
        return self.unfold(made[:, :n_outputs])

    @torch.no_grad()
    def zoom(self, factor):
        """Divide the outputs by ``factor`` (K,), one number for each channel."""
        factor = factor.repeat_interleave(len(self.bias) // len(factor))
        self.weight /= factor[:, None]
        self.bias /= factor

    @torch.no_grad()
    def shift(self, by):
        """Add ``by`` (K,), one number for each channel, to the outputs."""
        self.bias += by.repeat_interleave(len(self.bias) // len(by))

    def fold(self, y):
        """Pool targets (B, K, ...) to the outputs (B, n_outputs) of the linear map."""
        return pool(y, self.shape[1:]).flatten(1) if self.size else y

    def unfold(self, outputs):
        """Interpolate outputs (B, n_outputs) of the linear map to (B, K, ...)."""
        outputs = outputs.unflatten(1, self.shape)
        return resample(outputs, self.size) if self.size else outputs
