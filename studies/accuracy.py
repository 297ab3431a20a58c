"""Accuracy with few labels: PaRe, its baselines and controls, and scikit-learn.

All methods see the same splits, and all settings are defaults.
"""

import dataclasses
from functools import partial

import numpy as np
from sklearn.metrics import log_loss

from sklearn_pare.benchmarks.methods import METHODS
from studies import record
from studies.suites import SUITES
from studies.tables import collect, mean_std, table

PEERS = (
    "SVC",
    "StandardScaler + SVC",
    "RandomForest",
    "StandardScaler + LogisticRegression",
    "HistGradientBoosting",
)
#: Name of the data -> `Task`.
TASKS = {
    name.partition("-")[0]: dataclasses.replace(
        SUITES["modalities"][name], peers={peer: peer for peer in PEERS}
    )
    for name in ("digits-300", "wine-50", "cancer-60")
}


def add_arguments(parser):
    """Add the arguments of the command."""
    parser.add_argument("data", choices=TASKS)
    record.add_arguments(parser, 5, methods=METHODS)


def main(arguments):
    """Fit every method on every split and return the table."""
    methods = record.choose(arguments.methods, METHODS, METHODS, "method")
    rows = run(
        TASKS[arguments.data],
        methods,
        range(arguments.seeds),
        **record.options(arguments, "accuracy"),
    )
    found = {key: collect(rows, key) for key in ("score", "nll", "seconds")}
    head = ["method", "accuracy", "negative log-likelihood", "fit, median s"]
    lines = []
    for key, scores in found["score"].items():
        seconds = f"{np.median(found['seconds'][key]):.1f}"
        lines.append([key[1], mean_std(scores), mean_std(found["nll"][key]), seconds])
    return table(head, lines)


def run(task, methods, seeds, **options):
    """Return one row for each fit of some methods and of all peers."""
    return record.run(
        record.cells([task], lambda task: [*methods, *PEERS], seeds),
        lambda cell: task.estimator(cell["method"], cell["seed"]),
        partial(_fit, task),
        **options,
    )


def _fit(task, cell):
    estimator = task.estimator(cell["method"], cell["seed"])
    return record.measured(task, estimator, cell["seed"], partial(_figures, task))


def _figures(task, estimator, X, y):
    nll = None
    if hasattr(estimator, "predict_proba"):
        nll = log_loss(y, estimator.predict_proba(X))
    return task.scored(estimator, X, y) | {"nll": nll}
