"""A decoder from the features of a backbone to outputs at every position."""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import nn

from sklearn_pare.nn.heads import DenseHead
from sklearn_pare.nn.linear_path import resample

_WIDTH, _MAX_WIDTH = 32, 128
# The coarsest level has at least as many positions as "pare-tiny" has tokens.
_COARSEST = 64
_NECK = 64
# The learned filter passes this many of the lowest frequencies of a signal.
_MODES = 12


def stages(backbone, tokens):
    """Return the features (B, h, w, E) of each stage of a backbone, finest first.

    A backbone that defines no stages has a single one: its output, on a grid with the
    aspect ratio of its token grid.
    """
    if hasattr(backbone, "stages"):
        return backbone.stages(tokens)
    features = backbone(tokens)
    shrink = (features.shape[1] / tokens.shape[1]) ** 0.5
    return [features.unflatten(1, (round(backbone.grid[0] * shrink), -1))]


def convolution(n_axes, *args, **kwargs):
    """Return a convolution over one or two axes."""
    return (nn.Conv1d if n_axes == 1 else nn.Conv2d)(*args, **kwargs)


class Block(nn.Module):
    """Residual block of two convolutions, each after group normalisation and GELU.

    It maps ``n_in`` channels to ``n_out`` channels of fields with 1 or 2 axes.
    """

    def __init__(self, n_axes, n_in, n_out):
        super().__init__()
        self.layers = nn.Sequential(
            nn.GroupNorm(8, n_in),
            nn.GELU(),
            convolution(n_axes, n_in, n_out, 3, padding=1),
            nn.GroupNorm(8, n_out),
            nn.GELU(),
            convolution(n_axes, n_out, n_out, 3, padding=1),
        )
        same = n_in == n_out
        self.short = nn.Identity() if same else convolution(n_axes, n_in, n_out, 1)

    def forward(self, x):
        """Map fields (B, n_in, ...) to fields (B, n_out, ...)."""
        return self.short(x) + self.layers(x)


class Spectral(nn.Module):
    """Learned linear filter of the ``n_modes`` lowest frequencies, the mean included.

    This is the layer of Fourier neural operators (Li et al., "Fourier Neural Operator
    for Parametric Partial Differential Equations", ICLR 2021).
    """

    def __init__(self, n_in, n_out, n_modes):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_modes, n_in, n_out, 2))

    def forward(self, x):
        """Map signals (B, n_in, L) to signals (B, n_out, L) in float32."""
        with torch.autocast(x.device.type, enabled=False):
            spectrum = torch.fft.rfft(x.float(), norm="ortho")
            weight = torch.view_as_complex(self.weight)
            passed = spectrum[..., : len(weight)]
            passed = torch.einsum("bim,mio->bom", passed, weight)
            return torch.fft.irfft(passed, x.shape[-1], norm="ortho")


class SpectralBlock(Block):
    """A ``Block`` for signals, with a ``Spectral`` filter in parallel."""

    def __init__(self, n_in, n_out, n_modes):
        super().__init__(1, n_in, n_out)
        self.spectral = Spectral(n_in, n_out, n_modes)

    def forward(self, x):
        """Map signals (B, n_in, L) to signals (B, n_out, L)."""
        return super().forward(x) + self.spectral(x)


