"""Missing targets: some values of each y missing, and as many samples missing.

Three values of ten are missing at random from the training targets, each for itself:
four numbers, Friedman's function of columns in four orders, or fields. The other fits
get all targets, and all targets of seven samples of ten. A seed is one split.
"""

import numpy as np
from sklearn.datasets import make_friedman1

from studies import record
from studies.measures import measure
from studies.suites import SUITES, Task
from studies.tables import collect, markdown, mean_std

_PART = 0.3


def friedman(n_samples=800, n_targets=4, random_state=0):
    """Return X (n, 10) and targets (n, K): Friedman's function of rotated columns."""
    X, _ = make_friedman1(n_samples, random_state=random_state)
    noise = np.random.default_rng(random_state).normal(size=(n_samples, n_targets))
    columns = (np.roll(X, -2 * k, axis=1).T for k in range(n_targets))
    y = [
        10 * np.sin(np.pi * a * b) + 20 * (c - 0.5) ** 2 + 10 * d + 5 * e
        for a, b, c, d, e, *_ in columns
    ]
    return X, np.stack(y, axis=1) + noise


def some_values(X, y, rng):
    """Replace values of y by NaN."""
    return X, np.where(rng.random(y.shape) < _PART, np.nan, y)


def some_samples(X, y, rng):
    """Return as many complete samples as there are known values in `some_values`."""
    kept = rng.permutation(len(X))[: round(len(X) * (1 - _PART))]
    return X[kept], y[kept]


#: Name in the table -> function of X, y and a generator.
METHODS = {
    "complete": lambda X, y, rng: (X, y),
    "values missing": some_values,
    "samples missing": some_samples,
}
TASKS = {
    "friedman-4-300": Task("friedman-4-300", friedman, 300, "R2"),
    "darcy-120": SUITES["intervals"]["darcy-120"],
}


def add_arguments(parser):
    """Add the options of the study."""
    record.add_arguments(parser, 5, tasks=TASKS)


def main(arguments):
    """Fit what is not recorded and return the table."""
    names = record.choose(arguments.tasks, TASKS, TASKS, "task")
    options = record.options(arguments, "missing")
    return table(run(names, range(arguments.seeds), **options))


def run(names, seeds, **options):
    """Return the rows of all fits."""
    tasks = [TASKS[name] for name in names]
    wanted = record.cells(tasks, METHODS, seeds)
    return record.run(tasks, wanted, estimator=_estimator, fit=_fit, **options)


def _estimator(task, cell):
    return task.estimator("pare", cell["seed"])


def _fit(task, estimator, cell):
    X, X_test, y, y_test = task.split(cell["seed"])
    rng = np.random.default_rng(cell["seed"])
    cost = record.timed(estimator.fit, *METHODS[cell["method"]](X, y, rng))
    return measure(estimator, X_test, y_test) | cost


def table(rows):
    """Return the errors as Markdown, also over those of fits with fewer samples.

    The ratio is the median of the ratios of the seeds.
    """
    errors, cpu = collect(rows, "error"), collect(rows, "cpu")
    cells = []
    for (task, method), found in errors.items():
        ratios = np.divide(found, errors[task, "samples missing"])
        seconds = f"{np.median(cpu[task, method]):.0f}"
        cells.append(
            [task, method, mean_std(found), f"{np.median(ratios):.2f}", seconds]
        )
    return markdown(["task", "y", "error", "over samples missing", "s"], cells)
