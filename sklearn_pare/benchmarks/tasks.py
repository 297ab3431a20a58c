"""Tasks of published benchmarks, from the registries of the data sets and of OpenML.

NAS-Bench-360 (Tu et al., NeurIPS Datasets and Benchmarks 2022), PDEBench (Takamoto et
al., NeurIPS Datasets and Benchmarks 2022) and OpenML-CC18 (Bischl et al., NeurIPS
Datasets and Benchmarks 2021).
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sklearn_pare._utils import check_name
from sklearn_pare.datasets import (
    fetch_nas_bench_360,
    fetch_pdebench,
    nas_bench_360,
    pdebench,
)
from sklearn_pare.openml._cc18 import DATA_SETS


@dataclass(frozen=True)
class Task:
    """A task of a suite.

    Parameters
    ----------
    suite, name : str
    kind : {"classes", "labels", "masks", "fields"}
        Kind of target: one class per sample, a set of labels, one class per pixel, or
        numbers.
    error : str
        The error in words; smaller is better.
    shapes : str
        Shapes of a sample and of its target; empty if they depend on the file.
    title : str
    load : callable or None
        ``load(split, data_home, download=False)`` returns the Bunch of a split. None:
        the data and ten official folds come from OpenML.
    files : tuple of str
        Required files, relative to the folder of the suite.
    size : str
        Size of the files.
    settings : dict
        Arguments of the estimators that the target requires.
    openml_id : int or None
        ID of the task at OpenML.
    extra : bool
        If True, the task is run only when it is named.
    """

    suite: str
    name: str
    kind: str
    error: str
    shapes: str
    title: str
    load: Callable | None = None
    files: tuple = ()
    size: str = ""
    settings: dict = field(default_factory=dict)
    openml_id: int | None = None
    extra: bool = False

    @property
    def family(self):
        """The name without that of a file, see ``choose``."""
        return self.name.partition(":")[0]

    @property
    def names(self):
        """Names that users may type: the name, and the ID at OpenML."""
        number = () if self.openml_id is None else (str(self.openml_id),)
        return self.name, *number


# Metric -> the error in words.
_ERRORS = {
    "accuracy": "1 - accuracy",
    "clip-map": "1 - mean average precision over clips",
    "label-auroc": "1 - mean AUROC of the labels",
    "mae8": "mean absolute error of distances up to 8 (MAE8)",
    "mean-f1": "1 - mean F1 of the classes",
    "pixel-auroc": "1 - AUROC of pixels",
    "relative-l2": "relative L2",
}


def _load(fetch, name, split, data_home, download=False, **selection):
    return fetch(name, data_home=data_home, split=split, download=download, **selection)


def _times(shape):
    return " x ".join(map(str, shape))


def _nas_bench_360(task):
    target = f"{task.outputs} {task.kind}"
    if task.kind in ("masks", "fields"):
        target = _times(task.outputs) + " of 2 classes" * (task.kind == "masks")
    return Task(
        "nas-bench-360",
        task.name,
        task.kind,
        _ERRORS[task.metric],
        f"{_times(task.row_shape)} -> {target}",
        task.title,
        functools.partial(_load, fetch_nas_bench_360, task.name),
        files=tuple(
            f"{remote.into}/{remote.marker}".strip("/")
            if remote.archive
            else remote.path
            for remote in task.files
        ),
        size=", ".join(dict.fromkeys(remote.size for remote in task.files)),
        settings=task.settings,
    )


def _pdebench(name, task):
    channels = len(task.inputs or task.outputs), len(task.outputs)
    grid = [n // task.space_stride for n in task.size[2:]]
    return Task(
        "pdebench",
        name,
        "fields",
        "nRMSE",
        " -> ".join(_times((n, *grid)) for n in channels),
        task.title,
        functools.partial(_load, fetch_pdebench, name),
        files=(task.file,),
        # The papers do not report on this family.
        extra=name == "navier-stokes-2d",
    )


def _cc18(number, data_set, name):
    return Task(
        "openml-cc18",
        name,
        "classes",
        "1 - AUROC, one against one; also accuracy",
        "table -> classes",
        f"Data set {data_set} of OpenML",
        openml_id=number,
    )


def _by_name(tasks):
    return {task.name: task for task in tasks}


#: Suite -> name -> ``Task``.
SUITES = {
    "nas-bench-360": _by_name(map(_nas_bench_360, nas_bench_360.TASKS.values())),
    "pdebench": _by_name(_pdebench(*item) for item in pdebench.tasks.TASKS.items()),
    "openml-cc18": _by_name(_cc18(n, *data) for n, data in DATA_SETS.items()),
}


def choose(suites, names=None):
    """Return tasks of some suites.

    Parameters
    ----------
    suites : sequence of str
    names : sequence of str, default=None
        Names of tasks, or their IDs at OpenML. A name that several suites have selects
        the task of each. "NAME:FILE" is a task of PDEBench on another file of its
        family. None: all tasks except the extra ones.

    Raises
    ------
    UnknownNameError
        If there is no such suite, or no such task in the suites (ValueError). The
        message suggests the nearest name.

    Examples
    --------
    >>> from sklearn_pare.benchmarks.tasks import choose
    >>> [task.kind for task in choose(["nas-bench-360"], ["cosmic", "ecg"])]
    ['masks', 'classes']
    >>> [task.name for task in choose(["openml-cc18"], ["9946"])]
    ['wdbc']
    """
    for suite in suites:
        check_name(suite, SUITES, "suite")
    tasks = [task for suite in suites for task in SUITES[suite].values()]
    if names is None:
        return [task for task in tasks if not task.extra]
    chosen = []
    for name in names:
        base, _, file = name.partition(":")
        own = [task for task in tasks if base in task.names]
        if file:
            own = [_on_file(task, file) for task in own if task.suite == "pdebench"]
        if not own:
            check_name(name, [task.name for task in tasks], "task")
        chosen += own
    return chosen


def _on_file(task, file):
    """Return a task of PDEBench on another file."""
    load = functools.partial(_load, fetch_pdebench, task.name, file=file)
    own = {"name": f"{task.name}:{file}", "load": load, "files": (file,)}
    return replace(task, **own, shapes="", size="")
