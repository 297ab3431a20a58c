"""Attractors of iterated function systems, drawn as point clouds."""

import math

import torch

from sklearn_pare.sources.formula._draw import SIZE

_VARIANTS, _CHAINS, _STEPS, _BURN_IN = 4, 36, 60, 10


def classes(draw):
    """Draw point clouds (n, variants, points, 2) of `n` systems of 2 to 4 maps."""
    n_maps = draw.uniform(2, 5).floor()
    scale = draw.uniform(0.35, 0.8, 4, 2)
    angle = draw.uniform(-math.pi, math.pi, 4, 2)
    # R(angle0) diag(s0, +-s1) R(angle1): every map contracts by at most 0.8.
    flip = torch.where(draw.uniform(0, 1, 4) < 0.5, -1.0, 1.0)
    c, s = torch.cos(angle), torch.sin(angle)
    rotation = torch.stack([c, -s, s, c], -1).unflatten(-1, (2, 2))
    stretch = torch.diag_embed(
        torch.stack([scale[..., 0], flip * scale[..., 1]], dim=-1)
    )
    matrix = rotation[:, :, 0] @ stretch @ rotation[:, :, 1]
    offset = draw.uniform(-1, 1, 4, 2)
    clouds = [_cloud(matrix, offset, n_maps, draw) for _ in range(_VARIANTS)]
    return {"clouds": torch.stack(clouds, 1)}


def _cloud(matrix, offset, n_maps, draw):
    """Play the chaos game: chains of random maps of a slightly changed system."""
    matrix = matrix * torch.exp(draw.uniform(-0.1, 0.1, 4, 1, 1))
    offset = offset + 0.05 * draw.normal(4, 2)
    rows = torch.arange(draw.n)[:, None]
    points, kept = torch.zeros(draw.n, _CHAINS, 2), []
    for step in range(_STEPS):
        choice = (draw.uniform(0, 1, _CHAINS) * n_maps[:, None]).long()
        points = (matrix[rows, choice] @ points[..., None])[..., 0]
        points = points + offset[rows, choice]
        if step >= _BURN_IN:
            kept.append(points)
    cloud = torch.cat(kept, 1)
    cloud = cloud - cloud.mean(1, keepdim=True)
    spread = cloud.abs().flatten(1).quantile(0.95, dim=1).clamp_min(1e-3)
    return cloud / spread[:, None, None]


def render(p, draw):
    """Draw grey images (n, S, S): the log of the number of points in each pixel."""
    variant = draw.uniform(0, _VARIANTS).long().clamp_max(_VARIANTS - 1)
    points = p["clouds"][torch.arange(draw.n, device=variant.device), variant]
    angle = draw.uniform(-math.pi / 3, math.pi / 3, 1)
    zoom = torch.exp(draw.uniform(-0.3, 0.15, 1))
    aspect = torch.exp(draw.uniform(-0.15, 0.15, 1))
    cos, sin = torch.cos(angle), torch.sin(angle)
    x = zoom * aspect * (cos * points[..., 0] - sin * points[..., 1])
    y = zoom / aspect * (sin * points[..., 0] + cos * points[..., 1])
    x = (0.75 * x + draw.uniform(-0.2, 0.2, 1) + 1) / 2 * SIZE
    y = (0.75 * y + draw.uniform(-0.2, 0.2, 1) + 1) / 2 * SIZE
    inside = (x >= 0) & (x < SIZE) & (y >= 0) & (y < SIZE)
    cell = (y.long() * SIZE + x.long()).where(inside, SIZE * SIZE)
    count = torch.zeros(draw.n, SIZE * SIZE + 1, device=x.device)
    count.scatter_add_(1, cell, torch.ones_like(x))
    image = torch.log1p(count[:, :-1])
    image = image / image.amax(1, keepdim=True).clamp_min(1e-6)
    return image.unflatten(1, (SIZE, SIZE))
