"""Roots that happen once: events, peaks, steps, ringing and bursts."""

import torch

from sklearn_pare.sources.waveform._rows import bumps, octaves, sine


def events(rows):
    """Draw one to four skewed bumps, whose heights differ between signals."""
    u = rows.numbers
    first = torch.arange(4, device=u.device) == 0
    height = (2 * u[:, 4:8] - 1) * ((u[:, 12:] < 0.6) | first)
    height = height * torch.exp(0.3 * rows.draw.normal(4))
    width = 0.004 * torch.exp2(5 * u[:, 8:12])
    return bumps(u[:, :4], width, height, rows.time, 1 + 5 * u[:, 12:].square())


def peaks(rows):
    """Draw eight peaks on a curved baseline, as in a spectrum.

    Sixteen numbers are too few for places, widths and heights: the heights are the last
    eight numbers in reverse order, which the widths use in their own order.
    """
    u, t = rows.numbers, rows.time
    width = 0.006 * torch.exp2(3.5 * u[:, 8:])
    height = (0.1 + u[:, 8:].flip(1)) * torch.exp(0.25 * rows.draw.normal(8))
    baseline = (u[:, 3:4] - 0.5) * t + 2 * (u[:, 7:8] - 0.5) * t.square()
    return bumps(u[:, :8], width, height, t) + baseline


def steps(rows):
    """Draw four changes of the level, sudden or gradual."""
    u = rows.numbers
    steepness = 8 * torch.exp2(6 * u[:, 8:9, None])
    levels = torch.sigmoid((rows.time[:, None] - u[:, :4, None]) * steepness)
    return ((2 * u[:, 4:8, None] - 1) * levels).sum(1)


def ringing(rows):
    """Draw two damped oscillations, each from its own beginning."""
    u = rows.numbers[..., None]
    after = (rows.time[:, None] - u[:, :2]).clamp_min(0)
    frequency = 2 * octaves(u[:, 2:4], 5.5)
    # Numbers below 0 would let oscillations grow.
    damping = frequency * (0.1 + u[:, 6:8].clamp_min(0))
    waves = torch.exp(-after * damping) * sine(frequency * after)
    return ((u[:, 4:6] - 0.3) * waves).sum(1)


def bursts(rows):
    """Draw three bursts of a carrier or of noise."""
    u = rows.numbers
    width = 0.02 * torch.exp2(3 * u[:, 3:6])
    envelope = bumps(u[:, :3], width, u[:, 6:9], rows.time)
    turns = 8 * octaves(u[:, 9:10], 3.5) * rows.time + rows.draw.uniform(0, 1, 1)
    noise = rows.draw.normal(rows.time.shape[1])
    return envelope * torch.where(u[:, 10:11] < 0.5, sine(turns), noise)
