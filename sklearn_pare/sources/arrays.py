"""Sources held in memory, and the control without content."""

import torch


class ArraySource:
    """Rows drawn with replacement from arrays.

    Parameters
    ----------
    X : ndarray of shape (n, ...), float32
        Standardised rows.
    y : ndarray of shape (n,), int64
        Classes in ``range(n_classes)``.
    n_classes : int
    """

    def __init__(self, X, y, n_classes):
        self.rows = torch.from_numpy(X)
        self.labels = torch.from_numpy(y)
        self.n_classes = n_classes
        self.row_shape = X.shape[1:]

    def sample(self, n, generator):
        """Draw `n` rows with their classes."""
        device = generator.device
        index = torch.randint(
            len(self.labels), (n,), generator=generator, device=device
        ).cpu()
        return self.rows[index].to(device), self.labels[index].to(device)


class NoiseSource:
    """White noise in the shape of a formula image: a source with nothing to know.

    It has one class, so its loss is zero; what remains of PaRe is the replacement.
    """

    n_classes = 1
    row_shape = (3, 32, 32)

    def sample(self, n, generator):
        """Draw `n` rows of standard normal numbers, all of class 0."""
        device = generator.device
        rows = torch.randn(n, *self.row_shape, generator=generator, device=device)
        return rows, torch.zeros(n, dtype=torch.int64, device=device)
