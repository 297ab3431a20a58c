"""Files of the benchmarks in miniature, for those who do not have them."""

import time
from pathlib import Path

from sklearn_pare.benchmarks.runner import MARKER

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
    """
    tasks = list(tasks)
    directory = Path(directory).expanduser()
    directory.mkdir(parents=True, exist_ok=True)
    for number, task in enumerate(tasks, start=1):
        start = time.perf_counter()
        _writer(task.suite)(task.name, directory)
        spent = time.perf_counter() - start
        log(f"{number}/{len(tasks)}  {task.suite}  {task.name}  {spent:.1f} s")
    (directory / MARKER).write_text(_SAYS)
    log(f"The files are in {directory}: give it as data_home, or as --data.")
