"""A second start at a lower learning rate, if the training loss does not fall."""

import warnings

import torch
from skorch.callbacks import Callback

# Part of the steps after which the loss is compared with that of the initial weights.
_TRIED = 0.1
# Number of training samples whose loss is compared.
_ASKED = 256


class StartOver(Callback):
    """Callback that starts over once if the training loss does not fall.

    The other steps then start from the initial weights, at a third of the learning
    rate and with a warm-up of their own.

    Parameters
    ----------
    rows : Rows or LazyRows
        Training samples.
    """

    def __init__(self, rows):
        self.rows = rows

    def on_train_begin(self, net, **kwargs):
        """Keep the initial weights and their loss, also before a fit is continued."""
        self.loss = self._loss(net)
        self.weights = {
            name: value.detach().to("cpu", copy=True)
            for name, value in net.module_.state_dict().items()
        }

    def on_epoch_end(self, net, **kwargs):
        """Start over after the epoch in which the first tenth of the steps is over."""
        n_steps, n_epochs = net.recipe.n_steps, net.recipe.n_epochs
        before = net.step_ - n_steps // n_epochs
        if not before < _TRIED * n_steps <= net.step_ < n_steps or net.stop_:
            return
        loss, weights = self._loss(net), self.weights
        self.weights = None
        if not loss < self.loss:
            net.module_.load_state_dict(weights)
            net.start_over()
            warnings.warn(
                f"In the first {net.step_} steps, with lr={net.recipe.lr:.2g}, the "
                f"training loss did not fall: it was {self.loss:.3g} and is "
                f"{loss:.3g}. Training starts over with lr={net.peak_rate:.2g}. To "
                "avoid the second start, set lr to this or a lower number.",
                UserWarning,
                stacklevel=2,
            )

    @torch.no_grad()
    def _loss(self, net):
        net.module_.train(False)
        total, n_rows = 0.0, min(len(self.rows), _ASKED)
        for start in range(0, n_rows, net.recipe.batch_size):
            end = min(start + net.recipe.batch_size, n_rows)
            x, y, _, offset = self.rows[start:end]
            outputs = net.module_.predict(x, offset, bfloat16=net.recipe.bfloat16)
            total += net.recipe.loss(outputs, y).sum().item()
        return total / n_rows
