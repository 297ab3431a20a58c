"""The default source modality: labelled images drawn from formulas.

Every class is one setting of one formula (an orbit of two sinusoids, an iterated
function system, a warped wave, a noise spectrum, a heap of polygons, a signal, a
field); every image is that class seen under random views, colours and noise. Images
are rendered on the fly in torch, so nothing is stored and nothing is downloaded. The
bundled backbone is pretrained on the same formulas, which makes them the modality it
knows. This package knows no estimator and no training loop.

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
from sklearn_pare.sources.base import Source
from sklearn_pare.sources.formula import contours, fields, fractals, signals, textures
from sklearn_pare.sources.formula._draw import CLASS_SEED, MEAN, SIZE, STD, Draw


class _Family(NamedTuple):
    """Formulas of one kind; `linear` ones keep their values under a linear palette."""

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
#: Names of the families, each a source of its own: "formula:NAME".
FAMILIES = tuple(family.name for family in _FAMILIES)
#: First class of each.
FAMILY_STARTS = (0, *accumulate(family.n_classes for family in _FAMILIES[:-1]))


def _class_range(name):
    """First class of a family, and the first one after it; of all without a name."""
    if name is None:
        return 0, N_CLASSES
    if name not in FAMILIES:
        raise UnknownNameError(
            f"source='formula:{name}' is not known. Families of formulas are: "
            f"{', '.join(FAMILIES)}."
        )
    place = FAMILIES.index(name)
    start = FAMILY_STARTS[place]
    return start, start + _FAMILIES[place].n_classes


@lru_cache(maxsize=2)
def _classes(device):
    """Parameters of every class, one dict of tensors a family, from one fixed seed."""
    # Drawn on the CPU so that the classes are the same on every device.
    generator = torch.Generator().manual_seed(CLASS_SEED)
    return tuple(
        {
            k: v.to(device)
            for k, v in family.classes(Draw(generator, family.n_classes)).items()
        }
        for family in _FAMILIES
    )


def _colour(grey, linear, draw, simple):
    """Grey images (n, S, S) -> (n, 3, S, S); a share `simple` stays white on black."""
    palette = 0.5 + 0.5 * torch.cos(
        2
        * math.pi
        * (
            draw.uniform(0.3, 1.2, 3, 1, 1) * grey[:, None]
            + draw.uniform(0, 1, 3, 1, 1)
        )
    )
    gains = MEAN + draw.normal(3, 1, 1) * (grey[:, None] - MEAN)
    coloured = torch.where(linear[:, None, None, None], gains, palette)
    as_grey = draw.uniform(0, 1, 1, 1, 1) < 0.2
    coloured = torch.where(as_grey, coloured.mean(1, keepdim=True), coloured)
    coloured = coloured + draw.uniform(0, 0.1, 1, 1, 1) * draw.normal(3, SIZE, SIZE)
    plain = grey[:, None].expand(-1, 3, -1, -1)
    return torch.where(draw.uniform(0, 1, 1, 1, 1) < simple, plain, coloured)


def draw(labels, generator, simple=0.5):
    """Draw one image for each label, and the plain drawing that it was coloured from.

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
    grey : torch.Tensor of shape (n, 32, 32), float32
        The same drawings without colour, on the scale of the formulas.
    """
    grey = torch.zeros(len(labels), SIZE, SIZE, device=generator.device)
    linear = torch.zeros_like(labels, dtype=torch.bool)
    start = 0
    families = zip(_FAMILIES, _classes(str(generator.device)), strict=True)
    for family, parameters in families:
        inside = (labels >= start) & (labels < start + family.n_classes)
        rows = inside.nonzero()[:, 0]
        if len(rows):
            own = labels[rows] - start
            parameters = {name: value[own] for name, value in parameters.items()}
            grey[rows] = family.render(parameters, Draw(generator, len(rows)))
            linear[rows] = family.linear
        start += family.n_classes
    images = _colour(grey, linear, Draw(generator, len(labels)), simple)
    return (images - MEAN) / STD, grey


def render(labels, generator, simple=0.5):
    """Images alone of `draw`: (n, 3, 32, 32)."""
    return draw(labels, generator, simple)[0]


class FormulaSource(Source):
    """Endless labelled images drawn from formulas: the source named "formula".

    Parameters
    ----------
    family : str, default=None
        One of "contours", "fractals", "waves", "spectra", "heaps", "signals" and
        "fields": the source named "formula:NAME". Classes keep their numbers among
        those of all families. None: all of them.

    Attributes
    ----------
    n_classes : int
        2048.
    row_shape : tuple
        ``(3, 32, 32)``.
    """

    n_classes = N_CLASSES
    row_shape = (3, SIZE, SIZE)

    def __init__(self, family=None):
        self._family = family
        self._range = _class_range(family)

    def with_masks(self):
        """Drawings with their foreground: for dense targets."""
        return _DrawingSource(self._family)

    def _draw_labels(self, n, generator):
        return torch.randint(
            *self._range, (n,), generator=generator, device=generator.device
        )

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
        labels = self._draw_labels(n, generator)
        return render(labels, generator), labels


class _DrawingSource(FormulaSource):
    """The same images with a mask: 1 where the drawing is brighter than average."""

    n_classes = 2
    dense = True

    def sample(self, n, generator):
        """Draw `n` images (n, 3, 32, 32) and their masks (n, 32, 32)."""
        images, grey = draw(self._draw_labels(n, generator), generator)
        return images, (grey > MEAN).long()
