"""Visual atoms: nested contours of two sinusoids on an orbit."""

import math

import torch

from sklearn_pare.sources.formula._draw import plane, view


def classes(draw):
    """Draw the parameters of `n` orbits."""
    return {
        "n1": draw.uniform(1, 9).floor(),
        "n2": draw.uniform(2, 17).floor(),
        "a1": draw.uniform(0.05, 0.35),
        "a2": draw.uniform(0.05, 0.3),
        "phase": draw.uniform(0, 2 * math.pi),
        "rings": draw.uniform(1, 5).floor(),
    }


def render(p, draw):
    """Draw grey images (n, S, S) of up to four nested contours."""
    # r(t) = 1 + a1 sin(n1 t) + a2 sin(n2 t + phase)
    x, y = plane(draw, math.pi)
    t, r = torch.atan2(y, x), torch.hypot(x, y)
    orbit = (
        1
        + view(p["a1"]) * torch.sin(view(p["n1"]) * t)
        + view(p["a2"]) * torch.sin(view(p["n2"]) * t + view(p["phase"]))
    )
    width = draw.uniform(0.03, 0.07, 1, 1)
    image = torch.zeros_like(r)
    for ring in range(4):
        radius = 0.75 * (1 - ring / view(p["rings"]))
        line = torch.exp(-(((r - radius * orbit) / width) ** 2))
        image = torch.where(radius > 0, torch.maximum(image, line), image)
    return image
