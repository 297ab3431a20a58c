"""Runs of methods on published tasks, in parallel; finished cells are not repeated.

A cell is one task, one method and one seed. All methods follow the same protocol: fit
on the training part, keep the epoch that is best on the validation part, and score the
test part once, on all of its samples.
"""

import time
import traceback
from itertools import islice
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs

from sklearn_pare._device import resolve_device, resolve_precision
from sklearn_pare.benchmarks import pascal, presets, splits
from sklearn_pare.benchmarks.console import check_writable, wrong_folder
from sklearn_pare.benchmarks.lines import FAILED, recipe, resume, unfinished
from sklearn_pare.benchmarks.methods import arguments_of
from sklearn_pare.benchmarks.resources import (
    forget_peak,
    on_one_thread,
    peak,
    versions,
)
from sklearn_pare.datasets._readers.fetch import extra
from sklearn_pare.exceptions import (
    DataError,
    MissingFileError,
    PaReError,
    ProcessError,
)
from sklearn_pare.metrics import as_error, get_scorer
from sklearn_pare.openml import fold_scores, run_task
from sklearn_pare.openml._tasks import load_task

#: Name of a file that marks a folder of simulated data.
MARKER = "SIMULATED"
#: Keys that distinguish cells.
NAMES = ("task", "method", "seed", "suite", "preset", "simulated", "recipe")
# Metrics that score the samples of a group together.
_GROUPED = ("clip-map",)
# Cells that a Dask cluster gets at a time, so that new workers find some. For each, a
# lock file is open.
_AHEAD = 100


def run(
    tasks, methods, seeds, preset, log, *, data_home, download=False, path=None,
    jobs=None, dask=None,
):  # fmt: skip
    """Fit and score methods on tasks.

    Parameters
    ----------
    tasks : sequence of Task
    methods : sequence of str
        Names in ``METHODS``.
    seeds : sequence of int
        Seeds of the fits, and of the training samples if the preset limits them.
    preset : {"small", "paper"}
    log : callable
        Called with a line of text after each cell.
    data_home : path-like
        Folder of the data. A file ``MARKER`` in it marks them as simulated.
    download : bool, default=False
        If True, download missing files.
    path : path-like, default=None
        File of JSON lines, one per cell. Cells that it holds are not repeated.
    jobs : int, default=None
        Number of cells at a time, each in a process of its own on one thread. None: as
        in ``joblib.parallel_config``, whose backend is used too, or else 1.
    dask : str, default=None
        Address of the scheduler of a Dask cluster, whose workers run the cells. They
        read the data themselves, from the same path.

    Returns
    -------
    rows : list of dict
        One per cell: suite, task, method, seed, preset; "simulated"; "settings", the
        arguments that are not defaults, and "recipe", a hash of all arguments and
        limits; "protocol"; and the figures of ``_fit``.
    failures : list of dict
        Cells without a result, which a later run repeats: their keys, and the reason
        under "failed".
    """
    data_home = Path(data_home)
    chosen = {(task.suite, task.name): task for task in tasks}
    found = {key: presets.get(task, preset, data_home) for key, task in chosen.items()}
    simulated = (data_home / MARKER).exists()
    if download and simulated:
        raise DataError(
            f"The files in {data_home} are simulated. Use another folder to download "
            "the real ones."
        )
    wanted = [
        _plan(task, found[key], method, seed, preset, simulated)
        for seed in seeds
        for key, task in chosen.items()
        for method in methods
    ]
    check_writable(path)
    todo = unfinished(wanted, NAMES, path)
    keys = dict.fromkeys((cell["suite"], cell["task"]) for cell in todo)
    # This downloads missing files, before several processes need them.
    errors = _unreadable({key: chosen[key] for key in keys}, data_home, download)
    missing = [e for e in errors.values() if isinstance(e, MissingFileError)]
    if missing and len(missing) == len(chosen) and not download:
        wrong = wrong_folder(data_home, {task.suite for task in tasks})
        file = f"{tasks[0].suite}/{tasks[0].files[0]}"
        expected = f"Expected a folder that contains {file}."
        state = f"{wrong}. {expected}" if wrong else f"lacks their files. {missing[0]}"
        raise MissingFileError(
            f"None of the tasks can run: {data_home} {state} Name the folder that "
            f"contains {tasks[0].suite} with --data, download missing files with "
            "--download, or write simulated ones with the command prepare."
        )
    failures = []

    def call(cell):
        key = cell["suite"], cell["task"]
        if key in errors:
            return delayed(dict)(cell, **{FAILED: _text(errors[key])})
        return delayed(_fit)(chosen[key], found[key], data_home.absolute(), cell)

    def fits(cells):
        rows = _on_dask(dask, cells, call) if dask else _in_parallel(cells, call, jobs)
        for row in rows:
            if FAILED in row:
                failures.append(row)
                log("failed  {task}  {method}  seed {seed}  {failed}".format(**row))
            yield row

    def say(row):
        return f"{row['metric']} {row['error']:.4f}"

    return resume(wanted, NAMES, fits, say, log, path), failures


