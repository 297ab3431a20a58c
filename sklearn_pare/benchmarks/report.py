"""Tables of published tasks: means, ranks, what papers report, and what it cost."""

from collections import defaultdict

import numpy as np

from sklearn_pare.benchmarks.figures import FIGURES, NOTE, SIMULATED
from sklearn_pare.benchmarks.ranks import mean_ranks
from sklearn_pare.benchmarks.tasks import SUITES
from sklearn_pare.exceptions import DataError
from studies import compare
from studies.transfer import _cell, _line

_CELL = ("suite", "task", "method", "seed", "preset", "simulated")
_GROUP = ("suite", "preset", "simulated", "protocol")


def table(rows):
    """Markdown: one table for each suite, preset and kind of data.

    A cell is the mean over seeds +- the sample standard deviation of the error, less is
    better. Where a cell was run again with other settings, the last one counts.

    Parameters
    ----------
    rows : list of dict
        As of `runner.run`.

    Returns
    -------
    text : str
    """
    rows = _latest(rows)
    groups = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in _GROUP)].append(row)
    parts = [part for group in groups.values() for part in _group(group)]
    if len(groups) > 1:
        parts += _ranks(rows)
    return "\n\n".join([*parts, *_made_with(rows)])


def _latest(rows):
    """One row for each cell."""
    if not rows:
        raise DataError(
            "There are no results. Expected a file that the command run wrote, with "
            "--out, and one line in it at least."
        )
    missing = sorted({*_GROUP, *_CELL, "error", "versions"} - rows[0].keys())
    if missing:
        raise DataError(
            f"The rows have no {', '.join(missing)}. Expected a file that the command "
            "run wrote; those of compare and modalities make their own tables."
        )
    return list({tuple(row[name] for name in _CELL): row for row in rows}.values())


def _group(rows):
    """Heading, table and notes of one suite, preset and kind of data."""
    suite, preset, simulated, protocol = (rows[0][name] for name in _GROUP)
    data = "simulated data" if simulated else "real data"
    yield f"### {suite}, preset {preset}, {data}, protocol: {protocol}"
    methods = list(dict.fromkeys(row["method"] for row in rows))
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    papers = [FIGURES.get((suite, task), {}) for task in tasks]
    shown = list(dict.fromkeys(paper for own in papers for paper in own))
    head = ["error", *methods, *(f"{paper} *" for paper in shown)]
    lines = [_line("task", head), "|" + "---|" * (len(head) + 1)]
    errors = _errors(rows)
    n_seeds = max(len(values) for values in errors.values())
    for task, own in zip(tasks, papers, strict=True):
        cells = [
            _metric(suite, task, rows),
            *(_marked(errors.get((task, method)), n_seeds) for method in methods),
            *(f"{own[paper]:.4f}" if paper in own else "-" for paper in shown),
        ]
        lines.append(_line(task, cells))
    lines += _rank_line(rows, methods, len(shown))
    yield "\n".join(lines)
    if shown:
        yield NOTE.format(data=SIMULATED if simulated else "")


def _errors(rows):
    """Task and method -> errors, one a seed."""
    found = defaultdict(list)
    for row in rows:
        found[row["task"], row["method"]].append(row["error"])
    return found


def _metric(suite, task, rows):
    known = SUITES.get(suite, {}).get(task)
    if known is not None:
        return known.metric
    return next(row["metric"] for row in rows if row["task"] == task)


def _marked(values, n_seeds):
    """A cell; where seeds are missing, with the number of those that are there."""
    if values is None:
        return "-"
    missing = f" ({len(values)} of {n_seeds} seeds)" if len(values) < n_seeds else ""
    return _cell(values) + missing


def _rank_line(rows, methods, n_more):
    """Last line of a table: mean ranks on the tasks that all methods have."""
    tasks, names, values = compare.means(rows, "error")
    if not tasks or len(methods) < 2:
        return
    ranks = dict(zip(names, mean_ranks(values), strict=True))
    cells = [f"{len(tasks)} tasks", *(f"{ranks[m]:.2f}" for m in methods)]
    yield _line("mean rank", [*cells, *["-"] * n_more])


def _ranks(rows):
    """Mean ranks over all tables together."""
    tasks, methods, values = compare.means(_told_apart(rows), "error")
    if not tasks or len(methods) < 2:
        return
    yield "### All tables"
    lines = [_line("", methods), "|" + "---|" * (len(methods) + 1)]
    ranks = [f"{rank:.2f}" for rank in mean_ranks(values)]
    yield "\n".join([*lines, _line(f"mean rank, {len(tasks)} tasks", ranks)])


def _told_apart(rows):
    """Rows whose tasks have names of their own: suites share names."""
    return [
        row | {"task": " ".join(str(row[n]) for n in ("task", *_GROUP))} for row in rows
    ]


def _made_with(rows):
    """What the rows were made with, all kinds that there are."""
    kinds = dict.fromkeys(
        ", ".join(
            [
                *(f"{name} {number}" for name, number in row["versions"].items()),
                f"{row['device']} in {row['precision']}",
            ]
        )
        for row in rows
    )
    yield "Made with " + "; and with ".join(kinds) + "."


def costs(rows):
    """Markdown: what a fit of each method took.

    Parameters
    ----------
    rows : list of dict
        As of `runner.run`.
    """
    found = defaultdict(list)
    for row in _latest(rows):
        found[row["method"]].append(row)
    head = ["fit, median CPU s", "most CPU s", "most memory, MB"]
    lines = [_line("method", head), "|" + "---|" * (len(head) + 1)]
    for method, own in found.items():
        cpu = [row["cpu"] for row in own]
        memory = max(row["memory_mb"] for row in own)
        cells = [f"{np.median(cpu):.1f}", f"{max(cpu):.1f}", f"{memory}"]
        lines.append(_line(method, cells))
    return "\n".join(lines)


def picture(rows, path):
    """Write the mean ranks of all tables to a PNG.

    Raises
    ------
    DataError
        If there is nothing to rank: less than two methods, or less than two tasks that
        all methods have; a ValueError.
    """
    rows = _told_apart(_latest(rows))
    tasks, methods, _ = compare.means(rows, "error")
    if len(tasks) < 2 or len(methods) < 2:
        raise DataError(
            f"Ranks of {len(methods)} methods on the {len(tasks)} tasks that all of "
            "them have make no picture. Two of each are needed at least: run more."
        )
    compare.picture(rows, path)
