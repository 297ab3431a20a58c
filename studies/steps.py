"""Training steps on a device: those of the package, and that of a plain loop."""

import statistics
import time
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from sklearn_pare import PaReClassifier
from sklearn_pare._device import (
    free_cache,
    is_out_of_memory,
    peak_memory,
    reset_peak_memory,
    resolve_device,
)
from sklearn_pare._report import Stopwatch
from sklearn_pare.nn.replace import LinearGate
from sklearn_pare.training.network import build_network
from sklearn_pare.training.recipe import make_recipe, resolve
from sklearn_pare.training.start import open_start
from sklearn_pare.training.train import _net
from studies.timings import loop_replace

# With so many steps, one in the middle of a fit replaces the mean number of tokens.
_EPOCHS = 1_000
_SWIN = "timm:swin_base_patch4_window7_224"


class Network(NamedTuple):
    """A network whose steps are timed.

    Attributes
    ----------
    shape : tuple of int
        Shape of a sample.
    backbone, cpu_backbone : str
        On a CPU there are fewer tokens.
    n, cpu_n : int
        Samples per step.
    """

    shape: tuple
    backbone: str
    cpu_backbone: str
    n: int
    cpu_n: int


NETWORKS = {
    "pare-tiny": Network((3, 32, 32), "pare-tiny", "pare-tiny", 64, 16),
    "Swin-B 224": Network((3, 224, 224), f"{_SWIN}?max_tokens=3136", _SWIN, 64, 4),
}
_NAIVE = {"mix_start": 0.0, "mix_end": 0.0}
# As in the paper, all samples pass the backbone both clean and mixed.
_TWICE = {"clean_share": 1.0, "mixed_share": 1.0}
#: Name of a step -> changes of the recipe.
STEPS = {
    "PaRe, bf16": {"bfloat16": True},
    "naive, bf16": {"bfloat16": True} | _NAIVE,
    "PaRe, fp32": {},
    "naive, fp32": _NAIVE,
    "PaRe, all clean and mixed, bf16": {"bfloat16": True} | _TWICE,
}
LOOP = "plain loop, fp32"
PARE = "PaRe, bf16"
LARGE = f"{PARE}, large batch"
#: Name of a step that is compiled -> the same step without.
COMPILED = {f"{name}, compiled": name for name in ("PaRe, bf16", "naive, bf16")}


def open_net(shape, n, **settings):
    """Return the net of a fit of one step per epoch, in the middle, and its batch."""
    rng = np.random.default_rng(0)
    # At least two samples of each class.
    X, y = rng.standard_normal((n, *shape), np.float32), np.arange(n) % min(10, n // 2)
    clf = PaReClassifier(
        max_epochs=_EPOCHS,
        batch_size=n,
        linear_path=False,
        pretrained=False,
        source="formula",
        random_state=0,
        **settings,
    )
    data = clf._check_data(X, y, None, None, (None,) * 3, None)
    arguments = resolve(clf.get_params(deep=False), data)
    start = open_start(clf, data, Stopwatch())
    network = build_network(arguments, data, start)
    recipe = make_recipe(arguments, n, network.model.backbone, data.target, False)
    net = _net(network, start, recipe, [], None).initialize()
    net.step_ = _EPOCHS // 2
    return net, next(iter(net.batches))


def open_network(name, on_cpu):
    """Return the net of a network in `NETWORKS`, in training mode, and its batch."""
    network = NETWORKS[name]
    net, batch = open_net(
        network.shape,
        network.cpu_n if on_cpu else network.n,
        backbone=network.cpu_backbone if on_cpu else network.backbone,
    )
    net.module_.train()
    return net, batch


class PlainLoop:
    """Training step of PaRe in float32, written from its equations.

    As in an implementation that follows them literally, the target embedder runs twice,
    the choice of tokens takes one softmax per token, tokens are replaced sample by
    sample, and clean and mixed samples pass the backbone one after the other.

    Parameters
    ----------
    net : PaReNet
        A net of the package whose network is trained.

    Attributes
    ----------
    gate : LinearGate
    """

    def __init__(self, net):
        self._net, self._model = net, net.module_
        # By default the package chooses tokens at random, the paper with a gate.
        dim, device = self._model.backbone.dim, net.source_generator.device
        self.gate = LinearGate(dim).to(device)
        trained = [*self._model.parameters(), *self.gate.parameters()]
        self._trained = [p for p in trained if p.requires_grad]
        self._optimizer = torch.optim.AdamW(self._trained, lr=1e-4)

    def __call__(self, batch):
        """Train on one batch."""
        model, (x, y, *_) = self._model, batch
        generator = self._net.source_generator
        others, y_others = self._net.source.sample(len(x), generator)
        own, source = model.embed(x), model.source_embed(others)
        share = self._net.recipe.fraction(self._net.step_)
        noisy = [_noisy(self.gate(tokens), generator) for tokens in (own, source)]
        mixed = loop_replace(own, source, *noisy, round(share * own.shape[1]))
        clean = model.head(model.backbone(model.embed(x)))
        read = model.backbone(mixed)
        loss = (
            F.cross_entropy(clean, y)
            + (1 - share) * F.cross_entropy(model.head(read), y)
            + share * F.cross_entropy(model.source_head(read), y_others)
        )
        self._optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._trained, 1.0)
        self._optimizer.step()


