"""Prediction in batches of one fixed shape."""

import copy
import math

import numpy as np
import torch

from sklearn_pare import backbones
from sklearn_pare._device import free_cache, is_out_of_memory, out_of_memory


def in_batches(compute, model, X, encode, row_shape, size, device, remedies):
    """Apply ``compute(model, batch)`` to all samples.

    All batches have one fixed shape, and the last one is padded. Samples of signals and
    images with gaps are in batches of their own, as the network computes with masks
    there. So the result for a sample does not, to the bit, depend on the others. If a
    batch does not fit into the memory of the device, all samples are computed again in
    batches of half the size.

    Parameters
    ----------
    compute : callable
        ``compute(model, batch)`` returns a tensor (size, ...).
    model : PaReModel
        Not moved: on another device a copy is used.
    X : ndarray or LazyArray of shape (n, ...)
    encode : callable
        Function from samples of X to a float32 array for the network.
    row_shape : tuple of int
        Shape of an encoded sample.
    size : int
        Samples per batch.
    device : torch.device
    remedies : sequence of str
        Advice in the error if not even one sample fits.

    Raises
    ------
    OutOfMemoryError
        If the weights or a batch of one sample do not fit; a MemoryError.
    """
    numbers = sum(value.numel() for value in model.state_dict().values())
    weights = f"{numbers:,} weights"
    try:
        model = model if device.type == "cpu" else copy.deepcopy(model).to(device)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise out_of_memory(device, f"a backbone with {weights}", remedies) from error
    while True:
        try:
            return _all_rows(compute, model, X, encode, row_shape, size, device)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if size == 1:
                what = (
                    f"a batch of 1 sample of shape {row_shape}, "
                    f"{math.prod(row_shape):,} numbers, in a backbone with {weights},"
                )
                raise out_of_memory(device, what, remedies) from error
        # Outside of the except block, nothing holds the tensors of the failed batch.
        size //= 2
        free_cache(device)


def remedies(backbone, n_tokens, device, bfloat16):
    """Return what may help if a device has no memory for one sample."""
    found = ["ending other programs that use it"]
    found.append("more swap space" if device.type == "cpu" else "device='cpu'")
    if not bfloat16:
        found.append("precision='bf16'")
    name, _ = backbones.split(backbone)
    if name not in ("pare-signal", "pare-tiny"):
        found += [
            f"a fit with backbone='{name}?max_tokens={max(1, n_tokens // 2)}'",
            "a fit with a smaller backbone, such as backbone='pare-tiny'",
        ]
    return [*found, "a fit with samples that are pooled or cut to fewer numbers"]


@torch.no_grad()
def _all_rows(compute, model, X, encode, row_shape, size, device):
    batch = torch.zeros(size, *row_shape, device=device)
    results = []
    for start in range(0, len(X), size):
        rows = encode(X[start : start + size])
        gaps = np.zeros(len(rows), bool)
        if rows.ndim > 2:
            gaps = np.isnan(rows).reshape(len(rows), -1).any(1)
        parts = [np.flatnonzero(~gaps), np.flatnonzero(gaps)]
        found = []
        for part in filter(len, parts):
            batch.zero_()
            batch[: len(part)] = torch.from_numpy(rows[part])
            found.append(compute(model, batch)[: len(part)].cpu().numpy())
        results.append(np.concatenate(found)[np.argsort(np.concatenate(parts))])
    return np.concatenate(results)
