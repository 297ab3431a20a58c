"""Computation of a few samples at a time, to save memory."""

import torch


def in_parts(function, x, *, samples=None, parts=1):
    """Return ``function(x)``, computed for ``samples`` or 1 / ``parts`` of x at a time.

    When a network is exported, the number of samples is unknown, and all are computed
    together.
    """
    if torch.compiler.is_compiling():
        return function(x)
    samples = samples or max(1, len(x) // parts)
    return torch.cat([function(some) for some in x.split(samples)])
