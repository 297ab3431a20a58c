"""How much of the network is added to the linear path."""

import numpy as np
import torch

from sklearn_pare.training.batches import Batches

_SHARES = np.linspace(0, 1, 21)


@torch.no_grad()
def fit_share(model, rows, loss, batch_size):
    """Scale the head of `model` to what it is worth beside the linear path.

    A network of a few million weights learns a few hundred rows by heart; rows that
    took no part in its training say how much of its outputs to believe.

    Parameters
    ----------
    model : PaReModel
        With a linear path.
    rows : Rows
        Held out; with offsets where the linear path saw them.
    loss : callable
        ``loss(outputs, y)`` -> losses (B,).
    batch_size : int

    Returns
    -------
    share : float
        In [0, 1], of the lowest mean loss.
    """
    model.train(False)
    losses, total = 0.0, 0.0
    for x, y, weight, offset in Batches(rows, batch_size):
        offset = model.linear(x) if offset is None else offset
        own = model.predict(x, offset) - offset
        each = [loss(offset + share * own, y) @ weight for share in _SHARES]
        losses, total = losses + torch.stack(each).double(), total + weight.sum()
    share = float(_SHARES[int((losses / total).argmin())])
    model.head.scale(share)
    return share
