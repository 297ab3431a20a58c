"""The default source modality: labelled images drawn from formulas.

Every class is one setting of one formula (an orbit of two sinusoids, an iterated
function system, a warped wave, a noise spectrum, a heap of polygons); every image is
that class seen under a random rotation, zoom, shift, aspect and colouring. Images are
rendered on the fly in torch, so nothing is stored and nothing is downloaded. The
bundled body is pretrained on the same formulas, which makes them the modality it
knows. This module knows no estimator and no training loop.

References
----------
Contours: Takashima et al., "Visual Atoms", CVPR 2023. Fractals: Kataoka et al.,
"Pre-training without Natural Images", ACCV 2020. Programs of waves: Baradad et al.,
"Procedural Image Programs", NeurIPS 2022.
"""

import math
from functools import lru_cache

import torch

SIZE = 32
# Seed of the class definitions: another value is another set of classes.
CLASS_SEED = 20240609
# Mean and standard deviation of all pixels of 20,000 images at simple=0.5, so that a
# source image reaches the body on the scale of a standardised target image.
MEAN, STD = 0.370, 0.365

N_ATOMS, N_FRACTALS, N_WAVES, N_SPECTRA, N_HEAPS = 160, 120, 80, 40, 48
N_CLASSES = N_ATOMS + N_FRACTALS + N_WAVES + N_SPECTRA + N_HEAPS

_FRACTAL_VARIANTS, _FRACTAL_CHAINS, _FRACTAL_STEPS = 12, 48, 60


class _Draw:
    """Uniform and normal numbers from one generator, shaped to broadcast on images."""

    def __init__(self, generator, n):
        self.generator, self.n = generator, n

    def uniform(self, low, high, *shape):
        u = torch.rand(
            self.n, *shape, generator=self.generator, device=self.generator.device
        )
        return low + (high - low) * u

    def normal(self, *shape):
        return torch.randn(
            self.n, *shape, generator=self.generator, device=self.generator.device
        )


def _plane(draw, turn):
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


def _view(parameter):
    return parameter[:, None, None]


def _atom_classes(draw):
    return {
        "n1": draw.uniform(1, 9).floor(),
        "n2": draw.uniform(2, 17).floor(),
        "a1": draw.uniform(0.05, 0.35),
        "a2": draw.uniform(0.05, 0.3),
        "phase": draw.uniform(0, 2 * math.pi),
        "rings": draw.uniform(1, 5).floor(),
    }


def _render_atoms(p, draw):
    # r(t) = 1 + a1 sin(n1 t) + a2 sin(n2 t + phase), drawn as nested contours.
    x, y = _plane(draw, math.pi)
    t, r = torch.atan2(y, x), torch.hypot(x, y)
    orbit = (
        1
        + _view(p["a1"]) * torch.sin(_view(p["n1"]) * t)
        + _view(p["a2"]) * torch.sin(_view(p["n2"]) * t + _view(p["phase"]))
    )
    width = draw.uniform(0.03, 0.07, 1, 1)
    image = torch.zeros_like(r)
    for ring in range(4):
        radius = 0.75 * (1 - ring / _view(p["rings"]))
        line = torch.exp(-(((r - radius * orbit) / width) ** 2))
        image = torch.where(radius > 0, torch.maximum(image, line), image)
    return image


def _fractal_classes(draw):
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
    return {
        "matrix": matrix,
        "offset": draw.uniform(-1, 1, 4, 2),
        "maps": n_maps,
        "index": torch.arange(draw.n, device=n_maps.device),
    }


@lru_cache(maxsize=2)
def _fractal_points(device):
    """Attractors of all classes and variants: (N_FRACTALS, variants, points, 2)."""
    generator = torch.Generator().manual_seed(CLASS_SEED)
    p = _classes("cpu")[1]
    n = N_FRACTALS * _FRACTAL_VARIANTS
    draw = _Draw(generator, n)
    repeat = {
        k: v.repeat_interleave(_FRACTAL_VARIANTS, 0)
        for k, v in p.items()
        if k != "index"
    }
    matrix = repeat["matrix"] * torch.exp(draw.uniform(-0.1, 0.1, 4, 1, 1))
    offset = repeat["offset"] + 0.05 * draw.normal(4, 2)
    rows = torch.arange(n)[:, None]
    points, kept = torch.zeros(n, _FRACTAL_CHAINS, 2), []
    for step in range(_FRACTAL_STEPS):
        # The chaos game: each chain applies a random map of its own class.
        choice = (draw.uniform(0, 1, _FRACTAL_CHAINS) * repeat["maps"][:, None]).long()
        points = (matrix[rows, choice] @ points[..., None])[..., 0]
        points = points + offset[rows, choice]
        if step >= 10:
            kept.append(points)
    cloud = torch.cat(kept, 1)
    cloud = cloud - cloud.mean(1, keepdim=True)
    spread = cloud.abs().flatten(1).quantile(0.95, dim=1).clamp_min(1e-3)
    cloud = cloud / spread[:, None, None]
    return cloud.unflatten(0, (N_FRACTALS, _FRACTAL_VARIANTS)).to(device)


