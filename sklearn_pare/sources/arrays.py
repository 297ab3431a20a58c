"""Sources of arrays in memory."""

import torch

from sklearn_pare.sources.base import Source, draw_index


class ArraySource(Source):
    """Samples drawn with replacement from arrays.

    Parameters
    ----------
    X : ndarray of shape (n, ...), float32 or int64
        Standardised samples, or word indices.
    y : ndarray of shape (n,), (n, H, W) or (n, L), int64
        Classes in ``range(n_classes)``, one per sample or one per position.
    n_classes : int

    Examples
    --------
    >>> import numpy as np, torch
    >>> from sklearn_pare.sources import ArraySource
    >>> source = ArraySource(np.eye(3, dtype=np.float32), np.arange(3), 3)
    >>> x, y = source.sample(5, torch.Generator().manual_seed(0))
    >>> x.shape, bool((x.argmax(1) == y).all())
    (torch.Size([5, 3]), True)
    """

    def __init__(self, X, y, n_classes):
        self.rows = torch.from_numpy(X)
        self.labels = torch.from_numpy(y)
        self.n_classes = n_classes
        self.row_shape = X.shape[1:]
        self.dense = y.ndim > 1

    def sample(self, n, generator):
        """Draw `n` samples with their classes."""
        index = draw_index(len(self.labels), n, generator)
        return (
            self.rows[index].to(generator.device),
            self.labels[index].to(generator.device),
        )
