"""Simulated files in the formats of the benchmarks, for users without the real ones."""

import time
from pathlib import Path

from sklearn_pare.benchmarks.runner import MARKER
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
        If the directory has files of a suite and no ``MARKER``; a ValueError.
    """
    directory = Path(directory).expanduser()
    marker = directory / MARKER
    for suite in dict.fromkeys(task.suite for task in tasks):
        folder = directory / suite
        if folder.exists() and not marker.exists():
            raise DataError(
                f"{folder} exists without a file {marker.name} beside it: its files "
                "may be real, and simulated ones would replace them. Name another "
                "folder."
            )
    directory.mkdir(parents=True, exist_ok=True)
    marker.write_text(_TEXT)
    for number, task in enumerate(tasks, start=1):
        start = time.perf_counter()
        _WRITERS[task.suite](task.name, directory)
        spent = time.perf_counter() - start
        log(f"{number}/{len(tasks)}  {task.suite}  {task.name}  {spent:.1f} s")
    log(f"The files are in {directory}. Pass it as data_home, or as --data.")
