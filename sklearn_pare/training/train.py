"""Training run: net, loop and callbacks."""

import math
from contextlib import suppress

import torch
from skorch.helper import predefined_split

from sklearn_pare._architecture import export_arrays, restore
from sklearn_pare.exceptions import DivergenceError
from sklearn_pare.training.batches import Batches
from sklearn_pare.training.callbacks import (
    Keep,
    KeepBest,
    Report,
    StopTraining,
    StopWhenAsked,
)
from sklearn_pare.training.net import PaReNet
from sklearn_pare.training.own_samples import OwnSamplesLater
from sklearn_pare.training.pace import Pace
from sklearn_pare.training.share import StopWithoutGain
from sklearn_pare.training.start_over import StartOver


def train(network, start, recipe, callbacks=(), scorer=None, on_interrupt="raise"):
    """Fine-tune a network in place.

    Parameters
    ----------
    network : Network
    start : Start
        Its last two seeds determine the order of the samples, and the source samples
        and the noise.
    recipe : Recipe
    callbacks : sequence of skorch.callbacks.Callback
    scorer : callable, optional
        ``scorer(outputs, codes, weight)`` returns the validation score; by default that
        of the target.
    on_interrupt : {"raise", "keep"}

    Returns
    -------
    history : list of dict
        One dict per epoch.
    ended : str
        Why the training ended, one of `_report.ENDINGS`.

    Raises
    ------
    DivergenceError
        The network then has the weights after the last finite epoch, or the best ones
        of early stopping, if there are any.
    """
    rows = network.prepared.rows
    keep = Keep() if recipe.patience is None else KeepBest(recipe.patience)
    asking = [*_asking(network, start, recipe, keep), *callbacks]
    net = _net(network, start, recipe, [Report(), keep, *asking], scorer)
    net.initialize()
    try:
        _run(net, keep, start.checkpoints, rows, network.prepared.valid_rows)
        epochs = net.epochs()
    except DivergenceError as error:
        keep.put_back(net)
        if keep.n_epochs and net.outputs_are_finite(rows):
            error.history = net.epochs()[: keep.n_epochs]
        raise
    except KeyboardInterrupt:
        epochs = keep.epochs(net)
        if on_interrupt == "raise" or not epochs:
            raise
        keep.put_back(net)
        if not net.outputs_are_finite(rows):
            raise
        return epochs, "interrupted"
    return epochs, net.stop_ or "completed"


def _net(network, start, recipe, callbacks, scorer):
    """Return the net, not initialised."""
    prepared, checkpoints = network.prepared, start.checkpoints
    order_seed, source_seed = start.seeds[2:]
    train_rows, valid_rows = prepared.rows, prepared.valid_rows
    saving = [] if checkpoints is None else [checkpoints]
    if recipe.max_time is not None:
        passing = (prepared.valid_rows, prepared.share_rows)
        n_after = sum(len(own) for own in passing if own is not None)

        def copy():
            return restore(network.architecture, export_arrays(network.model))

        callbacks = [Pace(recipe.max_time, start.stopwatch, n_after, copy), *callbacks]
    return PaReNet(
        network.model,
        recipe=recipe,
        source=network.source,
        symmetries=prepared.symmetries,
        batches=Batches(
            train_rows, recipe.batch_size, torch.Generator().manual_seed(order_seed)
        ),
        unlabeled=_unlabeled(prepared.unlabeled_rows, recipe, order_seed),
        source_generator=torch.Generator(train_rows.device).manual_seed(source_seed),
        scorer=scorer or prepared.target.score,
        processes=start.processes,
        criterion=torch.nn.Module,
        device=None,
        train_split=None if valid_rows is None else predefined_split(valid_rows),
        callbacks=[*callbacks, *saving, StopWhenAsked()],
        callbacks__epoch_timer=None,
        callbacks__train_loss=None,
        callbacks__valid_loss=None,
        callbacks__print_log=None,
        verbose=0,
    )


def _asking(network, start, recipe, keep):
    """Return the callbacks whose answers change the rest of the training."""
    prepared, asking = network.prepared, []
    # A network that has learned already, or is added to a linear model, starts with a
    # loss that need not fall at once.
    if recipe.may_start_over and prepared.linear is None and start.warm is None:
        asking.append(StartOver(prepared.rows, keep))
    if prepared.share_rows is not None:
        asking.append(StopWithoutGain(prepared.share_rows))
    later = getattr(network.source, "own_samples", None) == "later"
    mixes = recipe.mix_weight > 0 and max(recipe.mix_start, recipe.mix_end) > 0
    # Only classes tell whether a mix can be read.
    if later and mixes and prepared.target.kind == "classes":
        asking.append(OwnSamplesLater(prepared.rows, start.seeds[3]))
    return asking


def _run(net, keep, checkpoints, train_rows, valid_rows):
    most = net.recipe.n_epochs
    net.processes.share_weights(net.module_)
    net.notify("on_train_begin", dataset_valid=valid_rows)
    if checkpoints is not None:
        checkpoints.start(net, keep)
    n_epochs = 0 if net.stop_ else most - len(net.history)
    with suppress(StopTraining):
        net.fit_loop(train_rows, epochs=n_epochs)
    net.notify("on_train_end")
    # Rounding may differ between kinds of devices.
    net.processes.share_weights(net.module_)
    # No loss shows the effect of the last step.
    if not net.outputs_are_finite(train_rows):
        raise net.guard_.error("output", len(net.history))


def _unlabeled(rows, recipe, seed):
    """Return batches of as many samples as labelled samples are mixed."""
    if rows is None:
        return None
    n = math.ceil(recipe.mixed_share * recipe.batch_size)
    # With a generator of their own, they leave the order of labelled samples as it is.
    return Batches(rows, n, torch.Generator().manual_seed(seed + 1))
