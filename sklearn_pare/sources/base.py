"""Base class of source modalities."""

import torch

from sklearn_pare.nn.embed import embedder


class Source:
    """Base class of labelled source modalities.

    A subclass sets `n_classes` and `row_shape` and implements `sample`.

    Attributes
    ----------
    n_classes : int
    row_shape : tuple of int
        Shape of one sample: (F,), (C, L) or (C, H, W).
    dense : bool
        True if each position of a sample has its own class.
    trains : bool
        True if the embedder is trained during fine-tuning: only for the mask token.
    has_samples : bool
        False if there are no samples that could be compared with the data.
    classes : tuple of int or None
        Indices of its classes in the pretraining of "pare-tiny", whose source head is
        then used; None for other classes.
    own_samples : {"never", "later", "always"}
        Whether other labelled samples of the data take the place of source samples.
        "later" is from the middle of training on, if their classes can be read.
    """

    n_classes: int
    row_shape: tuple
    classes = None
    own_samples = "never"
    dense = False
    trains = False
    has_samples = True

    def sample(self, n, generator):
        """Draw labelled samples.

        Parameters
        ----------
        n : int
        generator : torch.Generator
            Source of all randomness. The samples are on its device.

        Returns
        -------
        x : torch.Tensor of shape (n, ...)
            Samples of shape `row_shape`.
        y : torch.Tensor of shape (n,), or (n, H, W) or (n, L) if `dense`, int64
            Classes in ``range(n_classes)``.
        """
        raise NotImplementedError

    def for_backbone(self, backbone):
        """Return this source in the form that a backbone reads.

        Parameters
        ----------
        backbone : Backbone

        Returns
        -------
        source : Source
            The same object, unless samples depend on the backbone.
        """
        return self

    def with_masks(self):
        """Return this source with a class per position if possible, else unchanged."""
        return self

    def embedder(self, stem):
        """Return an embedder of the samples, whose weights are not set yet.

        Parameters
        ----------
        stem : ImageEmbed, WordEmbed or WaveEmbed
            The backbone's own embedder.

        Returns
        -------
        module : torch.nn.Module
            Its method ``start_from(stem)`` sets the weights.
        """
        return embedder(self.row_shape, stem)


def draw_index(size, n, generator):
    """Draw `n` integers in ``range(size)``; they are returned on the CPU."""
    device = generator.device
    return torch.randint(size, (n,), generator=generator, device=device).cpu()
