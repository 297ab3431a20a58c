"""Batches of samples, from tensors on the device or from a file."""

import numpy as np
import torch
from torch.utils.data import Dataset

from sklearn_pare._utils.ahead import ahead


class Rows(Dataset):
    """Samples, targets and weights as tensors.

    Parameters
    ----------
    x : torch.Tensor of shape (n, ...)
    y : torch.Tensor of shape (n,) or (n, K)
    weight : torch.Tensor of shape (n,)
    offset : torch.Tensor of shape (n, K, ...), optional
        Outputs of the linear path, to which those of the network are added.
    """

    def __init__(self, x, y, weight, offset=None):
        self.x, self.y, self.weight, self.offset = x, y, weight, offset

    @property
    def device(self):
        """Device of the batches, which indices must be on as well."""
        return self.x.device

    index_device = device

    @classmethod
    def from_arrays(cls, x, y, weight, device, offset=None):
        """Make tensors on a device from arrays; weights become float32."""
        weight = weight.astype(np.float32)
        arrays = (x, y, weight) if offset is None else (x, y, weight, offset)
        return cls(*(torch.as_tensor(a).to(device) for a in arrays))

    def subset(self, index):
        """Return some of the samples, given their positions."""
        return Rows(*self[torch.from_numpy(index).to(self.device)])

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        offset = None if self.offset is None else self.offset[index]
        return self.x[index], self.y[index], self.weight[index], offset

    def batches(self, indices):
        """Yield the samples at each of several indices."""
        return map(self.__getitem__, indices)


class EncodedSamples:
    """Samples that are read and encoded when they are indexed.

    Parameters
    ----------
    x : LazyArray of shape (n, ...)
    encode : callable
        Function from samples as read to a float32 array for the network.
    """

    def __init__(self, x, encode):
        self.x, self.encode = x, encode

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        """Return samples as a tensor."""
        return torch.from_numpy(self.encode(np.asarray(self.x[index])))

    def subset(self, index):
        """Return some of the samples, given their positions, unread."""
        return EncodedSamples(self.x[index], self.encode)


class LazyRows(Dataset):
    """Samples that are read, encoded and moved to the device in batches.

    Parameters
    ----------
    x : EncodedSamples of shape (n, ...)
    y : ndarray of shape (n, ...)
    weight : ndarray of shape (n,)
    device : torch.device
    offset : ndarray of shape (n, K, ...), optional
        Outputs of the linear path, to which those of the network are added.
    """

    def __init__(self, x, y, weight, device, offset=None):
        self.x, self.y, self.weight = x, y, weight.astype(np.float32)
        self.device, self.index_device = device, torch.device("cpu")
        self.offset = offset

    def subset(self, index):
        """Return some of the samples, given their positions."""
        parts = self.x.subset(index), self.y[index], self.weight[index]
        offset = None if self.offset is None else self.offset[index]
        return LazyRows(*parts, self.device, offset)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return self._move(self._read(index))

    def batches(self, indices):
        """Yield the samples at each of several indices, which are read ahead."""
        return map(self._move, ahead(self._read, indices))

    def _read(self, index):
        """Return samples in memory; only pinned memory is copied to GPUs meanwhile."""
        if isinstance(index, torch.Tensor):
            index = index.numpy()
        offset = None if self.offset is None else self.offset[index]
        parts = self.x[index], self.y[index], self.weight[index], offset
        parts = (None if part is None else torch.as_tensor(part) for part in parts)
        if self.device.type == "cuda":
            parts = (part if part is None else part.pin_memory() for part in parts)
        return tuple(parts)

    def _move(self, parts):
        how = {"device": self.device, "non_blocking": True}
        return tuple(None if part is None else part.to(**how) for part in parts)


class Batches:
    """Iterable over batches, in a new random order each time if given a generator.

    The last batch may be smaller: each sample is part of one batch per epoch.

    Parameters
    ----------
    rows : Rows or LazyRows
    batch_size : int
    generator : torch.Generator or None
        Generator on the CPU, so that the order is the same on every device.
    own : slice, default=slice(None)
        The batches to return.

    Attributes
    ----------
    position : int
        Number of batches of the current pass so far. A new iterator starts there,
        which continues a pass that was interrupted.
    """

    def __init__(self, rows, batch_size, generator=None, own=slice(None)):
        self.rows, self.batch_size, self.generator = rows, batch_size, generator
        self.own = own
        self.position, self._start = 0, None

    def __iter__(self):
        n = len(self.rows)
        if self.generator is None:
            order = torch.arange(n)
        else:
            self._start = self.generator.get_state()
            order = torch.randperm(n, generator=self.generator)
        batches = order.to(self.rows.index_device).split(self.batch_size)[self.own]
        for batch in self.rows.batches(batches[self.position :]):
            self.position += 1
            yield batch
        self.position = 0

    def state(self):
        """Return the state of the generator before the current order was drawn."""
        return self._start if self.position else self.generator.get_state()


def endless(batches):
    """Yield all batches, again and again."""
    while True:
        yield from batches
