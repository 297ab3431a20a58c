"""Run a training: net, loop and callbacks, from a model and data to a fitted model."""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import torch
from skorch.helper import predefined_split

from sklearn_pare.exceptions import DivergenceError
from sklearn_pare.training.batches import Batches
from sklearn_pare.training.callbacks import (
    Keep,
    KeepBest,
    Report,
    StopTraining,
    StopWhenAsked,
    visible_log,
)
from sklearn_pare.training.net import PaReNet


@dataclass(frozen=True)
class Recipe:
    """The numbers of one training run.

    Attributes
    ----------
    loss : callable
        ``loss(outputs, y)`` -> losses of rows (B,).
    agreement : callable
        ``agreement(mixed, clean)`` -> losses of unlabelled rows (B,).
    n_epochs, n_steps, batch_size : int
    n_tokens : int
        Tokens of a row.
    lr, weight_decay : float
        Of AdamW; `lr` is the peak.
    layer_decay : float
        Factor on `lr` from one block of the backbone to the one before it.
    mix_start, mix_end : float
    mix_schedule : {"linear", "cosine", "gap"}
    mix_weight, source_weight : float
        Of the loss on mixed rows, and of the source's classes within it.
    mixed_share : float
        Part of the rows of a batch that are mixed as well.
    bfloat16 : bool
        Whether backbone and dense decoder run under autocast.
    patience : int or None
        Epochs to wait for a better validation score; None trains to the end and keeps
        the last weights.
    max_grad_norm : float
        Longer gradients are shortened to this.
    noise : tuple of float
        Scale of the noise on the gate's scores at the first and the last step.
    """

    loss: Callable
    agreement: Callable
    n_epochs: int
    n_steps: int
    batch_size: int
    n_tokens: int
    lr: float
    weight_decay: float
    layer_decay: float
    mix_start: float
    mix_end: float
    mix_schedule: str
    mix_weight: float
    mixed_share: float
    bfloat16: bool
    patience: int | None
    source_weight: float = 1.0
    max_grad_norm: float = 1.0
    noise: tuple = (1.0, 0.0)


def train(
    model,
    recipe,
    train_rows,
    valid_rows=None,
    *,
    unlabeled_rows=None,
    source,
    seeds,
    scorer,
    callbacks=(),
    checkpoints=None,
    verbose=0,
):
    """Fine-tune `model` in place.

    Parameters
    ----------
    model : PaReModel
        On its device.
    recipe : Recipe
    train_rows, valid_rows : Rows
        On the device of `model`.
    unlabeled_rows : Rows or LazyRows, optional
        Their targets say nothing. Without a source they are not used.
    source : object with `sample`, or None
    seeds : sequence of two int
        For the order of the rows, and for source rows and noise.
    scorer : callable
        ``scorer(outputs, y, weight)`` on numpy arrays, higher is better.
    callbacks : sequence of skorch.callbacks.Callback
    checkpoints : Checkpoints, optional
        Where training goes on from, and what it leaves behind.
    verbose : int

    Returns
    -------
    history : list of dict
        One an epoch.

    Raises
    ------
    DivergenceError
        Then `model` has the weights after the last epoch that was finite, or the best
        of early stopping, if there are any.
    """
    device = train_rows.device
    keep = Keep() if recipe.patience is None else KeepBest(recipe.patience)
    saving = [] if checkpoints is None else [checkpoints]
    net = PaReNet(
        model,
        recipe=recipe,
        source=source,
        batches=Batches(
            train_rows, recipe.batch_size, torch.Generator().manual_seed(seeds[0])
        ),
        unlabeled=_unlabeled(unlabeled_rows, recipe, seeds[0]),
        source_generator=torch.Generator(device).manual_seed(seeds[1]),
        scorer=scorer,
        criterion=torch.nn.Module,
        device=None,
        train_split=None if valid_rows is None else predefined_split(valid_rows),
        callbacks=[Report(), keep, *callbacks, *saving, StopWhenAsked()],
        callbacks__epoch_timer=None,
        callbacks__train_loss=None,
        callbacks__valid_loss=None,
        callbacks__print_log=None,
        verbose=0,
    )
    net.initialize()
    with visible_log(verbose):
        try:
            _run(net, keep, checkpoints, train_rows, valid_rows)
        except DivergenceError as error:
            keep.put_back(net)
            if keep.n_epochs and net.outputs_are_finite(train_rows):
                error.history = net.epochs()[: keep.n_epochs]
            raise
    return net.epochs()


def _run(net, keep, checkpoints, train_rows, valid_rows):
    net.notify("on_train_begin", dataset_valid=valid_rows)
    if checkpoints is not None:
        checkpoints.start(net, keep)
    n_epochs = 0 if net.stop_ else net.recipe.n_epochs - len(net.history)
    with suppress(StopTraining):
        net.fit_loop(train_rows, epochs=n_epochs)
    net.notify("on_train_end")
    # The last step of all shows in no loss.
    if not net.outputs_are_finite(train_rows):
        raise net.guard_.error("output", len(net.history))


def _unlabeled(rows, recipe, seed):
    """Batches with as many rows as there are labelled rows that are mixed."""
    if rows is None:
        return None
    n = math.ceil(recipe.mixed_share * recipe.batch_size)
    # Not the generator of the labelled rows: their order stays what it is.
    return Batches(rows, n, torch.Generator().manual_seed(seed + 1))
