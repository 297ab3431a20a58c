"""Presets of the published tasks: the papers' settings, and small ones."""

import math
from pathlib import Path
from typing import NamedTuple

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare._utils import check_name
from sklearn_pare.benchmarks import paper
from sklearn_pare.benchmarks.methods import arguments_of


class Preset(NamedTuple):
    """Settings with which a task is run.

    Attributes
    ----------
    settings : dict
        Arguments of the estimator. Those of a method take precedence.
    rows : dict
        Largest number of samples in "train", "valid" and "test". All samples of a split
        that is not named are used.
    steps : int or None
        Largest number of training steps, see ``limit_steps``.
    note : str
        Differences from the paper that the settings cannot express.
    """

    settings: dict
    rows: dict
    steps: int | None
    note: str


# The linear path, which all methods share, would hide their differences.
_ALL = {"linear_path": False}
# The epoch that is best on the validation samples is kept, and all epochs are run:
# every schedule ends where it should.
_SELECTED = {"early_stopping": True, "n_iter_no_change": 1_000}


def kind_of(task):
    """Return the class of the estimator for a task."""
    return PaReRegressor if task.kind == "fields" else PaReClassifier


def estimator(task, settings, method, seed):
    """Make the estimator of a method, not fitted."""
    kind = kind_of(task)
    return kind(**settings | arguments_of(method, kind), random_state=seed)


def limit_steps(estimator, n_steps, n_rows):
    """Lower ``max_epochs`` so that a fit takes at most ``n_steps`` steps, or one epoch.

    The estimator is changed in place, unless ``n_steps`` is None. ``n_rows`` is the
    number of training samples.
    """
    if n_steps is not None:
        n_epochs = n_steps // math.ceil(n_rows / estimator.batch_size)
        estimator.max_epochs = min(estimator.max_epochs, max(n_epochs, 1))


def get(task, name, data_home):
    """Return the settings of a task.

    Parameters
    ----------
    task : Task
    name : {"small", "paper"}
        "small": the bundled backbone on few samples, minutes on a laptop. "paper": the
        backbone, source, epochs and learning rates of the papers, on all samples.
    data_home : path-like
        Folder of the data. The preset "paper" reads sources from its folder "sources".

    Raises
    ------
    UnknownNameError
        If there is no such preset (ValueError).

    Examples
    --------
    >>> from sklearn_pare.benchmarks import presets, tasks
    >>> (task,) = tasks.choose(["nas-bench-360"], ["ecg"])
    >>> preset = presets.get(task, "paper", "data")
    >>> preset.settings["backbone"], round(preset.settings["mix_start"], 2)
    ('hf:roberta-base?max_tokens=50', 0.64)
    """
    check_name(name, PRESETS, "preset")
    own = PRESETS[name](task, Path(data_home))
    # The folds of OpenML have no validation part.
    selected = {} if task.load is None else _SELECTED
    settings = _ALL | selected | task.settings | own.settings
    return own._replace(settings=settings)


def _paper(task, data_home):
    found, note = paper.settings(task, data_home / "sources")
    return Preset(found, {}, None, note)


# Largest number of samples in each part, and batch size.
_ROWS = {"train": 400, "valid": 100, "test": 400}, 16
_FIELD_ROWS = {"train": 100, "valid": 30, "test": 100}, 8
_LARGE_ROWS = {"train": 5, "valid": 2, "test": 3}, 1
# Steps, so that a fit takes at most about 45 s on one core of 2026. Large targets take
# fewer.
_STEPS, _SIGNAL_STEPS = 200, 150
_IMAGE_STEPS = {
    "psicov": 5,
    "cosmic": 20,
    "shallow-water": 20,
    "diffusion-reaction-2d": 20,
    "darcy": 50,
    "navier-stokes-2d": 50,
}


def _small(task, data_home):
    if task.kind in ("classes", "labels"):
        (rows, batch_size), steps = _ROWS, _STEPS
    else:
        rows, batch_size = _LARGE_ROWS if task.name == "psicov" else _FIELD_ROWS
        steps = _IMAGE_STEPS.get(task.family, _SIGNAL_STEPS)
    settings = {"batch_size": batch_size, "max_epochs": 40}
    if task.name == "psicov":
        # The loss of the papers, which the metric requires at any size.
        settings["loss"] = "squared_error"
    # The folds of OpenML are used whole.
    return Preset(settings, {} if task.load is None else rows, steps, "")


#: Name -> function that returns the ``Preset`` of a task and a data folder.
PRESETS = {"small": _small, "paper": _paper}
