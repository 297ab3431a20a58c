"""How much of the network is added to the linear path."""

import math

import numpy as np
import torch

from sklearn_pare.training.batches import Batches

_SHARES = np.linspace(0, 1, 21)
# Standard errors by which the network must lower the loss to be believed at all.
_ERRORS = 2
#: Rows below which an error of that kind says nothing.
FEWEST = 20


@torch.no_grad()
def fit_share(model, rows, loss, batch_size):
    """Scale the head of `model` to what it is worth beside the linear path.

    A network of a few million weights learns a few hundred rows by heart; rows that
    took no part in its training say how much of its outputs to believe. Where they
    cannot tell its worth from chance, nothing of it is.

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
        In [0, 1]: of the lowest mean loss, or 0 if that is not lower than the loss of
        the linear path alone by two standard errors of the difference, or if there
        are fewer than 20 rows.
    """
    model.train(False)
    losses = []
    for x, y, weight, offset in Batches(rows, batch_size):
        offset = model.linear(x) if offset is None else offset
        own = model.predict(x, offset) - offset
        each = [weight * loss(offset + share * own, y) for share in _SHARES]
        losses.append(torch.stack(each).double())
    losses = torch.cat(losses, 1)
    best = int(losses.mean(1).argmin())
    gain = losses[0] - losses[best]
    error = gain.std() / len(gain) ** 0.5 if len(gain) >= FEWEST else math.inf
    share = float(_SHARES[best]) if gain.mean() > _ERRORS * error else 0.0
    model.head.scale(share)
    return share
