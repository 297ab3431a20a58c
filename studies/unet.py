"""UNet in one and two dimensions, trained for a given time: the peer of fields."""

import functools
import itertools
import math
import time

import numpy as np
import torch
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from torch import nn
from torch.nn import functional as F

from sklearn_pare._device import resolve_device
from sklearn_pare.nn.decoder import convolution
from sklearn_pare.nn.losses import relative_l2


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


class UNet(nn.Module):
    """Residual UNet [1]_ with coordinates as additional input.

    Parameters
    ----------
    n_dims : {1, 2}
        Dimensions in space.
    n_in, n_out : int
        Channels. Coordinates in [-1, 1] are added to the input.
    width : int, default=32
        Channels at full resolution; twice as many at each of the next two levels, and
        as many at those below.
    n_levels : int, default=3
        Resolutions, each half of the one above.

    References
    ----------
    .. [1] O. Ronneberger, P. Fischer, T. Brox. U-Net: convolutional networks for
       biomedical image segmentation. MICCAI (2015).
    """

    def __init__(self, n_dims, n_in, n_out, *, width=32, n_levels=3):
        super().__init__()
        conv = functools.partial(convolution, n_dims)
        widths = [width * 2 ** min(level, 2) for level in range(n_levels)]
        pairs = list(itertools.pairwise(widths))
        self.first = conv(n_in + n_dims, width, 3, padding=1)
        self.down = nn.ModuleList(Block(n_dims, fine, fine) for fine, _ in pairs)
        self.halve = nn.ModuleList(
            conv(fine, coarse, 3, stride=2, padding=1) for fine, coarse in pairs
        )
        self.middle = nn.Sequential(
            *(Block(n_dims, widths[-1], widths[-1]) for _ in range(2))
        )
        self.up = nn.ModuleList(
            Block(n_dims, fine + coarse, fine) for fine, coarse in reversed(pairs)
        )
        self.last = nn.Sequential(
            nn.GroupNorm(8, width), nn.GELU(), conv(width, n_out, 1)
        )

    def forward(self, x):
        """(B, n_in, ...) -> (B, n_out, ...), of any size."""
        x = self.first(torch.cat([x, _coordinates(x)], dim=1))
        skips = []
        for block, halve in zip(self.down, self.halve, strict=True):
            skips.append(block(x))
            x = halve(skips[-1])
        x = self.middle(x)
        for block in self.up:
            skip = skips.pop()
            x = F.interpolate(x, size=skip.shape[2:])
            x = block(torch.cat([skip, x], dim=1))
        return self.last(x)


def _coordinates(x):
    """(B, C, *space) -> (B, len(space), *space), each in [-1, 1]."""
    axes = [torch.linspace(-1, 1, size, device=x.device) for size in x.shape[2:]]
    grid = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    return grid.expand(len(x), *grid.shape)


class _Standardised(nn.Module):
    """A net that works on standardised channels, in the units of the data."""

    def __init__(self, net, X, y):
        super().__init__()
        self.net = net
        for name, values in (("x", X), ("y", y)):
            axes = [axis for axis in range(values.ndim) if axis != 1]
            std, mean = torch.std_mean(values, dim=axes, keepdim=True)
            self.register_buffer(f"{name}_mean", mean)
            self.register_buffer(f"{name}_std", torch.where(std > 0, std, 1.0))

    def forward(self, x):
        return self.net((x - self.x_mean) / self.x_std) * self.y_std + self.y_mean


class TimedRegressor(RegressorMixin, BaseEstimator):
    """Regressor of fields: a net that is trained for a given time.

    AdamW on the relative L2 error in batches of 16. The learning rate falls along a
    cosine of the time. Subclasses define the net in ``_build``.

    Parameters
    ----------
    seconds : float, default=60.0
        CPU time of `fit`; at least one step is taken.
    random_state : int, RandomState instance or None, default=None
        Determines the weights and the order of the samples; the number of steps within
        the time still differs from run to run.
    """

    _LR, _WEIGHT_DECAY, _BATCH = 1e-3, 1e-4, 16

    def __init__(self, *, seconds=60.0, random_state=None):
        self.seconds = seconds
        self.random_state = random_state

    def _build(self, n_dims, n_in, n_out, size):
        """Return a net of (B, n_in, *size) -> (B, n_out, *size)."""
        raise NotImplementedError

    def fit(self, X, y):
        """Train on X (n, C, L) or (n, C, H, W) and y (n, ...) or (n, K, ...)."""
        start = time.process_time()
        self._device = resolve_device("auto")
        self._one_channel = y.ndim < X.ndim
        X, y = self._tensor(X), self._tensor(y)
        if self._one_channel:
            y = y[:, None]
        seed = check_random_state(self.random_state).randint(2**31)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            net = self._build(X.ndim - 2, X.shape[1], y.shape[1], X.shape[2:])
            self._net = _Standardised(net, X, y).to(self._device)
            self.n_steps_ = self._train(X, y, start)
        return self

    def _train(self, X, y, start):
        """Train until the time is over and return the number of steps."""
        optimizer = torch.optim.AdamW(
            self._net.parameters(), lr=self._LR, weight_decay=self._WEIGHT_DECAY
        )
        self._net.train()
        n_steps, spent = 0, 0.0
        while True:
            for batch in torch.randperm(len(X)).split(self._BATCH):
                batch = batch.to(self._device)
                cosine = math.cos(math.pi * min(spent / self.seconds, 1.0))
                optimizer.param_groups[0]["lr"] = self._LR * (1 + cosine) / 2
                optimizer.zero_grad()
                relative_l2(self._net(X[batch]), y[batch]).mean().backward()
                optimizer.step()
                n_steps += 1
                spent = time.process_time() - start
                if spent >= self.seconds:
                    return n_steps

    def predict(self, X):
        """Return fields of the shape of y in `fit`."""
        self._net.eval()
        with torch.no_grad():
            parts = [self._net(part) for part in self._tensor(X).split(64)]
        y = torch.cat(parts).cpu().numpy()
        return y[:, 0] if self._one_channel else y

    def _tensor(self, array):
        return torch.as_tensor(np.asarray(array, np.float32), device=self._device)


class UNetRegressor(TimedRegressor):
    """`UNet` of at least three levels, the coarsest of about 8 points along a side.

    Each point of the output depends on the whole field: there are three levels for
    32 x 32, six for 256. The parameters are those of `TimedRegressor`.
    """

    def _build(self, n_dims, n_in, n_out, size):
        return UNet(
            n_dims, n_in, n_out, n_levels=max(3, round(math.log2(max(size))) - 2)
        )
