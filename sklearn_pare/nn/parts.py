"""Computation of a few samples at a time, to save memory."""

import torch


def in_parts(function, x, *, samples=None, parts=1):
    """Return ``function(x)``, computed for a few samples at a time.

    When a network is exported, the number of samples is unknown, and all are computed
    together.

    Parameters
    ----------
    function : callable
        Maps samples (B, ...) to a tensor (B, ...).
    x : torch.Tensor of shape (B, ...)
    samples : int, optional
        Number of samples at a time; by default that of one of ``parts`` equal parts.
    parts : int, default=1
    """
    if torch.compiler.is_compiling():
        return function(x)
    samples = samples or max(1, len(x) // parts)
    return torch.cat([function(some) for some in x.split(samples)])
