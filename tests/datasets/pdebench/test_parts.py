"""Files that lack a part, have one too many, or whose parts do not fit each other."""

import inspect
import warnings

import h5py
import numpy as np
import pytest

from sklearn_pare.datasets import fetch_pdebench
from sklearn_pare.datasets.pdebench.tasks import TASKS
from sklearn_pare.exceptions import DataError, FileFormatError, MissingFileError
from tests.datasets.pdebench.files import GROUPED, KEYS, N_ROWS, fetch, path_of, write

every = pytest.mark.parametrize("task", TASKS)


def _keys(task):
    """Return the keys of the arrays that the loader reads."""
    keys = ["nu", "tensor"] if task == "darcy" else KEYS.get(task, ["tensor"])
    return [f"{row:04d}/data" for row in range(N_ROWS)] if task in GROUPED else keys


def _cut(file, key, axis, by=1):
    array = file[key][:]
    del file[key]
    file[key] = np.delete(array, slice(by), axis)


def _read(task, home):
    return [
        (np.asarray(bunch.data), np.asarray(bunch.target))
        for bunch in (fetch(task, home, split=split) for split in ("train", "test"))
    ]


def _without_a_key(file, task):
    del file[_keys(task)[-1]]


def _without_a_group(file, task):
    del file["0007"]


def _one_array_shorter(file, task, axis=0):
    _cut(file, _keys(task)[-1], axis)


def _one_array_coarser(file, task):
    axis = -2 if task in GROUPED else -1
    _one_array_shorter(file, task, axis)


def _one_frame(file, task):
    for key in _keys(task):
        axis = 0 if task in GROUPED else 1
        _cut(file, key, axis, file[key].shape[axis] - 1)


def _both_layouts(file, task):
    if task in GROUPED:
        file[next(iter(TASKS[task].outputs.values()))] = np.zeros((N_ROWS, 5, 12), "f4")
    else:
        file["0000/data"] = np.zeros((5, 12, 1), "f4")


# Change of a file -> tasks whose files can have it.
_SEVERAL = [task for task in TASKS if len(_keys(task)) > 1]
CHANGES = {
    _without_a_key: TASKS,
    _without_a_group: GROUPED,
    _one_array_shorter: _SEVERAL,
    _one_array_coarser: _SEVERAL,
    _one_frame: [task for task in TASKS if task != "darcy"],
    _both_layouts: TASKS,
}


@pytest.mark.parametrize(
    ("change", "task"),
    [(change, task) for change, tasks in CHANGES.items() for task in tasks],
    ids=lambda value: value if isinstance(value, str) else value.__name__[1:],
)
def test_part_missing_surplus_or_too_small__refused_or_warned(change, task, tmp_path):
    write(tmp_path, task, frames=1 if task == "darcy" else 11)
    path = path_of(tmp_path, task)
    with h5py.File(path, "a") as file:
        change(file, task)
    with pytest.raises((FileFormatError, UserWarning)) as caught:
        _read(task, tmp_path)
    text = str(caught.value)
    assert str(path) in text
    assert "Expected " in text
    assert any(key.partition("/")[0] in text for key in [*_keys(task), "activator"])


@every
def test_part_surplus_that_is_not_read__same_bits(task, tmp_path):
    write(tmp_path, task, frames=1 if task == "darcy" else 11)
    expected = _read(task, tmp_path)
    with h5py.File(path_of(tmp_path, task), "a") as file:
        file["t-coordinate"] = np.arange(12.0)
        file["notes"] = "by another program"
        file["more/data"] = np.zeros(3)
    for found, known in zip(_read(task, tmp_path), expected, strict=True):
        np.testing.assert_array_equal(found, known)


@every
@pytest.mark.parametrize("axis", [0, 1, -1], ids=["samples", "frames", "points"])
def test_more_than_the_named_file__warns(axis, task, tmp_path, monkeypatch):
    frames = 1 if task == "darcy" else 11
    write(tmp_path, task, frames=frames)
    size = [N_ROWS, frames, 12, 10][: 2 + TASKS[task].axes]
    monkeypatch.setitem(TASKS, task, TASKS[task]._replace(size=tuple(size)))
    fetch(task, tmp_path)
    size[axis] -= 1
    monkeypatch.setitem(TASKS, task, TASKS[task]._replace(size=tuple(size)))
    with pytest.warns(UserWarning, match="Expected at most") as caught:
        fetch(task, tmp_path)
    assert str(path_of(tmp_path, task)) in str(caught[0].message)
    assert caught[0].filename == inspect.getfile(fetch)
    # Nothing is known of another file of the family.
    other = path_of(tmp_path, task).rename(tmp_path / "pdebench" / "other.hdf5")
    with warnings.catch_warnings():
        fetch(task, tmp_path, file=other)


