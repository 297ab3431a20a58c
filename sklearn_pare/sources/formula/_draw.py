"""Random numbers, views of the plane and spectra for all families of formulas."""

import torch

SIZE = 32
# Seed of the class definitions: another seed gives other classes.
CLASS_SEED = 20261124
# Mean and standard deviation of the pixels of 20,000 images. They bring source images
# to the scale of standardised target images.
MEAN, STD = 0.365, 0.365


class Draw:
    """Random numbers for `n` images or classes from one generator."""

    def __init__(self, generator, n):
        self.generator, self.n = generator, n

    def uniform(self, low, high, *shape):
        """Draw uniform numbers (n, *shape) between `low` and `high`."""
        return low + (high - low) * self._numbers(torch.rand, shape)

    def normal(self, *shape):
        """Draw standard normal numbers (n, *shape)."""
        return self._numbers(torch.randn, shape)

    def _numbers(self, draw, shape):
        device = self.generator.device
        return draw(self.n, *shape, generator=self.generator, device=device)


def plane(draw, turn):
    """Return coordinates (x, y), each (n, SIZE, SIZE), of one random view per image."""
    axis = torch.linspace(-1, 1, SIZE, device=draw.generator.device)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    angle = draw.uniform(-turn, turn, 1, 1)
    zoom = torch.exp(draw.uniform(-0.3, 0.3, 1, 1))
    aspect = torch.exp(draw.uniform(-0.15, 0.15, 1, 1))
    x = (x - draw.uniform(-0.25, 0.25, 1, 1)) * zoom * aspect
    y = (y - draw.uniform(-0.25, 0.25, 1, 1)) * zoom / aspect
    cos, sin = torch.cos(angle), torch.sin(angle)
    return cos * x - sin * y, sin * x + cos * y


def view(parameter):
    """Reshape parameters (n,) to (n, 1, 1)."""
    return parameter[:, None, None]


def wavenumbers(device):
    """Return wavenumbers (kx, ky) of `torch.fft.rfft2` of an image."""
    ky = torch.fft.fftfreq(SIZE, 1 / SIZE, device=device)[:, None]
    kx = torch.fft.rfftfreq(SIZE, 1 / SIZE, device=device)[None, :]
    return kx, ky