class DenseDecoder(nn.Module):
    """U-shaped decoder around a backbone.

    The encoder of this U-Net (Ronneberger et al., MICCAI 2015) reads the sample itself,
    its coordinates and, if there is a linear path, the predictions of that path. At
    the coarsest level the features of all stages of the backbone join in. On signals,
    a spectral filter at the finest level connects every position with every other.
    Images have no such filter: it would need many more weights, and it fitted
    training samples better but others worse.

    Parameters
    ----------
    input_shape, output_shape : tuple of int
        (C, L) and (K, L), or (C, H, W) and (K, H, W). If the sizes differ, outputs are
        interpolated.
    dims, patches : sequence of int
        For each stage, the width of a feature, and the side, in tokens, of the square
        that it represents, or height and width.
    linear : bool
        Whether there is a linear path.
    """

    # Factor on the learning rate: freshly initialised convolutions take larger steps
    # than a pretrained backbone.
    lr_scale = 3.0

    def __init__(self, input_shape, output_shape, dims, patches, linear):
        super().__init__()
        channels, *size = input_shape
        n_outputs, *self.output_size = output_shape
        self.size, n_axes = tuple(size), len(size)
        self.neck = DenseHead(dims, patches, _NECK)
        n_levels, n_positions = 1, math.prod(self.size)
        while n_positions >= 2**n_axes * _COARSEST and min(self.size) >= 2**n_levels:
            n_levels, n_positions = n_levels + 1, n_positions // 2**n_axes
        widths = [min(_WIDTH * 2**level, _MAX_WIDTH) for level in range(n_levels)]
        pairs = list(itertools.pairwise(widths))
        n_read = channels + n_axes + n_outputs * linear
        self.first = convolution(n_axes, n_read, _WIDTH, 3, padding=1)
        n_modes = min(_MODES, self.size[0] // 2 + 1)

        def block(level, n_in, n_out):
            if n_axes == 1 and level == 0:
                return SpectralBlock(n_in, n_out, n_modes)
            return Block(n_axes, n_in, n_out)

        self.down = nn.ModuleList(
            block(level, fine, fine) for level, (fine, _) in enumerate(pairs)
        )
        self.halve = nn.ModuleList(
            convolution(n_axes, fine, coarse, 3, stride=2, padding=1)
            for fine, coarse in pairs
        )
        self.middle = nn.Sequential(
            Block(n_axes, widths[-1] + _NECK, widths[-1]),
            Block(n_axes, widths[-1], widths[-1]),
        )
        self.up = nn.ModuleList(
            block(level, fine + coarse, fine)
            for level, (fine, coarse) in reversed(list(enumerate(pairs)))
        )
        self.norm = nn.GroupNorm(8, _WIDTH)
        self.read = convolution(n_axes, _WIDTH, n_outputs, 1)

    @torch.no_grad()
    def scale(self, factor):
        """Multiply the output layer, and with it all outputs, by a number."""
        for parameter in self.read.parameters():
            parameter *= factor

    @torch.no_grad()
    def start_at(self, outputs):
        """Set the bias to ``outputs`` (K,), so that training starts from these values.

        Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, start rare
        classes in this way.
        """
        self.read.bias.copy_(outputs)

    def forward(self, maps, x, offset=None):
        """Map stages of the backbone and samples (B, C, ...) to outputs (B, K, ...)."""
        axes = [torch.linspace(-1, 1, side, device=x.device) for side in self.size]
        grid = torch.stack(torch.meshgrid(*axes, indexing="ij"))
        read = [x, grid.expand(x.shape[0], *grid.shape)]
        if offset is not None:
            read.append(resample(offset, self.size))
        field, fine = self.first(torch.cat(read, 1)), []
        for block, halve in zip(self.down, self.halve, strict=True):
            fine.append(block(field))
            field = halve(fine[-1])
        features = self.neck(maps)
        if x.ndim == 3:
            # The windows of a signal fill the token grid line by line.
            features = features.flatten(2)
        features = resample(features, field.shape[2:])
        field = self.middle(torch.cat([field, features], 1))
        for block in self.up:
            skipped = fine.pop()
            field = F.interpolate(field, skipped.shape[2:])
            field = block(torch.cat([skipped, field], 1))
        # The output layer runs in full precision, even if the convolutions do not.
        with torch.autocast(x.device.type, enabled=False):
            outputs = self.read(F.gelu(self.norm(field.to(x.dtype))))
        return resample(outputs, self.output_size)


def hide(x, index, grid):
    """Return samples (B, C, ...) with zeros at the tokens ``index`` (B, k)."""
    kept = x.new_ones(len(x), grid[0] * grid[1]).scatter(1, index, 0.0)[:, None]
    if x.ndim == 4:
        kept = kept.unflatten(2, grid)
    return x * F.interpolate(kept, x.shape[2:], mode="nearest")
