"""One training step; everything random is drawn before, so that it can be repeated."""

from typing import NamedTuple

import torch

from sklearn_pare.nn.losses import Targets, add_agreement, pare_loss
from sklearn_pare.nn.model import Mixing


class Step(NamedTuple):
    """Samples and noise of one step.

    Attributes
    ----------
    x : torch.Tensor of shape (u + B, ...)
        Clean samples: first the unlabelled ones, which are the first of the mixed
        samples as well, then labelled ones.
    offset : torch.Tensor of shape (u + B, K, ...) or None
        Outputs of the linear path.
    targets : Targets
        Of the labelled samples.
    mixing : Mixing or None
        The mixed samples: u unlabelled ones, then labelled ones.
    n_unlabeled : int
        The number u.
    """

    x: torch.Tensor
    offset: torch.Tensor | None
    targets: Targets
    mixing: Mixing | None
    n_unlabeled: int

    @property
    def n_most(self):
        """The largest number of parts."""
        return max(len(self.targets.y), self.targets.n_mixed)

    def part(self, i, n_parts):
        """Return the i-th part, with its share of every kind of samples."""
        u = self.n_unlabeled

        def every(n):
            places = torch.arange(n, device=self.x.device)
            return torch.cat([places[i:u:n_parts], places[u + i :: n_parts]])

        rows, mixing = every(len(self.x)), None
        if self.mixing is not None:
            mixed = every(len(self.mixing.x))
            mixing = self.mixing.subset(mixed) if len(mixed) else None
        return Step(
            self.x[rows],
            None if self.offset is None else self.offset[rows],
            self.targets.part(i, n_parts),
            mixing,
            len(range(i, u, n_parts)),
        )


def backward(model, step, recipe, n_parts, own=slice(None), alone=False):
    """Run forward and backward in parts; the gradients add up to those of the step.

    Parameters
    ----------
    model : PaReModel
    step : Step
    recipe : Recipe
    n_parts : int
        At most ``step.n_most``.
    own : slice, default=slice(None)
        The parts to run.
    alone : bool, default=False
        Whether a decoder learns without the backbone.

    Returns
    -------
    terms : LossTerms or None
        Terms of these parts, without a graph; None if there are none.
    """
    terms = None
    for i in range(n_parts)[own]:
        part = step.part(i, n_parts)
        how = {"bfloat16": recipe.bfloat16, "alone": alone}
        outputs = model(part.x, part.mixing, part.offset, **how)
        loss = _loss(part, outputs, step.n_unlabeled, recipe)
        loss.total.backward()
        loss = type(loss)(*(None if term is None else term.detach() for term in loss))
        terms = loss if terms is None else terms.plus(loss)
    return terms


def _loss(part, outputs, n_unlabeled, recipe):
    """Return the terms of a part of a step with unlabelled samples."""
    u = part.n_unlabeled
    without, outputs = outputs.split(u)
    if outputs.mixed_target is not None and len(outputs.mixed_target) == 0:
        # Only unlabelled samples are mixed in this part.
        outputs = outputs._replace(mixed_target=None)
    terms = pare_loss(
        outputs,
        part.targets,
        recipe.train_loss,
        recipe.mix_weight,
        recipe.source_weight,
    )
    if part.mixing is None or u == 0:
        return terms
    return add_agreement(
        terms, without, recipe.agreement, n_unlabeled, recipe.mix_weight
    )