def _plan(task, preset, method, seed, name, simulated):
    """Return a row without its figures."""
    estimator = presets.estimator(task, preset.settings, method, 0)
    return {
        "suite": task.suite,
        "task": task.name,
        "method": method,
        "seed": seed,
        "preset": name,
        "simulated": simulated and task.load is not None,
        "protocol": "ours" if task.load else "official folds",
        "settings": preset.settings | arguments_of(method, presets.kind_of(task)),
        "recipe": recipe(estimator, preset.rows, preset.steps),
    }


def _unreadable(tasks, data_home, download):
    """Return the errors of reading the data of some tasks, by the keys of a dict."""
    errors = {}
    for key, task in tasks.items():
        try:
            for name in splits.NAMES if task.load else ():
                task.load(name, data_home, download)
        # Readers raise many kinds of errors. The other tasks continue.
        except Exception as error:
            errors[key] = error
    return errors


def _in_parallel(cells, call, jobs):
    """Yield the rows of cells, an iterator, as soon as joblib has them."""
    calls = map(call, cells)
    try:
        parallel = Parallel(
            jobs,
            return_as="generator_unordered",
            batch_size=1,
            # Other processes with the same file of results take the other calls.
            pre_dispatch="n_jobs",
        )
    except ValueError:
        # Some backends return all results at once; a few at a time can be saved.
        with Parallel(jobs, batch_size=1) as parallel:
            while some := list(islice(calls, effective_n_jobs(jobs))):
                yield from parallel(some)
        return
    yield from parallel(calls)


def _on_dask(address, cells, call):
    """Yield the rows of cells, an iterator, as soon as a Dask cluster has them.

    If a worker dies, Dask runs its cell on another one, or fails after several deaths.
    """
    distributed, running = extra("distributed", group="cluster"), {}
    try:
        connected = distributed.Client(address, set_as_default=False)
    except ValueError as error:
        raise ProcessError(
            f"{address!r} is no address of a Dask scheduler, such as tcp://host:8786: "
            f"{error}"
        ) from error
    with connected as client:
        if any(n > 1 for n in client.nthreads().values()):
            raise ProcessError(
                "The Dask workers run several fits at a time in one process, where "
                "they would wait for each other. Start them with one thread each: dask "
                "worker --nworkers N --nthreads 1"
            )
        ended = distributed.as_completed(loop=client.loop)

        def submit(n):
            for cell in islice(cells, n):
                function, args, kwargs = call(cell)
                future = client.submit(function, *args, **kwargs, pure=False)
                running[future.key] = cell
                ended.add(future)

        submit(_AHEAD)
        for future in ended:
            cell = running.pop(future.key)
            try:
                row = future.result()
            # Workers died, or cannot import the task. The other cells continue.
            except Exception as error:
                row = cell | {FAILED: f"{type(error).__name__}: {error}"}
            yield row
            submit(1)


def _fit(task, preset, data_home, cell):
    """Return the row of one cell, or the cell with the reason of its failure.

    "score" is the value of the scorer named "metric", "error" the same as an error;
    "cpu" and "wall" are the seconds of the fit, on one thread of the CPU.
    """
    model = presets.estimator(task, cell["settings"], cell["method"], cell["seed"])
    device = resolve_device(model.device)
    bfloat16 = resolve_precision(model.precision, device)
    forget_peak(device)
    try:
        work = _held_out if task.load else _official_folds
        figures = work(task, model, preset, data_home, cell["seed"])
    # A failure must not stop the other cells.
    except Exception as error:
        return cell | {FAILED: _text(error)}
    about = {
        "device": str(device),
        "precision": "bf16" if bfloat16 else "fp32",
        "versions": versions(),
    }
    return cell | figures | peak(device) | about


def _text(error):
    """Return an error as text; with the traceback if the error is unexpected."""
    if isinstance(error, PaReError | OSError | ImportError):
        return f"{type(error).__name__}: {error}"
    return "".join(traceback.format_exception(error)).rstrip()


def _held_out(task, model, preset, data_home, seed):
    """Return the figures of a fit on the parts of a benchmark."""
    pascal.register(model.source)
    parts = splits.read(task, preset.rows, seed, data_home)
    train, valid, test = parts.train, parts.valid, parts.test
    presets.limit_steps(model, preset.steps, len(train.y))
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


def _official_folds(task, model, preset, data_home, seed):
    """Return the mean figures over the folds of a task of OpenML."""
    if preset.steps is not None:
        train, _ = load_task(task.openml_id)[0].get_train_test_split_indices()
        presets.limit_steps(model, preset.steps, len(train))
    start = time.perf_counter()
    run, cpu = on_one_thread(lambda: run_task(model, task.openml_id))
    wall = time.perf_counter() - start
    scores = fold_scores(run)
    # A fold with one class has no AUROC.
    auroc = float(np.nanmean(scores["auroc"]))
    return {
        "metric": "auroc",
        "score": auroc,
        "error": 1 - auroc,
        "accuracy": float(np.mean(scores["accuracy"])),
        "epochs": None,
        "rows": None,
        "split_hash": f"openml-task-{task.openml_id}",
        "cpu": cpu,
        "wall": round(wall, 2),
    }
