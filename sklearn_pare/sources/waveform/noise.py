"""Roots that are new in each signal: smooth curves, coloured noise and random walks."""

import torch

from sklearn_pare.sources.waveform._rows import octaves


def _filtered(rows, gain):
    """Return noise (R, L) with a spectrum (R, L + 1): half of a period of 2 L."""
    length = rows.time.shape[1]
    noise = torch.fft.rfft(rows.draw.normal(2 * length))
    return torch.fft.irfft(noise * gain, n=2 * length)[:, :length]


def _orders(rows):
    """Return the number (L + 1,) of periods in 2 L positions of each frequency."""
    return torch.arange(rows.time.shape[1] + 1, device=rows.time.device)


def smooth(rows):
    """Draw Gaussian processes with a squared exponential or a Matern kernel."""
    u = rows.numbers
    square = (_orders(rows) / octaves(u[:, :1], 7.0)).square()
    matern = (1 + square) ** -(0.75 + 2 * u[:, 1:2])
    return _filtered(rows, torch.where(u[:, 2:3] < 0.5, (-square / 2).exp(), matern))


def coloured(rows):
    """Draw noise with a power law and a resonance in its spectrum."""
    u = rows.numbers
    order, centre = _orders(rows).clamp_min(1), 4 * octaves(u[:, :1], 6.0)
    # Numbers below 0 could divide by zero.
    damping = 0.03 + u[:, 2:3].clamp_min(0)
    resonance = 1 / (damping + ((order - centre) / centre).square())
    return _filtered(rows, order ** -(2 * u[:, 1:2]) * resonance)


def walk(rows):
    """Draw random walks, in which one step of fifty is four times as large."""
    length = rows.time.shape[1]
    steps = rows.draw.normal(length)
    large = rows.draw.uniform(0, 1, length) < 0.02
    return (steps * (1 + 3 * large)).cumsum(1)
