"""Signals folded into images: eight stripes of 32 positions, each four pixels high.

A token of four by four pixels then covers four consecutive positions, as a token of a
signal does; see `nn.embed.SignalEmbed.start_from`.
"""

import math

import torch

from sklearn_pare.sources.formula._draw import MEAN, SIZE, STD

STRIPE = 4
LENGTH = SIZE * SIZE // STRIPE


def classes(draw):
    """Draw the parameters of `n` signals of eight kinds."""
    return {
        "kind": draw.uniform(0, 8).floor(),
        "f": 3 * torch.exp(draw.uniform(0, 2.6)),
        "g": torch.exp(draw.uniform(-1.4, 1.4)),
        "sharp": draw.uniform(0.05, 0.95),
        "lag": draw.uniform(0.1, 0.9),
        "height": draw.uniform(-1, 1),
        "harmonics": draw.normal(4),
        "slope": draw.uniform(0, 2.2),
    }


def render(p, draw):
    """Draw grey images (n, S, S) of signals, with mean `MEAN` and deviation `STD`."""
    f, g, sharp, lag, height = (
        p[name][:, None] for name in ("f", "g", "sharp", "lag", "height")
    )
    device = draw.generator.device
    t = torch.linspace(0, 1, LENGTH, device=device)
    t = t * torch.exp(draw.uniform(-0.15, 0.15, 1)) + draw.uniform(0, 1, 1)
    own = torch.linspace(0, 1, LENGTH, device=device) - draw.uniform(0.05, 0.5, 1)
    beat = (f * t).remainder(1)
    orders = torch.arange(1, 5, device=device)
    tones = torch.sin(2 * math.pi * orders * (f * t / 2)[..., None])
    bump = torch.exp(-(((beat - 0.3) / (0.02 + 0.08 * sharp)) ** 2))
    second = torch.exp(-(((beat - 0.3 - 0.5 * lag) / (0.05 + 0.1 * sharp)) ** 2))
    after, damping = own.clamp_min(0), 0.05 + 0.6 * sharp
    ringing = torch.exp(-damping * f * after) * torch.cos(2 * f * after)
    kinds = torch.stack(
        [
            # four harmonics, whose weights are those of the class
            (tones * p["harmonics"][:, None]).sum(-1),
            # rising and falling chirps
            torch.sin(2 * math.pi * f * (own + 0.5 * height * own**2)),
            # a carrier modulated by a slow wave
            (1 + sharp * torch.sin(2 * math.pi * g * 3 * t))
            * torch.sin(2 * math.pi * f * t),
            # spikes, each with a second wave after it
            bump + height * second,
            # the step response of a damped oscillator
            (own > 0) * (1 - ringing),
            # bursts of damped oscillations
            torch.exp(-(2 + 8 * sharp) * beat) * torch.sin(2 * math.pi * beat * 6 * g),
            # square waves and ramps
            torch.where(height[:, :1] > 0, (beat < lag).float(), beat**g),
            _noise(p, draw),
        ]
    )
    kind = p["kind"].long().clamp_max(7)
    signal = kinds[kind, torch.arange(draw.n, device=device)]
    signal = signal / signal.std(1, keepdim=True).clamp_min(1e-3)
    drift = draw.normal(1) * torch.sin(2 * math.pi * draw.uniform(0.2, 1.5, 1) * t)
    signal = signal + 0.3 * drift + draw.uniform(0, 0.4, 1) * draw.normal(LENGTH)
    signal = signal - signal.mean(1, keepdim=True)
    signal = signal * torch.exp(draw.uniform(-0.6, 0.4, 1)) + 0.3 * draw.normal(1)
    stripes = signal.unflatten(1, (SIZE // STRIPE, SIZE))
    return MEAN + STD * stripes.repeat_interleave(STRIPE, 1)


def _noise(p, draw):
    """Return noise whose spectrum is a power law with a resonance."""
    k = torch.arange(LENGTH // 2 + 1, device=draw.generator.device)
    f, sharp, slope = (p[name][:, None] for name in ("f", "sharp", "slope"))
    resonance = 1 / (0.05 + sharp + ((k - f) / f) ** 2)
    gain = k.clamp_min(1) ** -slope * (k > 0) * resonance
    return torch.fft.irfft(torch.fft.rfft(draw.normal(LENGTH)) * gain, n=LENGTH)
