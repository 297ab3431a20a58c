"""Physical fields: diffusion, advection, random media, patterns and membranes."""

import math

import torch

from sklearn_pare.sources.formula._draw import MEAN, SIZE, STD, plane, view, wavenumbers


def classes(draw):
    """Draw the parameters of `n` fields of five kinds."""
    return {
        "kind": draw.uniform(0, 5).floor(),
        "k0": torch.exp(draw.uniform(0.3, 2.2)),
        "width": draw.uniform(0.15, 0.6),
        "stretch": torch.exp(draw.uniform(-0.9, 0.9)),
        "levels": draw.uniform(2, 5).floor(),
        "density": torch.exp(draw.uniform(-5, -1.5)),
        "swirl": draw.uniform(-4, 4),
        "radius": draw.uniform(0.2, 0.7),
        "skew": draw.uniform(-1, 1),
    }


def render(p, draw):
    """Draw grey images (n, S, S) of fields, with mean `MEAN` and deviation `STD`."""
    kx, ky = wavenumbers(draw.generator.device)
    stretch = view(p["stretch"])
    k = torch.hypot(kx * stretch, ky / stretch)
    k0, width, skew = view(p["k0"]), view(p["width"]), view(p["skew"])
    white = draw.normal(SIZE, SIZE)
    sources = (draw.uniform(0, 1, SIZE, SIZE) < view(p["density"])) * white.sign()
    # Spots and stripes of one wavelength, and media of one correlation length.
    band = _filter(white, torch.exp(-(((k - k0) / (width * k0)) ** 2)))
    medium = _filter(white, (1 + (k / k0) ** 2) ** -1.5)
    kinds = torch.stack(
        [
            # heat that spread from hot and cold points
            _filter(sources + 0.01 * white, torch.exp(-((k / (1.5 * k0)) ** 2))),
            _advected(p, draw),
            # media of a few phases
            ((medium * 0.8 + skew * 0.5).sigmoid() * view(p["levels"])).floor(),
            torch.tanh(2 * band + skew),
            _membrane(medium + 2 * skew, width * k0),
        ]
    )
    kind = p["kind"].long().clamp_max(4)
    field = kinds[kind, torch.arange(draw.n, device=kind.device)]
    field = field - field.mean((1, 2), keepdim=True)
    field = field / field.std((1, 2), keepdim=True).clamp_min(1e-3)
    gain = torch.exp(draw.uniform(-0.4, 0.4, 1, 1))
    field = gain * field + 0.3 * draw.normal(1, 1)
    return MEAN + STD * (field + draw.uniform(0, 0.1, 1, 1) * draw.normal(SIZE, SIZE))


def _filter(field, gain):
    """Multiply the spectrum of a field by `gain`, and scale it to unit variance."""
    field = torch.fft.irfft2(torch.fft.rfft2(field) * gain, s=(SIZE, SIZE))
    return field / field.std((1, 2), keepdim=True).clamp_min(1e-6)


def _advected(p, draw):
    """Return stripes that three vortices have distorted."""
    x, y = plane(draw, math.pi)
    for vortex in range(3):
        cx, cy = draw.uniform(-0.7, 0.7, 2, 1, 1).unbind(1)
        sign = 1 - 2 * (vortex % 2)
        dx, dy = x - cx, y - cy
        decay = torch.exp(-(dx**2 + dy**2) / view(p["radius"]) ** 2)
        angle = sign * view(p["swirl"]) * decay
        cos, sin = torch.cos(angle), torch.sin(angle)
        x, y = cx + cos * dx - sin * dy, cy + sin * dx + cos * dy
    phase = draw.uniform(0, 2 * math.pi, 1, 1)
    return torch.sin(view(p["k0"]) * x + phase) + 0.5 * view(p["skew"]) * y


def _membrane(load, stiffness):
    """Solve (stiffness^2 - Laplace) u = load, with u = 0 on the boundary."""
    basis, k = sine_basis(load.device)
    scale = k[:, None] ** 2 + k**2 + stiffness**2
    return basis @ ((basis @ load @ basis) / scale) @ basis


def sine_basis(device):
    """Return orthonormal sines (S, S), zero at the boundary, and wavenumbers (S,)."""
    n = torch.arange(1, SIZE + 1, device=device)
    basis = torch.sin(math.pi * n[:, None] * n / (SIZE + 1))
    return basis * math.sqrt(2 / (SIZE + 1)), n / 2
