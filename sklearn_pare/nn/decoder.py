"""From features of a backbone to values or classes of every pixel or sample."""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import nn

from sklearn_pare.nn.heads import DenseHead
from sklearn_pare.nn.linear_path import resample

_WIDTH, _MAX_WIDTH = 32, 128
# The coarsest level has at least as many places as "pare-tiny" has tokens.
_COARSEST = 64
_NECK = 64
# Frequencies of a signal, from the lowest, that a learned filter passes.
_MODES = 12


def stages(backbone, tokens):
    """Features (B, h, w, E) of each stage of a backbone, finest first.

    A backbone without stages has one: its features, on a grid of the aspect of its tokens.
    """
    if hasattr(backbone, "stages"):
        return backbone.stages(tokens)
    features = backbone(tokens)
    shrink = (features.shape[1] / tokens.shape[1]) ** 0.5
    return [features.unflatten(1, (round(backbone.grid[0] * shrink), -1))]


def convolution(n_axes, *args, **kwargs):
    """A convolution over one or two axes."""
    return (nn.Conv1d if n_axes == 1 else nn.Conv2d)(*args, **kwargs)


class Block(nn.Module):
    """Two convolutions, each after a norm and GELU, and a short cut around them.

    Parameters
    ----------
    n_axes : {1, 2}
        Axes of the fields.
    n_in, n_out : int
        Channels.
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
        """Fields (B, n_in, ...) -> (B, n_out, ...)."""
        return self.short(x) + self.layers(x)


class Spectral(nn.Module):
    """A learned linear filter of the lowest frequencies of a signal.

    The layer of Fourier neural operators (Li et al., "Fourier Neural Operator for
    Parametric Partial Differential Equations", ICLR 2021).

    Parameters
    ----------
    n_in, n_out : int
        Channels.
    n_modes : int
        Frequencies that pass, the mean included.
    """

    def __init__(self, n_in, n_out, n_modes):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_modes, n_in, n_out, 2))

    def forward(self, x):
        """Signals (B, n_in, L) -> (B, n_out, L), float32."""
        with torch.autocast(x.device.type, enabled=False):
            spectrum = torch.fft.rfft(x.float(), norm="ortho")
            weight = torch.view_as_complex(self.weight)
            passed = spectrum[..., : len(weight)]
            passed = torch.einsum("bim,mio->bom", passed, weight)
            return torch.fft.irfft(passed, x.shape[-1], norm="ortho")


class SpectralBlock(Block):
    """A `Block` of signals with a `Spectral` filter beside its convolutions."""

    def __init__(self, n_in, n_out, n_modes):
        super().__init__(1, n_in, n_out)
        self.spectral = Spectral(n_in, n_out, n_modes)

    def forward(self, x):
        """Signals (B, n_in, L) -> (B, n_out, L)."""
        return super().forward(x) + self.spectral(x)


class DenseDecoder(nn.Module):
    """A U-shaped decoder around a backbone.

    Features of all stages of the backbone are painted on the token grid and join, at the
    coarsest level, what convolutions saw of the row itself; finer levels take the
    row's own details from the way down (Ronneberger et al., "U-Net", MICCAI 2015).
    The row is seen with its coordinates and, where there is a linear path, with what
    that path predicts. Along a signal the finest level sees all of the row at once, by
    a filter of its lowest frequencies. In two dimensions, where so many frequencies
    make many more weights, such filters fitted training rows better and others worse.

    Parameters
    ----------
    input_shape : tuple of int
        (C, L) or (C, H, W) of one row.
    output_shape : tuple of int
        (K, L) or (K, H, W); sizes other than those of the row are interpolated.
    dims : sequence of int
        Width of a feature, stage by stage.
    patches : sequence of int
        Side of the square of tokens that a feature of each stage stands for.
    linear : bool
        Whether there is a linear path.

    Attributes
    ----------
    lr_scale : float
        Factor on the learning rate: convolutions from fresh weights take larger steps
        than a pretrained backbone.
    """

    lr_scale = 3.0

    def __init__(self, input_shape, output_shape, dims, patches, linear):
        super().__init__()
        channels, *size = input_shape
        n_outputs, *self.output_size = output_shape
        self.size, n_axes = tuple(size), len(size)
        self.neck = DenseHead(dims, patches, _NECK)
        n_levels, n_places = 1, math.prod(self.size)
        while n_places >= 2**n_axes * _COARSEST and min(self.size) >= 2**n_levels:
            n_levels, n_places = n_levels + 1, n_places // 2**n_axes
        widths = [min(_WIDTH * 2**level, _MAX_WIDTH) for level in range(n_levels)]
        pairs = list(itertools.pairwise(widths))
        n_seen = channels + n_axes + n_outputs * linear
        self.first = convolution(n_axes, n_seen, _WIDTH, 3, padding=1)
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
        """Multiply all outputs, also those to come, by a number."""
        for parameter in self.read.parameters():
            parameter *= factor

    @torch.no_grad()
    def start_at(self, outputs):
        """Begin with `outputs` (K,) in every place.

        As the prior of rare classes in Lin et al., "Focal Loss for Dense Object
        Detection", ICCV 2017.
        """
        self.read.bias.copy_(outputs)

    def forward(self, maps, x, offset=None):
        """Stages of the backbone and rows (B, C, ...) -> outputs (B, K, ...)."""
        axes = [torch.linspace(-1, 1, side, device=x.device) for side in self.size]
        grid = torch.stack(torch.meshgrid(*axes, indexing="ij"))
        seen = [x, grid.expand(len(x), *grid.shape)]
        if offset is not None:
            seen.append(resample(offset, self.size))
        field, fine = self.first(torch.cat(seen, 1)), []
        for block, halve in zip(self.down, self.halve, strict=True):
            fine.append(block(field))
            field = halve(fine[-1])
        features = self.neck(maps)
        if x.ndim == 3:
            # Windows of a signal lie on the token grid row by row.
            features = features.flatten(2)
        features = resample(features, field.shape[2:])
        field = self.middle(torch.cat([field, features], 1))
        for block in self.up:
            own = fine.pop()
            field = F.interpolate(field, own.shape[2:])
            field = block(torch.cat([own, field], 1))
        # Values in full precision, whatever the convolutions run in.
        with torch.autocast(x.device.type, enabled=False):
            read = self.read(F.gelu(self.norm(field.to(x.dtype))))
        return resample(read, self.output_size)


def hide(x, index, grid):
    """Rows (B, C, ...) with zeros where tokens `index` (B, k) of them were replaced."""
    seen = x.new_ones(len(x), grid[0] * grid[1]).scatter(1, index, 0.0)[:, None]
    if x.ndim == 4:
        seen = seen.unflatten(2, grid)
    return x * F.interpolate(seen, x.shape[2:], mode="nearest")
