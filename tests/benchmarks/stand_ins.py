"""Small tasks instead of published ones, in a module that workers can import."""

import numpy as np
from sklearn.datasets import load_iris
from sklearn.utils import Bunch

import tests.common.tiny  # noqa: F401  registers the tiny backbone
from sklearn_pare.benchmarks import presets, tasks
from sklearn_pare.benchmarks.presets import Preset
from tests.common.tiny import NAME

#: Calls of `load` in this process.
LOADED = []


def _bunch(X, y, kind, metric, split):
    # A third of the samples is for training, one for validation, one for the test.
    part = {"train": 0, "valid": 1, "test": 2}[split]
    return Bunch(
        data=X[part::3], target=y[part::3], metric=metric, kind=kind, groups=None
    )


def _iris(split, data_home, download=False):
    LOADED.append(("iris", split))
    X, y = load_iris(return_X_y=True)
    return _bunch(X, y, "classes", "accuracy", split)


def _fields(split, data_home, download=False):
    LOADED.append(("waves", split))
    X = np.random.default_rng(0).normal(size=(60, 1, 32)).astype(np.float32)
    return _bunch(X, np.roll(X, 3, axis=-1), "fields", "nrmse", split)


def _missing(split, data_home, download=False):
    raise FileNotFoundError(f"{data_home}/nothing.npy is not there")


def small(task, data_home):
    """Return a preset with two epochs of the tiny backbone."""
    settings = {"backbone": NAME, "max_epochs": 2, "batch_size": 16}
    return Preset(settings, {"train": 40, "valid": 15, "test": 30}, None, "A note.")


def _task(name, kind, load):
    return tasks.Task("tiny", name, kind, f"error of {name}", "rows", "About.", load)


TASKS = {
    "iris": _task("iris", "classes", _iris),
    "waves": _task("waves", "fields", _fields),
}
MISSING = _task("missing", "classes", _missing)


def register():
    """Add the suite "tiny" and the preset "tiny"."""
    tasks.SUITES["tiny"] = TASKS
    presets.PRESETS["tiny"] = small
