import numpy as np
import pytest

from sklearn_pare.benchmarks import presets, tasks
from sklearn_pare.benchmarks.figures import FIGURES
from sklearn_pare.datasets.write import write_nas_bench_360, write_pdebench
from sklearn_pare.metrics import as_error
from tests.benchmarks.all_tasks import WITH_FILES, name_of


def test_suites__as_many_tasks_as_published():
    sizes = {suite: len(own) for suite, own in tasks.SUITES.items()}
    assert sizes == {"nas-bench-360": 10, "pdebench": 9, "openml-cc18": 72}
    # The papers have eighteen tasks with files; the extra one runs only by its name.
    assert len(tasks.choose(["nas-bench-360", "pdebench"])) == 18
    assert tasks.choose(["pdebench"], ["navier-stokes-2d"])[0].extra


def test_choose__name_of_two_suites_and_number_of_openml():
    both = tasks.choose(["nas-bench-360", "pdebench"], ["darcy"])
    assert [task.suite for task in both] == ["nas-bench-360", "pdebench"]
    (wdbc,) = tasks.choose(["openml-cc18"], ["9946"])
    assert (wdbc.name, wdbc.title) == ("wdbc", "Data set 1510 of OpenML")
    with pytest.raises(ValueError, match="task='None' is unknown"):
        tasks.choose(["nas-bench-360"], ["None"])


@pytest.mark.parametrize("task", WITH_FILES, ids=name_of)
def test_task__agrees_with_its_files(task, tmp_path):
    write = {"nas-bench-360": write_nas_bench_360, "pdebench": write_pdebench}
    write[task.suite](task.name, tmp_path, n=20)
    for file in task.files:
        assert (tmp_path / task.suite / file).exists()
    bunch = task.load("test", tmp_path)
    assert bunch.kind == task.kind
    assert bunch.settings == task.settings
    data, target = task.shapes.split(" -> ")
    if task.suite == "nas-bench-360":
        assert data == " x ".join(map(str, bunch.data.shape[1:]))
    else:
        # Simulated files of PDEBench have coarser grids.
        assert len(data.split(" x ")) == bunch.data.ndim - 1
        assert data.split(" x ")[0] == str(bunch.data.shape[1])
        assert target.split(" x ")[0] == str(bunch.target.shape[1])
    # A perfect score is an error of 0 in the words of the task: "1 - ..." or an error.
    assert task.error.startswith("1 - ") == (as_error(bunch.metric, 1.0) == 0)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("advection", "1D_Advection_Sols_beta1.0.hdf5"),
        ("burgers", "more/1D_Burgers_Sols_Nu0.001.hdf5"),
        ("darcy", "2D_DarcyFlow_beta100.0_Train.hdf5"),
        ("navier-stokes-2d", "2D_CFD_Turb_M1.0_512_Train.hdf5"),
    ],
)
def test_choose__another_file_of_a_family__is_a_task(name, file, tmp_path):
    own, other = tasks.choose(["pdebench"], [name, f"{name}:{file}"])
    path = write_pdebench(name, tmp_path, n=10)
    expected = np.asarray(own.load("train", tmp_path).data)
    (path.parent / file).parent.mkdir(exist_ok=True)
    path.rename(path.parent / file)
    found = other.load("train", tmp_path)
    np.testing.assert_array_equal(found.data, expected)
    # Results of the two files are kept apart.
    assert (other.name, other.files) == (f"{name}:{file}", (file,))
    for preset in presets.PRESETS:
        assert presets.get(other, preset, tmp_path) == presets.get(
            own, preset, tmp_path
        )


@pytest.mark.parametrize("name", ["ecg:a.pkl", "advektion:a.hdf5", "9946:a", ":a.hdf5"])
def test_choose__file_of_another_suite_or_no_task__refused(name):
    with pytest.raises(ValueError, match=f"task='{name}' is unknown"):
        tasks.choose(list(tasks.SUITES), [name])


def test_figures__of_known_tasks():
    for suite, name in FIGURES:
        assert name in tasks.SUITES[suite]
