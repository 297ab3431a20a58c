"""From checked data to rows for the training loop, fitting what is not trained."""

import numpy as np
import torch

from sklearn_pare import _linear
from sklearn_pare._lazy import LazyArray
from sklearn_pare.training.batches import LazyRows, Rows

# Rows that embedders take quantiles from.
_ROWS = 512


def prepare(model, encoder, data, device):
    """Fit embedder and linear path, and lay the rows out.

    Parameters
    ----------
    model : PaReModel
        On the CPU.
    encoder : ChannelScaler or TableEncoder
        Fitted.
    data : object with X, codes, weight, target and validation
    device : torch.device
        Where rows are wanted.

    Returns
    -------
    rows, valid_rows : Rows or LazyRows
        The latter None without validation data. Weights of the former have mean 1.
    target : object
        Of `_targets`; numbers in units of what the linear path leaves.
    """
    target, validation = data.target, data.validation
    some = np.linspace(0, len(data.X) - 1, min(len(data.X), _ROWS)).astype(int)
    if hasattr(model.embed, "fit"):
        model.embed.fit(torch.from_numpy(_encode(encoder, data.X, some)))
    weight = data.weight / data.weight.mean()
    codes, offset = data.codes, None
    if model.linear is not None:
        x = torch.from_numpy(encoder.transform(data.X))
        offset = _linear.fit(model.linear, x, codes, weight, target.kind)
        if target.kind == "values":
            factor = _linear.remainder(offset, codes)
            target = target.zoom(factor)
            axes = (slice(None), *[None] * (codes.ndim - 2))
            codes, offset = codes / factor[axes], offset / factor[axes]
            codes, offset = codes.astype(np.float32), offset.astype(np.float32)
            model.linear.zoom(torch.from_numpy(factor))
            if validation is not None:
                X_val, codes_val, weight_val = validation
                codes_val = (codes_val / factor[axes]).astype(np.float32)
                validation = X_val, codes_val, weight_val

    def lay_out(X, codes, weight, offset=None):
        if isinstance(X, LazyArray):
            return LazyRows(X, codes, weight, device, encoder.transform)
        return Rows.from_arrays(encoder.transform(X), codes, weight, device, offset)

    return (
        lay_out(data.X, codes, weight, offset),
        validation and lay_out(*validation),
        target,
    )


def _encode(encoder, X, index):
    """Some rows as the network sees them."""
    if X.ndim == 2:
        return encoder.transform(X)[index]
    return encoder.transform(np.asarray(X[index]))
