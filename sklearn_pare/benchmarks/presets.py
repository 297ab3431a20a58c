"""Settings of the published tasks: of the papers, and small ones for a first look."""

from pathlib import Path
from typing import NamedTuple

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare._utils import check_name
from sklearn_pare.benchmarks import paper
from sklearn_pare.benchmarks.methods import METHODS
from sklearn_pare.nn.losses import IGNORED


class Preset(NamedTuple):
    """How a task is run.

    Attributes
    ----------
    settings : dict
        Arguments of the estimator, which those of a method go before.
    rows : dict
        "train", "valid", "test" -> rows at most. A split that is not there has all.
    note : str
        What the settings cannot say.
    """

    settings: dict
    rows: dict
    note: str


# Of every preset. The linear path is the same for all methods and would hide them. The
# epoch that was best on the validation rows counts, but none is left out: all
# schedules end where they should.
_ALL = {"linear_path": False}
_SELECTED = {"early_stopping": True, "n_iter_no_change": 1_000}
_BY_KIND = {"masks": {"ignore_index": IGNORED}}


def estimator(task, settings, method, seed):
    """The estimator of a method, not fitted.

    Parameters
    ----------
    task : Task
    settings : dict
    method : str
        Name in `METHODS`.
    seed : int
    """
    kind = PaReRegressor if task.kind == "fields" else PaReClassifier
    return kind(**settings | METHODS[method], random_state=seed)


def get(task, name, data_home):
    """Settings of a task.

    Parameters
    ----------
    task : Task
    name : {"small", "paper"}
        "small": the bundled backbone on few rows, for minutes on a laptop. "paper": the
        backbone, source, epochs and rates of the papers, on all rows.
    data_home : path-like
        Folder that has the data, and "sources" for the preset of the papers.

    Returns
    -------
    preset : Preset

    Raises
    ------
    UnknownNameError
        If there is no such preset; a ValueError.

    Examples
    --------
    >>> from sklearn_pare.benchmarks import presets, tasks
    >>> (task,) = tasks.choose(["nas-bench-360"], ["ecg"])
    >>> preset = presets.get(task, "paper", "data")
    >>> preset.settings["backbone"], round(preset.settings["mix_start"], 2)
    ('hf:roberta-base', 0.64)
    """
    check_name(name, PRESETS, "preset")
    own = PRESETS[name](task, Path(data_home))
    # OpenML's folds have no rows to select on.
    selected = {} if task.load is None else _SELECTED
    settings = _ALL | selected | _BY_KIND.get(task.kind, {}) | own.settings
    return own._replace(settings=settings)


def _paper(task, data_home):
    found, note = paper.settings(task, data_home / "sources")
    return Preset(found, {}, note)


# Rows at most, and rows a step.
_ROWS = {"train": 400, "valid": 100, "test": 400}, 16
_FIELD_ROWS = {"train": 100, "valid": 30, "test": 100}, 8
_LARGE_ROWS = {"train": 5, "valid": 2, "test": 3}, 1
# Steps bound the time of a fit to about 45 s on one core of 2026, and the places of a
# target bound the steps.
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
        steps = _IMAGE_STEPS.get(task.name, _SIGNAL_STEPS)
    settings = {"batch_size": batch_size, "max_epochs": 40, "max_steps": steps}
    # Of OpenML's folds all rows are taken.
    rows = {} if task.load is None else rows
    return Preset(settings | _SAME.get((task.suite, task.name), {}), rows, "")


# What the papers' losses ask for goes with the data, not with the size of the run.
_SAME = {
    ("nas-bench-360", "fsd50k"): {"pos_weight": 10.0},
    ("nas-bench-360", "deepsea"): {"pos_weight": 4.0},
    ("nas-bench-360", "psicov"): {"loss": "squared_error"},
}

#: Name -> function of a task and the folder of the data that gives its `Preset`.
PRESETS = {"small": _small, "paper": _paper}
