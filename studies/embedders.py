"""Embedders of signals: the comparison behind the default.

The linear path is left out, so that the tokens alone are compared.
"""

from unittest.mock import patch

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from sklearn_pare.nn import embed
from studies import record
from studies.suites import SUITES
from studies.tables import collect, markdown

TASKS = ("ecg-150", "chirps-150", "gait-150")


class RawPatches(embed.SignalEmbed):
    """Consecutive time steps alone."""

    # Nothing is computed before the training.
    read = None

    def forward(self, x):
        """Signals (B, C, L) -> tokens (B, N, D)."""
        if x.shape[-1] != self.length:
            x = F.interpolate(x, self.length, mode="linear")
        return self.norm(self.proj(x).transpose(1, 2))


class KernelShares(embed.SignalEmbed):
    """Shares of time at which dilated kernels respond, alone."""

    read = None

    def forward(self, x):
        """Signals (B, C, L) -> tokens (B, N, D)."""
        shares = self.kernels.windows(x, self.n_tokens).transpose(1, 2) - 0.5
        return self.norm(self.shares(shares))


class MultiScaleStem(embed.SignalEmbed):
    """Learned convolutions of three widths, pooled to windows."""

    _WIDTHS = 5, 15, 45
    read = None

    def __init__(self, input_shape, grid, dim, patch=embed.PATCH):
        super().__init__(input_shape, grid, dim, patch)
        self.scales = nn.ModuleList(
            nn.Conv1d(input_shape[0], dim, width, padding=width // 2)
            for width in self._WIDTHS
        )
        self.merge = nn.Linear(dim * len(self._WIDTHS), dim)

    def forward(self, x):
        """Signals (B, C, L) -> tokens (B, N, D)."""
        responses = torch.cat([F.gelu(scale(x)) for scale in self.scales], 1)
        pooled = F.adaptive_avg_pool1d(responses, self.n_tokens).transpose(1, 2)
        return self.norm(self.merge(pooled))


class TimeFrequency(embed.ImageEmbed):
    """Patches of the logarithm of the spectrogram, an image of time and frequency."""

    _WINDOW = 32

    def __init__(self, input_shape, grid, dim, patch=embed.PATCH):
        channels, length = input_shape
        self.hop = max(1, length // (4 * grid[1]))
        n_times = length // self.hop + 1
        shape = channels, self._WINDOW // 2 + 1, n_times
        super().__init__(shape, grid, dim, patch)

    def forward(self, x):
        """Signals (B, C, L) -> tokens (B, N, D)."""
        window = torch.hann_window(self._WINDOW, device=x.device)
        spectrum = torch.stft(
            x.flatten(0, 1), self._WINDOW, self.hop, window=window, return_complex=True
        )
        image = torch.log(spectrum.abs() + 0.1).unflatten(0, x.shape[:2])
        return super().forward(image)


#: Name -> class in place of `nn.embed.SignalEmbed`.
EMBEDDERS = {
    "raw patches": RawPatches,
    "multi-scale stem": MultiScaleStem,
    "time-frequency": TimeFrequency,
    "dilated kernels": KernelShares,
    "raw patches + dilated kernels (default)": embed.SignalEmbed,
}


def add_arguments(parser):
    """Add the options of the study."""
    record.add_arguments(parser, 3)


def main(arguments):
    """Fit what is not recorded and return the table."""
    options = record.options(arguments, "embedders")
    return table(run(range(arguments.seeds), **options))


def run(seeds, **options):
    """Return one row for each fit: naive fine-tuning with every embedder."""
    tasks = [SUITES["modalities"][name] for name in TASKS]
    wanted = record.cells(tasks, EMBEDDERS, seeds)
    return record.run(tasks, wanted, estimator=_estimator, fit=_fit, **options)


def _estimator(task, cell):
    return task.estimator("nft", cell["seed"], linear_path=False)


def _fit(task, estimator, cell):
    with patch.object(embed, "SignalEmbed", EMBEDDERS[cell["method"]]):
        return record.scored(task, estimator, cell)


def table(rows):
    """Return the mean accuracies as Markdown."""
    scores, lines = collect(rows, "score"), []
    tasks = [task for task in TASKS if any(task == key[0] for key in scores)]
    for name in dict.fromkeys(name for _, name in scores):
        means = [np.mean(scores[task, name]) for task in tasks]
        lines.append([name, *(f"{mean:.4f}" for mean in (*means, np.mean(means)))])
    return markdown(["embedder", *tasks, "mean"], lines)
