"""What every source offers: labelled rows without end, and the way to embed them."""

import torch

from sklearn_pare.nn.embed import embedder


class Source:
    """A labelled source modality: rows without end.

    Attributes
    ----------
    n_classes : int
    row_shape : tuple
        Shape of one row: (F,), (C, L) or (C, H, W).
    dense : bool
        Whether every place of a row has a class of its own.
    trains : bool
        Whether the embedder goes on learning; only that of the mask token does.
    """

    n_classes: int
    row_shape: tuple
    dense = False
    trains = False

    def sample(self, n, generator):
        """Draw rows.

        Parameters
        ----------
        n : int
        generator : torch.Generator
            Source of all randomness; the rows lie on its device.

        Returns
        -------
        x : torch.Tensor of shape (n, ...)
            Rows of shape `row_shape`.
        y : torch.Tensor of shape (n,), or masks (n, H, W) or (n, L), int64
            Classes in ``range(n_classes)``.
        """
        raise NotImplementedError

    def for_backbone(self, backbone):
        """The source as a backbone reads it.

        Parameters
        ----------
        backbone : Backbone

        Returns
        -------
        source : Source
            The same object, unless rows depend on the backbone.
        """
        return self

    def with_masks(self):
        """The source with a class for every place, if it can; else as it is."""
        return self

    def embedder(self, stem):
        """Embedder of the rows; its weights are not set yet.

        Parameters
        ----------
        stem : ImageEmbed or WordEmbed
            The backbone's own embedder.

        Returns
        -------
        module : torch.nn.Module
            With a method ``start_from(stem)``.
        """
        return embedder(self.row_shape, stem)


def draw_index(size, n, generator):
    """Numbers (n,) in ``range(size)``, drawn by `generator`, on the CPU."""
    device = generator.device
    return torch.randint(size, (n,), generator=generator, device=device).cpu()
