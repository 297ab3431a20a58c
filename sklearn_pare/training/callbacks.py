"""What happens between epochs: guards, early stopping, messages, user callbacks."""

import logging
import math
import sys
import time
from contextlib import contextmanager

from skorch.callbacks import Callback

logger = logging.getLogger("sklearn_pare")


class StopTraining(Exception):
    """Ends the loop; caught around it."""


class StopWhenAsked(Callback):
    """End the training after an epoch in which a callback set ``net.stop_``.

    The last of all callbacks, so that the others see the end of that epoch.
    """

    def on_epoch_end(self, net, **kwargs):
        """Stop if asked to."""
        if net.stop_:
            raise StopTraining


class Keep(Callback):
    """Remember the weights after each epoch, in case the next one diverges.

    Attributes
    ----------
    weights : dict of str to torch.Tensor
        On the CPU.
    n_epochs : int
        How many were finished when the weights were remembered.
    """

    def on_train_begin(self, net, **kwargs):
        """Remember the start."""
        self.keep(net)

    def on_epoch_end(self, net, **kwargs):
        """Remember the epoch."""
        self.keep(net)

    def keep(self, net):
        """Remember the present weights."""
        self.n_epochs = len(net.history)
        self.weights = {
            name: value.detach().to("cpu", copy=True)
            for name, value in net.module_.state_dict().items()
        }

    def put_back(self, net):
        """Give the net the weights remembered."""
        net.module_.load_state_dict(self.weights)


class KeepBest(Keep):
    """Remember the weights of the best validation score; stop when it stands still.

    The state before the first epoch counts too. Among equal scores the lower
    validation loss is the better one.

    Parameters
    ----------
    patience : int
        Epochs without a better result until training stops.

    Attributes
    ----------
    best : list of two float
        Score, and loss with its sign turned.
    waited : int
        Epochs since.
    """

    def __init__(self, patience):
        self.patience = patience

    def on_train_begin(self, net, dataset_valid=None, **kwargs):
        """Score the model as it starts."""
        loss, score = net.evaluate(net.get_iterator(dataset_valid))
        self._keep_best(net, self._rank(loss, score))

    def on_epoch_end(self, net, **kwargs):
        """Compare with the best so far."""
        row = net.history[-1]
        result = self._rank(row["valid_loss"], row["valid_score"])
        if result > self.best:
            self._keep_best(net, result)
        else:
            self.waited += 1
            net.stop_ |= self.waited >= self.patience

    @staticmethod
    def _rank(loss, score):
        # R2 of a single row is NaN: then the loss alone decides.
        return [-math.inf if math.isnan(score) else score, -loss]

    def _keep_best(self, net, result):
        self.best, self.waited = result, 0
        self.keep(net)

    def on_train_end(self, net, **kwargs):
        """Put the best weights back."""
        self.put_back(net)


class Report(Callback):
    """One log line an epoch."""

    def on_epoch_begin(self, net, **kwargs):
        """Start the clock."""
        self.start_ = time.perf_counter()

    def on_epoch_end(self, net, **kwargs):
        """Time the epoch and describe it."""
        net.history.record("duration", time.perf_counter() - self.start_)
        row = net.history[-1]
        names = ("train_loss", "valid_loss", "valid_score", "mix_fraction")
        logger.info(
            "epoch %d/%d  %s  %.1f s",
            len(net.history),
            net.recipe.n_epochs,
            "  ".join(f"{name} {row[name]:.4f}" for name in names if name in row),
            row["duration"],
        )


class UserCallbacks(Callback):
    """Pass every epoch on to the callbacks of scikit-learn's protocol.

    Parameters
    ----------
    context : sklearn.callback.CallbackContext
        Of the fit.
    estimator : BaseEstimator
    data : dict
        X and y as given to fit.
    attributes : callable
        ``attributes(history)`` returns the fitted attributes of an estimator that
        predicts with the present weights; called only if a callback asks for them.
    """

    def __init__(self, context, estimator, data, attributes):
        self.context = context
        self.estimator = estimator
        self.data = data
        self.attributes = attributes

    def on_epoch_begin(self, net, **kwargs):
        """Open the task of the epoch."""
        self.task_ = self.context.subcontext(task_name="epoch")
        self.task_.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def on_epoch_end(self, net, **kwargs):
        """Close it; a callback may end the training."""
        net.stop_ |= self.task_.call_on_fit_task_end(
            estimator=self.estimator,
            reconstruction_attributes=lambda: self.attributes(net.epochs()),
            **self.data,
        )


@contextmanager
def visible_log(verbose):
    """Let log lines be seen while `verbose`, also where nobody set up logging."""
    if not verbose:
        yield
        return
    level, handler = logger.level, logging.StreamHandler(sys.stdout)
    silent = not logger.hasHandlers()
    if silent:
        logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        if silent:
            logger.removeHandler(handler)