def _render_fractals(p, draw):
    variant = draw.uniform(0, _FRACTAL_VARIANTS).long()
    variant = variant.clamp_max(_FRACTAL_VARIANTS - 1)
    points = _fractal_points(str(p["index"].device))[p["index"], variant]
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


def _wave_classes(draw):
    return {
        "kind": draw.uniform(0, 4).floor(),
        "fx": draw.uniform(1, 9),
        "fy": draw.uniform(1, 9),
        "warp": draw.uniform(0, 1.5),
        "fw": draw.uniform(1, 6),
        "arms": draw.uniform(1, 8).floor(),
        "sharp": draw.uniform(0.5, 6),
    }


def _render_waves(p, draw):
    x, y = _plane(draw, math.pi / 4)
    fx, fy, warp, fw = (_view(p[name]) for name in ("fx", "fy", "warp", "fw"))
    u = x + 0.3 * warp * torch.sin(fw * y + draw.uniform(0, 6.28, 1, 1))
    v = y + 0.3 * warp * torch.sin(fw * x + draw.uniform(0, 6.28, 1, 1))
    r, t = torch.hypot(u, v), torch.atan2(v, u)
    values = torch.stack(
        [
            torch.sin(fx * u + fy * v),
            torch.sin(fx * u) * torch.sin(fy * v),
            torch.sin(_view(p["arms"]) * t + 2 * fx * r),
            torch.sin(2 * fx * r + warp * torch.sin(fy * t.abs())),
        ]
    )
    kind = p["kind"].long().clamp_max(3)
    value = values[kind, torch.arange(draw.n, device=kind.device)]
    return torch.sigmoid(_view(p["sharp"]) * value)


def _spectrum_classes(draw):
    return {
        "slope": draw.uniform(0.3, 3.0),
        "stretch": torch.exp(draw.uniform(-1.2, 1.2)),
        "low": draw.uniform(0, 4),
        "threshold": (draw.uniform(0, 1) < 0.5).float(),
        "level": draw.uniform(-0.8, 0.8),
    }


def _render_spectra(p, draw):
    # White noise shaped by a power law |k|^-slope above the lowest frequency `low`.
    device = draw.generator.device
    ky = torch.fft.fftfreq(SIZE, 1 / SIZE, device=device)[:, None]
    kx = torch.fft.rfftfreq(SIZE, 1 / SIZE, device=device)[None, :]
    stretch = _view(p["stretch"]) * torch.exp(draw.uniform(-0.1, 0.1, 1, 1))
    k = torch.hypot(kx * stretch, ky / stretch)
    gain = (k.clamp_min(0.5) ** -_view(p["slope"])) * (k > _view(p["low"]))
    noise = torch.fft.rfft2(draw.normal(SIZE, SIZE)) * gain
    field = torch.fft.irfft2(noise, s=(SIZE, SIZE))
    field = field / field.flatten(1).std(1).clamp_min(1e-6)[:, None, None]
    smooth = torch.sigmoid(1.5 * field)
    cut = (field > _view(p["level"])).float()
    return torch.where(_view(p["threshold"]) > 0, cut, smooth)


def _heap_classes(draw):
    return {
        "corners": draw.uniform(3, 9).floor(),
        "star": draw.uniform(0, 0.6) * (draw.uniform(0, 1) < 0.5),
        "leaves": draw.uniform(1, 9).floor(),
        "size": draw.uniform(0.25, 0.6),
        "hollow": (draw.uniform(0, 1) < 0.3).float(),
    }


