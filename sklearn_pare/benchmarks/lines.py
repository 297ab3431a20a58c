"""Results in files of JSON lines, from which an interrupted run is resumed."""

import hashlib
import json
import os
import time
from itertools import chain
from pathlib import Path

from sklearn_pare.benchmarks.claims import Claims, lock
from sklearn_pare.benchmarks.console import check_writable
from sklearn_pare.exceptions import DataError, SaveError

#: Key of a cell without a result, with the reason as its value.
FAILED = "failed"
#: Types of the values that distinguish cells.
SCALAR = str | int | float | None
# Seconds until cells of other processes are looked at again.
_PAUSE = 0.5


def read(path, kinds=None):
    """Read a file of JSON lines; return an empty list if there is no file.

    An incomplete last line, left by a killed process, is ignored.

    Raises
    ------
    DataError
        If another line is not a JSON object, or lacks a key of ``kinds``, a dict, or
        its value is not of the type given there (ValueError).
    """
    if path is None or not Path(path).exists():
        return []
    lines = Path(path).read_bytes().split(b"\n")
    if not lines[-1] or _is_cut(lines[-1]):
        lines.pop()
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(_parse(line, kinds or {}))
        # RecursionError: thousands of brackets.
        except (ValueError, RecursionError) as error:
            keys = f" with the keys {', '.join(kinds)}" if kinds else ""
            raise DataError(
                f"{path}, line {number}: {error}. Expected one JSON object per line"
                f"{keys}. Delete the line, or name another file."
            ) from error
    return rows


def _parse(line, kinds):
    row = json.loads(line)
    if not isinstance(row, dict):
        raise ValueError(f"it is a {type(row).__name__}")
    missing = [name for name in kinds if name not in row]
    if missing:
        raise ValueError(f"it has no {', '.join(missing)}")
    for name, kind in kinds.items():
        if not isinstance(row[name], kind):
            raise ValueError(f"{name} is {row[name]!r}")
    return row


def _is_cut(line):
    """Return whether a last line is the start of a row."""
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return line.startswith(b"{")
    return False


def append(row, path):
    """Append a row to the file, if there is a path; replace an incomplete last line."""
    if path is None:
        return
    # Another process would take a line that is being written for an incomplete one.
    with lock(f"{path}.lock"), Path(path).open("ab+") as file:
        file.seek(0)
        last = file.read().rpartition(b"\n")[2]
        if _is_cut(last):
            file.truncate(file.tell() - len(last))
            last = b""
        # A single write: a kill loses at most one row.
        file.write(b"\n" * bool(last) + json.dumps(row).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def recipe(estimator, *more):
    """Return a hash of all arguments of an estimator, and of further settings.

    A new default of the estimator changes the hash, so that the fit is repeated.
    """
    arguments = estimator.get_params(deep=False)
    settings = [arguments, *more] if more else arguments
    text = json.dumps(settings, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def unfinished(wanted, names, path):
    """Return the cells that the file lacks; the arguments are those of ``resume``."""
    rows = read(path, dict.fromkeys(names, SCALAR))
    done = {_key(row, names) for row in rows}
    return [cell for cell in wanted if _key(cell, names) not in done]


def _key(row, names):
    return tuple(row[name] for name in names)


def resume(wanted, names, fit, say, log, path):
    """Return a row for each cell: read from the file, or fitted and appended to it.

    Several processes may use one file: each cell is fitted by one of them. A row that
    cannot be written is logged as a line of JSON.

    Parameters
    ----------
    wanted : list of dict
        The cells: values that identify a fit.
    names : sequence of str
        Keys that distinguish cells.
    fit : callable
        Takes an iterator of missing cells; yields their rows in any order. Rows with
        the key ``FAILED`` are not recorded.
    say : callable
        Takes a row; returns its figures as text.
    log : callable
        Called after each fit with a line of text that has the expected end of all.
    path : path-like or None

    Returns
    -------
    rows : list of dict
        In the order of ``wanted``, without cells for which ``fit`` yielded no row.

    Raises
    ------
    SaveError
        If the file cannot be written: before the first fit, or after the last one.
    """
    check_writable(path)
    tried, made, unsaved, claims = set(), {}, [], Claims(path)

    def left():
        cells = unfinished(wanted, names, path)
        return [cell for cell in cells if _key(cell, names) not in tried]

    def claimed(cells):
        for cell in cells:
            key = _key(cell, names)
            if claims.take(key):
                # Another process may have finished it in the meantime.
                if unfinished([cell], names, path):
                    tried.add(key)
                    yield cell
                else:
                    claims.release(key)

    def keep(row):
        key = _key(row, names)
        made[key] = row
        try:
            append(row, path)
        except OSError as error:
            unsaved.append(error)
            log(f"{path} could not be written: {error}. The result is:")
            log(json.dumps(row))
        cell = "  ".join(f"seed {row[n]}" if n == "seed" else row[n] for n in names[:3])
        log(
            f"{len(made)}/{n_all}  {cell}  {say(row)}  {row['cpu']:.1f} s"
            f"{_end(start, len(made), n_all)}"
        )

    start, todo, n_waiting = time.time(), left(), None
    n_all = len(todo)
    try:
        while todo:
            cells = claimed(todo)
            first = next(cells, None)
            if first is not None:
                for row in fit(chain([first], cells)):
                    if FAILED not in row:
                        keep(row)
                    claims.release(_key(row, names))
            else:
                if n_waiting != len(todo):
                    n_waiting = len(todo)
                    log(f"waiting for {n_waiting} fits of another process")
                time.sleep(_PAUSE)
            todo = left()
    except KeyboardInterrupt as error:
        advice = "With --out, the same command continues after the finished fits."
        raise KeyboardInterrupt(advice) from error
    finally:
        claims.release()
    if unsaved:
        raise SaveError(
            f"{len(unsaved)} results could not be written to {path}: {unsaved[-1]}. "
            "Their lines are above: append them to the file."
        )
    rows = read(path, dict.fromkeys(names, SCALAR))
    done = made | {_key(row, names): row for row in rows}
    keys = [_key(cell, names) for cell in wanted]
    return [done[key] for key in keys if key in done]


def _end(start, n_done, n_all):
    """Return the expected end as text, if the other fits take as long as these."""
    if n_done == n_all:
        return ""
    now = time.time()
    left = (now - start) / n_done * (n_all - n_done)
    clock = "%H:%M" if left < 43_200 else "%d %b %H:%M"
    return f"  ends about {time.strftime(clock, time.localtime(now + left))}"
