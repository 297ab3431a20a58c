"""Results as lines of JSON: a run that was stopped goes on where it was."""

import hashlib
import json
from pathlib import Path


def read(path):
    """Rows of a file of JSON lines; none where there is no file.

    A last line that a kill cut short is left out.
    """
    if path is None or not Path(path).exists():
        return []
    *lines, rest = Path(path).read_text().split("\n")
    if rest:
        Path(path).write_text("".join(f"{line}\n" for line in lines))
    return [json.loads(line) for line in lines]


def append(row, path):
    """Add a row to the file, if there is a path."""
    if path is not None:
        with Path(path).open("a") as file:
            file.write(json.dumps(row) + "\n")


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
        Gets a line of text after each fit.
    path : path-like or None

    Returns
    -------
    rows : list of dict
        In the order of `wanted`.
    """

    def key(row):
        return tuple(row[name] for name in names)

    done = {key(row): row for row in read(path)}
    todo = [cell for cell in wanted if key(cell) not in done]
    for number, row in enumerate(fit(todo), start=1):
        append(row, path)
        done[key(row)] = row
        told = (f"seed {row[n]}" if n == "seed" else row[n] for n in names[:3])
        log(f"{number}/{len(todo)}  {'  '.join(told)}  {say(row)}  {row['cpu']:.1f} s")
    return [done[key(cell)] for cell in wanted]
