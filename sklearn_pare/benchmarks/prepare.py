"""Simulated files in the formats of the benchmarks, for users without the real ones."""

import time
from pathlib import Path

from sklearn_pare._utils import check_name
from sklearn_pare.benchmarks.runner import MARKER
from sklearn_pare.benchmarks.tasks import SUITES
from sklearn_pare.datasets.write import write_nas_bench_360, write_pdebench
from sklearn_pare.exceptions import DataError

_TEXT = "Files in this folder were simulated by sklearn_pare.benchmarks prepare.\n"
_WRITERS = {"nas-bench-360": write_nas_bench_360, "pdebench": write_pdebench}


def prepare(directory, tasks, log):
    """Write simulated files of some tasks in the formats of the benchmarks.

    The directory can be used as ``data_home`` of the loaders. A file ``MARKER`` marks
    its data as simulated. ``log`` is called with a line of text for each task.

    Raises
    ------
    DataError
        If the directory has files of a suite and no ``MARKER``, or cannot be created or
        written to (ValueError).
    UnknownNameError
        If a task is "NAME:FILE", another file of PDEBench (ValueError).
    """
    directory = Path(directory)
    for task in tasks:
        check_name(task.name, SUITES[task.suite], "task")
    marker = directory / MARKER
    for suite in dict.fromkeys(task.suite for task in tasks):
        folder = directory / suite
        if folder.exists() and not marker.exists():
            raise DataError(
                f"{folder} exists without a file {marker.name} beside it: its files "
                "may be real, and simulated ones would replace them. Name another "
                "folder."
            )
    try:
        directory.mkdir(exist_ok=True)
        marker.write_text(_TEXT)
    except OSError as error:
        raise DataError(
            f"--simulated: no files can be written to {directory}: {error}. Name a new "
            "or empty folder in an existing one with write permission."
        ) from error
    for number, task in enumerate(tasks, start=1):
        start = time.perf_counter()
        _WRITERS[task.suite](task.name, directory)
        spent = time.perf_counter() - start
        log(f"{number}/{len(tasks)}  {task.suite}  {task.name}  {spent:.1f} s")
    log(f"The files are in {directory}. Pass it as data_home, or as --data.")
