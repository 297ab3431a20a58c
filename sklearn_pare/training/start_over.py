"""A second start at a lower learning rate, if the training loss does not fall."""

import warnings
from functools import partial

import numpy as np
import torch
from skorch.callbacks import Callback

from sklearn_pare.training.batches import Batches

# Part of the steps after which the loss is compared with that of the initial weights,
# and the least number of them, which must leave as many.
_TRIED, _FEWEST_STEPS = 0.1, 10
# Number of training samples whose loss is compared.
_ASKED = 256


class StartOver(Callback):
    """Callback that starts over once if the training loss does not fall.

    The other steps then start from the initial weights, at a third of the learning
    rate and with a warm-up of their own. The curriculum goes on as if nothing had
    happened.

    Parameters
    ----------
    rows : Rows
        Training samples.
    keep : Keep
        Callback before this one.
    """

    def __init__(self, rows, keep):
        index = np.linspace(0, len(rows) - 1, min(len(rows), _ASKED)).astype(int)
        self.rows, self._keep = rows.subset(index), keep

    def on_train_begin(self, net, **kwargs):
        """Note the initial weights and their loss, also before a fit is continued."""
        self._weights, self._loss = self._keep.weights, self._loss_now(net)

    def on_epoch_end(self, net, **kwargs):
        """Start over after the epoch in which the first tenth of the steps is over."""
        n_steps, before = net.recipe.n_steps, net.recipe.steps_per_epoch
        tried = max(_TRIED * n_steps, _FEWEST_STEPS)
        is_due = net.step_ - before < tried <= net.step_ <= n_steps - tried
        # The number of steps may change: it is tried once.
        if not is_due or net.stop_ or self._weights is None:
            return
        loss = self._loss_now(net)
        if loss >= self._loss:
            net.module_.load_state_dict(self._weights)
            net.start_over()
            self._keep.start_over(net)
            warnings.warn(
                f"In the first {net.step_} steps, with lr={net.recipe.lr:.2g}, the "
                f"training loss did not fall: it was {self._loss:.3g} and is "
                f"{loss:.3g}. Training starts over with lr={net.peak_rate:.2g}. To "
                "avoid the second start, set lr to this or a lower number.",
                UserWarning,
                stacklevel=2,
            )
        # No longer needed.
        self._weights = None

    def _loss_now(self, net):
        return net.processes.first(partial(self._measure, net))

    @torch.no_grad()
    def _measure(self, net):
        net.module_.train(False)
        total = 0.0
        for x, y, weight, offset in Batches(self.rows, net.recipe.batch_size):
            outputs = net.module_.predict(x, offset, bfloat16=net.recipe.bfloat16)
            total += (weight * net.recipe.loss(outputs, y)).sum().item()
        return total / len(self.rows)
