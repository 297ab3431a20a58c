"""Missing numbers of signals (B, C, L) and images (B, C, H, W), which are NaN.

They contribute nothing: averages are those of the known numbers, and tokens without any
known number are neither attended to nor part of a mean. The functions do the same for
samples without gaps as code that knows of none, and cost little there.
"""

import math
import threading
from contextlib import contextmanager

import torch
import torch.nn.functional as F

# Averages in which the known numbers have a smaller part of the weight are missing.
_LEAST = 1e-3
# Added to the scores of keys that hold nothing.
_NEVER = -100.0
# The tokens of each thread that hold something.
_READ = threading.local()


def known(x):
    """Return where samples (B, C, ...) hold numbers, or None if they do everywhere.

    Networks that are traced or compiled are those for samples without gaps.
    """
    if x.ndim < 3 or torch.compiler.is_compiling() or torch.jit.is_tracing():
        return None
    missing = x.isnan()
    return ~missing if missing.any() else None


def zeroed(x):
    """Replace missing numbers by 0."""
    return torch.where(x.isnan(), 0.0, x)


def average(x, resize):
    """Resize samples (B, C, ...) by averages of the known numbers, NaN where is none.

    ``resize`` is a linear map whose weights are not negative.
    """
    there = known(x)
    if there is None:
        return resize(x)
    weight = resize(there.to(x.dtype))
    mean = resize(zeroed(x)) / weight
    return torch.where(weight > _LEAST, mean, torch.nan)


def filled_tokens(x, grid):
    """Return which tokens (B, N) of a grid hold a known number, or None for all.

    Tables (B, F) and words (B, N) have no gaps, or other ways to read them. Tokens of
    signals fill the grid line by line.
    """
    there = known(x)
    if there is None:
        return None
    there = there.any(1, keepdim=True).float()
    if x.ndim == 3:
        filled = F.adaptive_max_pool1d(there, math.prod(grid)).flatten(1) > 0
    else:
        filled = F.adaptive_max_pool2d(there, grid).flatten(1) > 0
    return _one_at_least(filled)


def _one_at_least(filled):
    """Return all tokens in place of none, for means and for attention."""
    return filled | ~filled.any(1, keepdim=True)


def at_outputs(filled, grid, n):
    """Return which of n outputs (B, n) of a backbone are made of a filled token.

    Backbones that merge tokens keep the aspect ratio of the grid, or its height 1.
    """
    if filled is None or n == filled.shape[1]:
        return filled
    height = round(grid[0] * math.sqrt(n / math.prod(grid))) if grid[0] > 1 else 1
    maps = filled.float().unflatten(1, tuple(grid))[:, None]
    return F.adaptive_max_pool2d(maps, (height, n // height)).flatten(1) > 0


def with_mean(tokens, filled):
    """Replace tokens (B, N, D) that are not filled by the mean of the others.

    So the mean of all tokens is that of the filled ones, and a gate scores the others
    like a mean token. ``filled`` may be None, if all are.
    """
    if filled is None:
        return tokens
    weight = filled[..., None].to(tokens.dtype)
    mean = (tokens * weight).sum(1, keepdim=True) / weight.sum(1, keepdim=True)
    return torch.where(filled[..., None], tokens, mean)


def filled_mixed(own, others, target_index, source_index):
    """Return which tokens (B, N) of mixed samples hold something, or None for all.

    ``own`` are the filled tokens of the samples, and ``others`` of those whose tokens
    replace theirs. A token that holds nothing stays so. Otherwise short samples would
    consist almost only of the tokens that replace theirs.
    """
    if own is None and others is None:
        return None
    one = own if others is None else others
    own, others = (torch.ones_like(one) if f is None else f for f in (own, others))
    taken = own.gather(1, target_index) & others.gather(1, source_index)
    return _one_at_least(own.scatter(1, target_index, taken))


@contextmanager
def only(filled):
    """Context in which backbones attend only to filled tokens (B, N), or to all."""
    before = attended()
    _READ.filled = filled
    try:
        yield
    finally:
        _READ.filled = before


def attended():
    """Return the filled tokens (B, N) of the context, or None."""
    return getattr(_READ, "filled", None)


def key_bias(filled, dtype):
    """Return what to add to scores of keys (B, 1, N): 0 for those that are filled."""
    return _NEVER * (~filled[:, None]).to(dtype)


def valid_positions(there, read, dilation, stride, taps):
    """Return at which positions (B, K, P) dilated kernels respond to known numbers.

    ``there`` (B, C, L) is where signals hold numbers, and ``read`` (K, C) is 1 for the
    channels of a kernel. Each channel begins and ends with its first and last number,
    beyond which there are zeros, as beyond the ends of every signal; gaps are between
    them. If no tap of a kernel may fall into a gap and no position is left, all
    positions within the signal count, and missing numbers add nothing to responses.
    """
    there = there.float()
    after = there.flip(-1).cummax(-1).values.flip(-1)
    inside = torch.minimum(there.cummax(-1).values, after)
    ones = there.new_ones(there.shape[1], 1, taps)
    reach, n_channels = dilation * (taps // 2), there.shape[1]
    gaps = F.conv1d(inside - there, ones, None, stride, reach, dilation, n_channels)
    read = read[..., None].to(there.dtype)
    inside = F.conv1d(inside[..., ::stride], read) > 0
    valid = inside & (F.conv1d((gaps > 0.5).to(there.dtype), read) < 0.5)
    return torch.where(valid.any(-1, keepdim=True), valid, inside)