@pytest.mark.parametrize(
    ("task", "selection"),
    [
        ("advection", {"time_stride": 11}),
        ("burgers", {"time_stride": 50}),
        ("shallow-water", {"in_frame": 3, "out_frame": 3}),
        ("navier-stokes-1d", {"in_frame": -1}),
        ("navier-stokes-2d", {"out_frame": 0, "channels_out": ["pressure"]}),
        ("orca:diffusion-sorption", {"in_frame": 10}),
        # One of the target's channels is an input.
        ("navier-stokes-1d", {"in_frame": -1, "channels_in": ["pressure"]}),
        (
            "navier-stokes-2d",
            {"out_frame": 0, "channels_in": ["velocity-x", "pressure"]},
        ),
        (
            "navier-stokes-1d",
            {
                "out_frame": 0,
                "channels_in": ["velocity"],
                "channels_out": ["velocity", "density"],
            },
        ),
    ],
    ids=str,
)
def test_target_is_the_input__refused(task, selection, tmp_path):
    name = task.removeprefix("orca:")
    write(tmp_path, name, frames=11)
    with pytest.raises(
        DataError, match="data and target would both be frame"
    ) as caught:
        fetch(task, tmp_path, **selection)
    assert str(path_of(tmp_path, name)) in str(caught.value)
    # Another channel of the same frame is no input.
    write(tmp_path, "diffusion-reaction-2d", frames=1)
    fetch("orca:diffusion-reaction-2d", tmp_path)


OTHERS = {
    "advection": "1D_Advection_Sols_beta4.0.hdf5",
    "burgers": "1D_Burgers_Sols_Nu0.001.hdf5",
    "navier-stokes-1d": "1D_CFD_Shock_Eta1.e-8_Zeta1.e-8_trans_Train.hdf5",
    "darcy": "2D_DarcyFlow_beta100.0_Train.hdf5",
    "diffusion-reaction-1d": "ReacDiff_Nu2.0_Rho5.0.hdf5",
    "navier-stokes-2d": "2D_CFD_Rand_M0.1_Eta0.01_Zeta0.01_periodic_128_Train.hdf5",
}


@pytest.mark.parametrize("where", ["name", "folder", "path"])
@pytest.mark.parametrize("task", OTHERS)
def test_other_file_of_a_family__read_by_its_name(task, where, tmp_path):
    write(tmp_path, task, frames=1 if task == "darcy" else 11)
    expected = _read(task, tmp_path)
    path = tmp_path / "pdebench" / "more" / OTHERS[task]
    path.parent.mkdir()
    if where == "name":
        path = path.parents[1] / path.name
    path_of(tmp_path, task).rename(path)
    file = {"name": path.name, "folder": f"more/{path.name}", "path": path}[where]
    bunch = fetch(task, tmp_path, file=file)
    np.testing.assert_array_equal(bunch.data, expected[0][0])
    assert bunch.files == [path]
    assert path.name in bunch.DESCR
    assert bunch.source == "https://doi.org/10.18419/darus-2986"


@pytest.mark.parametrize("task", OTHERS)
def test_file_that_is_not_there__names_what_lies_beside_it(task, tmp_path):
    folder = path_of(tmp_path, task).parent
    there = [OTHERS[task], "notes.txt"]
    for name in there:
        (folder / name).touch()
    for file in (None, f"{TASKS[task].stem}_none.hdf5", folder / "none.hdf5"):
        with pytest.raises(MissingFileError) as caught:
            fetch(task, tmp_path, file=file)
        for name in (*there, "file=NAME", str(folder), "darus-2986"):
            assert name in str(caught.value)
    with pytest.raises(
        MissingFileError, match=r"The folder .*/nowhere/pdebench does not"
    ):
        fetch(task, tmp_path / "nowhere")


@pytest.mark.parametrize("task", OTHERS)
def test_file_of_another_task__refused(task, tmp_path):
    for other, file in OTHERS.items():
        if other != task:
            with pytest.raises(DataError, match=f"file of the task '{other}'"):
                fetch_pdebench(task, data_home=tmp_path, file=file, download=True)
    assert list(tmp_path.iterdir()) == []
