"""Roots that repeat: tones, chirps, modulated waves, beats, pulses and outlines."""

import torch

from sklearn_pare.sources.waveform._rows import bumps, octaves, sine


def tone(rows):
    """Draw sums of four harmonics with the sizes and phases of the program."""
    u = rows.numbers
    turns = octaves(u[:, :1], 6.5) * rows.time + rows.phase()
    orders = torch.arange(1, 5, device=u.device)
    sizes = (2 * u[:, 1:5] - 1) / orders**0.5
    angles = orders[:, None] * turns[:, None] + u[:, 5:9, None]
    return (sizes[..., None] * sine(angles)).sum(1)


def chirp(rows):
    """Draw sines whose frequency rises or falls."""
    u, t = rows.numbers, rows.time
    inner = t + 1.5 * (2 * u[:, 1:2] - 1) * (t - 0.5).square()
    return sine(octaves(u[:, :1], 5.5) * inner + u[:, 2:3] + rows.phase())


def modulated(rows):
    """Draw carriers whose amplitude or frequency follows a slow wave."""
    u, t = rows.numbers, rows.time
    phase = u[:, 2:4] + rows.phase(2)
    slow = sine(octaves(u[:, 1:2], 3.0) * t + phase[:, :1])
    turns = 8 * octaves(u[:, :1], 3.5) * t + phase[:, 1:]
    amplitude = (1 + 1.5 * u[:, 4:5] * slow) * sine(turns)
    # The factor is half a turn, about three radians.
    frequency = sine(turns + 0.4775 * u[:, 5:6] * slow)
    return torch.where(u[:, 6:7] < 0.5, amplitude, frequency)


def beats(rows):
    """Draw a group of four bumps that repeats, as in a heartbeat."""
    u = rows.numbers
    beat = octaves(u[:, :1], 4.5) * rows.time + u[:, 1:2] + rows.phase()
    width = 0.01 * torch.exp2(4 * u[:, 6:10])
    heights = 2 * u[:, 2:6] - 1
    return bumps(u[:, 10:14].remainder(1), width, heights, beat.remainder(1))


def pulses(rows):
    """Draw rectangular pulses, or triangles and ramps."""
    u = rows.numbers
    beat = octaves(u[:, :1], 5.0) * rows.time + u[:, 1:2] + rows.phase()
    beat = beat.remainder(1)
    duty = (0.1 + 0.8 * u[:, 2:3]).clamp(0.02, 0.98)
    high = beat < duty
    ramp = torch.where(high, beat / duty, (1 - beat) / (1 - duty))
    return torch.where(u[:, 3:4] < 0.5, high.float(), ramp)


def outline(rows):
    """Draw one period of a Fourier series, as of the outline of a shape."""
    u = rows.numbers
    orders = torch.arange(1, 9, device=u.device)
    sizes = orders ** -(0.5 + u[:, :1]) * (0.3 + u[:, :8])
    angles = orders[:, None] * rows.time[:, None] + u[:, 8:, None]
    return (sizes[..., None] * sine(angles)).sum(1)
