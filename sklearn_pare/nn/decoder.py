"""A decoder from the features of a backbone to outputs at every position."""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import nn

from sklearn_pare.nn.heads import DenseHead
from sklearn_pare.nn.linear_path import resample

# Channels at the finest level, and largest multiple of them at coarser ones, for
# signals and for images. Narrow networks take more steps in the same time.
_WIDTHS = (32, 1), (24, 4)
# The coarsest level has at least so many positions, and so many blocks.
_COARSEST, _DEPTHS = (256, 64), (4, 2)
# The learned filters pass this many of the lowest frequencies of a signal.
_MODES = 64


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


class Spectral(nn.Module):
    """Learned linear filter of the lowest frequencies of a signal, the mean included.

    This is the layer of Fourier neural operators (Li et al., "Fourier Neural Operator
    for Parametric Partial Differential Equations", ICLR 2021), with a product of
    matrices in place of the FFT, which is as fast at these lengths.
    """

    def __init__(self, width, n_modes, length):
        super().__init__()
        # Real and imaginary parts.
        self.weight = nn.Parameter(torch.empty(n_modes, 2, width, width))
        # Computed even if the model is built on the meta device.
        with torch.device("cpu"):
            modes = torch.arange(n_modes)
            turns = torch.arange(length)[:, None] * modes % length
            angle = turns.double() * (2 * math.pi / length)
            waves = torch.cat([angle.cos(), -angle.sin()], 1) / length**0.5
            # All frequencies but the mean and the highest stand for two.
            pairs = torch.where(2 * modes % length == 0, 1.0, 2.0).repeat(2)
        self.register_buffer("waves", waves.float(), persistent=False)
        self.register_buffer("back", (waves * pairs).T.float(), persistent=False)

    def forward(self, x):
        """Map signals (B, D, L) to signals (B, D, L) in float32."""
        with torch.autocast(x.device.type, enabled=False):
            # Matrices of each frequency lie in one piece, also in the backward pass:
            # otherwise a product takes them one by one, and twice as long.
            spectrum = (x.float() @ self.waves).unflatten(2, (2, -1))
            spectrum = spectrum.permute(3, 0, 2, 1).flatten(2)
            real, imaginary = self.weight.unbind(1)
            weight = torch.cat(
                [torch.cat([real, imaginary], 2), torch.cat([-imaginary, real], 2)], 1
            )
            passed = torch.bmm(spectrum, weight).unflatten(2, (2, -1))
            return passed.permute(1, 3, 2, 0).flatten(2) @ self.back


