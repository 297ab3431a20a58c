"""Mixing with other samples of the data from the middle of training on.

A mixed sample of two classes gets both as its target. That is wrong where the class
depends on every token, for example on the number of objects in an image: half of two
images may show any number. So the network is asked first.
"""

import math

import torch
from skorch.callbacks import Callback

from sklearn_pare.nn.model import Mixing
from sklearn_pare.training.batches import Batches, endless

# Part of the steps after which the network is asked. It can then read clean samples,
# and has learned from samples that lack tokens, but not from samples of two classes.
_START = 0.5
# Own samples are used from this answer on; 0 is chance and 1 is always right.
_ENOUGH = 0.5
# Number of mixed samples that are read.
_ASKED = 512


@torch.no_grad()
def readable(model, rows, recipe, generator, n_parts=1):
    """Measure how often a mix of two samples is read as the class of one of them.

    Parameters
    ----------
    model : PaReModel
    rows : Rows or LazyRows
        Samples with classes.
    recipe : Recipe
    generator : torch.Generator
        On the CPU.
    n_parts : int, default=1
        Number of parts that a batch is processed in.

    Returns
    -------
    readable : float
        Share of predictions that are the class of one of both samples, after half of
        the tokens of one were replaced by those of the other: 0 for as many as if the
        predictions were shuffled, 1 for all.
    """
    if len(rows) < 2:
        return 0.0
    model.train(False)
    size = max(math.ceil(recipe.batch_size / n_parts), 2)
    batches, found, n_asked = endless(Batches(rows, size, generator)), [], 0
    while n_asked < _ASKED:
        x, y, _, offset = next(batches)
        # The last batch may be a single sample.
        if len(y) > 1:
            outputs = _mix_with_next(model, x, offset, recipe, generator)
            found.append((outputs.argmax(1), y, y.roll(1)))
            n_asked += len(y)
    predicted, one, other = map(torch.cat, zip(*found, strict=True))
    share = torch.bincount(predicted, minlength=outputs.shape[1]) / n_asked
    hits = ((predicted == one) | (predicted == other)).float().mean().item()
    chance = (share[one] + share[other] * (one != other)).mean().item()
    return (hits - chance) / (1 - chance) if chance < 1 else 0.0


def _mix_with_next(model, x, offset, recipe, generator):
    """Return the target outputs of each sample mixed with the one before it."""
    k = max(recipe.n_tokens // 2, 1)
    noise = torch.rand(2, len(x), recipe.n_tokens, generator=generator)
    clean = None
    if offset is not None:
        clean = offset[:0]
        offset = torch.lerp(offset, offset.roll(1, 0), k / recipe.n_tokens)
    mixing = Mixing(x, k, noise.to(x.device), x.roll(1, 0), True, offset)
    return model(x[:0], mixing, clean, bfloat16=recipe.bfloat16).mixed_target


class OwnSamplesLater(Callback):
    """Callback that lets own samples take the place of source samples if they are read.

    The answer is part of the history, so that a fit that was interrupted goes on as
    without the interruption.

    Parameters
    ----------
    rows : Rows or LazyRows
        Training samples.
    seed : int
    """

    def __init__(self, rows, seed):
        self.rows, self.seed = rows, seed

    def on_epoch_begin(self, net, **kwargs):
        """Mix with own samples after an answer that was high enough."""
        answers = [row.get("own_readable") for row in net.history]
        net.mixes_own_ = any(a is not None and a >= _ENOUGH for a in answers)

    def on_epoch_end(self, net, **kwargs):
        """Ask once, at the end of the epoch in which half of the steps are over."""
        n_steps, answer = net.recipe.n_steps, None
        # With a time budget the number of steps changes.
        asked = any(row.get("own_readable") is not None for row in net.history[:-1])
        if not asked and _START * n_steps <= net.step_ < n_steps and not net.stop_:
            generator = torch.Generator().manual_seed(self.seed)
            parts = net.module_, self.rows, net.recipe, generator, net.n_parts_
            answer = net.processes.first(lambda: readable(*parts))
        net.history.record("own_readable", answer)
