"""Labelled images drawn from formulas, a source modality.

Each class is one setting of one formula (an orbit of two sinusoids, an iterated
function system, a warped wave, a noise spectrum, a heap of polygons, a signal or a
field). Each image shows its class with a random view, colours and noise. Images are
rendered in torch when they are drawn, so nothing is stored or downloaded. "pare-tiny"
was pretrained on the same formulas.

References
----------
Contours: Takashima et al., "Visual Atoms", CVPR 2023. Fractals: Kataoka et al.,
"Pre-training without Natural Images", ACCV 2020. Programs of waves: Baradad et al.,
"Procedural Image Programs", NeurIPS 2022.
"""

import math
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

import torch

from sklearn_pare.exceptions import UnknownNameError
from sklearn_pare.sources.formula import contours, fields, fractals, signals, textures
from sklearn_pare.sources.formula._draw import CLASS_SEED, MEAN, SIZE, STD, Draw


class _Family(NamedTuple):
    """Formulas of one kind; `linear` if colours must keep the values of drawings."""

    name: str
    n_classes: int
    classes: callable
    render: callable
    linear: bool = False


_FAMILIES = (
    _Family("contours", 640, contours.classes, contours.render),
    _Family("fractals", 480, fractals.classes, fractals.render),
    _Family("waves", 240, textures.wave_classes, textures.render_waves),
    _Family("spectra", 96, textures.spectrum_classes, textures.render_spectra),
    _Family("heaps", 112, textures.heap_classes, textures.render_heaps),
    _Family("signals", 288, signals.classes, signals.render, linear=True),
    _Family("fields", 192, fields.classes, fields.render, linear=True),
)
N_CLASSES = sum(family.n_classes for family in _FAMILIES)
#: Names of the families, each of which is also a source: "formula:NAME".
FAMILIES = tuple(family.name for family in _FAMILIES)
#: First class of each family.
FAMILY_STARTS = (0, *accumulate(family.n_classes for family in _FAMILIES[:-1]))


def class_range(name):
    """Return the first class of a family, or of "all", and the last plus one."""
    if name == "all":
        return 0, N_CLASSES
    if name not in FAMILIES:
        raise UnknownNameError(
            f"source='formula:{name}' is not known. Use one of the families of "
            f"formulas: {', '.join(FAMILIES)}; or 'formula:all'."
        )
    number = FAMILIES.index(name)
    start = FAMILY_STARTS[number]
    return start, start + _FAMILIES[number].n_classes


@lru_cache(maxsize=2)
def _classes(device):
    """Return the parameters of all classes: one dict of tensors per family."""
    # Drawn on the CPU, so that the classes are the same on every device.
    generator = torch.Generator().manual_seed(CLASS_SEED)
    return tuple(
        {
            k: v.to(device)
            for k, v in family.classes(Draw(generator, family.n_classes)).items()
        }
        for family in _FAMILIES
    )


def _colour(grey, linear, draw, simple):
    """Return images (n, 3, S, S) of grey ones (n, S, S); some stay white on black."""
    turns = draw.uniform(0.3, 1.2, 3, 1, 1) * grey[:, None]
    turns = turns + draw.uniform(0, 1, 3, 1, 1)
    palette = 0.5 + 0.5 * torch.cos(2 * math.pi * turns)
    gains = MEAN + draw.normal(3, 1, 1) * (grey[:, None] - MEAN)
    coloured = torch.where(linear[:, None, None, None], gains, palette)
    as_grey = draw.uniform(0, 1, 1, 1, 1) < 0.2
    coloured = torch.where(as_grey, coloured.mean(1, keepdim=True), coloured)
    coloured = coloured + draw.uniform(0, 0.1, 1, 1, 1) * draw.normal(3, SIZE, SIZE)
    plain = grey[:, None].expand(-1, 3, -1, -1)
    return torch.where(draw.uniform(0, 1, 1, 1, 1) < simple, plain, coloured)


def draw(labels, generator, simple=0.5):
    """Draw one image for each label (n,), and return it with and without colour.

    A share ``simple`` of the images stays white on black. Images (n, 3, 32, 32) have
    mean about 0 and variance about 1 over many of them; the drawings without colour
    (n, 32, 32) are on the scale of the formulas.
    """
    grey = torch.zeros(len(labels), SIZE, SIZE, device=generator.device)
    linear = torch.zeros_like(labels, dtype=torch.bool)
    classes = _classes(str(generator.device))
    families = zip(_FAMILIES, FAMILY_STARTS, classes, strict=True)
    for family, start, parameters in families:
        inside = (labels >= start) & (labels < start + family.n_classes)
        rows = inside.nonzero()[:, 0]
        if len(rows):
            own = labels[rows] - start
            parameters = {name: value[own] for name, value in parameters.items()}
            grey[rows] = family.render(parameters, Draw(generator, len(rows)))
            linear[rows] = family.linear
    images = _colour(grey, linear, Draw(generator, len(labels)), simple)
    return (images - MEAN) / STD, grey


def render(labels, generator, simple=0.5):
    """Draw one image for each label, (n, 3, 32, 32); see `draw`."""
    return draw(labels, generator, simple)[0]
