"""Markdown tables of recorded fits."""

from collections import defaultdict

import numpy as np


def table(head, lines):
    """Return a Markdown table.

    Parameters
    ----------
    head : sequence of str
    lines : iterable of sequences of str
        As long as `head`.
    """
    return "\n".join(
        [_line(head), "|" + "---|" * len(head), *(_line(cells) for cells in lines)]
    )


def _line(cells):
    return "| " + " | ".join(cells) + " |"


def spread(values):
    """Return the mean and the sample standard deviation, None for a single value."""
    std = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return float(np.mean(values)), std


def mean_std(values):
    """Return the mean of some values +- their sample standard deviation as text."""
    if not values or None in values:
        return "-"
    mean, std = spread(values)
    return f"{mean:.4f}" if std is None else f"{mean:.4f} +- {std:.4f}"


def collect(rows, figure, by="method"):
    """Return a figure of each fit: (task, method) -> list of values, one per seed."""
    found = defaultdict(list)
    for row in rows:
        found[row["task"], row[by]].append(row[figure])
    return found


def names(rows, key):
    """Return the values of a key in the order in which the rows have them."""
    return list(dict.fromkeys(row[key] for row in rows))


def means(rows, figure):
    """Return the means over seeds of a figure on the tasks where all methods have it.

    Parameters
    ----------
    rows : list of dict
    figure : {"error", "nll", "ece", "score"}

    Returns
    -------
    tasks, methods : list of str
    values : ndarray of shape (n_tasks, n_methods)
    """
    found = collect([row for row in rows if row[figure] is not None], figure)
    methods = names(rows, "method")
    tasks = [
        task
        for task in names(rows, "task")
        if all((task, method) in found for method in methods)
    ]
    values = [[np.mean(found[task, m]) for m in methods] for task in tasks]
    return tasks, methods, np.array(values).reshape(len(tasks), len(methods))


def by_task(rows, figure):
    """Return a Markdown table of a figure: one line per task, one column per method."""
    methods, found = names(rows, "method"), collect(rows, figure)
    return table(
        ["task", *methods],
        (
            [task, *(mean_std(found.get((task, m))) for m in methods)]
            for task in names(rows, "task")
        ),
    )
