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
    steps so far, ends of epochs included, and changes the number of steps in the recipe
    of the net. The progress of the schedules never decreases. The last step is planned
    as the last one, so that the schedules are at their end there.

    Parameters
    ----------
    max_time : float
        Seconds from the beginning of the fit to its end.
    stopwatch : Stopwatch
        Started when the fit began.
    n_after : int
        Number of samples that pass the network after the last step.
    copy : callable
        Copies the network, as is done after the training.
    """

    def __init__(self, max_time, stopwatch, n_after, copy):
        self.max_time, self.stopwatch, self.n_after = max_time, stopwatch, n_after
        self.copy = copy
        # Seconds that the fit took before it was interrupted.
        self._spent = 0.0

    def on_train_begin(self, net, **kwargs):
        """Begin to count the steps of this process."""
        net.pace_, self._most = self, net.recipe.n_steps
        # Of this process; times of the beginning and the end of the first one.
        self._n_steps, self._times = 0, []
        before = self._now(net)
        self.copy()
        self._seconds_of_copy = self._now(net) - before

    def _now(self, net):
        """Return the time since the fit began, the same in all processes."""
        return net.processes.first(self.stopwatch.elapsed)

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
        n_left, now = 0.0, self._now(net)
        if self._n_steps == 0:
            self._times.append(now)
            self._is_last = self._left(now) <= 0
        else:
            # The first step is slower than all others.
            n_timed, since = max(self._n_steps - 1, 1), self._times[self._n_steps > 1]
            seconds = (now - since) / n_timed
            passes = self.n_after / net.recipe.batch_size + 1
            # The clock of some systems is coarse.
            n_left = self._left(now) / max(seconds, 1e-6) - _FORWARD * passes
            self._is_last = n_left < 2
        if self._n_steps or self._is_last:
            n_left = max(1, math.floor(min(n_left, self._most)))
            n_steps = min(self._most, net.step_ + n_left)
            self._plan(net, min(n_steps, _most_steps(net.recipe.n_steps, net.step_)))

    def _left(self, now):
        """Return the seconds until the last step has to end."""
        return self.max_time - self._spent - now - self._seconds_of_copy

    def _plan(self, net, n_steps):
        n_epochs = math.ceil(n_steps / net.recipe.steps_per_epoch)
        net.recipe = replace(net.recipe, n_steps=n_steps, n_epochs=n_epochs)

    def on_batch_end(self, net, training=True, **kwargs):
        """Time the step, and let the training end after the last one."""
        # Waits for the device to finish the step.
        float(kwargs["loss"])
        self._n_steps += 1
        if self._n_steps == 1:
            self._times.append(self._now(net))
            self._is_last |= self._left(self._times[-1]) <= 0
        if self._is_last:
            ask_to_stop(net, "max_time")


def _most_steps(n_steps, step):
    """Return the largest new number of steps for which no progress decreases.

    That of the learning rate is (step + 0.5) / n, that of mixing step / (n - 1).
    """
    if step < 2:
        return math.inf
    of_rate = math.floor(n_steps * (step + 0.5) / (step - 0.5))
    return min(of_rate, (n_steps - 1) * step // (step - 1) + 1)
