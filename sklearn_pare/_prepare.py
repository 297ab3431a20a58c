"""From checked data to rows for the training loop, fitting what is not trained."""

import math

import numpy as np
import torch
from sklearn.model_selection import train_test_split

from sklearn_pare import _linear
from sklearn_pare._lazy import LazyArray
from sklearn_pare.training.batches import LazyRows, Rows

# Rows that embedders take quantiles from.
_ROWS = 512
# Part of the rows that says how much of the network to believe, of dense targets less:
# each row has many numbers. And rows that are always enough.
_FRACTION, _DENSE_FRACTION, _MOST = 0.2, 0.05, 200


def prepare(model, encoder, data, device, seed):
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
    seed : int
        Of the rows held out.

    Returns
    -------
    rows, valid_rows, share_rows : Rows or LazyRows
        To train on, their weights of mean 1; to validate on, None without validation
        data; to find on how much of the network to believe beside the linear path:
        those to validate on, or else some of `data.X`, or None without such a path.
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

    valid_rows = validation and lay_out(*validation)
    rows, share_rows = lay_out(data.X, codes, weight, offset), None
    if model.linear is not None:
        share_rows = valid_rows
        if valid_rows is None:
            kept, held_out = _hold_out(codes, target, seed)
            share_rows, rows = rows.subset(held_out), rows.subset(kept)
    return rows, valid_rows, share_rows, target


def _hold_out(codes, target, seed):
    """Indices of rows to train on, and of rows for `training.share`."""
    fraction = _DENSE_FRACTION if len(target.output_shape) > 1 else _FRACTION
    count = min(math.ceil(fraction * len(codes)), _MOST)
    strata = target.strata(codes)
    if strata is not None:
        sizes = np.unique(strata, return_counts=True)[1]
        if sizes.min() < 2 or len(sizes) > count:
            strata = None
    return train_test_split(
        np.arange(len(codes)), test_size=count, stratify=strata, random_state=seed
    )


def _encode(encoder, X, index):
    """Some rows as the network sees them."""
    if X.ndim == 2:
        return encoder.transform(X)[index]
    return encoder.transform(np.asarray(X[index]))
