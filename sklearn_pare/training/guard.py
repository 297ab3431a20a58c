"""Detection of losses and gradients that are not finite."""

import math

import torch

from sklearn_pare.exceptions import DivergenceError

# Reading a flag synchronises with the device, so it is not done after each step.
_STEPS = 50
# Under autocast a single overflow can be caused by rounding.
_ALLOWED_IN_BFLOAT16 = 1


class Guard:
    """Count of the steps with a loss or gradient that is not finite, on the device."""

    def __init__(self, recipe, device):
        self.recipe, self.lr = recipe, recipe.lr
        self.allowed = _ALLOWED_IN_BFLOAT16 if recipe.bfloat16 else 0
        # Number of skipped steps, the last skipped step, the last finite loss.
        self.values = torch.tensor([0.0, 0.0, math.nan], device=device)

    def see(self, step, loss, norm):
        """Record a step.

        Parameters
        ----------
        step : int
        loss, norm : torch.Tensor, scalars
            `norm` is the norm of the gradient.

        Returns
        -------
        finite : torch.Tensor, a bool
            Whether to take the step.
        """
        skipped, last, kept = self.values
        failed = skipped > self.allowed
        finite = loss.isfinite() & norm.isfinite() & ~failed
        values = [
            skipped + ~finite,
            torch.where(finite, last, float(step)),
            torch.where(loss.isfinite(), loss.float(), kept),
        ]
        # After a failure the values stay as they are until the next check.
        self.values = torch.where(failed, self.values, torch.stack(values))
        return finite

    def is_due(self, step):
        """Return whether `check` is due after this step."""
        return step % _STEPS == 0

    def check(self, epoch):
        """Return the number of skipped steps.

        Raises
        ------
        DivergenceError
            If there are too many.
        """
        skipped, last, _ = self.values.tolist()
        if skipped > self.allowed:
            raise self.error("training loss or its gradient", epoch, int(last))
        return int(skipped)

    def error(self, what, epoch, step=None):
        """Return the error, with the place and advice."""
        lr, kept = self.lr, self.values[2].item()
        where = "" if step is None else f", at step {step} of {self.recipe.n_steps}"
        before = "" if math.isnan(kept) else f" The last finite loss was {kept:.4g}."
        return DivergenceError(
            f"The {what} is no longer finite in epoch {epoch} with lr={lr:g}"
            f"{where}.{before} Try a lower lr, such as lr={lr / 10:g}, or look for "
            "extreme values in X, y or sample_weight."
        )