def _noisy(scores, generator):
    return scores - torch.empty_like(scores).exponential_(generator=generator).log()


def step_rows(name):
    """Yield the figures of each step of a network, on the device that is found.

    Those that are most wanted come first, and compiled ones last.

    Parameters
    ----------
    name : str
        Name in `NETWORKS`.
    """
    device = resolve_device("auto")
    on_cpu = device.type == "cpu"
    how = {"warm_up": 0, "repeats": 1} if on_cpu else {"warm_up": 3, "repeats": 10}
    net, batch = open_network(name, on_cpu)
    recipe, counted = net.recipe, {}

    def row(step, run, batch=batch):
        figures = measure(run, batch, device, **how)
        operations = counted.get(COMPILED.get(step, step))
        return {"step": step, "per_sample": operations} | figures

    for step, changes in STEPS.items():
        net.recipe = replace(recipe, **changes)
        few = partial(net.train_step, _part(batch, 2))
        few()
        # Of the first step, some operations are not repeated.
        counted[step] = flops(few) / 2
        yield row(step, net.train_step)
    if not on_cpu:
        net.recipe = replace(recipe, **STEPS[PARE])
        counted[LARGE] = counted[PARE]
        many = tuple(None if part is None else torch.cat([part] * 4) for part in batch)
        yield row(LARGE, net.train_step, many)
    net.recipe = recipe
    yield row(LOOP, PlainLoop(net))
    # On a CPU, which is a rehearsal, compiling would take minutes.
    net.module_.backbone.compile(backend="eager" if on_cpu else "inductor")
    for step, plain in COMPILED.items():
        net.recipe = replace(recipe, **STEPS[plain])
        yield row(step, net.train_step)


def _part(batch, n):
    return tuple(None if part is None else part[:n] for part in batch)


def measure(run, batch, device, **how):
    """Time a step; if the device lacks memory for all samples, with half as many.

    Parameters
    ----------
    run : callable
        Trains on a batch.
    batch : tuple of torch.Tensor or None
    device : torch.device
    **how
        Arguments of `median_seconds`.

    Returns
    -------
    row : dict
        "samples", "seconds", and "memory_gb", which is None on a CPU.
    """
    n = len(batch[0])
    while True:
        reset_peak_memory(device)
        try:
            seconds = median_seconds(partial(run, _part(batch, n)), device, **how)
            break
        except (RuntimeError, MemoryError) as error:
            if n == 1 or not is_out_of_memory(error):
                raise
        # Outside of the except block, nothing holds the tensors of the failed step.
        n //= 2
        free_cache(device)
    used = peak_memory(device)
    memory = None if used is None else used / 1e9
    return {"samples": n, "seconds": seconds, "memory_gb": memory}


def median_seconds(function, device, *, warm_up, repeats):
    """Return the median time of a call that waits for the device."""
    for _ in range(warm_up):
        function()
    synchronize(device)
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        synchronize(device)
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def synchronize(device):
    """Wait until a device has done all that it was asked to do."""
    if device.type != "cpu":
        torch.get_device_module(device).synchronize(device)


def flops(function):
    """Return the operations of matrix products, convolutions and attention."""
    with FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops()
