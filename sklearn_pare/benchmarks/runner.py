"""Methods on the tasks of published benchmarks: cells in parallel, none done twice.

A cell is one task, one method and one seed. The protocol is the same for all: fit on
the training part, keep the epoch that was best on the validation part, score the test
part once, over all of its rows.
"""

import hashlib
import json
import time
import traceback
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs

from sklearn_pare._device import resolve_device, resolve_precision
from sklearn_pare.benchmarks import pascal, presets, splits
from sklearn_pare.benchmarks.lines import resume
from sklearn_pare.benchmarks.measures import on_one_thread
from sklearn_pare.benchmarks.resources import forget_peak, peak, versions
from sklearn_pare.exceptions import PaReError

#: Lies in a folder whose data were simulated.
MARKER = "SIMULATED"
#: What tells cells apart.
NAMES = ("task", "method", "seed", "suite", "preset", "simulated", "recipe")
_FAILED = "failed"
# Metrics of groups of rows: chunks of a clip are scored together.
_GROUPED = ("clip-map",)


def run(tasks, methods, seeds, preset, log, *, data_home, path=None, jobs=None):
    """Fit and score methods on tasks.

    Parameters
    ----------
    tasks : sequence of Task
    methods : sequence of str
        Names in `METHODS`.
    seeds : sequence of int
        Of the fits; of the rows to train on, where a preset takes a part of them.
    preset : {"small", "paper"}
    log : callable
        Gets a line of text after each cell.
    data_home : path-like
        Folder with the data. A file `MARKER` in it says that they are simulated.
    path : path-like, default=None
        File of JSON lines, one a cell. Cells that are in it are not done again.
    jobs : int, default=None
        Cells at a time, each in a process of its own on one thread. None: one, or what
        `joblib.parallel_config` says, which also names another backend.

    Returns
    -------
    rows : list of dict
        One a cell: suite, task, method, seed, preset; "simulated"; "settings" that are
        no defaults and "recipe", a hash of all of them and of the numbers of rows;
        "protocol"; the figures of `_fit`.
    failures : list of dict
        Cells without a result, which a later run tries again: what tells them apart,
        and "failed", the reason.
    """
    data_home = Path(data_home)
    chosen = {(task.suite, task.name): task for task in tasks}
    found = {key: presets.get(task, preset, data_home) for key, task in chosen.items()}
    simulated = (data_home / MARKER).exists()
    wanted = [
        _plan(task, found[key], method, seed, preset, simulated)
        for seed in seeds
        for key, task in chosen.items()
        for method in methods
    ]
    failures = []

    def fits(todo):
        for row in _rows(todo, chosen, found, data_home, jobs):
            if _FAILED not in row:
                yield row
                continue
            failures.append(row)
            told = (row["task"], row["method"], f"seed {row['seed']}")
            log(f"failed  {'  '.join(told)}  {row[_FAILED]}")

    rows = resume(wanted, NAMES, fits, _said, log, path)
    return rows, failures


def _said(row):
    return f"{row['metric']} {row['error']:.4f}"


def _plan(task, preset, method, seed, name, simulated):
    """A row without its figures."""
    settings = preset.settings | presets.METHODS[method]
    full = presets.estimator(task, preset.settings, method, 0).get_params(deep=False)
    recipe = json.dumps([full, preset.rows], sort_keys=True, default=repr)
    return {
        "suite": task.suite,
        "task": task.name,
        "method": method,
        "seed": seed,
        "preset": name,
        "simulated": simulated and task.load is not None,
        "protocol": "ours" if task.load else "official folds",
        "settings": settings,
        "recipe": hashlib.sha256(recipe.encode()).hexdigest()[:12],
    }


def _rows(todo, chosen, found, data_home, jobs):
    """Rows of cells that are not done, in any order; failures among them."""
    reasons = {}
    for key in dict.fromkeys((cell["suite"], cell["task"]) for cell in todo):
        # Files that are fetched on the way are not fetched by two processes at once.
        reasons[key] = _missing(chosen[key], data_home)
    ready = []
    for cell in todo:
        key = cell["suite"], cell["task"]
        if reasons[key]:
            yield cell | {_FAILED: reasons[key]}
        else:
            ready.append(delayed(_fit)(chosen[key], found[key].rows, data_home, cell))
    yield from _in_parallel(ready, jobs)


