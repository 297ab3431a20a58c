"""Sources without information, as controls: only the replacement of tokens remains."""

import torch

from sklearn_pare.exceptions import DataError
from sklearn_pare.nn.embed import MaskToken
from sklearn_pare.sources.base import Source


class NoiseSource(Source):
    """White noise in the shape of a formula image: a source without information.

    Since there is only one class, the loss on the source is zero.

    Examples
    --------
    >>> import torch
    >>> from sklearn_pare.sources import NoiseSource
    >>> x, y = NoiseSource().sample(2, torch.Generator().manual_seed(0))
    >>> x.shape, y
    (torch.Size([2, 3, 32, 32]), tensor([0, 0]))
    """

    n_classes = 1
    row_shape = (3, 32, 32)

    def sample(self, n, generator):
        """Draw `n` samples of standard normal numbers, all of class 0."""
        device = generator.device
        rows = torch.randn(n, *self.row_shape, generator=generator, device=device)
        return rows, torch.zeros(n, dtype=torch.int64, device=device)


class MaskTokenSource(Source):
    """One learned token in place of every source token, as in masked training.

    The samples are empty. The token is a weight of the embedder, which is trained.

    Examples
    --------
    >>> import torch
    >>> from sklearn_pare import backbones
    >>> from sklearn_pare.sources import MaskTokenSource
    >>> source = MaskTokenSource()
    >>> x, y = source.sample(2, torch.Generator().manual_seed(0))
    >>> stem = backbones.get("pare-tiny", pretrained=False).stem
    >>> source.embedder(stem)(x).shape
    torch.Size([2, 64, 64])
    """

    n_classes = 1
    row_shape = ()
    trains = True
    has_samples = False

    def sample(self, n, generator):
        """Return `n` empty samples, all of class 0."""
        device = generator.device
        labels = torch.zeros(n, dtype=torch.int64, device=device)
        return torch.zeros(n, device=device), labels

    def embedder(self, stem):
        """Return the learned token as an embedder."""
        return MaskToken(stem.grid, stem.dim)


class OwnSource(Source):
    """Other labelled samples of the data as source of tokens: the source named "self".

    As in mixup and CutMix, the target of a mixed sample is the mean of both targets,
    weighted by their numbers of tokens.
    """

    n_classes = 0
    row_shape = ()
    own_samples = "always"
    has_samples = False

    def with_masks(self):
        """Raise DataError: a mask or field of a mixed sample is not a mean of two."""
        raise DataError(
            "source='self' mixes samples whose targets can be averaged, which masks "
            "and fields cannot. Use another source, such as source='formula'."
        )
