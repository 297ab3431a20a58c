"""Everything random of a training step: source samples, partners and noise."""

import torch

from sklearn_pare.nn.losses import Targets
from sklearn_pare.nn.model import Mixing
from sklearn_pare.nn.schedule import mix_fraction, n_replaced
from sklearn_pare.training.step import Step


def draw_step(batch, unlabeled, source, recipe, n_before, generator):
    """Draw the samples and the noise of a training step.

    Parameters
    ----------
    batch : tuple of x, y, weight and offset
        Labelled samples in random order. Their offset may be None.
    unlabeled : tuple of x and offset, or None
        Unlabelled samples. All of them pass the network both clean and mixed.
    source : Source or None
    recipe : Recipe
    n_before : int
        Number of steps before this one.
    generator : torch.Generator

    Returns
    -------
    step : Step
    """
    x, y, weight, offset = batch
    more, more_offset = (x[:0], _part(offset, 0)) if unlabeled is None else unlabeled
    n, first, mixing = len(y), 0, None
    # Both modalities have the grid of the backbone.
    fraction, n_tokens = recipe.fraction(n_before), recipe.n_tokens
    k = 0 if source is None else n_replaced(fraction, n_tokens, n_tokens)
    m = int(recipe.mixed_share * n)
    if k:
        first = int((1 - recipe.clean_share) * n)
    targets = Targets(y[first:], weight[first:], n - first)
    if k and len(more) + m:
        mixed = _join(more, x[:m]), _join(more_offset, _part(offset, m))
        noise = _noise(recipe, n_before, len(mixed[0]), generator)
        mixing, drawn = _replacing(
            batch, mixed, len(more), source, k / n_tokens, generator
        )
        mixing = Mixing(mixed[0], k, noise, *mixing)
        targets = targets._replace(
            y_mixed=y[:m], weight_mixed=weight[:m], n_mixed=m, **drawn
        )
    return Step(
        _join(more, x[first:]),
        None if offset is None else _join(more_offset, offset[first:]),
        targets,
        mixing,
        len(more),
    )


def _part(values, m):
    return None if values is None else values[:m]


def _join(one, other):
    return None if one is None else torch.cat([one, other])


def _noise(recipe, n_before, n, generator):
    """Return Gumbel noise (2, n, N): exploration at first, the gate alone at last."""
    scale = mix_fraction(n_before / recipe.n_steps, *recipe.noise)
    noise = torch.empty(2, n, recipe.n_tokens, device=generator.device)
    return -scale * noise.exponential_(generator=generator).log()


def _replacing(batch, mixed, n_unlabeled, source, fraction, generator):
    """Draw the samples whose tokens replace those of the mixed ones, and their targets.

    Returns
    -------
    samples : tuple
        The last arguments of `Mixing`.
    targets : dict
        The last arguments of `Targets`.
    """
    x, y, weight, _ = batch
    x_mixed, offset = mixed
    n, m, targets = len(y), len(x_mixed) - n_unlabeled, {}
    n_source = len(x_mixed) - round(source.own_share * m)
    if source.own_share == 1:
        n_source = 0
    drawn = own = None
    if n_source:
        drawn, y_source = source.sample(n_source, generator)
        targets["y_source"] = y_source[n_unlabeled:]
    if n_source < len(x_mixed):
        # The order of the batch is random. Half a batch away, most samples pass clean.
        places = torch.arange(n_source, len(x_mixed), device=x.device) - n_unlabeled
        partner = (places + n // 2) % n
        own = x[partner]
        labelled = partner[places >= 0]
        targets |= {"y_own": y[labelled], "weight_own": weight[labelled]}
        if offset is not None:
            blend = torch.lerp(offset[n_source:], batch[3][partner], fraction)
            offset = torch.cat([offset[:n_source], blend])
    return (drawn, own, offset), targets
