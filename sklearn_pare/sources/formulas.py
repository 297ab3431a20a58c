"""Images drawn from formulas as sources: "formula" and "formula:FAMILY"."""

import torch

from sklearn_pare.sources import formula
from sklearn_pare.sources.base import Source


class FormulaSource(Source):
    """Labelled images drawn from formulas: the source named "formula".

    Parameters
    ----------
    family : str, default=None
        One of "contours", "fractals", "waves", "spectra", "heaps", "signals" and
        "fields": the source named "formula:FAMILY". Its classes keep their numbers
        among those of all families. None: all families.

    Attributes
    ----------
    n_classes : int
        2048.
    row_shape : tuple of int
        ``(3, 32, 32)``.
    """

    n_classes = formula.N_CLASSES
    row_shape = (3, formula.SIZE, formula.SIZE)

    def __init__(self, family=None):
        self._family = family
        self._range = formula.class_range(family)

    def with_masks(self):
        """Return the same images with masks of the foreground, for dense targets."""
        return _DrawingSource(self._family)

    def _draw_labels(self, n, generator):
        return torch.randint(
            *self._range, (n,), generator=generator, device=generator.device
        )

    def sample(self, n, generator):
        """Draw `n` new images (n, 3, 32, 32) with their classes."""
        labels = self._draw_labels(n, generator)
        return formula.render(labels, generator), labels


class _DrawingSource(FormulaSource):
    """The same images with a mask: 1 where the drawing is brighter than average."""

    n_classes = 2
    dense = True

    def sample(self, n, generator):
        """Draw `n` images (n, 3, 32, 32) and their masks (n, 32, 32)."""
        images, grey = formula.draw(self._draw_labels(n, generator), generator)
        return images, (grey > formula.MEAN).long()
