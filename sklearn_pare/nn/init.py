"""Initial weights from an explicit generator, so that one seed gives one model."""

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

# By name: transformers, while it builds, puts functions of its own in torch's place.
_DRAWS = {
    "uniform_",
    "normal_",
    "trunc_normal_",
    "kaiming_uniform_",
    "xavier_uniform_",
}


class DrawFrom(TorchFunctionMode):
    """Let constructors of modules draw from `generator`, not from torch's global one.

    A context manager that holds for the present thread, so that neither other threads
    nor the user's own stream of random numbers are disturbed.

    Parameters
    ----------
    generator : torch.Generator
        On the CPU.
    """

    def __init__(self, generator):
        super().__init__()
        self.generator = generator

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", None)
        if name in _DRAWS:
            tensor = args[0] if args else kwargs["tensor"]
            if tensor.is_meta:
                # An outline has no numbers; torch would import its compiler for them.
                return tensor
            if kwargs.get("generator") is None:
                kwargs["generator"] = self.generator
        return func(*args, **kwargs)


@torch.no_grad()
def xavier_(module: nn.Module, generator: torch.Generator) -> None:
    """Fill the weights of `module`: Xavier for layers, 1 and 0 for norms.

    timm's truncated normal with standard deviation 0.02 leaves a small Swin stuck at
    the loss of a constant guess; Xavier trains. Tables that belong to no layer (such
    as relative position biases) keep the small normal, vectors that belong to none
    (such as scales of branches) what their constructor gave them.
    """
    done = set()
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight.flatten(1), generator=generator)
        elif "Norm" in type(layer).__name__ and hasattr(layer, "weight"):
            if layer.weight is not None:
                nn.init.ones_(layer.weight)
        else:
            continue
        if getattr(layer, "bias", None) is not None:
            nn.init.zeros_(layer.bias)
        done.update(map(id, layer.parameters(recurse=False)))
    for parameter in module.parameters():
        if id(parameter) not in done and parameter.ndim > 1:
            nn.init.trunc_normal_(parameter, std=0.02, generator=generator)
