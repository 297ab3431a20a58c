"""Real spectra: PaRe with spectra as signals and as tables, and linear models.

The error is the root mean square error divided by the standard deviation of the test
targets. The sets come from packages, see ``make real``. The linear path of PaRe was
designed with meats and fermentation; gasoline and yarn were not looked at before.
"""

import dataclasses
import functools

import numpy as np

from studies import peers, record
from studies.real import fermentation, meats, nir
from studies.suites import Task
from studies.tables import collect, markdown, mean_std

_PEERS = ("PLS", "ridge")
_TABLE = "pare, table"
METHODS = ("pare", _TABLE, *_PEERS)


def _task(name, load, n_train):
    return Task(name, load, n_train, "R2", peers={name: name for name in _PEERS})


TASKS = {
    task.name: task
    for task in (
        *(
            _task(f"meats {part}", functools.partial(meats, part), 150)
            for part in ("water", "fat", "protein")
        ),
        _task("gasoline octane", functools.partial(nir, "gasoline", "octane"), 40),
        _task("yarn density", functools.partial(nir, "yarn", "density"), 20),
        _task("fermentation glucose", fermentation, 15),
    )
}


def add_arguments(parser):
    """Add the options of the study."""
    record.add_arguments(parser, 5, tasks=TASKS, methods=METHODS)


def main(arguments):
    """Fit what is not recorded and return the table."""
    names = record.choose(arguments.tasks, TASKS, TASKS, "task")
    methods = record.choose(arguments.methods, METHODS, METHODS, "method")
    tasks = [TASKS[name] for name in names]
    wanted = record.cells(tasks, methods, range(arguments.seeds))
    options = record.options(arguments, "spectra")
    return table(record.run(tasks, wanted, estimator=_estimator, fit=_fit, **options))


def _estimator(task, cell):
    method, seed = cell["method"], cell["seed"]
    if method in _PEERS:
        return peers.make(method, seed)
    return task.estimator("pare", seed)


def _fit(task, estimator, cell):
    if cell["method"] == _TABLE:
        task = dataclasses.replace(task, load=functools.partial(_flat, task.load))
    return record.measured(task, estimator, cell, _figures)


def _flat(load):
    X, y = load()
    return X.reshape(len(X), -1), y


def _figures(estimator, X, y):
    error = np.sqrt(np.mean(np.square(estimator.predict(X) - y))) / y.std()
    found = {"error": float(error)}
    if hasattr(estimator, "network_share_"):
        groups = "+".join(estimator._architecture.linear)
        found |= {"share": estimator.network_share_, "groups": groups}
    return found


def table(rows):
    """Return the errors of each task, as Markdown."""
    errors, seconds = collect(rows, "error"), collect(rows, "seconds")
    cells = [
        [*fit, mean_std(found), f"{np.median(seconds[fit]):.0f}"]
        for fit, found in errors.items()
    ]
    return markdown(["task", "method", "error", "s"], cells)
