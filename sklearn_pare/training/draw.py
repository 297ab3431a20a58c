"""Everything random of a training step: source samples, partners and noise."""

import torch

from sklearn_pare.nn.losses import Targets
from sklearn_pare.nn.model import Mixing
from sklearn_pare.nn.schedule import mix_fraction, n_replaced
from sklearn_pare.training.step import Step


def draw_step(batch, unlabeled, source, recipe, n_before, generator, own=False):
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
    own : bool, default=False
        If True, other samples of the batch take the place of source samples.

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
    # Of two samples or more, one is mixed at least.
    m = max(int(recipe.mixed_share * n), min(1, n - 1))
    if k:
        first = int((1 - recipe.clean_share) * n)
    targets = Targets(y[first:], weight[first:], n - first)
    if k and len(more) + m:
        mixed = _join(more, x[:m]), _join(more_offset, _part(offset, m))
        noise = _noise(recipe, n_before, len(mixed[0]), generator)
        others, partner, drawn = _others(
            batch, len(mixed[0]), len(more), None if own else source, generator
        )
        offset_mixed = _blend(mixed[1], batch, partner, k / n_tokens)
        mixing = Mixing(mixed[0], k, noise, others, own, offset_mixed)
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


def _others(batch, n_mixed, n_unlabeled, source, generator):
    """Draw the samples whose tokens replace others, and their targets.

    Parameters
    ----------
    batch : tuple of x, y, weight and offset
    n_mixed, n_unlabeled : int
        Number of samples to mix, and of those among them that come first and are not
        part of the batch.
    source : Source or None
        If None, these are other samples of the batch.
    generator : torch.Generator

    Returns
    -------
    others : torch.Tensor of shape (m, ...)
    partner : torch.Tensor of shape (m,) or None
        Positions in the batch.
    targets : dict
        The last arguments of `Targets`.
    """
    x, y, weight, _ = batch
    if source is not None:
        others, y_source = source.sample(n_mixed, generator)
        return others, None, {"y_source": y_source[n_unlabeled:]}
    # The order of the batch is random. Half a batch away, most samples pass clean.
    places = torch.arange(n_mixed, device=x.device) - n_unlabeled
    partner = (places + len(y) // 2) % len(y)
    labelled = partner[n_unlabeled:]
    targets = {"y_own": y[labelled], "weight_own": weight[labelled]}
    return x[partner], partner, targets


def _blend(offset, batch, partner, fraction):
    """Return outputs of the linear path for mixed samples, given those of `mixed`."""
    if offset is None or partner is None:
        return offset
    return torch.lerp(offset, batch[3][partner], fraction)
