"""Signals drawn from random programs, for the pretraining of backbones of signals.

A program has six roots: waves, events, curves or noise of 16 kinds, each with its own
16 numbers. Four nodes mix a few roots each, most of them by a nonlinear function, and
the signal is a sum of nodes, as in the causal models of CauKer. Each signal of a
program has small changes of the numbers, its own start, distortion of time, noise and,
for some kinds, its own course. Signals are computed in torch when they are drawn, so
nothing is stored or downloaded.

References
----------
Xie et al., "CauKer: Classification Time Series Foundation Models Can Be Pretrained on
Synthetic Data", ICLR 2026.
"""

import math

import torch

from sklearn_pare.sources.formula._draw import Draw
from sklearn_pare.sources.waveform import curves, events, noise, periodic
from sklearn_pare.sources.waveform._programs import (
    N_NODES,
    N_NUMBERS,
    N_ROOTS,
    Programs,
    families,
    programs,
)
from sklearn_pare.sources.waveform._rows import Rows

__all__ = ["KINDS", "LENGTH", "Programs", "families", "programs", "render"]

LENGTH = 512

#: Kinds of roots, in the order of their numbers in `Programs.kinds`.
KINDS = (
    periodic.tone,
    periodic.chirp,
    periodic.modulated,
    periodic.beats,
    events.events,
    events.peaks,
    events.steps,
    curves.lines,
    periodic.outline,
    noise.smooth,
    noise.coloured,
    events.ringing,
    periodic.pulses,
    curves.trend,
    events.bursts,
    noise.walk,
)
# Signals of programs with a larger shift have phases of their own.
_SMALL_SHIFT = 0.05


def render(programs, generator, length=LENGTH):
    """Draw one new signal for each program.

    Parameters
    ----------
    programs : Programs
    generator : torch.Generator
        Source of all randomness, on the device of the programs.
    length : int, default=512
        Number of positions, at least 2.

    Returns
    -------
    signals : torch.Tensor of shape (n, length)
        Finite float32 numbers. Before noise is added, the mean is 0 and the standard
        deviation is 1, or 0 if the signal is constant.
    """
    draw = Draw(generator, len(programs.kinds))
    time = _time(programs, draw, length)
    changes = draw.normal(N_ROOTS, N_NUMBERS)
    numbers = programs.numbers + programs.jitter[:, None, None] * changes
    roots = standardised(_roots(programs, numbers, time, generator), 1e-3)
    nodes = _nodes(programs, roots)
    nodes = nodes / nodes.std(-1, keepdim=True).clamp_min(1e-2)
    signals = torch.einsum("nj,njl->nl", programs.outputs, nodes)
    signals = standardised(signals, 1e-3)
    return signals + programs.noise[:, None] * draw.normal(length)


def standardised(signals, least):
    """Scale signals (..., L) to mean 0 and standard deviation 1.

    Standard deviations below `least` are treated as equal to it.
    """
    centred = signals - signals.mean(-1, keepdim=True)
    return centred / centred.std(-1, keepdim=True).clamp_min(least)


def _time(programs, draw, length):
    """Draw the time (n, L) of each signal: warped by three slow waves and shifted."""
    device = draw.generator.device
    time = torch.linspace(0, 1, length, device=device)
    orders = torch.arange(1, 4, device=device)[:, None]
    waves = draw.normal(3, 1) / orders * torch.sin(math.pi * orders * time)
    start = programs.shift * draw.uniform(-0.5, 0.5)
    return time + programs.warp[:, None] * waves.sum(1) + start[:, None]


def _roots(programs, numbers, time, generator):
    """Draw the roots (n, 6, L) of all programs, those of one kind together."""
    time = time.repeat_interleave(N_ROOTS, 0)
    free = (programs.shift > _SMALL_SHIFT).float().repeat_interleave(N_ROOTS)[:, None]
    kinds, numbers = programs.kinds.flatten(), numbers.flatten(0, 1)
    roots = torch.zeros_like(time)
    counts = torch.bincount(kinds, minlength=len(KINDS)).tolist()
    parts = kinds.argsort(stable=True).split(counts)
    for kind, index in zip(KINDS, parts, strict=True):
        if len(index):
            draw = Draw(generator, len(index))
            roots[index] = kind(Rows(numbers[index], time[index], free[index], draw))
    return roots.unflatten(0, (-1, N_ROOTS))


def _nodes(programs, roots):
    """Compute the nodes (n, 4, L) of all programs from their roots (n, 6, L)."""
    mixed = torch.einsum("njr,nrl->njl", programs.weights, roots)
    mixed = mixed + programs.biases[..., None]
    first = roots[:, :N_NODES]
    values = torch.stack(
        [
            # Linear nodes are twice as frequent as others.
            mixed,
            mixed,
            torch.tanh(mixed),
            torch.relu(mixed),
            mixed.square(),
            torch.sin(2 * mixed),
            mixed * first.abs(),
            torch.maximum(mixed, first),
        ]
    )
    device = roots.device
    rows = torch.arange(len(roots), device=device)[:, None]
    return values[programs.nodes, rows, torch.arange(N_NODES, device=device)]
