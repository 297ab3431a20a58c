"""Initial weights from an explicit generator, so that one seed gives one model."""

import threading
from contextlib import contextmanager

import torch
from torch import nn

_GLOBAL_GENERATOR = threading.RLock()


@contextmanager
def untouched_global_generator():
    """Build modules without moving torch's global generator.

    Constructors of `torch.nn` draw weights from the global generator. The weights
    drawn here are always overwritten; only the generator's state has to come back.
    """
    with _GLOBAL_GENERATOR, torch.random.fork_rng(devices=[]):
        yield


@torch.no_grad()
def xavier_(module: nn.Module, generator: torch.Generator) -> None:
    """Fill every parameter of `module`: Xavier for matrices, 0 and 1 for the rest.

    timm's truncated normal with standard deviation 0.02 leaves a small Swin stuck at
    the loss of a constant guess; Xavier trains. Tables that belong to no layer (such
    as relative position biases) keep the small normal.
    """
    done = set()
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight.flatten(1), generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.LayerNorm):
            nn.init.ones_(layer.weight)
            nn.init.zeros_(layer.bias)
        else:
            continue
        done.update(map(id, layer.parameters(recurse=False)))
    for parameter in module.parameters():
        if id(parameter) not in done:
            nn.init.trunc_normal_(parameter, std=0.02, generator=generator)
