"""Attention of transformers that is limited to tokens which hold something."""

import inspect
from functools import partial

import torch
import torch.nn.functional as F

from sklearn_pare.nn.gaps import attended, key_bias


def attend_to_filled(model, grid):
    """Let the attention of a model of timm follow `sklearn_pare.nn.gaps.only`.

    Attention without an argument for a mask, as in BEiT and in older versions of
    timm, is left as it is: there, tokens that hold nothing are mean tokens.

    Parameters
    ----------
    model : torch.nn.Module
        Its blocks call a module `attn` of their own.
    grid : tuple of int
        Height and width of the grid of the tokens.
    """
    for block in list(model.modules()):
        attention = getattr(block, "attn", None)
        if not isinstance(attention, torch.nn.Module):
            continue
        names = inspect.signature(attention.forward).parameters
        if hasattr(block, "shift_size") and "mask" in names:
            how = {"size": tuple(block.window_size), "shift": tuple(block.shift_size)}
            resolution = tuple(block.input_resolution)
            hook = partial(_of_windows, grid=tuple(grid), resolution=resolution, **how)
        elif "attn_mask" in names:
            hook = _of_all
        else:
            continue
        attention.register_forward_pre_hook(hook, with_kwargs=True)


def _of_all(attention, args, kwargs):
    """Add the mask for attention of every token to every other."""
    filled = attended()
    if filled is None:
        return None
    tokens = args[0]
    bias = key_bias(_merged(filled, tokens.shape[1]), tokens.dtype)
    return args, kwargs | {"attn_mask": bias[:, None]}


def _merged(filled, n):
    """Return the flags of n tokens: after class tokens, or of merged neighbours."""
    if n < filled.shape[1]:
        return filled.unflatten(1, (n, -1)).any(2)
    return F.pad(filled, (n - filled.shape[1], 0), value=True)


def _of_windows(attention, args, kwargs, *, grid, resolution, size, shift):
    """Add the mask for attention within shifted windows."""
    filled = attended()
    if filled is None:
        return None
    windows, *_ = args
    maps = filled.float().unflatten(1, grid)[:, None]
    maps = F.adaptive_max_pool2d(maps, resolution)
    maps = maps.roll([-step for step in shift], (2, 3))
    # Windows that are not full are padded, and the padding is attended to.
    height, width = maps.shape[2:]
    padding = 0, -width % size[1], 0, -height % size[0]
    maps = F.pad(maps, padding, value=1.0)
    keys = F.unfold(maps, size, stride=size).transpose(1, 2).flatten(0, 1) > 0
    bias = key_bias(keys, windows.dtype).expand(-1, keys.shape[1], -1)
    mask = kwargs.get("mask")
    if mask is not None:
        bias = bias + mask.repeat(len(filled), 1, 1)
    return args, kwargs | {"mask": bias}
