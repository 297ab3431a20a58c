"""Sources that know nothing: what remains of PaRe with them is the replacement."""

import torch

from sklearn_pare.nn.embed import MaskToken
from sklearn_pare.sources.base import Source


class NoiseSource(Source):
    """White noise in the shape of a formula image: a source with nothing to know.

    It has one class, so its loss is zero; what remains of PaRe is the replacement.

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
        """Draw `n` rows of standard normal numbers, all of class 0."""
        device = generator.device
        rows = torch.randn(n, *self.row_shape, generator=generator, device=device)
        return rows, torch.zeros(n, dtype=torch.int64, device=device)


class MaskTokenSource(Source):
    """One learned token in place of every source token, as in masked training.

    Its rows are empty; the token is a weight of the embedder, which therefore trains.

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

    def sample(self, n, generator):
        """Draw `n` rows of nothing, all of class 0."""
        device = generator.device
        labels = torch.zeros(n, dtype=torch.int64, device=device)
        return torch.zeros(n, device=device), labels

    def embedder(self, stem):
        """The learned token."""
        return MaskToken(stem.grid, stem.dim)
