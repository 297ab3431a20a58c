"""What rows without targets are worth, beside scikit-learn's semi-supervised methods.

A seed is one split into labelled, unlabelled and test rows, the same for all methods.
"""

import functools
from collections import defaultdict

import numpy as np
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.benchmarks.lines import recipe, resume
from sklearn_pare.benchmarks.measures import measure, on_one_thread
from sklearn_pare.datasets import make_gait
from studies.transfer import _cell, _line

#: Name -> kind of estimator, loader, labelled and unlabelled rows, settings.
TASKS = {
    "digits-50": (
        PaReClassifier,
        functools.partial(load_digits, return_X_y=True),
        50,
        1_000,
        {"input_shape": (1, 8, 8)},
    ),
    "gait-60": (
        PaReClassifier,
        functools.partial(make_gait, 560, random_state=0),
        60,
        300,
        {"linear_path": False},
    ),
    "diabetes-50": (
        PaReRegressor,
        functools.partial(load_diabetes, return_X_y=True),
        50,
        200,
        {"linear_path": False},
    ),
}
_WITHOUT, _WITH = "PaRe", "PaRe, X_unlabeled"


def split(task, seed):
    """Labelled X, y, unlabelled X, and X, y to test on."""
    kind, load, n_labelled, n_unlabelled, _ = TASKS[task]
    X, y = load()
    classes = kind is PaReClassifier
    X, X_rest, y, y_rest = train_test_split(
        X, y, train_size=n_labelled, stratify=y if classes else None, random_state=seed
    )
    X_unlabeled, X_test, _, y_test = train_test_split(
        X_rest,
        y_rest,
        train_size=n_unlabelled,
        stratify=y_rest if classes else None,
        random_state=seed,
    )
    return X, y, X_unlabeled, X_test, y_test


def _estimator(task, method, seed):
    if method in _PEERS:
        return _PEERS[method]()
    kind, *_, settings = TASKS[task]
    return kind(random_state=seed, **settings)


def _semi_supervised(estimator, X, y, X_unlabeled):
    """Fit a classifier of scikit-learn, to which -1 means no label."""
    rows = np.concatenate([X, X_unlabeled]).reshape(len(X) + len(X_unlabeled), -1)
    labels = np.concatenate([y, np.full(len(X_unlabeled), -1)])
    return estimator.fit(rows, labels)


_PEERS = {
    "label spreading": lambda: LabelSpreading(kernel="knn"),
    "self-training logistic regression": lambda: SelfTrainingClassifier(
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        threshold=0.9,
    ),
}


def run(tasks, seeds, log, path=None):
    """Fit with and without the unlabelled rows, and two peers.

    Parameters
    ----------
    tasks : sequence of str
        Names in `TASKS`.
    seeds : sequence of int
    log : callable
        Gets a line of text after each fit.
    path : path-like, default=None
        File of JSON lines, one a fit. Fits that are in it are not done again.

    Returns
    -------
    rows : list of dict
        Task, method, seed, the figures of `measure`, and "cpu" in seconds.
    """
    wanted = [
        {
            "task": task,
            "method": method,
            "seed": seed,
            "recipe": recipe(_estimator(task, method, seed)),
        }
        for seed in seeds
        for task in tasks
        for method in (_WITHOUT, _WITH, *_PEERS)
        if method not in _PEERS or task == "digits-50"
    ]
    return resume(
        wanted,
        ("task", "method", "seed", "recipe"),
        lambda todo: (cell | _fit(cell) for cell in todo),
        lambda row: f"error {row['error']:.4f}",
        log,
        path,
    )


def _fit(cell):
    task, method, seed = (cell[name] for name in ("task", "method", "seed"))
    estimator = _estimator(task, method, seed)
    X, y, X_unlabeled, X_test, y_test = split(task, seed)
    if method in _PEERS:
        X_test = X_test.reshape(len(X_test), -1)
        fit = functools.partial(_semi_supervised, estimator, X, y, X_unlabeled)
    else:
        more = X_unlabeled if method == _WITH else None
        fit = functools.partial(estimator.fit, X, y, X_unlabeled=more)
    _, cpu = on_one_thread(fit)
    return measure(estimator, X_test, y_test) | {"cpu": cpu}


def table(rows):
    """Markdown: error and NLL, and the paired gain in error over no unlabelled rows.

    A cell is the mean over seeds +- the sample standard deviation.
    """
    found = defaultdict(dict)
    for row in rows:
        found[row["task"], row["method"]][row["seed"]] = row
    lines = [
        _line("task", ["method", "error", "NLL", "error less than without", "s"]),
        "|" + "---|" * 6,
    ]
    for (task, method), own in found.items():
        base = found[task, _WITHOUT]
        gains = [base[seed]["error"] - row["error"] for seed, row in own.items()]
        nll = [row["nll"] for row in own.values()]
        cells = [
            method,
            _cell([row["error"] for row in own.values()]),
            "-" if None in nll else _cell(nll),
            "-" if method == _WITHOUT else _cell(gains),
            f"{np.median([row['cpu'] for row in own.values()]):.0f}",
        ]
        lines.append(_line(task, cells))
    return "\n".join(lines)
