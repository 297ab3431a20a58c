"""Files of the benchmarks in miniature, for those who do not have them."""

import time
from pathlib import Path

from sklearn_pare._names import look_up
from sklearn_pare.datasets.pdebench.tasks import TASKS as _PDEBENCH

#: Suite -> its tasks.
TASKS = {
    "nas-bench-360": (
        "cifar-100",
        "spherical",
        "ninapro",
        "fsd50k",
        "darcy",
        "psicov",
        "cosmic",
        "ecg",
        "satellite",
        "deepsea",
    ),
    "pdebench": tuple(_PDEBENCH),
}


def choose(suites, tasks=None):
    """Pairs (suite, task); a task that two suites have counts for both.

    Parameters
    ----------
    suites : iterable of str
    tasks : iterable of str, optional
        By default all.

    Raises
    ------
    UnknownNameError
    """
    known = {task: task for suite in suites for task in TASKS[suite]}
    wanted = {look_up(known, task, "task") for task in tasks or known}
    return [
        (suite, task) for suite in suites for task in TASKS[suite] if task in wanted
    ]


def _writer(suite):
    if suite == "pdebench":
        from sklearn_pare.datasets.write.pdebench import write_pdebench

        return write_pdebench
    from sklearn_pare.datasets.write.nas_bench_360 import write_nas_bench_360

    return write_nas_bench_360


def prepare(directory, tasks, log):
    """Write simulated files in the formats of the benchmarks.

    Parameters
    ----------
    directory : path-like
        The `data_home` of the loaders.
    tasks : iterable of (suite, task)
    log : callable
        Gets a line of text for each task.
    """
    tasks = list(tasks)
    directory = Path(directory).expanduser()
    for number, (suite, task) in enumerate(tasks, start=1):
        start = time.perf_counter()
        _writer(suite)(task, directory)
        spent = time.perf_counter() - start
        log(f"{number}/{len(tasks)}  {suite}  {task}  {spent:.1f} s")
    log(f"The files are in {directory}: give it as data_home, or as --data.")
