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

import tests.common.tiny  # noqa: F401  registers the tiny body
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
    seconds = time.monotonic() - start
    report = {"killed": 0, "same": 0, "steps": [], "partial": 0}
    for number, moment in enumerate(rng.uniform(0, 1, n)):
        own = Path(folder) / str(number)
        child = os.fork()
        if child == 0:
            fit(own)
            os._exit(0)
        time.sleep(moment * seconds)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        report["killed"] += os.WIFSIGNALED(status)
        left = sorted(path.name for path in own.glob("*")) if own.exists() else []
        report["steps"].append(left[-1] if left else None)
        report["partial"] += any(name.endswith("partial") for name in left)
        assert_same_fit(fit(own), whole)
        report["same"] += 1
    (Path(folder) / "report.json").write_text(json.dumps(report))
