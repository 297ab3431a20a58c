"""Prediction in batches of one fixed shape."""

import copy
import math
import weakref
from functools import partial

import numpy as np
import torch

from sklearn_pare import backbones
from sklearn_pare._data.grids import restore_grid
from sklearn_pare._data.lazy import LazyArray, check_out, guard
from sklearn_pare._data.reach import check_outputs
from sklearn_pare._device import free_cache, is_out_of_memory, out_of_memory
from sklearn_pare._utils.ahead import ahead
from sklearn_pare.nn.model import PaReModel

# About as many numbers are in memory at a time, of samples as of their outputs.
_BLOCK = 2**22
# Few samples are at most this part of a batch, or one.
_FEW = 1 / 16
# For each network, the sizes of batches for few samples that were found.
_FOUND = weakref.WeakKeyDictionary()


def in_blocks(batches, finish, X, encoder, shapes, out=None):
    """Return ``finish(outputs)`` for all samples, written to `out` if it is given.

    `batches` are those of `in_batches`; X holds the samples before encoding.
    """

    def restore(outputs):
        return finish(restore_grid(outputs, X.shape[2:], shapes[0][1:]))

    if out is not None:
        one = restore(np.zeros((1, *shapes[1]), np.float32))
        check_out(out, (len(X), *one.shape[1:]), one.dtype)
    for rows, outputs in batches:
        block = restore(check_outputs(outputs, X, encoder, rows.start))
        if out is None:
            out = np.empty((len(X), *block.shape[1:]), block.dtype)
        with guard(out):
            out[rows] = block
    return out


def in_batches(compute, model, X, encode, shapes, size, device, remedies):
    """Apply ``compute(model, batch)`` to all samples; yield slices and their results.

    All batches have one fixed shape, and the last one is padded. Samples of signals and
    images with gaps are in batches of their own, as the network computes with masks
    there. So the result for a sample does not, to the bit, depend on the others. Few
    samples are in smaller batches that give the same bits. If the device has no memory
    for a batch, all samples are yielded again, in batches of half the size. Samples in
    files are read ahead.

    Parameters
    ----------
    compute : functools.partial
        ``compute(model, batch)`` returns a tensor (size, ...).
    model : PaReModel
        Not moved: on another device a copy is used.
    X : ndarray or LazyArray of shape (n, ...)
    encode : callable
        Function from samples of X to a float32 array for the network.
    shapes : pair of tuples of int
        Shapes of an encoded sample and of its outputs.
    size : int
        Samples per batch.
    device : torch.device
    remedies : sequence of str
        Advice in the error if not even one sample fits.

    Raises
    ------
    OutOfMemoryError
        If the weights or a batch of one sample do not fit (MemoryError).
    """
    n_weights = sum(value.numel() for value in model.parameters())
    weights, found = f"{n_weights:,} weights", _FOUND.setdefault(model, {})
    blocks, row_shape = _blocks(X, shapes, size), shapes[0]
    try:
        model = model if device.type == "cpu" else copy.deepcopy(model).to(device)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise out_of_memory(device, f"a backbone with {weights}", remedies) from error
    while True:
        try:
            parts = compute, model, X, encode, row_shape, size, device, found, blocks
            yield from _all_rows(*parts)
            return
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


def _blocks(X, shapes, size):
    """Return slices of whole batches; few chunks of a file are part of two of them."""
    # X may be on a finer grid than in fit, and outputs then are too.
    finer = math.ceil(math.prod(X.shape[2:]) / math.prod(shapes[0][1:]))
    n = _BLOCK // (finer * max(map(math.prod, shapes)))
    if isinstance(X, LazyArray):
        chunks = getattr(X.source, "chunks", None) or [1]
        n = max(n, min(int(np.max(chunks[0])), 16 * n))
    step = size * max(1, n // size)
    return [slice(i, min(i + step, len(X))) for i in range(0, len(X), step)]


@torch.no_grad()
def _all_rows(compute, model, X, encode, row_shape, size, device, known, blocks):
    def read(rows):
        return encode(np.asarray(X[rows]))

    # Pages of new memory in each batch would take longer than the copy.
    batch = torch.empty(size, *row_shape)
    are_few = len(X) <= max(1, _FEW * size)
    encoded = ahead(read, blocks) if isinstance(X, LazyArray) else map(read, blocks)
    for block, rows in zip(blocks, encoded, strict=True):
        gaps = np.zeros(len(rows), bool)
        if rows.ndim > 2 and np.isnan(rows.min()):
            gaps = np.isnan(rows).reshape(len(rows), -1).any(1)
        parts, found = [np.flatnonzero(~gaps), np.flatnonzero(gaps)], []
        for has_gaps, part in enumerate(parts):
            n, shape = size, (size, *row_shape)
            if are_few and len(part):
                n = _size_for_few(compute, model, shape, device, has_gaps, known)
            for i in range(0, len(part), n):
                some = part[i : i + n]
                np.take(rows, some, 0, batch.numpy()[: len(some)], "clip")
                batch[len(some) : n] = 0.0
                outputs = compute(model, batch[:n].to(device))
                found.append(outputs[: len(some)].cpu().numpy())
        yield block, np.concatenate(found)[np.argsort(np.concatenate(parts))]


def _size_for_few(compute, model, shape, device, has_gaps, known):
    """Return the smallest size of batches with the bits of batches of this shape.

    It is found once, by trial, as libraries choose how to multiply matrices by their
    sizes and by the processor. Features show differences that outputs may hide.
    """
    place = device, torch.get_num_threads()
    key = compute.func, *compute.keywords.values(), shape, has_gaps, *place
    if key not in known:
        # A trial takes longer than a batch, and pays if there are more calls.
        known[key] = None
        return shape[0]
    if known[key] is None:
        # All codes of categories are 0.
        rows = torch.rand(shape, generator=torch.Generator().manual_seed(0)) - 0.5
        if has_gaps:
            rows[..., -max(1, shape[-1] // 4) :] = torch.nan
        tried, rows = {compute}, rows.to(device)
        if compute.func is PaReModel.predict:
            tried.add(partial(PaReModel.features, **compute.keywords))
        wholes = [(one, one(model, rows).split) for one in tried]
        sizes = (2**i for i in range(int(math.log2(shape[0]))))
        fits = (n for n in sizes if all(
            torch.equal(one(model, some), own)
            for one, split in wholes
            for some, own in zip(rows.split(n), split(n), strict=True)
            if len(some) == n
        ))  # fmt: skip
        known[key] = next(fits, shape[0])
    return known[key]
