"""Computation of a few samples at a time, to save memory."""

import torch


def in_parts(function, x, *, samples=None, parts=1):
    """Return ``function(x)``, computed for ``samples`` or 1 / ``parts`` of x at a time.

    An exported network, which does not know their number, computes all together.
    """
    if torch.compiler.is_compiling():
        return function(x)
    pieces = x.split(samples or max(1, len(x) // parts))
    return torch.cat(list(map(function, pieces)))
