"""Initial weights drawn from an explicit generator, so that a seed determines them."""

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

# Compared by name: transformers replaces these functions while it builds a model.
_DRAWS = {
    "uniform_",
    "normal_",
    "trunc_normal_",
    "kaiming_uniform_",
    "xavier_uniform_",
}


class DrawFrom(TorchFunctionMode):
    """Context manager in which constructors of modules draw from a CPU generator.

    It acts on the current thread only and leaves torch's global generator alone.
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
                # There is nothing to fill, and torch would import its compiler for it.
                return tensor
            if kwargs.get("generator") is None:
                kwargs["generator"] = self.generator
        elif name == "randn" and not torch.empty(0).is_meta:
            # Called by vision transformers of timm 1.0.21.
            kwargs.setdefault("generator", self.generator)
        return func(*args, **kwargs)


@torch.no_grad()
def xavier_(module: nn.Module, generator: torch.Generator) -> None:
    """Initialise the weights of ``module``: Xavier for layers, 1 and 0 for norms.

    With timm's truncated normal of standard deviation 0.02, a small Swin does not get
    beyond the loss of a constant prediction; with Xavier it trains. Matrices outside
    of layers, such as relative position biases, keep that normal distribution, and
    vectors outside of layers, such as scales of branches, keep their values. A factor
    on the weights of layers is the attribute ``gain`` of the module.
    """
    done, gain = set(), getattr(module, "gain", 1.0)
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight.flatten(1), gain, generator)
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
