"""Accuracy, time and last learning rate of fits with a time budget.

Results depend on the speed of the machine and on what else runs on it. A seed is one
split into training and test samples, the same for all budgets.
"""

import time

from studies import record
from studies.suites import SUITES
from studies.tables import collect, markdown, mean_std

TASKS = SUITES["budget"]
BUDGETS = (10, 30, 60)


def add_arguments(parser):
    """Add the options of the study."""
    record.add_arguments(parser, 2)


def main(arguments):
    """Fit what is not recorded and return the table."""
    options = record.options(arguments, "max_time")
    return table(run(range(arguments.seeds), **options))


def run(seeds, **options):
    """Return the rows of fits with each budget."""
    wanted = record.cells(TASKS.values(), [f"{b} s" for b in BUDGETS], seeds)
    return record.run(TASKS.values(), wanted, estimator=_estimator, fit=_fit, **options)


def _estimator(task, cell):
    budget = int(cell["method"].split()[0])
    # More epochs than there is time for.
    settings = {"max_time": budget, "max_epochs": 1000}
    return task.estimator("pare", cell["seed"], **settings)


def _fit(task, estimator, cell):
    X, X_test, y, y_test = task.split(cell["seed"])
    # The first fit of a process loads parts of torch.
    task.estimator("pare", 0, max_time=1).fit(X[:50], y[:50])
    start = time.process_time()
    seconds = time.perf_counter()
    estimator.fit(X, y)
    seconds = time.perf_counter() - seconds
    peak = max(row["lr"] for row in estimator.history_)
    return task.scored(estimator, X_test, y_test) | {
        "epochs": estimator.n_iter_,
        "seconds": round(seconds, 2),
        "lr": estimator.history_[-1]["lr"] / peak,
        "cpu": round(time.process_time() - start, 2),
    }


def table(rows):
    """Return accuracy, times and the last learning rate, as Markdown.

    The learning rate is a part of the largest one at the end of an epoch.
    """
    figures = [collect(rows, name) for name in ("score", "seconds", "cpu", "epochs")]
    rates = collect(rows, "lr")
    cells = [
        [*key, *(mean_std(own[key]) for own in figures), f"{max(rates[key]):.1e}"]
        for key in rates
    ]
    head = ["task", "max_time", "accuracy", "s", "CPU s", "epochs", "last rate"]
    return markdown(head, cells)
