"""Fits with checkpoints in processes that are killed at random moments.

This needs a process of its own, since it forks: with one thread, and after the import
of torch.
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
    """Kill n fits, continue each, and write the results to report.json."""
    torch.set_num_threads(1)
    # After every step, so that many fits are killed while a file is being written.
    checkpoint._MINUTES = 0
    # Written data outlive the process: there is no need to wait for the disk.
    os.fsync = lambda descriptor: None
    rng = np.random.default_rng(0)
    X = rng.normal(size=(32, 5))
    y = X[:, 0] + rng.normal(size=32) > 0

    def fit(name):
        settings = {"checkpoint_dir": name, "batch_size": 8, "max_epochs": 4}
        clf = tiny(PaReClassifier, early_stopping=True, linear_path=False, **settings)
        return clf.fit(X, y)

    whole = fit(None)
    start = time.process_time()
    assert_same_fit(fit(Path(folder) / "whole"), whole)
    seconds = time.process_time() - start
    report = {"killed": 0, "same": 0, "steps": []}
    for number in range(n):
        own, limit = Path(folder) / str(number), rng.uniform(0.2, 1.0) * seconds
        child = os.fork()
        if child == 0:
            # Processor time, so that the moment does not depend on other processes.
            # The signal ends the process at once, as SIGKILL does.
            signal.signal(signal.SIGPROF, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_PROF, limit)
            fit(own)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        report["killed"] += os.WIFSIGNALED(status)
        report["steps"].append(_last(own))
        assert_same_fit(fit(own), whole)
        report["same"] += 1
    (Path(folder) / "report.json").write_text(json.dumps(report))


def _last(folder):
    """Return the step of the latest checkpoint, or -1."""
    return max((int(p.stem[11:]) for p in folder.glob("*.safetensors")), default=-1)
