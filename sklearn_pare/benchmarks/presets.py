"""Settings of the published tasks: of the papers, and small ones for a first look."""

from pathlib import Path
from typing import NamedTuple

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare._names import check_name
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
        "small": the bundled body on few rows, for minutes on a laptop. "paper": the
        body, source, epochs and rates of the papers, on all rows.
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


# What bounds the time of a fit is its steps; what bounds that of a forward pass at 512
# x 512 places is their number.
_ROWS = {"train": 400, "valid": 100, "test": 400}
_FIELD_ROWS = {"train": 100, "valid": 30, "test": 100}
_LARGE_ROWS = {"train": 24, "valid": 6, "test": 12}
_STEPS = {"max_epochs": 40, "batch_size": 16, "max_steps": 300}
_FIELD_STEPS = {"max_epochs": 40, "batch_size": 8, "max_steps": 200}
_LARGE_STEPS = {"max_epochs": 10, "batch_size": 2, "max_steps": 60}


def _small(task, data_home):
    if task.load is None:
        rows, steps = {}, _STEPS
    elif task.name == "psicov":
        rows, steps = _LARGE_ROWS, _LARGE_STEPS
    elif task.kind in ("masks", "fields"):
        rows, steps = _FIELD_ROWS, _FIELD_STEPS
    else:
        rows, steps = _ROWS, _STEPS
    return Preset(steps | _SAME.get((task.suite, task.name), {}), rows, "")


# What the papers' losses ask for goes with the data, not with the size of the run.
_SAME = {
    ("nas-bench-360", "fsd50k"): {"pos_weight": 10.0},
    ("nas-bench-360", "deepsea"): {"pos_weight": 4.0},
    ("nas-bench-360", "psicov"): {"loss": "squared_error"},
}

#: Name -> function of a task and the folder of the data that gives its `Preset`.
PRESETS = {"small": _small, "paper": _paper}
