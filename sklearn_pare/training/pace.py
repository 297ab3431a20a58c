"""Schedules that bend to a time budget."""

import math
from dataclasses import replace

from skorch.callbacks import Callback

from sklearn_pare.training.callbacks import ask_to_stop

# A forward pass takes about this part of the time of a training step.
_FORWARD = 1 / 3


class Pace(Callback):
    """Callback that lets the training end, with all its schedules, within a time.

    Before each step it estimates how many steps are left, from the mean time of the
    steps so far, epoch ends included, and lets the recipe of the net have so many. The
    progress of the schedules never decreases, and the last step is planned as the last
    one, so that they are at their end there.

    Parameters
    ----------
    max_time : float
        Seconds from the beginning of the fit to its end.
    stopwatch : Stopwatch
        Started when the fit began.
    n_after : int
        Number of samples that pass the network after the last step.
    """

    def __init__(self, max_time, stopwatch, n_after):
        self.max_time, self.stopwatch, self.n_after = max_time, stopwatch, n_after
        # Seconds that the fit took before it was interrupted.
        self._spent = 0.0

    def on_train_begin(self, net, **kwargs):
        """Begin to count the steps of this process."""
        net.pace_, self._most = self, net.recipe.n_steps
        self._n_timed, self._first = -1, None
        # The network is copied once more after the training.
        self._copy = self.stopwatch.seconds.get("building", 0.0) / 4

    @property
    def spent(self):
        """Seconds that the fit has taken so far, in all processes."""
        return self._spent + self.stopwatch.elapsed()

    def restore(self, net, spent, n_steps):
        """Go on with the time that is left."""
        self._spent = spent
        self._plan(net, n_steps)

    def on_batch_begin(self, net, training=True, **kwargs):
        """Plan the rest of the steps, if the time of a step is known."""
        now, n_left = self.stopwatch.elapsed(), None
        left = self.max_time - self._spent - now - self._copy
        if self._n_timed > 0:
            seconds = (now - self._first) / self._n_timed
            passes = self.n_after / net.recipe.batch_size + 1
            n_left = (left - _FORWARD * seconds * passes) / seconds
        elif left <= 0:
            n_left = 0
        self._is_last = n_left is not None and n_left < 2
        if n_left is not None:
            most = self._most if net.step_ < 2 else (
                net.recipe.n_steps * net.step_ // (net.step_ - 1)
            )  # fmt: skip
            n_steps = net.step_ + max(1, math.floor(n_left))
            self._plan(net, min(n_steps, most, self._most))

    def _plan(self, net, n_steps):
        n_epochs = math.ceil(n_steps / net.recipe.steps_per_epoch)
        net.recipe = replace(net.recipe, n_steps=n_steps, n_epochs=n_epochs)

    def on_batch_end(self, net, training=True, **kwargs):
        """Time the step, and let the training end after the last one."""
        # Waits for the device to finish the step.
        float(kwargs["loss"])
        if self._n_timed < 0:
            # The first step is slower than all others.
            self._first = self.stopwatch.elapsed()
        self._n_timed += 1
        if self._is_last:
            ask_to_stop(net, "max_time")
