"""Callbacks: best weights, early stopping, log messages, user callbacks."""

import logging
import math
import sys
import time
from contextlib import contextmanager
from functools import partial

from skorch.callbacks import Callback

logger = logging.getLogger("sklearn_pare")

# Steps after which the cost of the training is known.
_TIMED_STEPS = 2


class StopTraining(Exception):
    """Signal to end the training loop, which catches it."""


def ask_to_stop(net, reason):
    """Let the training end after this epoch; the first reason counts."""
    net.stop_ = net.stop_ or reason


class StopWhenAsked(Callback):
    """Callback that ends the training after an epoch in which `ask_to_stop` was called.

    It must be the last callback, so that the others are called for that epoch.
    """

    def on_epoch_end(self, net, **kwargs):
        """Stop if a callback requested it."""
        if net.stop_:
            raise StopTraining


class Keep(Callback):
    """Callback that keeps the weights of the last epoch, in case the next one diverges.

    Attributes
    ----------
    weights : dict of str to torch.Tensor
        Weights on the CPU.
    n_epochs : int
        Number of epochs after which these weights were kept.
    """

    n_epochs = 0

    def keep(self, net, **kwargs):
        """Keep the current weights."""
        self.weights = {
            name: value.detach().to("cpu", copy=True)
            for name, value in net.module_.state_dict().items()
        }
        self.n_epochs = len(net.history)

    # After a second start, the initial weights replace those of the first one.
    on_train_begin = on_epoch_end = start_over = keep

    def epochs(self, net):
        """Return the epochs up to the kept weights."""
        return net.epochs()[: self.n_epochs]

    def put_back(self, net):
        """Load the kept weights into the net."""
        net.module_.load_state_dict(self.weights)


class KeepBest(Keep):
    """Early stopping: callback that keeps the weights of the best validation score.

    The state before the first epoch counts too. Of equal scores the one with the lower
    validation loss is better.

    Parameters
    ----------
    patience : int
        Number of epochs without a better result after which training stops.

    Attributes
    ----------
    best : list of two float
        Score, and the loss with its sign reversed.
    waited : int
        Number of epochs since then.
    """

    def __init__(self, patience):
        self.patience = patience

    def on_train_begin(self, net, dataset_valid=None, **kwargs):
        """Score the initial weights."""
        loss, score = net.evaluate(net.get_iterator(dataset_valid))
        self._keep_best(net, self._rank(loss, score))

    def on_epoch_end(self, net, **kwargs):
        """Compare the epoch with the best one so far."""
        row = net.history[-1]
        loss = row["valid_loss"]
        by_loss = net.recipe.scoring == "loss"
        result = self._rank(loss, -loss if by_loss else row[net.score_name])
        if result > self.best:
            self._keep_best(net, result)
        else:
            self.waited += 1
            if self.waited >= self.patience:
                ask_to_stop(net, "early stopping")

    @staticmethod
    def _rank(loss, score):
        # R2 of a single sample is NaN; then only the loss counts. `training.scoring`
        # warns of other scores that are NaN.
        return [-math.inf if math.isnan(score) else score, -loss]

    def _keep_best(self, net, result):
        self.best, self.waited = result, 0
        self.keep(net)

    def epochs(self, net):
        """Return the epochs among which the weights are the best."""
        # The duration is recorded when an epoch ends.
        return [row for row in net.epochs() if "duration" in row]

    def start_over(self, net):
        """Begin to wait again; the initial weights were scored at first."""
        self.waited = 0

    def on_train_end(self, net, **kwargs):
        """Restore the best weights."""
        self.put_back(net)


class Report(Callback):
    """Callback that logs the cost of the training, and one line per epoch."""

    def on_train_begin(self, net, **kwargs):
        """Start timing the first steps."""
        self.times_ = [time.perf_counter()]

    def on_batch_end(self, net, training=True, **kwargs):
        """Log the cost after two steps; the first one is slower than all others."""
        if len(self.times_) <= _TIMED_STEPS:
            # Waits for the device to finish the step.
            float(kwargs["loss"])
            self.times_.append(time.perf_counter())
            if len(self.times_) == _TIMED_STEPS + 1:
                logger.info(cost(net, self.times_[-1] - self.times_[-2]))

    def on_epoch_begin(self, net, **kwargs):
        """Start timing."""
        self.start_ = time.perf_counter()

    def on_epoch_end(self, net, **kwargs):
        """Log the losses, the score and the duration of the epoch."""
        net.history.record("duration", time.perf_counter() - self.start_)
        logger.info(epoch_line(net))


def epoch_line(net):
    """Return a line on the last epoch; columns have the same width in all epochs."""
    row, recipe, n_epochs = net.history[-1], net.recipe, net.recipe.n_epochs
    values = {"clean loss": row["target_loss"], "mixed loss": row["mixed_target_loss"]}
    if net.score_name in row:
        values[net.score_name] = row[net.score_name]
    # Not every epoch has mixed samples.
    shown = (f"{t} {'-' if v is None else f'{v:.4f}':>7}" for t, v in values.items())
    seconds = sum(row["duration"] for row in net.history) / max(net.step_, 1)
    left = _duration(seconds * (recipe.n_steps - net.step_))
    return (
        f"epoch {len(net.history):>{len(str(n_epochs))}}/{n_epochs}  "
        f"{'  '.join(shown)}  {row['duration']:5.1f} s  {left:>7} left"
    )


def cost(net, seconds):
    """Return size and expected time of a training run, given the time of a step."""
    recipe = net.recipe
    time_left = _duration(seconds * (recipe.n_steps - net.step_))
    n_weights = sum(p.numel() for p in net.module_.backbone.parameters())
    read = (
        f"{recipe.n_tokens} tokens per sample, backbone of {n_weights / 1e6:.1f} M "
        "parameters"
    )
    if recipe.share_alone == 1:
        read = "decoder of fields without a backbone"
    return (
        f"{read}, {recipe.n_steps} steps of {recipe.batch_size} samples, about "
        f"{time_left} for {recipe.n_steps - net.step_} more"
    )


def _duration(seconds):
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"


class UserCallbacks(Callback):
    """Callback that reports each epoch to the callbacks of scikit-learn.

    Parameters
    ----------
    context : sklearn.callback.CallbackContext or NoCallbacks
        Context of the fit.
    estimator : BaseEstimator
    data : dict
        X and y as passed to fit.
    attributes : callable
        ``attributes(history)`` returns the fitted attributes of an estimator that
        predicts with the current weights; called only if a callback needs them.

    Notes
    -----
    Of several processes, the first one alone has callbacks.
    """

    def __init__(self, context, estimator, data, attributes):
        self.context = context
        self.estimator = estimator
        self.data = data
        self.attributes = attributes

    def on_epoch_begin(self, net, **kwargs):
        """Begin the task of the epoch."""
        self.task_ = self.context.subcontext(task_name="epoch")
        self.task_.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def on_epoch_end(self, net, **kwargs):
        """End the task; a callback may stop the training."""
        end = partial(
            self.task_.call_on_fit_task_end,
            estimator=self.estimator,
            reconstruction_attributes=lambda: self.attributes(net.epochs()),
            **self.data,
        )
        if net.processes.first(lambda: bool(end())):
            ask_to_stop(net, "callback")


@contextmanager
def visible_log(verbose):
    """Show log lines while `verbose`, even if logging is not configured."""
    if not verbose:
        yield
        return
    level, handler = logger.level, logging.StreamHandler(sys.stdout)
    if not logger.hasHandlers():
        logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
