"""State of a training run, from which it continues to the same bits."""

import math

import torch

from sklearn_pare._report import ENDINGS
from sklearn_pare.training.callbacks import KeepBest
from sklearn_pare.training.net import TERMS

# Exceptions that a state of another run can cause while it is restored.
_ERRORS = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError,
           ValueError)  # fmt: skip


def capture(net, keep):
    """Return the state of a net between two steps.

    Parameters
    ----------
    net : PaReNet
    keep : Keep
        Callback of the net.

    Returns
    -------
    arrays : dict of str to ndarray
        Weights, moments of the optimizer, generators, sums of the current epoch, and
        the best weights of early stopping.
    values : dict
        Everything else, as values of JSON.
    """
    tensors = _named("model", net.module_.state_dict())
    for number, moments in net.optimizer_.state_dict()["state"].items():
        tensors |= _named(f"optimizer/{number}", moments)
    tensors |= _named("sums", net.sums_) | _named("counts", net.counts_)
    tensors |= _named("guard", _named_guard(net))
    tensors["generators/source"] = net.source_generator.get_state()
    batches = _batches(net)
    for name, own in batches.items():
        tensors[f"generators/{name}"] = own.state()
    values = {
        "step": net.step_,
        "n_lost": net.n_lost_,
        "stop": net.stop_,
        "fraction": net.fraction_,
        "n_parts": net.n_parts_,
        "positions": {name: own.position for name, own in batches.items()},
        "history": net.epochs(),
    }
    if net.pace_ is not None:
        values["pace"] = [net.pace_.spent, net.recipe.n_steps]
    if isinstance(keep, KeepBest):
        tensors |= _named("best", keep.weights)
        values["keep"] = [keep.best, keep.waited, keep.n_epochs]
    arrays = {name: value.detach().cpu().numpy() for name, value in tensors.items()}
    return arrays, values


def restore(net, keep, arrays, values):
    """Restore a state into a net that was made from the same arguments and data.

    Raises
    ------
    ValueError
        If the state does not fit the net.
    """
    try:
        _restore(net, keep, arrays, values)
    except _ERRORS as error:
        raise ValueError(f"its state belongs to another fit: {error!r}") from error


def _restore(net, keep, arrays, values):
    # Copied, because arrays of a file may be read-only.
    tensors = {name: torch.tensor(array) for name, array in arrays.items()}
    taken = _Parts(tensors)
    device = net.source_generator.device
    guard = taken.like("guard", _named_guard(net), finite=False)
    if not guard["counts"].isfinite().all():
        raise ValueError("guard/counts holds a number that is not finite")
    net.guard_.values = torch.cat([*guard.values()]).to(device)
    weights = net.module_.state_dict()
    net.module_.load_state_dict(taken.like("model", weights))
    _restore_moments(net.optimizer_, taken)
    net.sums_, net.counts_ = (
        {name: value.to(device).reshape(()) for name, value in taken.all(kind).items()}
        for kind in ("sums", "counts")
    )
    if not net.sums_.keys() == net.counts_.keys() <= {"total", *TERMS}:
        raise ValueError(f"it has sums of {', '.join(net.sums_)}")
    net.source_generator.set_state(taken.one("generators/source"))
    for name, own in _batches(net).items():
        own.generator.set_state(taken.one(f"generators/{name}"))
        own.position = _whole(values["positions"][name])
    net.step_ = _whole(values["step"], net.recipe.n_steps)
    net.n_lost_ = _whole(values["n_lost"], min(net.step_, net.recipe.n_steps - 1))
    if net.pace_ is not None:
        spent, n_steps = values["pace"]
        n_steps = max(_whole(n_steps, net.recipe.n_steps), net.step_, net.n_lost_ + 1)
        if not 0 <= spent < math.inf:
            raise ValueError(f"it took {spent!r} seconds")
        net.pace_.restore(net, spent, n_steps)
    net.guard_.lr = net.peak_rate
    # The record of an epoch that only lacks its end needs the rate of its last step.
    net.set_rate(max(net.step_ - 1, net.n_lost_))
    net.n_parts_ = max(1, _whole(values["n_parts"], net.recipe.batch_size))
    net.fraction_ = float(values["fraction"])
    if values["stop"] not in (None, *ENDINGS):
        raise ValueError(f"it ended with {values['stop']!r}")
    net.stop_ = values["stop"]
    _restore_history(net, values["history"])
    if isinstance(keep, KeepBest):
        best, waited, n_epochs = values["keep"]
        keep.best = [float(value) for value in best]
        keep.waited, keep.n_epochs = _whole(waited), _whole(n_epochs, len(net.history))
        keep.weights = taken.like("best", weights)
    else:
        keep.keep(net)
    taken.check_empty()


