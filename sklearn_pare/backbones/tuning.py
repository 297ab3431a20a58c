"""Which weights of a body train."""

from torch import nn

_QUERIES_AND_KEYS = {"qkv", "query", "key", "q_proj", "k_proj"}


def freeze(body: nn.Module, tune: str) -> None:
    """Fix the weights of `body` that `tune` leaves as they are.

    Parameters
    ----------
    body : torch.nn.Module
    tune : {"all", "norm", "attention-frozen", "none"}
        What trains: everything; the LayerNorms; everything but the maps to queries
        and keys (and to values, where one matrix makes all three); nothing.
    """
    for name, module in body.named_modules():
        if tune == "all":
            trains = True
        elif tune == "attention-frozen":
            trains = name.rpartition(".")[2] not in _QUERIES_AND_KEYS
        else:
            trains = tune == "norm" and isinstance(module, nn.LayerNorm)
        for own, parameter in module.named_parameters(recurse=False):
            joint = tune == "attention-frozen" and own.startswith("in_proj_")
            parameter.requires_grad_(trains and not joint)
