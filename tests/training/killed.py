"""Fits with checkpoints in processes that are killed at random moments.

A process of its own, for it forks: with one thread, and torch imported once.
"""

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import torch

import tests.common.tiny  # noqa: F401  registers the tiny backbone
from sklearn_pare import PaReClassifier
from sklearn_pare.training import checkpoint
from tests.common.instances import tiny
from tests.training.same import assert_same_fit


def run(folder, n):
    """Kill n fits, go on with each, and write what came of it into report.json."""
    torch.set_num_threads(1)
    # After every step: as many moments as can be in which a file is half written.
    checkpoint._MINUTES = 0
    rng = np.random.default_rng(0)
    X = rng.normal(size=(48, 5))
    y = X[:, 0] + rng.normal(size=48) > 0

    def fit(name):
        settings = {"checkpoint_dir": name, "batch_size": 8, "max_epochs": 4}
        clf = tiny(PaReClassifier, early_stopping=True, linear_path=False, **settings)
        return clf.fit(X, y)

    whole = fit(None)
    start = time.monotonic()
    assert_same_fit(fit(Path(folder) / "whole"), whole)
    n_steps = 4 * 6
    seconds = (time.monotonic() - start) / n_steps
    report = {"killed": 0, "same": 0, "steps": [], "partial": 0}
    for number in range(n):
        own, first = Path(folder) / str(number), int(rng.integers(n_steps - 1))
        child = os.fork()
        if child == 0:
            fit(own)
            os._exit(0)
        # From some step on, at a moment within about two: on a busy machine as well.
        while _last(own) < first:
            time.sleep(0.0005)
        time.sleep(rng.uniform(0, 2 * seconds))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        report["killed"] += os.WIFSIGNALED(status)
        report["steps"].append(_last(own))
        report["partial"] += any(own.glob("*.partial"))
        assert_same_fit(fit(own), whole)
        report["same"] += 1
    (Path(folder) / "report.json").write_text(json.dumps(report))


def _last(folder):
    """Step of the latest checkpoint, or -1."""
    return max((int(p.stem[11:]) for p in folder.glob("*.safetensors")), default=-1)