class Block(nn.Module):
    """Residual block: a normalised field, a convolution, GELU, and a convolution.

    A ``spectral`` filter may be parallel to the first convolution.
    """

    def __init__(self, n_axes, width, spectral=None):
        super().__init__()
        # With a filter, only large fields are normalised: in laws that are not linear,
        # the amplitude of a small one says how it changes.
        self.norm = nn.GroupNorm(8, width, eps=1e-5 if spectral is None else 1.0)
        self.local = convolution(n_axes, width, width, 3, padding=1)
        self.spectral = spectral
        # With a filter, the second convolution is a linear map of the channels.
        side = 3 if spectral is None else 1
        self.mix = convolution(n_axes, width, width, side, padding=side // 2)

    def forward(self, x):
        """Map fields (B, D, ...) to fields (B, D, ...)."""
        read = self.norm(x)
        made = self.local(read)
        if self.spectral is not None:
            made = made + self.spectral(read)
        return x + self.mix(F.gelu(made))


class DenseDecoder(nn.Module):
    """U-shaped neural operator, with a backbone that helps.

    The encoder of this U-Net (Ronneberger et al., MICCAI 2015) reads the sample itself,
    its coordinates and, if there is a linear path, the predictions of that path. At
    the coarsest level the features of all stages of the backbone are added, multiplied
    by a learned ``share`` of each channel, which is 0 at first. On signals, the blocks
    of the coarsest level are layers of a Fourier neural operator; signals of less than
    512 positions have no other level.

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
    # Factor on the initial weights: residual branches that start small learn faster.
    gain = 0.5

    def __init__(self, input_shape, output_shape, dims, patches, linear):
        super().__init__()
        channels, *size = input_shape
        n_outputs, *self.output_size = output_shape
        self.size, n_axes = tuple(size), len(size)
        (width, most), coarsest = _WIDTHS[n_axes - 1], _COARSEST[n_axes - 1]
        n_levels, n_positions = 1, math.prod(self.size)
        while n_positions >= 2**n_axes * coarsest and min(self.size) >= 2**n_levels:
            n_levels, n_positions = n_levels + 1, n_positions // 2**n_axes
        widths = [width * min(2**level, most) for level in range(n_levels)]
        pairs = list(itertools.pairwise(widths))
        n_read = channels + n_axes + n_outputs * linear
        self.first = convolution(n_axes, n_read, width, 3, padding=1)
        self.down = nn.ModuleList(Block(n_axes, fine) for fine, _ in pairs)
        self.halve = nn.ModuleList(
            convolution(n_axes, fine, coarse, 3, stride=2, padding=1)
            for fine, coarse in pairs
        )
        self.neck = DenseHead(dims, patches, widths[-1])
        self.share = nn.Parameter(torch.zeros(widths[-1]))
        self.middle = nn.Sequential(
            *(self._coarse(widths[-1], n_levels) for _ in range(_DEPTHS[n_axes - 1]))
        )
        self.lift = nn.ModuleList(
            convolution(n_axes, coarse, fine, 1) for fine, coarse in reversed(pairs)
        )
        self.up = nn.ModuleList(Block(n_axes, fine) for fine, _ in reversed(pairs))
        # A normalisation here would hide how large the field of a sample is.
        self.widen = convolution(n_axes, width, 2 * width, 1)
        self.read = convolution(n_axes, 2 * width, n_outputs, 1)

    def _coarse(self, width, n_levels):
        """Return a block of the coarsest level."""
        spectral = None
        if len(self.size) == 1:
            # Strides round up.
            length = math.ceil(self.size[0] / 2 ** (n_levels - 1))
            spectral = Spectral(width, min(_MODES, length // 2 + 1), length)
        return Block(len(self.size), width, spectral)

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
        """Map stages of the backbone and samples (B, C, ...) to outputs (B, K, ...).

        Without any stage, the outputs are those of a share of 0.
        """
        axes = [torch.linspace(-1, 1, side, device=x.device) for side in self.size]
        grid = torch.stack(torch.meshgrid(*axes, indexing="ij"))
        read = [x, grid.expand(x.shape[0], *grid.shape)]
        if offset is not None:
            read.append(resample(offset, self.size))
        field, fine = self.first(torch.cat(read, 1)), []
        for block, halve in zip(self.down, self.halve, strict=True):
            fine.append(block(field))
            field = halve(fine[-1])
        if maps:
            features = self.neck(maps)
            if x.ndim == 3:
                # The windows of a signal fill the token grid line by line.
                features = features.flatten(2)
            share = self.share.reshape(-1, *[1] * len(self.size))
            field = field + share * resample(features, field.shape[2:])
        field = self.middle(field)
        for lift, block in zip(self.lift, self.up, strict=True):
            skipped = fine.pop()
            field = block(skipped + F.interpolate(lift(field), skipped.shape[2:]))
        # The output layer runs in full precision, even if the convolutions do not.
        with torch.autocast(x.device.type, enabled=False):
            outputs = self.read(F.gelu(self.widen(field.to(x.dtype))))
        return resample(outputs, self.output_size)


def hide(x, index, grid):
    """Return samples (B, C, ...) with zeros at the tokens ``index`` (B, k)."""
    kept = x.new_ones(len(x), grid[0] * grid[1]).scatter(1, index, 0.0)[:, None]
    if x.ndim == 4:
        kept = kept.unflatten(2, grid)
    return x * F.interpolate(kept, x.shape[2:], mode="nearest")
