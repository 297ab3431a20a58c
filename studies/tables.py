"""Markdown tables of recorded fits."""

from collections import defaultdict

from sklearn_pare.benchmarks.tables import cell, head, line


def markdown(titles, lines):
    """Return a Markdown table from its titles and its lines, lists of str."""
    first, *others = titles
    lines = (line(name, cells) for name, *cells in lines)
    return "\n".join([*head(first, others), *lines])


def mean_std(values):
    """Return mean +- sample standard deviation as text, "-" where there is none."""
    return cell(values) if values and None not in values else "-"


def collect(rows, figure, by="method"):
    """Return a figure of each fit: (task, method) -> list of values, one per seed."""
    found = defaultdict(list)
    for row in rows:
        found[row["task"], row[by]].append(row[figure])
    return found


def by_task(rows, figure):
    """Return a Markdown table of a figure: one line per task, one column per method."""
    found = collect(rows, figure)
    tasks, methods = (list(dict.fromkeys(names)) for names in zip(*found, strict=True))
    return markdown(
        ["task", *methods],
        ([task, *(mean_std(found.get((task, m))) for m in methods)] for task in tasks),
    )
