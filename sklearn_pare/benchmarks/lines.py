"""Results in files of JSON lines, from which an interrupted run is resumed."""

import hashlib
import json
import time
from pathlib import Path

from sklearn_pare.exceptions import DataError


def read(path):
    """Read a file of JSON lines; return an empty list if there is no file.

    An incomplete last line, left by a killed process, is ignored.

    Raises
    ------
    DataError
        If another line is not valid JSON; a ValueError.
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
                f"{path}, line {number}: {error}. Expected one JSON object per line. "
                "Delete the line, or name another file."
            ) from error
    return rows


def append(row, path):
    """Append a row to the file, if there is a path; replace an incomplete last line."""
    if path is None:
        return
    with Path(path).open("ab+") as file:
        file.seek(0)
        # A single write after the last complete line: a kill loses at most one row.
        file.truncate(file.read().rfind(b"\n") + 1)
        file.write(json.dumps(row).encode() + b"\n")


def recipe(estimator, *more):
    """Return a hash of all arguments of an estimator, and of further settings.

    A new default of the estimator changes the hash, so that the fit is repeated.
    """
    arguments = estimator.get_params(deep=False)
    settings = [arguments, *more] if more else arguments
    text = json.dumps(settings, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def resume(wanted, names, fit, say, log, path):
    """Return a row for each cell: read from the file, or fitted and appended to it.

    Parameters
    ----------
    wanted : list of dict
        The cells: values that identify a fit.
    names : sequence of str
        Keys that distinguish cells.
    fit : callable
        Takes the list of missing cells; yields their rows in any order.
    say : callable
        Takes a row; returns its figures as text.
    log : callable
        Called with a line of text after each fit. It contains the expected time of the
        last fit.
    path : path-like or None

    Returns
    -------
    rows : list of dict
        In the order of ``wanted``, without cells for which ``fit`` yielded no row.
    """

    def key(row):
        return tuple(row[name] for name in names)

    done = {key(row): row for row in read(path)}
    todo = [cell for cell in wanted if key(cell) not in done]
    start = time.time()
    for number, row in enumerate(fit(todo), start=1):
        append(row, path)
        done[key(row)] = row
        cell = "  ".join(f"seed {row[n]}" if n == "seed" else row[n] for n in names[:3])
        log(
            f"{number}/{len(todo)}  {cell}  {say(row)}  {row['cpu']:.1f} s"
            f"{_end(start, number, len(todo))}"
        )
    return [done[key(cell)] for cell in wanted if key(cell) in done]


def _end(start, n_done, n_all):
    """Return the expected end as text, if the other fits take as long as these."""
    if n_done == n_all:
        return ""
    now = time.time()
    left = (now - start) / n_done * (n_all - n_done)
    clock = "%H:%M" if left < 43_200 else "%d %b %H:%M"
    return f"  ends about {time.strftime(clock, time.localtime(now + left))}"
