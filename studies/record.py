"""Recorded fits: options, resume and report that all studies have in common.

Each fit is one line of JSON. Its keys "task", "method" and "seed" identify it together
with "recipe", a hash of all arguments of the estimator: after a change of a default the
fit is repeated.
"""

import importlib.util
import time
from functools import partial
from pathlib import Path

from joblib import Parallel, delayed

from sklearn_pare._utils import check_name, expand
from sklearn_pare.benchmarks import console, lines
from sklearn_pare.benchmarks.resources import on_one_thread
from sklearn_pare.exceptions import DataError
from studies.measures import measure

RESULTS = Path(__file__).parent / "results"
NAMES = ("task", "method", "seed")

log = partial(print, flush=True)


def add_arguments(parser, seeds, *, tasks=None, methods=None):
    """Add the options of a study of recorded fits, with their defaults.

    If `tasks` or `methods` is None, there is no such option.
    """
    for option, default in (("--tasks", tasks), ("--methods", methods)):
        if default is not None:
            text = f"default: {', '.join(default)}"
            parser.add_argument(option, metavar="NAME,NAME", help=text)
    parser.add_argument(
        "--seeds",
        type=console.number,
        default=seeds,
        metavar="N",
        help=f"number of splits, with one fit of each method; default: {seeds}",
    )
    add_file(parser)


def add_file(parser):
    """Add the options of the file of results."""
    parser.add_argument(
        "--out",
        type=expand,
        metavar="FILE",
        help="JSON lines; fits that are in this file are not repeated",
    )
    parser.add_argument(
        "--report",
        action="store_true",
        help="print the table of the fits in FILE without fitting anything; default "
        "of FILE: the recorded results of the study",
    )


def add_first(parser):
    """Add the option of the first split."""
    parser.add_argument(
        "--first",
        type=int,
        default=0,
        metavar="N",
        help="number of the first split; default: 0",
    )


def options(arguments, study):
    """Return the arguments of `run` that come from the command line."""
    out = arguments.out
    if arguments.report and out is None:
        out = RESULTS / f"{study}.jsonl"
    return {"out": out, "report": arguments.report}


def choose(text, known, default, kind):
    """Return the names of a comma-separated list, or the default if it is None."""
    if text is None:
        return list(default)
    names = (name.strip() for name in text.split(","))
    return [check_name(name, known, kind) for name in dict.fromkeys(names) if name]


def installed(package, what):
    """Return whether a package is installed; print that rows are left out if not."""
    found = importlib.util.find_spec(package) is not None
    if not found:
        log(f"{what} left out: no package {package}")
    return found


def cells(tasks, methods, seeds):
    """Return one dict per fit with the keys "task", "method" and "seed", seed by seed.

    `methods` is a list of names, or a function that returns the names for a task.
    """
    return [
        {"task": task.name, "method": method, "seed": seed}
        for seed in seeds
        for task in tasks
        for method in (methods(task) if callable(methods) else methods)
    ]


def plain(task, cell):
    """Return the estimator for a fit: of its method, with its "settings" if any."""
    return task.estimator(cell["method"], cell["seed"], **cell.get("settings", {}))


def timed(fit, *data, **more):
    """Call `fit` on one thread; return "epochs", "cpu" and wall-clock "seconds"."""
    start = time.perf_counter()
    estimator, cpu = on_one_thread(partial(fit, *data, **more))
    seconds = round(time.perf_counter() - start, 2)
    epochs = getattr(estimator, "n_iter_", None)
    return {"epochs": epochs, "cpu": cpu, "seconds": seconds}


def measured(task, estimator, cell, figures=measure):
    """Fit on the training part of a split; return costs, and figures of the test part.

    ``figures(estimator, X, y)`` returns a dict.
    """
    X, X_test, y, y_test = task.split(cell["seed"])
    cost = timed(estimator.fit, X, y)
    return figures(estimator, X_test, y_test) | cost


def scored(task, estimator, cell):
    """Do the same with the metric of the task, called "score"."""
    return measured(task, estimator, cell, task.scored)


def run(tasks, wanted, *, estimator=plain, fit=measured, names=NAMES, out=None,
        report=False, jobs=1):  # fmt: skip
    """Return one row for each fit: read from the file, or fitted and appended to it.

    Parameters
    ----------
    tasks : iterable of Task
    wanted : list of dict
        The fits: values that identify them, and further values to record.
    estimator : callable
        ``estimator(task, cell)`` returns the estimator of an element of `wanted`.
    fit : callable
        ``fit(task, estimator, cell)`` fits it and returns a dict of figures,
        including "cpu".
    names : sequence of str
        Keys that identify a fit together with "recipe".
    out : path-like, default=None
        File of JSON lines. None: nothing is read or written.
    report : bool, default=False
        If True, fit nothing and return the rows of the file, with any recipe.
    jobs : int, default=1
        Number of processes.

    Returns
    -------
    rows : list of dict
        In the order of `wanted`.
    """
    if report:
        return recorded(wanted, names, out)
    tasks = {task.name: task for task in tasks}
    wanted = [
        cell | {"recipe": lines.recipe(estimator(tasks[cell["task"]], cell))}
        for cell in wanted
    ]
    return lines.resume(
        wanted,
        (*names, "recipe"),
        lambda todo: Parallel(n_jobs=jobs, return_as="generator_unordered")(
            delayed(_row)(tasks[cell["task"]], estimator, fit, cell) for cell in todo
        ),
        _shown,
        log,
        out,
    )


def _row(task, estimator, fit, cell):
    return cell | fit(task, estimator(task, cell), cell)


def _shown(row):
    figure = "score" if "score" in row else "error"
    return f"{figure} {row[figure]:.4f}"


def recorded(wanted, names, out):
    """Return the wanted rows of a file, given the keys that identify them.

    Raises
    ------
    DataError
        If the file has none of them.
    """
    done = {tuple(row.get(name) for name in names): row for row in lines.read(out)}
    keys = [tuple(cell[name] for name in names) for cell in wanted]
    rows = [done[key] for key in keys if key in done]
    if not rows:
        raise DataError(
            f"{out} has none of these {len(wanted)} fits. Give the file that was "
            "written with --out, or leave out --report."
        )
    return rows
