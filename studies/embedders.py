"""Embedders of signals against each other: how the default was chosen.

The linear path is left out, so that the tokens alone are compared.
"""

import math
from unittest.mock import patch

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from sklearn_pare import PaReClassifier
from sklearn_pare.benchmarks.methods import METHODS
from sklearn_pare.datasets import make_chirps, make_ecg, make_gait
from sklearn_pare.nn import embed
from studies.transfer import split

_TASKS = {"ecg": make_ecg, "chirps": make_chirps, "gait": make_gait}
_N_TRAIN = 150


class RawPatches(embed.SignalEmbed):
    """Consecutive samples alone."""

    def forward(self, x):
        """Signals (B, C, L) -> tokens (B, N, D)."""
        if x.shape[-1] != self.length:
            x = F.interpolate(x, self.length, mode="linear")
        return self.norm(self.proj(x).transpose(1, 2))


class KernelShares(embed.SignalEmbed):
    """Shares of time at which dilated kernels respond, alone."""

    def forward(self, x):
        """Signals (B, C, L) -> tokens (B, N, D)."""
        shares = self.kernels.windows(x, self.n_tokens).transpose(1, 2) - 0.5
        return self.norm(self.shares(shares))


class MultiScaleStem(embed.SignalEmbed):
    """Learned convolutions of three widths, pooled to windows."""

    _WIDTHS = 5, 15, 45

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


#: Name -> class that takes the place of `nn.embed.SignalEmbed`.
EMBEDDERS = {
    "raw patches": RawPatches,
    "multi-scale stem": MultiScaleStem,
    "time-frequency": TimeFrequency,
    "dilated kernels": KernelShares,
    "raw patches + dilated kernels (default)": embed.SignalEmbed,
}


def run(seeds, log):
    """Accuracy of every embedder on every task.

    Parameters
    ----------
    seeds : sequence of int
        One split and one fit a seed.
    log : callable
        Gets a line of text after each fit.

    Returns
    -------
    results : dict
        Embedder -> task -> list of accuracies on at most 500 other rows.
    """
    results = {name: {task: [] for task in _TASKS} for name in EMBEDDERS}
    for task, make in _TASKS.items():
        X, y = make(random_state=0)
        for seed in seeds:
            X_train, X_test, y_train, y_test = split(X, y, _N_TRAIN, True, seed)
            for name, kind in EMBEDDERS.items():
                settings = METHODS["nft"] | {"linear_path": False}
                estimator = PaReClassifier(random_state=seed, **settings)
                with patch.object(embed, "SignalEmbed", kind):
                    estimator.fit(X_train, y_train)
                    score = estimator.score(X_test, y_test)
                results[name][task].append(score)
                log(f"{task}  seed {seed}  {name}  accuracy {score:.4f}")
    return results


def table(results):
    """Markdown table of mean accuracies."""
    lines = ["| embedder | " + " | ".join(_TASKS) + " | mean |"]
    lines.append("|" + "---|" * (len(_TASKS) + 2))
    for name, scores in results.items():
        means = [np.mean(scores[task]) for task in _TASKS]
        cells = [f"{mean:.4f}" for mean in (*means, math.fsum(means) / len(means))]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
