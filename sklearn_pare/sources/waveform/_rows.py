"""Inputs of the functions that draw roots, and curves that several of them use."""

import math
from typing import NamedTuple

import torch

from sklearn_pare.sources.formula._draw import Draw


class Rows(NamedTuple):
    """Inputs of `R` roots of one kind.

    Attributes
    ----------
    numbers : torch.Tensor of shape (R, 16)
        Numbers of the program, which a signal varies a little. Most are between 0 and
        1.
    time : torch.Tensor of shape (R, L)
        From about 0 to about 1. Programs may shift and warp it.
    free : torch.Tensor of shape (R, 1)
        1 if the phase is new in each signal, 0 if the program determines it.
    draw : Draw
        Random numbers of the signals.
    """

    numbers: torch.Tensor
    time: torch.Tensor
    free: torch.Tensor
    draw: Draw

    def phase(self, n=1):
        """Draw phases (R, n) in turns: 0 if the program determines them."""
        return self.free * self.draw.uniform(0, 1, n)


def octaves(number, most):
    """Map numbers from 0 to 1 to frequencies from 1 to 2**most."""
    return torch.exp2(most * number.clamp(0, 1))


def sine(turns):
    """Return the sine of angles in turns."""
    return torch.sin(2 * math.pi * turns)


def bumps(centre, width, height, time, skew=None):
    """Return sums (R, L) of `m` Gaussian bumps, given parameters (R, m).

    The part of a bump after its centre is `skew` times as wide.
    """
    z = (time[:, None] - centre[..., None]) / width[..., None]
    if skew is not None:
        z = torch.where(z > 0, z / skew[..., None], z)
    return (height[..., None] * torch.exp(-0.5 * z.square())).sum(1)
