"""Methods against each other on a suite of small tasks, to the same rules for all.

A seed is one split and one fit of each method. Where a budget is "time", a method has
as many epochs as fit into the CPU time of a fit of PaRe on the same rows.
"""

import json
import time
from contextlib import ExitStack

from joblib import Parallel, delayed, parallel_config

from sklearn_pare.benchmarks.changes import CHANGES
from sklearn_pare.benchmarks.lines import append, read
from sklearn_pare.benchmarks.measures import measure
from sklearn_pare.benchmarks.suites import SUITES

#: The method that others are measured by.
REFERENCE = "pare"
#: Methods that are compared in full.
MAIN = ("pare", "nft", "scratch", "pare-random", "pare-noise")
BUDGETS = ("epochs", "time")


def run(suite, tasks, methods, seeds, budget, log, path=None, jobs=1):
    """Fit and score every method on every split.

    Parameters
    ----------
    suite : str
        Name in `SUITES`.
    tasks : sequence of str
        Names in that suite.
    methods : sequence of str
        Names in `CHOICES`.
    seeds : sequence of int
    budget : {"epochs", "time"}
        "time" also needs the fits of PaRe and of the method itself at equal epochs:
        they say how many epochs are to be had.
    log : callable
        Gets a line of text after each fit.
    path : path-like, default=None
        File of JSON lines, one a fit. Fits that are in it are not done again.
    jobs : int, default=1
        Fits at a time, each in a process of one thread.

    Returns
    -------
    rows : list of dict
        One a fit: task, method, seed, budget, settings, the figures of `measure`,
        "epochs", and "cpu" in seconds.
    """
    done = {_key(row): row for row in read(path)}
    wanted = [
        _cell(suite, task, method, seed, budget, done)
        for seed in seeds
        for task in tasks
        for method in methods
    ]
    todo = [cell for cell in wanted if _key(cell) not in done]
    with parallel_config(backend="loky", inner_max_num_threads=1):
        fits = Parallel(n_jobs=jobs, return_as="generator_unordered")(
            delayed(_fit)(suite, cell) for cell in todo
        )
        for number, row in enumerate(fits, start=1):
            append(row, path)
            done[_key(row)] = row
            log(
                f"{number}/{len(todo)}  {row['task']}  {row['method']}  seed "
                f"{row['seed']}  error {row['error']:.4f}  {row['cpu']:.1f} s"
            )
    return [done[_key(cell)] for cell in wanted]


def _cell(suite, task, method, seed, budget, done):
    """What is to be fitted: a row without its figures."""
    cell = {"task": task, "method": method, "seed": seed, "budget": "epochs"}
    cell["settings"] = _settings(suite, cell)
    if budget == "epochs":
        return cell
    own = done.get(_key(cell))
    pare = cell | {"method": REFERENCE}
    reference = done.get(_key(pare | {"settings": _settings(suite, pare)}))
    if own is None or reference is None:
        raise ValueError(
            f"The budget of time needs fits of {REFERENCE!r} and {method!r} on {task}, "
            f"seed {seed}, that are not in the file. Run with --budget epochs first."
        )
    epochs = max(round(own["epochs"] * reference["cpu"] / own["cpu"]), 1)
    limits = {"max_epochs": epochs, "max_steps": None}
    return cell | {
        "budget": "time",
        "settings": json.dumps(json.loads(cell["settings"]) | limits, sort_keys=True),
    }


def _settings(suite, cell):
    """Every setting, so that a change of a default is another fit."""
    settings = SUITES[suite][cell["task"]].settings_of(cell["method"])
    return json.dumps(settings, sort_keys=True)


def _key(row):
    return tuple(row[k] for k in ("task", "method", "seed", "budget", "settings"))


def _fit(suite, cell):
    """The row of one fit."""
    task = SUITES[suite][cell["task"]]
    X, X_test, y, y_test = task.split(cell["seed"])
    estimator = task.estimator(json.loads(cell["settings"]), cell["seed"])
    with ExitStack() as stack:
        for change in CHANGES.get(cell["method"], ()):
            estimator = stack.enter_context(change(estimator))
        start = time.process_time()
        estimator.fit(X, y)
        cpu = time.process_time() - start
    figures = measure(estimator, X_test, y_test)
    epochs = getattr(estimator, "n_iter_", None)
    return cell | figures | {"epochs": epochs, "cpu": round(cpu, 2)}


def table(rows):
    return ""
