"""Everything that a training needs to go on as if it had never stopped."""

import torch

from sklearn_pare.training.callbacks import KeepBest

# What a state of other arrays or values can raise while it is put into a net.
_ERRORS = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError,
           ValueError)  # fmt: skip


def capture(net, keep):
    """The state of a net, between two steps.

    Parameters
    ----------
    net : PaReNet
    keep : Keep
        Its callback.

    Returns
    -------
    arrays : dict of str to ndarray
        Weights, moments of the optimizer, generators, figures of the present epoch, and
        the best weights of early stopping.
    values : dict
        All else, ready for JSON.
    """
    tensors = _named("model", net.module_.state_dict())
    for number, moments in net.optimizer_.state_dict()["state"].items():
        tensors |= _named(f"optimizer/{number}", moments)
    tensors |= _named("sums", net.sums_) | _named("counts", net.counts_)
    tensors["guard"] = net.guard_.values
    tensors["generators/source"] = net.source_generator.get_state()
    batches = _batches(net)
    for name, own in batches.items():
        tensors[f"generators/{name}"] = own.state()
    values = {
        "step": net.step_,
        "ratio": net.ratio_,
        "stop": net.stop_,
        "fraction": net.fraction_,
        "n_parts": net.n_parts_,
        "positions": {name: own.position for name, own in batches.items()},
        "history": net.epochs(),
    }
    if isinstance(keep, KeepBest):
        tensors |= _named("best", keep.weights)
        values["keep"] = [keep.best, keep.waited, keep.n_epochs]
    arrays = {name: value.detach().cpu().numpy() for name, value in tensors.items()}
    return arrays, values


def restore(net, keep, arrays, values):
    """Put a state into a net that was made from the same arguments and data.

    Raises
    ------
    ValueError
        If the state is not one of such a net.
    """
    try:
        _restore(net, keep, arrays, values)
    except _ERRORS as error:
        raise ValueError(f"it is not of this training: {error!r}") from error


def _restore(net, keep, arrays, values):
    # Copied: arrays of a file may be read-only.
    tensors = {name: torch.tensor(array) for name, array in arrays.items()}
    device = net.source_generator.device
    net.module_.load_state_dict(_under("model", tensors))
    optimizer = net.optimizer_.state_dict()
    parameters = [p for group in net.optimizer_.param_groups for p in group["params"]]
    for number, parameter in enumerate(parameters):
        moments = _under(f"optimizer/{number}", tensors)
        for name, value in moments.items():
            if name not in _MOMENTS or value.shape not in ((), parameter.shape):
                raise ValueError(f"optimizer/{number}/{name} has another shape")
        if moments:
            optimizer["state"][number] = moments
    net.optimizer_.load_state_dict(optimizer)
    net.sums_, net.counts_ = (
        {name: value.to(device) for name, value in _under(prefix, tensors).items()}
        for prefix in ("sums", "counts")
    )
    net.guard_.values = tensors["guard"].reshape(3).to(device)
    net.source_generator.set_state(tensors["generators/source"])
    for name, own in _batches(net).items():
        own.generator.set_state(tensors[f"generators/{name}"])
        own.position = _whole(values["positions"][name])
    net.step_ = _whole(values["step"], net.recipe.n_steps)
    # An epoch that lacks nothing but its end is described by its last step.
    net.set_rate(max(net.step_ - 1, 0))
    net.n_parts_ = max(1, _whole(values["n_parts"], net.recipe.batch_size))
    net.ratio_, net.fraction_ = float(values["ratio"]), float(values["fraction"])
    net.stop_ = bool(values["stop"])
    rows = values["history"]
    if len(rows) > net.recipe.n_epochs:
        raise ValueError(f"it has {len(rows)} epochs")
    for row in rows:
        net.history.new_epoch()
        for name, value in row.items():
            if not isinstance(value, int | float | None):
                raise ValueError(f"{name} of an epoch is {value!r}")
            net.history.record(name, value)
    if isinstance(keep, KeepBest):
        best, waited, n_epochs = values["keep"]
        keep.best = [float(value) for value in best]
        keep.waited, keep.n_epochs = _whole(waited), _whole(n_epochs, len(rows))
        keep.weights = _under("best", tensors)
        if {k: v.shape for k, v in keep.weights.items()} != {
            k: v.shape for k, v in net.module_.state_dict().items()
        }:
            raise ValueError("the best weights are of another model")
    else:
        keep.keep(net)


_MOMENTS = {"step", "exp_avg", "exp_avg_sq"}


def _batches(net):
    """Batches in random order, by name."""
    batches = {"train": net.batches, "unlabeled": net.unlabeled}
    return {name: own for name, own in batches.items() if own is not None}


def _named(prefix, tensors):
    return {f"{prefix}/{name}": value for name, value in tensors.items()}


def _under(prefix, tensors):
    start = f"{prefix}/"
    return {
        name.removeprefix(start): value
        for name, value in tensors.items()
        if name.startswith(start)
    }


def _whole(value, most=None):
    """A count; `most` is its largest possible value."""
    if type(value) is not int or value < 0 or (most is not None and value > most):
        raise ValueError(f"{value!r} is no count up to {most}")
    return value
