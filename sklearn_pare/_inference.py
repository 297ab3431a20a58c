"""Prediction in batches of one shape, smaller ones where a device has no room."""

import copy
import math

import numpy as np
import torch

from sklearn_pare._device import free_cache, is_out_of_memory, out_of_memory


def in_batches(compute, model, X, encode, row_shape, size, device, remedies):
    """Apply ``compute(model, batch)`` to all rows.

    All batches have one fixed shape, the last is padded: a row's result never depends,
    to the bit, on the rows beside it. Where a batch has no room all rows are computed
    anew in batches of half the size.

    Parameters
    ----------
    compute : callable
        ``compute(model, batch)`` -> tensor (size, ...).
    model : PaReModel
        Stays where it is; what computes elsewhere is a copy.
    X : ndarray or LazyArray of shape (n, ...)
    encode : callable
        Some rows of X -> float32 array for the network.
    row_shape : tuple of int
        Of an encoded row.
    size : int
        Rows of a batch.
    device : torch.device
    remedies : sequence of str
        What to type where there is no room for a single row.

    Returns
    -------
    results : ndarray of shape (n, ...)

    Raises
    ------
    OutOfMemoryError
        If the weights or a batch of one row have no room; a MemoryError.
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
                    f"a batch of 1 row of shape {row_shape}, {math.prod(row_shape):,} "
                    f"numbers, in a backbone with {weights},"
                )
                raise out_of_memory(device, what, remedies) from error
        # Here nothing holds the tensors of the failed try any more.
        size //= 2
        free_cache(device)


@torch.no_grad()
def _all_rows(compute, model, X, encode, row_shape, size, device):
    batch = torch.zeros(size, *row_shape, device=device)
    results = []
    for start in range(0, len(X), size):
        rows = encode(X[start : start + size])
        batch.zero_()
        batch[: len(rows)] = torch.from_numpy(rows)
        results.append(compute(model, batch)[: len(rows)].cpu().numpy())
    return np.concatenate(results)
