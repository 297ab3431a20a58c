"""Sources held in memory."""

import torch

from sklearn_pare.sources.base import Source, draw_index


class ArraySource(Source):
    """Rows drawn with replacement from arrays.

    Parameters
    ----------
    X : ndarray of shape (n, ...), float32 or int64
        Standardised rows, or word numbers.
    y : ndarray of shape (n,), (n, H, W) or (n, L), int64
        Classes in ``range(n_classes)``, of rows or of every place of a row.
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

    @property
    def dense(self):
        """Whether labels are masks."""
        return self.labels.ndim > 1

    def sample(self, n, generator):
        """Draw `n` rows with their classes or masks."""
        device = generator.device
        index = draw_index(len(self.labels), n, generator)
        return self.rows[index].to(device), self.labels[index].to(device)
