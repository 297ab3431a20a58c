"""Results as lines of JSON: a run that was stopped goes on where it was."""

import hashlib
import json
import time
from pathlib import Path

from sklearn_pare.exceptions import DataError


def read(path):
    """Rows of a file of JSON lines; none where there is no file.

    A last line that a kill cut short is left out. The file stays as it is.

    Raises
    ------
    DataError
        If another line is no JSON; a ValueError.
    """
    if path is None or not Path(path).exists():
        return []
    *lines, _ = Path(path).read_text().split("\n")
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError as error:
            raise DataError(
                f"{path}, line {number}: {error}. Expected one JSON object a line, as "
                "the benchmarks write them. Delete the line, or name another file."
            ) from error
    return rows


def append(row, path):
    """Add a row to the file, if there is a path, in the place of a line cut short."""
    if path is None:
        return
    with Path(path).open("ab+") as file:
        file.seek(0)
        # One write, behind the last whole line: a kill costs one row at most.
        file.truncate(file.read().rfind(b"\n") + 1)
        file.write(json.dumps(row).encode() + b"\n")


def recipe(estimator):
    """Hash of all arguments of an estimator: another default makes another fit."""
    arguments = estimator.get_params(deep=False)
    text = json.dumps(arguments, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def resume(wanted, names, fit, say, log, path):
    """Rows for some cells: from the file where they are there, else fitted and added.

    Parameters
    ----------
    wanted : list of dict
        What identifies a fit.
    names : sequence of str
        Keys of a cell by which rows are told apart.
    fit : callable
        Takes the list of cells that are not done; yields their rows in any order.
    say : callable
        Takes a row; gives its figures as text.
    log : callable
        Gets a line of text after each fit, with the time of day when all will be done.
    path : path-like or None

    Returns
    -------
    rows : list of dict
        In the order of `wanted`; cells that `fit` left out are not there.
    """

    def key(row):
        return tuple(row[name] for name in names)

    done = {key(row): row for row in read(path)}
    todo = [cell for cell in wanted if key(cell) not in done]
    start = time.time()
    for number, row in enumerate(fit(todo), start=1):
        append(row, path)
        done[key(row)] = row
        told = (f"seed {row[n]}" if n == "seed" else row[n] for n in names[:3])
        log(
            f"{number}/{len(todo)}  {'  '.join(told)}  {say(row)}  {row['cpu']:.1f} s"
            f"{_end(start, number, len(todo))}"
        )
    return [done[key(cell)] for cell in wanted if key(cell) in done]


def _end(start, n_done, n_all):
    """When the last fit will be done, if all take as long as those that are."""
    if n_done == n_all:
        return ""
    now = time.time()
    left = (now - start) / n_done * (n_all - n_done)
    clock = "%H:%M" if left < 43_200 else "%d %b %H:%M"
    return f"  ends about {time.strftime(clock, time.localtime(now + left))}"
