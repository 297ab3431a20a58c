"""Frozen weights of a backbone, and learning rates by depth."""

import re

from torch import nn

# Names in timm and in the families of transformers.
_QUERIES_AND_KEYS = {"qkv", "query", "key", "q_proj", "k_proj", "q_lin", "k_lin", "q",
                     "k", "Wqkv"}  # fmt: skip
# The longest prefix of a parameter's name that ends in a numbered block.
_BLOCK = re.compile(r".*\b(?:blocks|layers?)\.\d+\.")


def freeze(backbone: nn.Module, tune: str) -> None:
    """Freeze the weights of a backbone that are not trained.

    ``tune`` selects the trained weights: "all"; "norm", those of LayerNorms;
    "attention-frozen", all except the projections to queries and keys (and to values,
    if they share a matrix); or "none" and "head", which train none.
    """
    for name, module in backbone.named_modules():
        if tune == "all":
            trains = True
        elif tune == "attention-frozen":
            trains = name.rpartition(".")[2] not in _QUERIES_AND_KEYS
        else:
            trains = tune == "norm" and isinstance(module, nn.LayerNorm)
        for own, parameter in module.named_parameters(recurse=False):
            # Parameters of the attention module itself.
            reads = own.startswith("in_proj_") or own == "q_bias"
            fixed = tune == "attention-frozen" and reads
            parameter.requires_grad_(trains and not fixed)


def layer_scales(backbone: nn.Module, decay: float) -> dict:
    """Return factors on the learning rate of each parameter, by its depth.

    The factor is 1 for the last block and everything after it, and falls by ``decay``
    from one block to the block before it, as in Clark et al., "ELECTRA", ICLR 2020,
    appendix B, and Bao et al., "BEiT", ICLR 2022. Blocks are numbered, as in "blocks.3"
    or "layer.3"; the merging of tokens between two stages of a Swin transformer counts
    as one. Modules are registered in the order in which `forward` uses them.
    """
    depth, block, depths = 0, None, {}
    for name, parameter in backbone.named_parameters():
        found = _BLOCK.match(name)
        if found and found.group() != block:
            depth, block = depth + 1, found.group()
        depths[parameter] = depth
    return {parameter: decay ** (depth - own) for parameter, own in depths.items()}
