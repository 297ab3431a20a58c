"""Frozen weights of a backbone, and learning rates by depth."""

import re

from torch import nn

_QUERIES_AND_KEYS = {"qkv", "query", "key", "q_proj", "k_proj"}
# The longest prefix of a parameter's name that ends in a numbered block.
_BLOCK = re.compile(r".*\b(?:blocks|layers?)\.\d+\.")


def freeze(backbone: nn.Module, tune: str) -> None:
    """Freeze the weights of a backbone that are not trained.

    Parameters
    ----------
    backbone : torch.nn.Module
    tune : {"all", "norm", "attention-frozen", "none", "head"}
        Weights of the backbone that are trained: all; those of LayerNorms; all except
        the projections to queries and keys (and to values, if they share a matrix);
        none for "none" and "head".
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


def layer_scales(backbone: nn.Module, decay: float) -> dict:
    """Return factors on the learning rate that decrease from output to input.

    Parameters
    ----------
    backbone : torch.nn.Module
        Its modules are registered in the order in which `forward` uses them, and blocks
        are numbered, as in "blocks.3" or "layer.3".
    decay : float
        Factor from one block to the block before it. The merging of tokens between two
        stages of a Swin transformer counts as a block.

    Returns
    -------
    scales : dict of torch.nn.Parameter to float
        1 for the last block and everything after it.

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
