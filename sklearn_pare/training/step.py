"""One training step; everything random is drawn before, so that it can be repeated."""

from typing import NamedTuple

import torch

from sklearn_pare.nn.losses import add_agreement, pare_loss
from sklearn_pare.nn.model import Mixing


class Step(NamedTuple):
    """Samples, source samples and noise of one step.

    Attributes
    ----------
    x : torch.Tensor of shape (u + B, ...)
        Unlabelled samples, all of which are mixed, then labelled samples.
    y, weight : torch.Tensor of shape (B, ...)
        Targets and weights of the labelled samples.
    offset : torch.Tensor of shape (u + B, K, ...) or None
        Outputs of the linear path.
    mixing : Mixing or None
        For the first u + m samples.
    y_source : torch.Tensor of shape (u + m, ...) or None
    n_unlabeled : int
        The number u.
    """

    x: torch.Tensor
    y: torch.Tensor
    weight: torch.Tensor
    offset: torch.Tensor | None
    mixing: Mixing | None
    y_source: torch.Tensor | None
    n_unlabeled: int

    @property
    def n_mixed(self):
        """The number m of labelled samples that are mixed as well."""
        return 0 if self.mixing is None else len(self.y_source) - self.n_unlabeled

    def part(self, i, n_parts):
        """Return the i-th of at most B parts, each with its share of every kind."""
        u = self.n_unlabeled

        def every(n):
            places = torch.arange(n, device=self.x.device)
            return torch.cat([places[i:u:n_parts], places[u + i :: n_parts]])

        rows, mixing, y_source = every(len(self.x)), None, None
        if self.mixing is not None:
            mixed = every(len(self.y_source))
            if len(mixed):
                _, k, *noise = self.mixing
                own = self.mixing.source[mixed]
                mixing = Mixing(own, k, *(values[mixed] for values in noise))
                y_source = self.y_source[mixed]
        return Step(
            self.x[rows],
            self.y[i::n_parts],
            self.weight[i::n_parts],
            None if self.offset is None else self.offset[rows],
            mixing,
            y_source,
            len(range(i, u, n_parts)),
        )


def backward(model, step, recipe, n_parts):
    """Run forward and backward in parts; the gradients add up to those of the step.

    Parameters
    ----------
    model : PaReModel
    step : Step
    recipe : Recipe
    n_parts : int
        At most the number of labelled samples.

    Returns
    -------
    terms : LossTerms
        Terms of the whole step, without a graph.
    fraction : float
        Fraction of tokens that were replaced.
    """
    terms, fraction = None, 0.0
    for i in range(n_parts):
        part = step.part(i, n_parts)
        outputs = model(part.x, part.mixing, part.offset, bfloat16=recipe.bfloat16)
        fraction = max(fraction, outputs.fraction)
        own = _loss(part, outputs, step, recipe)
        own.total.backward()
        own = type(own)(*(None if term is None else term.detach() for term in own))
        terms = own if terms is None else terms.plus(own)
    return terms, fraction


def _loss(part, outputs, step, recipe):
    """Return the terms of a part, weighted by its share of the step."""
    u = part.n_unlabeled
    without, outputs = outputs.split(u)
    if part.n_mixed == 0:
        # Only unlabelled samples may be mixed in this part.
        outputs = outputs._replace(mixed_target=None)
    terms = pare_loss(
        outputs,
        part.y,
        part.weight,
        recipe.loss,
        None if part.n_mixed == 0 else part.y_source[u:],
        recipe.mix_weight,
        recipe.source_weight,
        (len(part.y) / len(step.y), part.n_mixed / max(step.n_mixed, 1)),
    )
    if part.mixing is None or u == 0:
        return terms
    share = u / step.n_unlabeled
    return add_agreement(terms, without, recipe.agreement, recipe.mix_weight, share)
