"""Where the CPU time of a default fit goes, and the CPU time of features of signals."""

import statistics
import time
from contextlib import ExitStack
from unittest.mock import patch

import numpy as np
import torch
from sklearn.datasets import load_digits

from sklearn_pare import PaReClassifier
from sklearn_pare._architecture import Architecture, new_linear_path
from sklearn_pare.nn import embed
from sklearn_pare.nn.model import PaReModel
from sklearn_pare.training import net, network, prepare
from studies.tables import markdown

#: Name of a part -> the functions whose time is counted.
PARTS = {
    "linear model": [(prepare, "fit_linear_path")],
    "features that are kept": [(network, "keep_features")],
    "source and noise": [(net, "draw_step")],
    "embedders": [
        (getattr(embed, kind), "forward")
        for kind in ("ImageEmbed", "SignalEmbed", "TableEmbed")
    ],
    "backbone, forward": [(PaReModel, "_run_backbone")],
    "backward": [(torch.Tensor, "backward")],
    "optimiser": [(torch.nn.utils, "clip_grad_norm_"), (torch, "_fused_adamw_")],
}
_N = 300


def add_arguments(parser):
    """Add nothing: this study has no options."""


def main(arguments):
    """Return the table of all parts, in seconds and percent, and that of signals."""
    found = {name: seconds(X, y) for name, (X, y) in samples().items()}
    lines = [
        [part, *(_share(own[part], own["fit"]) for own in found.values())]
        for part in [*PARTS, "Python and others", "fit"]
    ]
    signals = [
        ["frozen features, signals of length 512 per second", f"{features():.0f}"],
        ["predict, one signal 3 x 500, ms", f"{1e3 * latency():.1f}"],
    ]
    parts = markdown(["CPU seconds", *found], lines)
    return parts + "\n\n" + markdown(["signals, CPU time", "figure"], signals)


def _share(part, whole):
    return f"{part:.2f} ({part / whole:.0%})"


def samples(n=_N):
    """Return X and y of digits, signals and a table of n samples."""
    digits, y = load_digits(return_X_y=True)
    rng, classes = np.random.default_rng(0), np.arange(n) % 4
    phase = np.linspace(0, 6, 500) * (3 + 2 * classes[:, None, None])
    waves = 0.5 * np.sin(phase + rng.uniform(0, 6, (n, 1, 1)))
    table = rng.normal(size=(n, 20))
    return {
        "digits": (digits[:n].reshape(-1, 1, 8, 8), y[:n]),
        "signals 3 x 500": (waves + rng.normal(size=(n, 3, 500)), classes),
        "table of 20": (table, table[:, 0] * table[:, 1] + table[:, 2] > 0),
    }


def seconds(X, y, **settings):
    """Return the CPU seconds of each part of a fit, of the rest, and of the fit."""
    found, running = dict.fromkeys(PARTS, 0.0), []
    # Modules are imported at first use.
    PaReClassifier(**(settings | {"max_epochs": 1})).fit(X[:20], y[:20])
    with ExitStack() as stack:
        for part, functions in PARTS.items():
            for owner, name in functions:
                timed = _timed(found, running, part, getattr(owner, name))
                stack.enter_context(patch.object(owner, name, timed))
        start = time.process_time()
        PaReClassifier(random_state=0, **settings).fit(X, y)
        whole = time.process_time() - start
    return found | {"Python and others": whole - sum(found.values()), "fit": whole}


def _timed(found, running, part, function):
    def timed(*args, **kwargs):
        # Of calls within calls, the outermost one counts.
        if running:
            return function(*args, **kwargs)
        running.append(part)
        start = time.process_time()
        try:
            return function(*args, **kwargs)
        finally:
            found[running.pop()] += time.process_time() - start

    return timed


def features(n=200, repeats=5):
    """Return how many signals the frozen "pare-signal" reads in a second of CPU time.

    As a group of the linear path: signals (1, 512), with the features of one block.
    """
    architecture = Architecture(
        "pare-signal", (1, 512), (2,), "gate", linear=("backbone",)
    )
    frozen = new_linear_path(architecture, True, 0).features["backbone"]
    x = torch.randn(n, 1, 512, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        return n / _median(lambda: frozen(x), repeats)


def latency(repeats=20, **settings):
    """Return the CPU seconds of a prediction of one signal (3, 500)."""
    X, y = samples()["signals 3 x 500"]
    estimator = PaReClassifier(random_state=0, **settings).fit(X, y)
    return _median(lambda: estimator.predict(X[:1]), repeats)


def _median(call, repeats):
    times = []
    # The first one also allocates memory.
    for _ in range(1 + repeats):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return statistics.median(times[1:])
