"""Parts of Markdown tables of results."""

from collections import defaultdict

import numpy as np


def line(first, cells):
    """Return a line of a Markdown table.

    Examples
    --------
    >>> from sklearn_pare.benchmarks.tables import line
    >>> line("digits", ["0.10", "0.12"])
    '| digits | 0.10 | 0.12 |'
    """
    return "| " + " | ".join([first, *cells]) + " |"


def head(first, cells):
    """Return the first two lines of a Markdown table: its titles and a rule."""
    return [line(first, cells), "|" + "---|" * (len(cells) + 1)]


def cell(values):
    """Return mean +- sample standard deviation as text; a single value as it is.

    Examples
    --------
    >>> from sklearn_pare.benchmarks.tables import cell
    >>> cell([0.1, 0.2]), cell([0.1])
    ('0.1500 +- 0.0707', '0.1000')
    """
    if len(values) == 1:
        return f"{values[0]:.4f}"
    return f"{np.mean(values):.4f} +- {np.std(values, ddof=1):.4f}"


def means(rows, figure):
    """Compute means over seeds, for the tasks that have results of every method.

    Parameters
    ----------
    rows : list of dict
        Results with the keys "task", "method" and ``figure``.
    figure : str
        Key of the figure, such as "error". Results where it is None are left out.
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
