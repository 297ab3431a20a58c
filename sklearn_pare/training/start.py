"""Start of a fit: device, sources, seeds, and an earlier fit to continue from."""

from functools import partial
from typing import NamedTuple

import torch
from sklearn.utils import check_random_state

from sklearn_pare import _safetensors, backbones, sources
from sklearn_pare._data.fingerprint import describe
from sklearn_pare._device import check_deterministic, resolve_device
from sklearn_pare._report import Stopwatch
from sklearn_pare.training.align import check_alignment
from sklearn_pare.training.checkpoint import Checkpoints
from sklearn_pare.training.distributed import ALONE, Alone
from sklearn_pare.training.recipe import resolve
from sklearn_pare.training.warm_start import WarmStart

# Arguments that the result does not depend on, or that the seeds replace.
_NO_EFFECT = ("checkpoint_dir", "verbose", "warm_start", "random_state", "on_interrupt")


class Start(NamedTuple):
    """Device, sources, seeds and earlier states that a fit starts from.

    Attributes
    ----------
    device : torch.device
    backbone : str
        Name of the backbone, which is never "auto".
    candidates : dict of str to sources.Source
        Sources to choose from; empty if none is needed.
    warm : WarmStart or None
    seeds : list of four int
        For initial weights, for splits, and two for training.
    checkpoints : Checkpoints or None
    stopwatch : Stopwatch
        Started when the fit began.
    processes : Alone or Several
        The processes that share the fit.
    """

    device: torch.device
    backbone: str
    candidates: dict
    warm: WarmStart | None
    seeds: list
    checkpoints: Checkpoints | None
    stopwatch: Stopwatch
    processes: Alone = ALONE


def open_start(estimator, data, stopwatch, processes=ALONE):
    """Open everything that a fit needs, and draw its seeds.

    Parameters
    ----------
    estimator : PaReClassifier or PaReRegressor
        Its last fit is read if it is to be continued. Nothing is drawn from its
        ``random_state`` if an argument or a file cannot be used.
    data : FitData
    stopwatch : Stopwatch
    processes : Alone or Several
    """
    arguments = resolve(estimator.get_params(deep=False), data)
    backbone = backbones.choose(
        arguments["backbone"], data.X.shape[1:], data.target.output_shape
    )
    arguments["backbone"] = backbone
    device = resolve_device(arguments["device"])
    check_deterministic(device)
    candidates = sources.open_candidates(arguments["source"], backbone)
    if arguments["alignment"] is not None:
        check_alignment(arguments, candidates)
    elif arguments["mix_start"] == arguments["mix_end"] == 0:
        candidates = {}
    backbones.check(backbone)
    warm = None
    if arguments["warm_start"] and hasattr(estimator, "_model"):
        warm = WarmStart(estimator, data.target)
    random_state = check_random_state(arguments["random_state"])
    seeds = random_state.randint(2**31 - 1, size=4).tolist()
    described = arguments | {"source": _described(arguments, candidates)}
    fingerprint = partial(_fingerprint, described, data, device, warm, seeds)
    processes.check_alike(fingerprint)
    seeds, checkpoints = processes.first(lambda: seeds), None
    if arguments["checkpoint_dir"] is not None:
        checkpoints = Checkpoints(
            arguments["checkpoint_dir"], fingerprint(), seeds, processes
        )
        seeds = checkpoints.seeds
    state = warm, seeds, checkpoints, stopwatch, processes
    return Start(device, backbone, candidates, *state)


def _described(arguments, candidates):
    """Return the source; of "auto", the name of the source that was found."""
    default = isinstance(arguments["source"], str) and arguments["source"] == "auto"
    return next(iter(candidates), None) if default else arguments["source"]


def _fingerprint(arguments, data, device, warm, seeds):
    """Return descriptions of everything that the result of a fit depends on."""
    own = {k: value for k, value in arguments.items() if k not in _NO_EFFECT}
    if arguments["random_state"] is not None:
        own["random_state"] = seeds
    names = ("X_val", "y_val", "sample_weight_val")
    own |= {
        "X": data.X,
        "y": data.y,
        "sample_weight": data.weight,
        "groups": data.groups,
        "X_unlabeled": data.unlabeled,
        **dict(zip(names, (data.validation or (None,) * 3)[:3], strict=True)),
        "the model it starts from": warm and _safetensors.digest(warm.arrays),
        "device": device.type,
    }
    return {name: describe(value) for name, value in own.items()}