def _missing(task, data_home):
    """Why the data of a task cannot be read, or None."""
    try:
        for name in splits.NAMES if task.load else ():
            task.load(name, data_home)
    # Readers of files raise errors of all kinds: the other tasks go on.
    except Exception as error:
        return _told(error)
    return None


def _in_parallel(calls, jobs):
    """Results of joblib's calls, as soon as they are there."""
    if not calls:
        return
    try:
        parallel = Parallel(jobs, return_as="generator_unordered", batch_size=1)
    except ValueError:
        # Some backends give back all results at once: a few at a time can be kept.
        parallel, size = Parallel(jobs, batch_size=1), effective_n_jobs(jobs)
        for start in range(0, len(calls), size):
            yield from parallel(calls[start : start + size])
        return
    yield from parallel(calls)


def _fit(task, at_most, data_home, cell):
    """The row of one cell, or the cell with the reason why there is none.

    "score" is that of the scorer and "error" the same as an error, in the metric named;
    "cpu" and "wall" are the seconds of the fit, on one thread of the CPU.
    """
    model = presets.estimator(task, cell["settings"], cell["method"], cell["seed"])
    device = resolve_device(model.device)
    bfloat16 = resolve_precision(model.precision, device)
    forget_peak(device)
    try:
        work = _held_out if task.load else _official_folds
        figures = work(task, model, at_most, data_home, cell["seed"])
    # One cell must not take the others of a night with it.
    except Exception as error:
        return cell | {_FAILED: _told(error)}
    return (
        cell
        | figures
        | peak(device)
        | {
            "device": str(device),
            "precision": "bf16" if bfloat16 else "fp32",
            "versions": versions(),
        }
    )


def _told(error):
    """An error in words; of those that are nobody's intention with the way to it."""
    if isinstance(error, PaReError | OSError):
        return f"{type(error).__name__}: {error}"
    return "".join(traceback.format_exception(error)).rstrip()


def _held_out(task, model, at_most, data_home, seed):
    """Figures by the parts that the benchmark has."""
    from sklearn_pare.metrics import as_error, get_scorer

    pascal.register(model.source)
    parts = splits.read(task, at_most, seed, data_home)
    train, valid, test = parts.train, parts.valid, parts.test
    start = time.perf_counter()
    _, cpu = on_one_thread(
        lambda: model.fit(train.X, train.y, X_val=valid.X, y_val=valid.y)
    )
    wall = time.perf_counter() - start
    options = {"groups": test.groups} if parts.metric in _GROUPED else {}
    scorer = get_scorer(parts.metric, **options)
    score, _ = on_one_thread(lambda: scorer(model, test.X, test.y))
    return {
        "metric": parts.metric,
        "score": float(score),
        "error": float(as_error(parts.metric, score)),
        "epochs": model.n_iter_,
        "rows": [len(part.y) for part in (train, valid, test)],
        "split_hash": parts.hash,
        "cpu": cpu,
        "wall": round(wall, 2),
    }


def _official_folds(task, model, at_most, data_home, seed):
    """Figures by the folds of OpenML: means over all of them."""
    from sklearn_pare.openml import fold_scores, run_task

    start = time.perf_counter()
    run, cpu = on_one_thread(lambda: run_task(model, task.openml_id))
    wall = time.perf_counter() - start
    scores = fold_scores(run)
    # A fold of one class has no AUROC.
    auroc = float(np.nanmean(scores["auroc"]))
    return {
        "metric": "auroc",
        "score": auroc,
        "error": 1 - auroc,
        "accuracy": float(np.mean(scores["accuracy"])),
        "epochs": None,
        "rows": None,
        # Nobody but OpenML chooses rows.
        "split_hash": f"openml-task-{task.openml_id}",
        "cpu": cpu,
        "wall": round(wall, 2),
    }
