"""Methods against each other on a suite of small tasks, to the same rules for all.

A seed is one split and one fit of each method. Where a budget is "time", a method has
as many epochs as fit into the CPU time of a fit of PaRe on the same rows.
"""

from collections import defaultdict

import numpy as np
from joblib import Parallel, delayed

from sklearn_pare.benchmarks.lines import read, recipe, resume
from sklearn_pare.benchmarks.measures import measure, on_one_thread
from sklearn_pare.benchmarks.ranks import (
    critical_difference,
    mean_ranks,
    plot_critical_difference,
    signed_rank_p,
)
from studies.suites import SUITES
from studies.transfer import _cell, _line

#: The method that others are measured by.
REFERENCE = "pare"
#: Methods that are compared in full.
MAIN = ("pare", "nft", "scratch", "pare-random", "pare-noise")
BUDGETS = ("epochs", "time")
# What tells fits apart.
_NAMES = ("task", "method", "seed", "budget", "recipe")


def run(suite, tasks, methods, seeds, budget, log, path=None, jobs=1):
    """Fit and score every method on every split.

    Parameters
    ----------
    suite : str
        Name in `SUITES`.
    tasks : sequence of str
        Names in that suite.
    methods : sequence of str
        Names in `CHOICES` or `PEERS`; what a task has not is left out there.
    seeds : sequence of int
    budget : {"epochs", "time"}
        "time" also needs the fits of PaRe and of the method itself at equal epochs:
        they say how many epochs are to be had. Fits of PaRe, and of methods that have
        no epochs, count for both.
    log : callable
        Gets a line of text after each fit.
    path : path-like, default=None
        File of JSON lines, one a fit. Fits that are in it are not done again.
    jobs : int, default=1
        Fits at a time, each in a process of its own on one thread.

    Returns
    -------
    rows : list of dict
        One a fit: task, method, seed, budget; "settings" that are no defaults and
        "recipe", a hash of all of them; the figures of `measure`; "epochs", and "cpu"
        in seconds.
    """
    done = {_key(row): row for row in read(path)}
    wanted = [
        _plan(suite, task, method, seed, budget, done)
        for seed in seeds
        for task in tasks
        for method in methods
        if SUITES[suite][task].has(method)
    ]
    return resume(
        wanted,
        _NAMES,
        lambda todo: Parallel(n_jobs=jobs, return_as="generator_unordered")(
            delayed(_fit)(suite, cell) for cell in todo
        ),
        lambda row: f"error {row['error']:.4f}",
        log,
        path,
    )


def _plan(suite, task, method, seed, budget, done):
    """What is to be fitted: a row without its figures."""
    kind = SUITES[suite][task]
    cell = {"task": task, "method": method, "seed": seed, "budget": "epochs"}
    cell |= _described(kind, method, {})
    if budget == "epochs" or method == REFERENCE:
        return cell
    own = done.get(_key(cell))
    if own is not None and own["epochs"] is None:
        # What has no epochs takes the time it takes.
        return cell
    reference = cell | {"method": REFERENCE} | _described(kind, REFERENCE, {})
    reference = done.get(_key(reference))
    if own is None or reference is None:
        raise ValueError(
            f"The budget of time needs fits of {REFERENCE!r} and {method!r} on {task}, "
            f"seed {seed}, that are not in the file. Run with --budget epochs first."
        )
    epochs = max(round(own["epochs"] * reference["cpu"] / own["cpu"]), 1)
    limits = {"max_epochs": epochs, "max_steps": None}
    return cell | {"budget": budget} | _described(kind, method, limits)


def _described(task, method, limits):
    """The settings in brief, and a hash by which a new default is another fit."""
    settings = task.settings_of(method) | limits
    estimator = task.estimator(method, settings, seed=0)
    return {"settings": settings, "recipe": recipe(estimator)}


def _key(row):
    return tuple(row[name] for name in _NAMES)


