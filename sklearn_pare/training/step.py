"""What one step needs, all drawn before it is taken, so that it can be taken anew."""

from typing import NamedTuple

import torch

from sklearn_pare.nn.losses import add_agreement, pare_loss
from sklearn_pare.nn.model import Mixing


class Step(NamedTuple):
    """Rows, source rows and noise of one step.

    Attributes
    ----------
    x : torch.Tensor of shape (u + B, ...)
        Unlabelled rows, all of them mixed as well, then labelled rows.
    y, weight : torch.Tensor of shape (B, ...)
        Of the labelled rows.
    offset : torch.Tensor of shape (u + B, K, ...) or None
        Of the linear path.
    mixing : Mixing or None
        For the first u + m rows.
    y_source : torch.Tensor of shape (u + m, ...) or None
    n_unlabeled : int
        u.
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
        """m, the number of labelled rows that are mixed as well."""
        return 0 if self.mixing is None else len(self.y_source) - self.n_unlabeled

    def part(self, i, n_parts):
        """The i-th of parts with about as many rows of each kind; B parts at most."""
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
    """Forward and backward, part by part; gradients add up to those of the whole.

    Parameters
    ----------
    model : PaReModel
    step : Step
    recipe : Recipe
    n_parts : int
        At most the number of labelled rows.

    Returns
    -------
    terms : LossTerms
        Of the whole step, without a graph.
    fraction : float
        Of the tokens that were replaced.
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
    """Terms of a part, by its share of the whole step."""
    u = part.n_unlabeled
    without, outputs = outputs.split(u)
    if part.n_mixed == 0:
        # Rows without a label may be all that is mixed here.
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
