"""Which weights of a backbone train, and how fast."""

import re

from torch import nn

_QUERIES_AND_KEYS = {"qkv", "query", "key", "q_proj", "k_proj"}


def freeze(backbone: nn.Module, tune: str) -> None:
    """Fix the weights of `backbone` that `tune` leaves as they are.

    Parameters
    ----------
    backbone : torch.nn.Module
    tune : {"all", "norm", "attention-frozen", "none"}
        What trains: everything; the LayerNorms; everything but the maps to queries
        and keys (and to values, where one matrix makes all three); nothing.
    """
    for name, module in backbone.named_modules():
        if tune == "all":
            trains = True
        elif tune == "attention-frozen":
            trains = name.rpartition(".")[2] not in _QUERIES_AND_KEYS
        else:
            trains = tune == "norm" and isinstance(module, nn.LayerNorm)
        for own, parameter in module.named_parameters(recurse=False):
            joint = tune == "attention-frozen" and own.startswith("in_proj_")
            parameter.requires_grad_(trains and not joint)


# The longest prefix of a parameter's name that ends in a numbered block.
_BLOCK = re.compile(r".*\b(?:blocks|layers?)\.\d+\.")


def layer_scales(backbone: nn.Module, decay: float) -> dict:
    """Factors on the learning rate, smaller the nearer a weight lies to the input.

    Parameters
    ----------
    backbone : torch.nn.Module
        Modules registered in the order in which `forward` uses them; numbered blocks
        lie under names such as "blocks.3" or "layer.3".
    decay : float
        Factor from one block to the one before it. The merging of tokens between two
        stages of a Swin transformer counts as a block.

    Returns
    -------
    scales : dict of torch.nn.Parameter to float
        1 for the last block and what follows it.

    References
    ----------
    Clark et al., "ELECTRA", ICLR 2020, appendix B; Bao et al., "BEiT", ICLR 2022.
    """
    depth, block, depths = 0, None, {}
    for name, parameter in backbone.named_parameters():
        found = _BLOCK.match(name)
        if found and found.group() != block:
            depth, block = depth + 1, found.group()
        depths[parameter] = depth
    return {parameter: decay ** (depth - own) for parameter, own in depths.items()}
