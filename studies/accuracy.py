"""Accuracy with few labels: PaRe, its baselines and controls, and scikit-learn.

All methods see the same splits, and all settings are defaults. The splits have the
numbers 10 and above: no setting was chosen with them.
"""

import dataclasses

import numpy as np
from sklearn.metrics import log_loss

from sklearn_pare.benchmarks.methods import METHODS
from studies import record
from studies.suites import SUITES
from studies.tables import collect, markdown, mean_std

PEERS = (
    "SVC",
    "StandardScaler + SVC",
    "RandomForest",
    "StandardScaler + LogisticRegression",
    "HistGradientBoosting",
)
_FIRST_SPLIT = 10
#: Name of the data -> `Task`.
TASKS = {
    name.partition("-")[0]: dataclasses.replace(
        SUITES["modalities"][name], peers={peer: peer for peer in PEERS}
    )
    for name in ("digits-300", "wine-50", "cancer-60")
}


def add_arguments(parser):
    """Add the options of the study."""
    parser.add_argument("data", choices=TASKS)
    record.add_arguments(parser, 5, methods=METHODS)


def main(arguments):
    """Fit every method on every split and return the table."""
    task = TASKS[arguments.data]
    methods = record.choose(arguments.methods, METHODS, METHODS, "method")
    seeds = range(_FIRST_SPLIT, _FIRST_SPLIT + arguments.seeds)
    wanted = record.cells([task], [*methods, *PEERS], seeds)
    rows = record.run([task], wanted, fit=_fit, **record.options(arguments, "accuracy"))
    scores, nll, times = (collect(rows, key) for key in ("score", "nll", "seconds"))
    lines = [
        [
            key[1],
            mean_std(found),
            mean_std(nll[key]),
            f"{np.median(times[key]):.1f}",
        ]
        for key, found in scores.items()
    ]
    return markdown(
        ["method", "accuracy", "negative log-likelihood", "fit, median s"], lines
    )


def _fit(task, estimator, cell):
    def figures(estimator, X, y):
        nll = None
        if hasattr(estimator, "predict_proba"):
            nll = log_loss(y, estimator.predict_proba(X))
        return task.scored(estimator, X, y) | {"nll": nll}

    return record.measured(task, estimator, cell, figures)
