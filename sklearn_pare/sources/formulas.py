"""Images drawn from formulas as sources: "formula" and "formula:FAMILY"."""

import torch

from sklearn_pare.sources import formula
from sklearn_pare.sources.base import Source

# The classes that "pare-tiny" tells apart best where 60 % of the tokens of a sample are
# from their images: printed by ``python -m studies readable --choose``.
_READABLE = (1921, 1940, 1872, 1764, 1849, 1579, 1439, 1728, 1919, 1804)


class FormulaSource(Source):
    """Labelled images drawn from formulas: the source named "formula".

    Parameters
    ----------
    classes : tuple of int, default=None
        Numbers of the classes among all 2,048 formulas. None: the ten classes that
        "pare-tiny" recognises best in mixed samples.

    Attributes
    ----------
    n_classes : int
    row_shape : tuple of int
        ``(3, 32, 32)``.
    """

    row_shape = (3, formula.SIZE, formula.SIZE)

    def __init__(self, classes=None):
        self.classes = _READABLE if classes is None else tuple(classes)
        # Masks need no classes that can be told apart, but many kinds of images.
        self._drawn = range(formula.N_CLASSES) if classes is None else self.classes

    @classmethod
    def of_family(cls, name):
        """Return the source "formula:NAME" of a family, or of "all" of them."""
        return cls(range(*formula.class_range(name)))

    def with_masks(self):
        """Return images with masks of the foreground, by default of all formulas."""
        return _DrawingSource(self._drawn)

    @property
    def n_classes(self):
        """Number of classes."""
        return len(self.classes)

    def _draw_labels(self, n, generator):
        size, device = len(self.classes), generator.device
        return torch.randint(size, (n,), generator=generator, device=device)

    def _formulas(self, labels):
        return torch.tensor(self.classes, device=labels.device)[labels]

    def draw(self, labels, generator):
        """Draw a new image for each class (n,), and return them: (n, 3, 32, 32)."""
        return formula.render(self._formulas(labels), generator)

    def sample(self, n, generator):
        """Draw `n` new images (n, 3, 32, 32) with their classes."""
        labels = self._draw_labels(n, generator)
        return self.draw(labels, generator), labels


class _DrawingSource(FormulaSource):
    """The same images with a mask: 1 where the drawing is brighter than average."""

    n_classes = 2
    dense = True

    def sample(self, n, generator):
        """Draw `n` images (n, 3, 32, 32) and their masks (n, 32, 32)."""
        images, grey = formula.draw(
            self._formulas(self._draw_labels(n, generator)), generator
        )
        return images, (grey > formula.MEAN).long()
