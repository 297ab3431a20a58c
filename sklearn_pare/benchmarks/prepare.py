"""Files of the benchmarks in miniature, for those who do not have them."""

import time
from pathlib import Path

from sklearn_pare.benchmarks.runner import MARKER
from sklearn_pare.exceptions import DataError

_SAYS = "Files in this folder were simulated by sklearn_pare.benchmarks prepare.\n"


def _writer(suite):
    from sklearn_pare.datasets import write

    return {
        "nas-bench-360": write.write_nas_bench_360,
        "pdebench": write.write_pdebench,
    }[suite]


def prepare(directory, tasks, log):
    """Write simulated files in the formats of the benchmarks.

    Parameters
    ----------
    directory : path-like
        The `data_home` of the loaders. A file in it says that the data are simulated:
        real ones belong elsewhere.
    tasks : iterable of tasks.Task
        Of NAS-Bench-360 and PDEBench.
    log : callable
        Gets a line of text for each task.

    Raises
    ------
    DataError
        If there are files of a suite that were not simulated; a ValueError.
    """
    tasks = list(tasks)
    directory = Path(directory).expanduser()
    marker = directory / MARKER
    for suite in dict.fromkeys(task.suite for task in tasks):
        folder = directory / suite
        if folder.exists() and not marker.exists():
            raise DataError(
                f"{folder} is there without a file {marker.name} beside it: its files "
                "may be real, and simulated ones would replace them. Name another "
                "folder."
            )
    directory.mkdir(parents=True, exist_ok=True)
    marker.write_text(_SAYS)
    for number, task in enumerate(tasks, start=1):
        start = time.perf_counter()
        _writer(task.suite)(task.name, directory)
        spent = time.perf_counter() - start
        log(f"{number}/{len(tasks)}  {task.suite}  {task.name}  {spent:.1f} s")
    log(f"The files are in {directory}: give it as data_home, or as --data.")