def _render_heaps(p, draw):
    # Dead leaves: polygons or stars painted over each other, each in its own grey.
    x, y = _plane(draw, math.pi)
    image = torch.zeros_like(x)
    corners, star = _view(p["corners"]), _view(p["star"])
    sector = 2 * math.pi / corners
    for leaf in range(8):
        size = _view(p["size"]) * torch.exp(draw.uniform(-0.25, 0.25, 1, 1))
        dx = x - draw.uniform(-0.7, 0.7, 1, 1) * (_view(p["leaves"]) > 1)
        dy = y - draw.uniform(-0.7, 0.7, 1, 1) * (_view(p["leaves"]) > 1)
        t = torch.atan2(dy, dx) + draw.uniform(-math.pi, math.pi, 1, 1)
        edge = torch.cos(sector / 2) / torch.cos(t.remainder(sector) - sector / 2)
        edge = edge * (1 - star * (1 - (2 * t.remainder(sector) / sector - 1).abs()))
        distance = torch.hypot(dx, dy) / (size * edge)
        inside = (distance < 1) & ((distance > 0.7) | (_view(p["hollow"]) < 0.5))
        inside = inside & (leaf < _view(p["leaves"]))
        image = torch.where(inside, draw.uniform(0.35, 1, 1, 1), image)
    return image


_FAMILIES = (
    (N_ATOMS, _atom_classes, _render_atoms),
    (N_FRACTALS, _fractal_classes, _render_fractals),
    (N_WAVES, _wave_classes, _render_waves),
    (N_SPECTRA, _spectrum_classes, _render_spectra),
    (N_HEAPS, _heap_classes, _render_heaps),
)


@lru_cache(maxsize=2)
def _classes(device):
    """Parameters of every class, one dict of tensors a family, from one fixed seed."""
    # Drawn on the CPU so that the classes are the same on every device.
    generator = torch.Generator().manual_seed(CLASS_SEED)
    return tuple(
        {k: v.to(device) for k, v in make(_Draw(generator, count)).items()}
        for count, make, _ in _FAMILIES
    )


def _colour(grey, draw, simple):
    """Grey images (n, S, S) -> (n, 3, S, S); a share `simple` stays white on black."""
    coloured = 0.5 + 0.5 * torch.cos(
        2
        * math.pi
        * (
            draw.uniform(0.3, 1.2, 3, 1, 1) * grey[:, None]
            + draw.uniform(0, 1, 3, 1, 1)
        )
    )
    as_grey = draw.uniform(0, 1, 1, 1, 1) < 0.2
    coloured = torch.where(as_grey, coloured.mean(1, keepdim=True), coloured)
    coloured = coloured + draw.uniform(0, 0.1, 1, 1, 1) * draw.normal(3, SIZE, SIZE)
    plain = grey[:, None].expand(-1, 3, -1, -1)
    return torch.where(draw.uniform(0, 1, 1, 1, 1) < simple, plain, coloured)


def render(labels, generator, simple=0.5):
    """Draw one image for each label.

    Parameters
    ----------
    labels : torch.Tensor of shape (n,), int64
        Classes in ``range(N_CLASSES)``, on the device of `generator`.
    generator : torch.Generator
        Source of everything that varies inside a class.
    simple : float, default=0.5
        Share of images that stay white on black; the others are coloured.

    Returns
    -------
    images : torch.Tensor of shape (n, 3, 32, 32), float32
        About zero mean and unit variance over many images.
    """
    grey = torch.zeros(len(labels), SIZE, SIZE, device=generator.device)
    start = 0
    families = zip(_FAMILIES, _classes(str(generator.device)), strict=True)
    for (count, _, draw_family), parameters in families:
        rows = ((labels >= start) & (labels < start + count)).nonzero()[:, 0]
        if len(rows):
            own = labels[rows] - start
            parameters = {name: value[own] for name, value in parameters.items()}
            grey[rows] = draw_family(parameters, _Draw(generator, len(rows)))
        start += count
    images = _colour(grey, _Draw(generator, len(labels)), simple)
    return (images - MEAN) / STD


class FormulaSource:
    """Endless labelled images drawn from formulas: the source named "formula".

    Attributes
    ----------
    n_classes : int
        448.
    row_shape : tuple
        ``(3, 32, 32)``.
    """

    n_classes = N_CLASSES
    row_shape = (3, SIZE, SIZE)

    def sample(self, n, generator):
        """Draw `n` fresh rows.

        Parameters
        ----------
        n : int
            Number of rows.
        generator : torch.Generator
            Source of randomness; the rows are made on its device.

        Returns
        -------
        x : torch.Tensor of shape (n, 3, 32, 32), float32
        y : torch.Tensor of shape (n,), int64
        """
        labels = torch.randint(
            N_CLASSES, (n,), generator=generator, device=generator.device
        )
        return render(labels, generator), labels
