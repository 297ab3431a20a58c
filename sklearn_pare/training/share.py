"""The network's share beside the linear path, and the end of training without one.

A network of a few million weights overfits a few hundred samples. Samples that it was
not trained on determine how much of its outputs to add to the linear path.
"""

import math
import warnings
from typing import NamedTuple

import numpy as np
import torch
from skorch.callbacks import Callback

from sklearn_pare.exceptions import NetworkUnusedWarning
from sklearn_pare.training.batches import Batches
from sklearn_pare.training.callbacks import ask_to_stop
from sklearn_pare.training.distributed import ALONE

_SHARES = np.linspace(0, 1, 21)
# Standard errors by which the network must lower the loss to get a share.
_ERRORS = 2
# Parts of the steps of a training run. Held-out samples are asked for the gain at this
# interval, after the first part. Some networks are of use only after 30 % of the steps,
# but do no harm before. So training ends after a fair start if all of the last answers
# were below _HARM, and later if all were below _HOPE, both in standard errors.
_INTERVAL, _FIRST, _LAST, _FAIR_START, _LATER = 0.02, 0.05, 0.15, 0.16, 1 / 3
_HARM, _HOPE = -0.1, 1.0
# A start with fewer steps is not fair.
_FEWEST_STEPS = 20
#: With fewer held-out samples the standard error is not reliable.
FEWEST = 20


class Share(NamedTuple):
    """The network's share, and the samples that determined it.

    Attributes
    ----------
    value : float
        1 without a linear path. Otherwise the share in [0, 1] with the lowest mean
        loss on the held-out samples, or 0 if that loss is not lower than the loss of
        the linear path alone by two standard errors of the difference, or if there are
        fewer than 20 samples.
    linear_loss, loss : float or None
        Mean losses on the held-out samples of the linear path alone, and of the linear
        path and the network with its share.
    """

    value: float = 1.0
    linear_loss: float | None = None
    loss: float | None = None


@torch.no_grad()
def compare(model, rows, recipe):
    """Compare shares of the network on samples that it was not trained on.

    Parameters
    ----------
    model : PaReModel
        With a linear path.
    rows : Rows or LazyRows
    recipe : Recipe

    Returns
    -------
    losses : ndarray of shape (21,)
        Mean losses, for shares from 0 to 1.
    gain : float
        Difference between the losses of the linear path alone and of the best share
        above 0, in standard errors; 0 with fewer than 20 samples.
    """
    model.train(False)
    losses = []
    for x, y, weight, offset in Batches(rows, recipe.batch_size):
        offset = model.linear(x) if offset is None else offset
        own = model.predict(x, offset) - offset
        each = [weight * recipe.loss(offset + share * own, y) for share in _SHARES]
        losses.append(torch.stack(each).double())
    losses = torch.cat(losses, 1)
    means = losses.mean(1)
    if len(rows) < FEWEST:
        return means.cpu().numpy(), 0.0
    gains = losses[0] - losses[1 + means[1:].argmin()]
    gain = gains.mean() * len(gains) ** 0.5 / gains.std()
    return means.cpu().numpy(), gain.nan_to_num(0.0, math.inf, -math.inf).item()


def fit_share(network, recipe, processes=ALONE):
    """Scale the head of the network by its share in the outputs; return a `Share`."""
    model, rows = network.model, network.prepared.share_rows
    if rows is None:
        return Share()
    losses, gain = processes.first(lambda: compare(model, rows, recipe))
    best = int(losses.argmin()) if gain > _ERRORS else 0
    share = Share(float(_SHARES[best]), float(losses[0]), float(losses[best]))
    model.head.scale(share.value)
    return share


def warn_if_unused(report):
    """Warn if a `FitReport` states that the linear model predicts alone."""
    if report.network_share > 0:
        return
    reason = "did not lower the loss of the held-out samples by a clear margin"
    if report.n_share < FEWEST:
        reason = f"needs at least {FEWEST} held-out samples to get a share"
    warnings.warn(
        f"Predictions are those of the linear model alone, since the network {reason} "
        "(network_share_ is 0). Arguments of the network, such as lr, mix_start and "
        "source, have no effect on them. For predictions of the network alone, use "
        "linear_path=False. With more samples, the network may get a share. See also "
        "fit_report_, and the first question of the FAQ in the documentation.",
        NetworkUnusedWarning,
        stacklevel=4,
    )


class StopWithoutGain(Callback):
    """Callback that ends the training of a network that adds nothing.

    The answers are part of the history, so that a fit that was interrupted ends after
    the same epoch as without the interruption.

    Parameters
    ----------
    rows : Rows or LazyRows
        Samples that determine the share.
    """

    def __init__(self, rows):
        self.rows = rows

    def on_epoch_end(self, net, **kwargs):
        """Record the gain of the best share, and stop if there was none for long."""
        n_steps, n_epochs = net.recipe.n_steps, net.recipe.n_epochs
        start, gain = max(_FAIR_START * n_steps, _FEWEST_STEPS), None
        can_stop = max(start, net.step_) < n_steps
        if can_stop and self._is_due(net.step_, n_steps, net.recipe.steps_per_epoch):
            parts = net.module_, self.rows, net.recipe
            _, gain = net.processes.first(lambda: compare(*parts))
        net.history.record("network_gain", gain)
        if can_stop and net.step_ >= start:
            n_last = math.ceil(_LAST * n_epochs)
            gains = [row["network_gain"] for row in net.history[-n_last:]]
            gains = [gain for gain in gains if gain is not None]
            needed = _HOPE if net.step_ >= _LATER * n_steps else _HARM
            if len(self.rows) < FEWEST or max(gains, default=0) < needed:
                ask_to_stop(net, "no gain")

    @staticmethod
    def _is_due(step, n_steps, n_steps_of_epoch):
        every = math.ceil(_INTERVAL * n_steps)
        passed = step // every > (step - n_steps_of_epoch) // every
        return passed and step >= _FIRST * n_steps
