"""Mixing with other samples of the data from the middle of training on.

A mixed sample of two classes gets both as its target. That is wrong where the class
depends on every token, for example on the number of objects in an image: half of two
images may show any number. So the network is asked first.
"""

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
def readable(model, rows, recipe, generator):
    """Measure whether mixes of two samples are read as the class of one of them.

    Parameters
    ----------
    model : PaReModel
    rows : Rows or LazyRows
        Samples with classes.
    recipe : Recipe
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    readable : float
        Share of predictions that are the class of one of both samples, after half of
        the tokens of one were replaced by those of the other at random positions:
        0 for as many as by chance, 1 for all.
    """
    model.train(False)
    hits = chance = n_asked = 0
    batches = endless(Batches(rows, max(recipe.batch_size, 2), generator))
    while n_asked < _ASKED:
        x, y, _, offset = next(batches)
        if len(y) < 2:
            continue
        noise = torch.rand(2, len(y), recipe.n_tokens, generator=generator)
        if offset is not None:
            offset = torch.lerp(offset, offset.roll(1, 0), 0.5)
        k = max(recipe.n_tokens // 2, 1)
        mixing = Mixing(x, k, noise.to(x.device), x.roll(1, 0), True, offset)
        none = None if offset is None else offset[:0]
        outputs = model(x[:0], mixing, none, bfloat16=recipe.bfloat16).mixed_target
        predicted, other = outputs.argmax(1), y.roll(1)
        hits += ((predicted == y) | (predicted == other)).sum().item()
        chance += (1 + (y != other)).sum().item() / outputs.shape[1]
        n_asked += len(y)
    return (hits - chance) / (n_asked - chance) if n_asked > chance else 0.0


class OwnSamplesLater(Callback):
    """Callback that lets own samples take the place of source samples if it helps.

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
        n_steps, n_epochs = net.recipe.n_steps, net.recipe.n_epochs
        before, answer = net.step_ - n_steps // n_epochs, None
        if before < _START * n_steps <= net.step_ < n_steps:
            generator = torch.Generator().manual_seed(self.seed)
            answer = readable(net.module_, self.rows, net.recipe, generator)
        net.history.record("own_readable", answer)
