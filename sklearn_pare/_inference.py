"""Prediction in batches of one fixed shape."""

import copy
import math
import weakref
from functools import partial

import numpy as np
import torch

from sklearn_pare import backbones
from sklearn_pare._device import free_cache, is_out_of_memory, out_of_memory
from sklearn_pare.nn.model import PaReModel

# Few samples are at most this part of a batch, or one.
_FEW = 1 / 16
# For each network, the sizes of batches for few samples that were found.
_FOUND = weakref.WeakKeyDictionary()


def in_batches(compute, model, X, encode, row_shape, size, device, remedies):
    """Apply ``compute(model, batch)`` to all samples.

    All batches have one fixed shape, and the last one is padded. Samples of signals and
    images with gaps are in batches of their own, as the network computes with masks
    there. So the result for a sample does not, to the bit, depend on the others. Few
    samples are computed in smaller batches, of the smallest size that gives the same
    bits. If a batch does not fit into the memory of the device, all samples are
    computed again in batches of half the size.

    Parameters
    ----------
    compute : functools.partial
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
    found = _FOUND.setdefault(model, {})
    try:
        model = model if device.type == "cpu" else copy.deepcopy(model).to(device)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        what = f"a backbone with {_weights(model)}"
        raise out_of_memory(device, what, remedies) from error
    while True:
        try:
            return _all_rows(compute, model, X, encode, row_shape, size, device, found)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if size == 1:
                what = (
                    f"a batch of 1 sample of shape {row_shape}, "
                    f"{math.prod(row_shape):,} numbers, in a backbone with "
                    f"{_weights(model)},"
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
    if backbone != "pare-tiny":
        name, _ = backbones.split(backbone)
        found += [
            f"a fit with backbone='{name}?max_tokens={max(1, n_tokens // 2)}'",
            "a fit with a smaller backbone, such as backbone='pare-tiny'",
        ]
    return [*found, "a fit with samples that are pooled or cut to fewer numbers"]


def _weights(model):
    return f"{sum(value.numel() for value in model.state_dict().values()):,} weights"


@torch.no_grad()
def _all_rows(compute, model, X, encode, row_shape, size, device, known):
    results, are_few = [], len(X) <= max(1, _FEW * size)
    for start in range(0, len(X), size):
        rows = encode(X[start : start + size])
        gaps = np.zeros(len(rows), bool)
        if rows.ndim > 2:
            gaps = np.isnan(rows).reshape(len(rows), -1).any(1)
        parts, found = [np.flatnonzero(~gaps), np.flatnonzero(gaps)], []
        for has_gaps, part in enumerate(parts):
            n = size
            if are_few and len(part):
                shape = size, *row_shape
                n = _size_for_few(compute, model, shape, device, has_gaps, known)
            for i in range(0, len(part), n):
                some = torch.from_numpy(rows[part[i : i + n]])
                batch = torch.zeros(n, *row_shape, device=device)
                batch[: len(some)] = some
                found.append(compute(model, batch)[: len(some)].cpu().numpy())
        results.append(np.concatenate(found)[np.argsort(np.concatenate(parts))])
    return np.concatenate(results)


def _size_for_few(compute, model, shape, device, has_gaps, known):
    """Return the smallest size of batches with the bits of batches of this shape.

    It is found once, by trial, as libraries choose how to multiply matrices by their
    sizes and by the processor. Features show differences that outputs may hide.
    """
    key = compute.func, *compute.keywords.values(), shape, device, has_gaps
    key += (torch.get_num_threads(),)
    if key not in known:
        # All codes of categories are 0.
        rows = torch.rand(shape, generator=torch.Generator().manual_seed(0)) - 0.5
        if has_gaps:
            rows[..., -max(1, shape[-1] // 4) :] = torch.nan
        tried, rows = [compute], rows.to(device)
        if compute.func is PaReModel.predict:
            tried.append(partial(PaReModel.features, **compute.keywords))
        wholes = [one(model, rows) for one in tried]
        sizes = (2**i for i in range(int(math.log2(shape[0]))))
        fits = (n for n in sizes if all(
            torch.equal(one(model, rows[i : i + n]), whole[i : i + n])
            for one, whole in zip(tried, wholes, strict=True)
            for i in range(0, shape[0] - n + 1, n)
        ))  # fmt: skip
        known[key] = next(fits, shape[0])
    return known[key]
