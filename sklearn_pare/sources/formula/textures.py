"""Warped waves, noise with a power-law spectrum, and heaps of polygons."""

import math

import torch

from sklearn_pare.sources.formula._draw import SIZE, plane, view, wavenumbers


def wave_classes(draw):
    """Draw the parameters of `n` waves."""
    return {
        "kind": draw.uniform(0, 4).floor(),
        "fx": draw.uniform(1, 9),
        "fy": draw.uniform(1, 9),
        "warp": draw.uniform(0, 1.5),
        "fw": draw.uniform(1, 6),
        "arms": draw.uniform(1, 8).floor(),
        "sharp": draw.uniform(0.5, 6),
    }


def render_waves(p, draw):
    """Draw grey images (n, S, S) of waves, checks and spirals on a warped plane."""
    x, y = plane(draw, math.pi / 4)
    fx, fy, warp, fw = (view(p[name]) for name in ("fx", "fy", "warp", "fw"))
    u = x + 0.3 * warp * torch.sin(fw * y + draw.uniform(0, 6.28, 1, 1))
    v = y + 0.3 * warp * torch.sin(fw * x + draw.uniform(0, 6.28, 1, 1))
    r, t = torch.hypot(u, v), torch.atan2(v, u)
    values = torch.stack(
        [
            torch.sin(fx * u + fy * v),
            torch.sin(fx * u) * torch.sin(fy * v),
            torch.sin(view(p["arms"]) * t + 2 * fx * r),
            torch.sin(2 * fx * r + warp * torch.sin(fy * t.abs())),
        ]
    )
    kind = p["kind"].long().clamp_max(3)
    value = values[kind, torch.arange(draw.n, device=kind.device)]
    return torch.sigmoid(view(p["sharp"]) * value)


def spectrum_classes(draw):
    """Draw the parameters of `n` power spectra."""
    return {
        "slope": draw.uniform(0.3, 3.0),
        "stretch": torch.exp(draw.uniform(-1.2, 1.2)),
        "low": draw.uniform(0, 4),
        "threshold": (draw.uniform(0, 1) < 0.5).float(),
        "level": draw.uniform(-0.8, 0.8),
    }


def render_spectra(p, draw):
    """Draw grey images (n, S, S) of noise with the spectrum |k|^-slope above `low`."""
    kx, ky = wavenumbers(draw.generator.device)
    stretch = view(p["stretch"]) * torch.exp(draw.uniform(-0.1, 0.1, 1, 1))
    k = torch.hypot(kx * stretch, ky / stretch)
    gain = (k.clamp_min(0.5) ** -view(p["slope"])) * (k > view(p["low"]))
    noise = torch.fft.rfft2(draw.normal(SIZE, SIZE)) * gain
    field = torch.fft.irfft2(noise, s=(SIZE, SIZE))
    field = field / field.flatten(1).std(1).clamp_min(1e-6)[:, None, None]
    smooth = torch.sigmoid(1.5 * field)
    cut = (field > view(p["level"])).float()
    return torch.where(view(p["threshold"]) > 0, cut, smooth)


def heap_classes(draw):
    """Draw the parameters of `n` heaps."""
    return {
        "corners": draw.uniform(3, 9).floor(),
        "star": draw.uniform(0, 0.6) * (draw.uniform(0, 1) < 0.5),
        "leaves": draw.uniform(1, 9).floor(),
        "size": draw.uniform(0.25, 0.6),
        "hollow": (draw.uniform(0, 1) < 0.3).float(),
    }


def render_heaps(p, draw):
    """Draw grey images (n, S, S) of polygons or stars that cover each other."""
    x, y = plane(draw, math.pi)
    image = torch.zeros_like(x)
    corners, star = view(p["corners"]), view(p["star"])
    sector = 2 * math.pi / corners
    for leaf in range(8):
        size = view(p["size"]) * torch.exp(draw.uniform(-0.25, 0.25, 1, 1))
        dx = x - draw.uniform(-0.7, 0.7, 1, 1) * (view(p["leaves"]) > 1)
        dy = y - draw.uniform(-0.7, 0.7, 1, 1) * (view(p["leaves"]) > 1)
        t = torch.atan2(dy, dx) + draw.uniform(-math.pi, math.pi, 1, 1)
        edge = torch.cos(sector / 2) / torch.cos(t.remainder(sector) - sector / 2)
        edge = edge * (1 - star * (1 - (2 * t.remainder(sector) / sector - 1).abs()))
        distance = torch.hypot(dx, dy) / (size * edge)
        inside = (distance < 1) & ((distance > 0.7) | (view(p["hollow"]) < 0.5))
        inside = inside & (leaf < view(p["leaves"]))
        image = torch.where(inside, draw.uniform(0.35, 1, 1, 1), image)
    return image
