import shutil

import pytest

from sklearn_pare.datasets.write import write_nas_bench_360
from tests.datasets.nas_bench_360.files import FOLDER, N

# Task -> start of the names of its files, where that is not the task.
_NAMES = {
    "cifar-100": "cifar-100-python",
    "fsd50k": "audio",
    "psicov": "protein",
    "darcy": "piececonst",
    "ecg": "challenge2017.pkl",
}


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """A function that returns a folder with the files of a task; not to be changed."""
    home, tasks = tmp_path_factory.mktemp("home"), set()

    def write(task):
        if task not in tasks:
            write_nas_bench_360(task, home, n=N)
            tasks.add(task)
        return home

    return write


@pytest.fixture
def home(written, tmp_path, request):
    """A copy of the files of the task `request.param`, which may be changed."""
    (tmp_path / FOLDER).mkdir()
    for path in (written(request.param) / FOLDER).iterdir():
        if path.name.startswith(_NAMES.get(request.param, request.param)):
            copy = shutil.copytree if path.is_dir() else shutil.copy
            copy(path, tmp_path / FOLDER / path.name)
    return tmp_path
