"""Batches as index slices of tensors that already lie on the device."""

import numpy as np
import torch
from torch.utils.data import Dataset


class Rows(Dataset):
    """Rows, targets and weights of one set.

    Parameters
    ----------
    x : torch.Tensor of shape (n, ...)
    y : torch.Tensor of shape (n,) or (n, K)
    weight : torch.Tensor of shape (n,)
    """

    def __init__(self, x, y, weight):
        self.x, self.y, self.weight = x, y, weight

    @classmethod
    def from_arrays(cls, x, y, weight, device):
        """Arrays as tensors on the device; weights become float32."""
        weight = weight.astype(np.float32)
        return cls(*(torch.from_numpy(a).to(device) for a in (x, y, weight)))

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return self.x[index], self.y[index], self.weight[index]


class Batches:
    """Iterate over `Rows`; in a new random order each time if there is a generator.

    The last batch may be smaller: every row is seen once an epoch.

    Parameters
    ----------
    rows : Rows
    batch_size : int
    generator : torch.Generator or None
        On the CPU, so that the order is the same on every device.
    """

    def __init__(self, rows, batch_size, generator=None):
        self.rows, self.batch_size, self.generator = rows, batch_size, generator

    def __iter__(self):
        n = len(self.rows)
        if self.generator is None:
            order = torch.arange(n)
        else:
            order = torch.randperm(n, generator=self.generator)
        for index in order.to(self.rows.x.device).split(self.batch_size):
            yield self.rows[index]