def _restore_moments(optimizer, taken):
    """Restore the moments of trained weights; before the first step there are none."""
    state = optimizer.state_dict()
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for number, parameter in enumerate(parameters):
        scalar = parameter.new_empty((), device="cpu")
        expected = {"step": scalar, "exp_avg": parameter, "exp_avg_sq": parameter}
        if f"optimizer/{number}/step" in taken.tensors:
            state["state"][number] = taken.like(f"optimizer/{number}", expected)
    optimizer.load_state_dict(state)


# Answers that are asked for in some fits.
_OPTIONAL = {"network_gain", "own_readable"}


def _restore_history(net, rows):
    names = {"epoch", "train_loss", *(f"{term}_loss" for term in TERMS)}
    names |= {"mix_fraction", "lr", "skipped_steps", "duration"}
    if net.train_split is not None:
        names |= {"valid_loss", net.score_name}
    if len(rows) > net.recipe.n_epochs:
        raise ValueError(f"it has {len(rows)} epochs")
    for number, row in enumerate(rows, 1):
        if row.keys() - _OPTIONAL != names or row["epoch"] != number:
            raise ValueError(f"epoch {number} is described by {', '.join(row)}")
        net.history.new_epoch()
        for name, value in row.items():
            plain = value is None or type(value) is float
            if not plain and (type(value) is not int or abs(value) > _LARGEST):
                raise ValueError(f"{name} of epoch {number} is {value!r}")
            net.history.record(name, value)


# JSON readers agree on integers up to this.
_LARGEST = 2**53


class _Parts:
    """Tensors by name, each of which is taken once."""

    def __init__(self, tensors):
        self.tensors = tensors

    def one(self, name, *, finite=True):
        """Take the tensor with this name."""
        tensor = self.tensors.pop(name)
        if finite and not tensor.isfinite().all():
            raise ValueError(f"{name} holds a number that is not finite")
        return tensor

    def all(self, prefix, *, finite=True):
        """Take all tensors with a prefix."""
        start = f"{prefix}/"
        names = [name for name in self.tensors if name.startswith(start)]
        return {n.removeprefix(start): self.one(n, finite=finite) for n in names}

    def like(self, prefix, expected, *, finite=True):
        """Take the tensors with a prefix; they must match others in name and form."""
        found = self.all(prefix, finite=finite)
        for name, tensor in expected.items():
            own = found.get(name)
            if own is None or (own.shape, own.dtype) != (tensor.shape, tensor.dtype):
                raise ValueError(f"{prefix}/{name} is missing or has another shape")
        if len(found) > len(expected):
            more = min(found.keys() - expected.keys())
            raise ValueError(f"{prefix}/{more} is no part of it")
        return {name: found[name] for name in expected}

    def check_empty(self):
        """Raise ValueError if a tensor is left."""
        if self.tensors:
            raise ValueError(f"{min(self.tensors)} is no part of it")


def _batches(net):
    """Return the training batches by name."""
    batches = {"train": net.batches, "unlabeled": net.unlabeled}
    return {name: own for name, own in batches.items() if own is not None}


def _named_guard(net):
    """Return the values of the guard; before the first step the loss is NaN."""
    counts, loss = net.guard_.values.split([2, 1])
    return {"counts": counts, "loss": loss}


def _named(prefix, tensors):
    return {f"{prefix}/{name}": value for name, value in tensors.items()}


def _whole(value, most=None):
    """Return a count, or raise ValueError if it is not in the range up to `most`."""
    if type(value) is not int or value < 0 or (most is not None and value > most):
        raise ValueError(f"{value!r} is no count up to {most}")
    return value
