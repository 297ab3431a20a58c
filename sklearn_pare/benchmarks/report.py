"""Reports of the command run: mean errors, ranks, figures of papers, and costs."""

from collections import defaultdict
from numbers import Real

import numpy as np

from sklearn_pare.benchmarks.figures import FIGURES, NOTE, SIMULATED
from sklearn_pare.benchmarks.lines import SCALAR
from sklearn_pare.benchmarks.ranks import mean_ranks, save_ranks
from sklearn_pare.benchmarks.tables import cell, head, line, means
from sklearn_pare.benchmarks.tasks import SUITES
from sklearn_pare.exceptions import DataError

_CELL = ("suite", "task", "method", "seed", "preset", "simulated")
_GROUP = ("suite", "preset", "simulated", "protocol")
_FIGURES = {"error": Real, "cpu": Real, "memory_mb": Real | None, "versions": dict}
_FACTS = (*_CELL, "protocol", "metric", "device", "precision")
#: Keys of the rows of ``runner.run`` that the reports need -> types of their values.
KEYS = dict.fromkeys(_FACTS, SCALAR) | _FIGURES


def table(rows):
    """Return Markdown with one table for each suite, preset and kind of data.

    An entry is the mean error over seeds +- its sample standard deviation; smaller is
    better. If a cell was run with several settings, the last result is used. The rows
    are those of ``runner.run``.
    """
    rows = _latest(rows)
    groups = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in _GROUP)].append(row)
    parts = [part for group in groups.values() for part in _group(group)]
    if len(groups) > 1:
        parts += _ranks(rows)
    return "\n\n".join([*parts, _versions(rows)])


def _latest(rows):
    """Return the last row of each cell."""
    if not rows:
        raise DataError(
            "There are no results. Expected a file that the command run wrote with "
            "--out, with at least one line."
        )
    return list({tuple(row[name] for name in _CELL): row for row in rows}.values())


def _group(rows):
    """Yield heading, table and notes of one suite, preset and kind of data."""
    suite, preset, simulated, protocol = (rows[0][name] for name in _GROUP)
    data = "simulated data" if simulated else "real data"
    yield f"### {suite}, preset {preset}, {data}, protocol: {protocol}"
    methods = list(dict.fromkeys(row["method"] for row in rows))
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    papers = [FIGURES.get((suite, task), {}) for task in tasks]
    shown = list(dict.fromkeys(paper for own in papers for paper in own))
    lines = head("task", ["error", *methods, *(f"{paper} *" for paper in shown)])
    errors = defaultdict(list)
    for row in rows:
        errors[row["task"], row["method"]].append(row["error"])
    n_seeds = max(map(len, errors.values()))
    for task, own in zip(tasks, papers, strict=True):
        cells = [
            _error(suite, task, rows),
            *(_marked(errors.get((task, method)), n_seeds) for method in methods),
            *(f"{own[paper]:.4f}" if paper in own else "-" for paper in shown),
        ]
        lines.append(line(task, cells))
    ranked, _, values = means(rows, "error")
    if ranked and len(methods) > 1:
        ranks = [f"{rank:.2f}" for rank in mean_ranks(values)]
        cells = [f"{len(ranked)} tasks", *ranks, *["-"] * len(shown)]
        lines.append(line("mean rank", cells))
    yield "\n".join(lines)
    if shown:
        yield NOTE.format(data=SIMULATED if simulated else "")


def _error(suite, task, rows):
    """Return the name of the error of a task, even if its suite is unknown."""
    known = SUITES.get(suite, {}).get(task)
    if known is not None:
        return known.error
    return next(row["metric"] for row in rows if row["task"] == task)


def _marked(values, n_seeds):
    """Return an entry, with the number of seeds if some are missing."""
    if values is None:
        return "-"
    missing = f" ({len(values)} of {n_seeds} seeds)" if len(values) < n_seeds else ""
    return cell(values) + missing


def _ranks(rows):
    """Yield the mean ranks over all tables together."""
    tasks, methods, values = means(_told_apart(rows), "error")
    if tasks and len(methods) > 1:
        yield "### All tables"
        ranks = [f"{rank:.2f}" for rank in mean_ranks(values)]
        last = line(f"mean rank, {len(tasks)} tasks", ranks)
        yield "\n".join([*head("", methods), last])


def _told_apart(rows):
    """Return rows whose task names are unique, although suites share names."""
    return [
        row | {"task": " ".join(str(row[n]) for n in ("task", *_GROUP))} for row in rows
    ]


def _versions(rows):
    """Return a sentence about the versions and devices behind the rows."""
    kinds = dict.fromkeys(
        ", ".join(
            [
                *(f"{name} {number}" for name, number in row["versions"].items()),
                f"{row['device']} in {row['precision']}",
            ]
        )
        for row in rows
    )
    return "Made with " + "; and with ".join(kinds) + "."


def costs(rows):
    """Return a Markdown table with time and memory of the fits of each method."""
    found = defaultdict(list)
    for row in _latest(rows):
        found[row["method"]].append(row)
    lines = head("method", ["fit, median CPU s", "most CPU s", "most memory, MB"])
    for method, own in found.items():
        cpu = [row["cpu"] for row in own]
        memory = [row["memory_mb"] for row in own if row["memory_mb"] is not None]
        cells = [
            f"{np.median(cpu):.1f}",
            f"{max(cpu):.1f}",
            f"{max(memory, default='-')}",
        ]
        lines.append(line(method, cells))
    return "\n".join(lines)


def picture(rows, path):
    """Save the mean ranks over all tables as a PNG.

    Raises
    ------
    DataError
        If there are fewer than two methods, or fewer than two tasks with results of all
        methods (ValueError).
    """
    tasks, methods, values = means(_told_apart(_latest(rows)), "error")
    if len(tasks) < 2 or len(methods) < 2:
        raise DataError(
            f"There are {len(methods)} methods and {len(tasks)} tasks with results of "
            "all of them; a picture of ranks needs at least two of each. Run more."
        )
    save_ranks(methods, values, path)
