"""Features of signals from a backbone whose weights stay as they are."""

import math
import threading
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from sklearn_pare.nn.gaps import (
    at_outputs,
    average,
    filled_tokens,
    known,
    only,
    with_mean,
)
from sklearn_pare.nn.init import xavier_
from sklearn_pare.nn.parts import in_parts

# More channels are averaged to this many, and features to so many parts of the time.
_CHANNELS, _PARTS = 8, 16
# Depth of the block that is read: features of the last ones suit the pretraining only.
_DEPTH = 2 / 3
_LISTS = {"blocks", "layer", "layers"}
# The last output of a block that is read, for each thread.
_READ = threading.local()


class FrozenFeatures(nn.Module):
    """Outputs of a middle block of a backbone.

    Each channel is a signal of its own. The outputs are averaged within up to 16 runs
    of tokens, fewer if there are several channels. That hidden features of a frozen
    image backbone tell classes of signals apart was shown by Roschmann et al., "Time
    Series Representations for Classification Lie Hidden in Pretrained Vision
    Transformers", 2025. Features of a channel without any number are NaN.

    Parameters
    ----------
    embed : torch.nn.Module
        Maps signals (B, 1, L) to tokens (B, N, D).
    module : torch.nn.Module
        Maps tokens (B, N, D) to features (B, M, E). If it has the attribute
        ``has_blocks``, a block at two thirds of its depth is read; otherwise its output
        is.
    n_channels : int
    """

    def __init__(self, embed, module, n_channels):
        super().__init__()
        self.embed, self.module = embed, module
        self.n_channels = min(n_channels, _CHANNELS)
        self.requires_grad_(requires_grad=False)
        self.train(False)
        self.reads_block = getattr(module, "has_blocks", False)
        n_outputs, width = math.prod(module.grid), module.feature_dim
        if self.reads_block:
            blocks = _blocks(module)
            block = blocks[max(round(_DEPTH * len(blocks)), 1) - 1]
            block.register_forward_hook(_remember)
            n_outputs, width = _shape(module)
        self.n_parts = max(1, min(_PARTS // self.n_channels, n_outputs))
        self.n_features = self.n_channels * self.n_parts * width

    def start_from(self, stem, generator):
        """Copy the weights of the backbone's own embedder, as far as they fit."""
        xavier_(self.embed, generator)
        self.embed.start_from(stem)

    def train(self, mode=True):
        """Stay in evaluation mode."""
        return super().train(mode=False)

    def forward(self, x):
        """Return features (B, n_features) of signals (B, C, L)."""
        if x.shape[1] > self.n_channels:
            pool = partial(F.adaptive_avg_pool1d, output_size=self.n_channels)
            x = average(x.transpose(1, 2), pool).transpose(1, 2)
        # As many sequences at a time as samples of one channel.
        return in_parts(self._few, x, parts=self.n_channels)

    def _few(self, x):
        x = x.flatten(0, 1)[:, None]
        tokens, there = self.embed(x), known(x)
        filled = filled_tokens(x, self.module.grid)
        with only(filled):
            read = self.module(tokens)
        if self.reads_block:
            read = _last_output(tokens)
        read = with_mean(read, at_outputs(filled, self.module.grid, read.shape[1]))
        parts = F.adaptive_avg_pool1d(read.transpose(1, 2), self.n_parts).flatten(1)
        if there is not None:
            parts = torch.where(there.any(2), parts, torch.nan)
        return parts.unflatten(0, (-1, self.n_channels)).flatten(1)


def _remember(block, inputs, output):
    _READ.output = output


def _last_output(tokens):
    """Return the outputs (B, M, E) of the block that was read for tokens (B, N, D)."""
    read = _READ.__dict__.pop("output")
    read = read[0] if isinstance(read, tuple) else read
    read = read.flatten(1, 2) if read.ndim == 4 else read
    # Class and register tokens come first.
    return read[:, -tokens.shape[1] :]


@torch.no_grad()
def _shape(module):
    """Return the number of outputs of the block that is read, and their width."""
    # On the meta device nothing is computed.
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    outline = {name: tensor.to("meta") for name, tensor in tensors.items()}
    tokens = torch.empty(1, math.prod(module.grid), module.dim, device="meta")
    torch.func.functional_call(module, outline, (tokens,))
    return _last_output(tokens).shape[1:]


def _blocks(module):
    """Return the numbered blocks of a backbone that contain no other ones."""
    found = {}
    for name, block in module.named_modules():
        *_, parent, number = ["", "", *name.split(".")]
        if parent in _LISTS and number.isdigit():
            found[name] = block
    return [
        block
        for name, block in found.items()
        if not any(other.startswith(f"{name}.") for other in found)
    ]
