"""From features of a body to values or classes of every pixel or sample."""

import torch
import torch.nn.functional as F
from torch import nn

from sklearn_pare.nn.heads import DenseHead
from sklearn_pare.nn.linear import resample

_WIDTH, _MAX_WIDTH = 32, 128
# The coarsest level has sides of at least this many places.
_COARSEST = 8
_NECK = 64


def stages(body, tokens):
    """Features (B, h, w, E) of each stage of a body, finest first.

    A body without stages has one: its features, on a grid of the aspect of its tokens.
    """
    if hasattr(body, "stages"):
        return body.stages(tokens)
    features = body(tokens)
    shrink = (features.shape[1] / tokens.shape[1]) ** 0.5
    return [features.unflatten(1, (round(body.grid[0] * shrink), -1))]


def _conv(n_axes, *args, **kwargs):
    return (nn.Conv1d if n_axes == 1 else nn.Conv2d)(*args, **kwargs)


class _Block(nn.Module):
    """Two convolutions with a shortcut."""

    def __init__(self, n_axes, n_in, n_out):
        super().__init__()
        self.first = _conv(n_axes, n_in, n_out, 3, padding=1)
        self.second = _conv(n_axes, n_out, n_out, 3, padding=1)
        self.norms = nn.ModuleList(nn.GroupNorm(8, n_out) for _ in range(2))
        self.shortcut = _conv(n_axes, n_in, n_out, 1)

    def forward(self, x):
        """Fields (B, n_in, ...) -> (B, n_out, ...)."""
        hidden = F.gelu(self.norms[0](self.first(x)))
        return F.gelu(self.shortcut(x) + self.norms[1](self.second(hidden)))


class DenseDecoder(nn.Module):
    """A U-shaped decoder around a body.

    Features of all stages of the body are painted on the token grid and join, at the
    coarsest level, what convolutions saw of the row itself; finer levels take the
    row's own details from the way down (Ronneberger et al., "U-Net", MICCAI 2015).
    The row is seen with its coordinates and, where there is a linear path, with what
    that path predicts.

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
    """

    def __init__(self, input_shape, output_shape, dims, patches, linear):
        super().__init__()
        channels, *size = input_shape
        n_outputs, *self.output_size = output_shape
        self.size, n_axes = tuple(size), len(size)
        self.neck = DenseHead(dims, patches, _NECK)
        self.sizes = [self.size]
        while min(self.sizes[-1]) >= 2 * _COARSEST:
            self.sizes.append(tuple(-(-side // 2) for side in self.sizes[-1]))
        widths = [min(_WIDTH * 2**i, _MAX_WIDTH) for i in range(len(self.sizes))]
        axes = [torch.linspace(-1, 1, side) for side in self.size]
        grid = torch.stack(torch.meshgrid(*axes, indexing="ij"))
        self.register_buffer("grid", grid, persistent=False)
        n_seen = channels + n_axes + n_outputs * linear
        self.down = nn.ModuleList(
            _Block(n_axes, n_in, width)
            for n_in, width in zip([n_seen, *widths], widths, strict=False)
        )
        # Ways up: from the neck, then from each level to the finer one.
        coarser = [*widths[1:], _NECK]
        self.up = nn.ModuleList(
            _Block(n_axes, below + width, width)
            for below, width in zip(coarser, widths, strict=True)
        )
        self.read = _conv(n_axes, widths[0], n_outputs, 1)

    def start_at_zero(self):
        """Put out zeros until trained."""
        nn.init.zeros_(self.read.weight)

    def forward(self, maps, x, offset=None):
        """Stages of the body and rows (B, C, ...) -> outputs (B, K, ...)."""
        seen = [x, self.grid.expand(len(x), *self.grid.shape)]
        if offset is not None:
            seen.append(resample(offset, self.size))
        fine = []
        field = torch.cat(seen, 1)
        for size, block in zip(self.sizes, self.down, strict=True):
            field = block(resample(field, size))
            fine.append(field)
        field = self.neck(maps)
        if x.ndim == 3:
            # Pieces of a signal lie on the token grid row by row.
            field = field.flatten(2)
        for size, own, block in reversed(
            list(zip(self.sizes, fine, self.up, strict=True))
        ):
            field = block(torch.cat([resample(field, size), own], 1))
        return resample(self.read(field), self.output_size)


def hide(x, index, grid):
    """Rows (B, C, ...) with zeros where tokens `index` (B, k) of them were replaced."""
    seen = x.new_ones(len(x), grid[0] * grid[1]).scatter(1, index, 0.0)[:, None]
    if x.ndim == 4:
        seen = seen.unflatten(2, grid)
    return x * F.interpolate(seen, x.shape[2:], mode="nearest")
