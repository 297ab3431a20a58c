"""What all families of formulas draw with: numbers, views of the plane, spectra."""

import torch

SIZE = 32
# Seed of the class definitions: another value is another set of classes.
CLASS_SEED = 20261124
# Mean and standard deviation of all pixels of 20,000 images, so that a source image
# reaches the backbone on the scale of a standardised target image.
MEAN, STD = 0.365, 0.365


class Draw:
    """Uniform and normal numbers from one generator, shaped to broadcast on images."""

    def __init__(self, generator, n):
        self.generator, self.n = generator, n

    def uniform(self, low, high, *shape):
        """Numbers (n, *shape), evenly between `low` and `high`."""
        u = torch.rand(
            self.n, *shape, generator=self.generator, device=self.generator.device
        )
        return low + (high - low) * u

    def normal(self, *shape):
        """Standard normal numbers (n, *shape)."""
        return torch.randn(
            self.n, *shape, generator=self.generator, device=self.generator.device
        )


def plane(draw, turn):
    """Coordinates (x, y), each (n, SIZE, SIZE), of one random view per image."""
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
    """Parameters (n,) -> (n, 1, 1)."""
    return parameter[:, None, None]


def wavenumbers(device):
    """Wavenumbers (kx, ky) of `torch.fft.rfft2` of an image, shaped to broadcast."""
    ky = torch.fft.fftfreq(SIZE, 1 / SIZE, device=device)[:, None]
    kx = torch.fft.rfftfreq(SIZE, 1 / SIZE, device=device)[None, :]
    return kx, ky
