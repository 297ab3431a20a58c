"""Benefit of samples without targets, beside semi-supervised methods of scikit-learn.

A seed is one split into labelled, unlabelled and test samples, the same for all.
"""

import functools

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier

from studies import record
from studies.measures import measure
from studies.suites import SUITES
from studies.tables import collect, markdown, mean_std

TASKS = SUITES["unlabeled"]
#: Number of unlabelled samples of each task; all other samples are for the test.
N_UNLABELED = {"digits-50": 1000, "gait-60": 300, "diabetes-50": 200}
_WITHOUT, _WITH = "PaRe", "PaRe, X_unlabeled"
_PEERS = {
    "label spreading": lambda: LabelSpreading(kernel="knn"),
    "self-training logistic regression": lambda: SelfTrainingClassifier(
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        threshold=0.9,
    ),
}


def add_arguments(parser):
    """Add the options of the study."""
    record.add_arguments(parser, 5, tasks=TASKS)


def main(arguments):
    """Fit what is not recorded and return the table."""
    names = record.choose(arguments.tasks, TASKS, TASKS, "task")
    options = record.options(arguments, "unlabeled")
    return table(run(names, range(arguments.seeds), **options))


def split(task, seed):
    """Return labelled X and y, unlabelled X, and X and y to test on."""
    X, X_rest, y, y_rest = task.split(seed)
    more, X_test, _, y_test = task.hold_out(
        X_rest, y_rest, N_UNLABELED[task.name], None, seed
    )
    return X, y, more, X_test, y_test


def run(names, seeds, **options):
    """Return the rows of fits with and without unlabelled samples, and of peers."""
    tasks = [TASKS[name] for name in names]
    wanted = record.cells(
        tasks,
        lambda task: (_WITHOUT, _WITH, *(_PEERS if task.name == "digits-50" else ())),
        seeds,
    )
    return record.run(tasks, wanted, estimator=_estimator, fit=_fit, **options)


def _estimator(task, cell):
    if cell["method"] in _PEERS:
        return _PEERS[cell["method"]]()
    return task.estimator("pare", cell["seed"])


def _fit(task, estimator, cell):
    X, y, more, X_test, y_test = split(task, cell["seed"])
    fit = estimator.fit
    if cell["method"] in _PEERS:
        # In scikit-learn the label -1 means that there is none.
        X = np.concatenate([X, more]).reshape(len(X) + len(more), -1)
        y = np.append(y, np.full(len(more), -1))
        X_test = X_test.reshape(len(X_test), -1)
    elif cell["method"] == _WITH:
        fit = functools.partial(fit, X_unlabeled=more)
    cost = record.timed(fit, X, y)
    return measure(estimator, X_test, y_test) | cost


def table(rows):
    """Return error, NLL and the gain in error over no unlabelled samples, as Markdown.

    The gain is the difference between fits of the same seed.
    """
    errors, nll, cpu = (collect(rows, key) for key in ("error", "nll", "cpu"))
    seeds, cells = collect(rows, "seed"), []
    for key, found in errors.items():
        task, method = key
        base = dict(zip(seeds[task, _WITHOUT], errors[task, _WITHOUT], strict=True))
        gains = [base[s] - e for s, e in zip(seeds[key], found, strict=True)]
        gain = "-" if method == _WITHOUT else mean_std(gains)
        seconds = f"{np.median(cpu[key]):.0f}"
        cells.append(
            [
                task,
                method,
                mean_std(found),
                mean_std(nll[key]),
                gain,
                seconds,
            ]
        )
    head = ["task", "method", "error", "NLL", "gain", "s"]
    return markdown(head, cells)
