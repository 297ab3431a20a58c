import os

import pytest

from sklearn_pare import PaReClassifier
from tests.common.instances import tiny
from tests.training.interrupted import CLASSES, TABLE, Stop


@pytest.fixture(autouse=True)
def _no_wait_for_the_disk(monkeypatch):
    """Skip fsync, since no test here reads a file after a crash of the system."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def stop(monkeypatch):
    return Stop(monkeypatch)


@pytest.fixture
def stopped(stop, tmp_path):
    """An estimator that was interrupted after three of ten epochs, of one step each.

    Its checkpoints are in `tmp_path`.
    """
    settings = {"max_epochs": 10, "linear_path": False}
    clf = tiny(PaReClassifier, checkpoint_dir=tmp_path, **settings)
    stop.before(3)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(TABLE, CLASSES)
    stop.before(None)
    return clf