def _fit(suite, cell):
    """The row of one fit."""
    task = SUITES[suite][cell["task"]]
    X, X_test, y, y_test = task.split(cell["seed"])
    estimator = task.estimator(cell["method"], cell["settings"], cell["seed"])
    _, cpu = on_one_thread(lambda: estimator.fit(X, y))
    figures = measure(estimator, X_test, y_test)
    return (
        cell
        | figures
        | {
            "epochs": getattr(estimator, "n_iter_", None),
            "cpu": cpu,
        }
    )


def means(rows, figure):
    """Means over seeds of a figure, for the tasks where every method has it.

    Parameters
    ----------
    rows : list of dict
        As of `run`.
    figure : {"error", "nll", "ece", "cpu"}

    Returns
    -------
    tasks, methods : list of str
    values : ndarray of shape (n_tasks, n_methods)
    """
    found = defaultdict(list)
    for row in rows:
        if row[figure] is not None:
            found[row["task"], row["method"]].append(row[figure])
    methods = list(dict.fromkeys(row["method"] for row in rows))
    tasks = [
        task
        for task in dict.fromkeys(row["task"] for row in rows)
        if all((task, method) in found for method in methods)
    ]
    values = [[np.mean(found[task, m]) for m in methods] for task in tasks]
    return tasks, methods, np.array(values).reshape(len(tasks), len(methods))


def picture(rows, path):
    """Write the mean ranks of the errors to a PNG, with the critical difference."""
    import matplotlib.pyplot as plt

    _, methods, values = means(rows, "error")
    fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
    plot_critical_difference(methods, values, ax)
    fig.savefig(path, dpi=150)
    plt.close(fig)


def table(rows):
    """Markdown: errors task by task, then ranks and tests of PaRe against the others.

    Parameters
    ----------
    rows : list of dict
        As of `run`. Means are over the seeds that are there.

    Returns
    -------
    text : str
        "median ratio" is a method's figure over that of PaRe, above 1 where PaRe is
        better; "p" as of `ranks.signed_rank_p`.
    """
    parts = [_errors(rows)]
    titles = {"error": "Error", "nll": "NLL", "ece": "Calibration error"}
    for figure, title in titles.items():
        tasks, methods, values = means(rows, figure)
        if len(tasks) > 1 and REFERENCE in methods and len(methods) > 1:
            parts.append(f"{title}, {len(tasks)} tasks:")
            parts.append(_against_reference(methods, values))
    return "\n\n".join(parts)


def _errors(rows):
    cells = defaultdict(list)
    for row in rows:
        cells[row["task"], row["method"]].append(row["error"])
    methods = list(dict.fromkeys(row["method"] for row in rows))
    lines = [_line("task", methods), "|" + "---|" * (len(methods) + 1)]
    for task in dict.fromkeys(row["task"] for row in rows):
        own = [cells.get((task, method)) for method in methods]
        lines.append(_line(task, ["-" if c is None else _cell(c) for c in own]))
    return "\n".join(lines)


def _against_reference(methods, values):
    own = values[:, methods.index(REFERENCE)]
    others = [i for i, name in enumerate(methods) if name != REFERENCE]
    p = dict(zip(others, signed_rank_p(own, values[:, others]), strict=True))
    ranks = mean_ranks(values)
    head = [
        "mean rank",
        f"better / equal / worse than {REFERENCE}",
        "median ratio",
        "p",
    ]
    lines = [_line("method", head), "|" + "---|" * 5]
    for column, name in enumerate(methods):
        cells = [f"{ranks[column]:.2f}", "-", "-", "-"]
        if column in p:
            sign = np.sign(own - values[:, column])
            ratio = np.median(values[:, column] / np.maximum(own, 1e-12))
            counts = " / ".join(str(int((sign == s).sum())) for s in (1, 0, -1))
            cells[1:] = [counts, f"{ratio:.2f}", f"{p[column]:.4f}"]
        lines.append(_line(name, cells))
    difference = critical_difference(*values.shape)
    return "\n".join(
        [*lines, "", f"Critical difference of mean ranks (Nemenyi): {difference:.2f}"]
    )
