"""Pretraining of "pare-signal": which two signals are from the same random program."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from sklearn_pare.backbones.bundled_signal import WEIGHTS, build_signal
from sklearn_pare.nn.init import DrawFrom, xavier_
from sklearn_pare.sources import waveform
from sklearn_pare.sources.formula._draw import Draw

# Programs of a family resemble each other, so that coarse features are not enough.
MEMBERS = 8
N_VALIDATION_BATCHES = 2
# Least part of a signal that a crop keeps.
_LEAST_CROP = 0.85
_NOISE = 0.02
_TEMPERATURE = 0.1
# Widths of the projection, which only the pretraining needs.
_HIDDEN, _PROJECTED = 512, 128


def crop(signals, generator, least=_LEAST_CROP):
    """Cut a random part of each signal (n, L) and stretch it to the whole length.

    The part is at least the fraction `least` of a signal.
    """
    n, length = signals.shape
    draw = Draw(generator, n)
    size = draw.uniform(least, 1, 1)
    start = (1 - size) * draw.uniform(0, 1, 1)
    steps = torch.linspace(0, 1, length, device=signals.device)
    place = (start + size * steps) * (length - 1)
    low = place.long().clamp(max=length - 2)
    return torch.lerp(signals.gather(1, low), signals.gather(1, low + 1), place - low)


def draw_pairs(n, generator):
    """Draw two views of a signal of each of `n` programs.

    Returns
    -------
    views : torch.Tensor of shape (2 * n, 1, 512)
        The first views of all programs, then the second ones: two signals of the same
        program, each with its own crop and a little noise.
    """
    programs = waveform.families(math.ceil(n / MEMBERS), MEMBERS, generator)
    programs = programs.select(slice(n))
    signals = torch.cat([waveform.render(programs, generator) for _ in range(2)])
    signals = crop(signals, generator)
    noise = Draw(generator, len(signals)).normal(signals.shape[1])
    return waveform.standardised(signals + _NOISE * noise, 1e-3)[:, None]


def similarities(projected):
    """Return cosines (n, n) of the first views with the second, by the temperature."""
    first, second = F.normalize(projected.float(), dim=1).chunk(2)
    return first @ second.T / _TEMPERATURE


def _both(measure, logits):
    """Return the mean of a measure for views that look for their partner."""
    partners = torch.arange(len(logits), device=logits.device)
    return (measure(logits, partners) + measure(logits.T, partners)) / 2


def _top1(logits, labels):
    return (logits.argmax(1) == labels).float().mean()


class Signals:
    """Task of the pretraining on signals; `studies.pretraining` names what it needs."""

    defaults = {
        "output": WEIGHTS,
        "steps": 1_500,
        "batch_size": 1_024,
        "lr": 1.5e-3,
    }
    warmup, log_every = 300, 50
    options = "--modality signals "

    def __init__(self, batch_size, seed, device, compiled, bfloat16):
        self.batch_size, self.seed, self.bfloat16 = batch_size, seed, bfloat16
        self.device = device
        generator = torch.Generator().manual_seed(seed)
        self.backbone = build_signal(generator)
        width = sum(self.backbone.module.dims[1:])
        with DrawFrom(torch.Generator()):
            projection = nn.Sequential(
                nn.Linear(width, _HIDDEN),
                # Of each batch alone: there are no averages to save and resume.
                nn.BatchNorm1d(_HIDDEN, track_running_stats=False),
                nn.GELU(),
                nn.Linear(_HIDDEN, _PROJECTED),
            )
        xavier_(projection, generator)
        self.parts = nn.ModuleDict(
            {**self.backbone.parts, "projection": projection}
        ).to(device)
        self._network = torch.compile(self._run) if compiled else self._run

    def _run(self, signals):
        """Project the mean features of the second and the last stage."""
        module = self.backbone.module
        *_, middle, last = module.stages(self.backbone.stem(signals))
        means = [middle.mean((1, 2)), module.norm(last).mean((1, 2))]
        return self.parts["projection"](torch.cat(means, 1))

    def _similarities(self, generator):
        views = draw_pairs(self.batch_size, generator)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            projected = self._network(views)
        return similarities(projected)

    def losses(self, generator, progress):
        """Return the loss of a new batch, and the losses to report."""
        loss = _both(F.cross_entropy, self._similarities(generator))
        return loss, {"train_loss": loss}

    def seen(self, steps):
        """Return the number of signals in a number of steps."""
        return {"signals": 2 * steps * self.batch_size}

    @torch.no_grad()
    def validate(self):
        """Return the share of views whose partner is the nearest, in new batches."""
        generator = torch.Generator(self.device).manual_seed(-1 - self.seed)
        batches = (self._similarities(generator) for _ in range(N_VALIDATION_BATCHES))
        found = torch.stack([_both(_top1, logits) for logits in batches])
        return {"validation_top1": found.mean().item()}
