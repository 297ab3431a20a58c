"""Errors of damaged files and of files with another content."""

import sys

import h5py
import numpy as np
import pytest

from sklearn_pare.datasets.pdebench.tasks import TASKS
from sklearn_pare.exceptions import FileFormatError
from tests.datasets.pdebench.files import fetch, path_of, write

both = pytest.mark.parametrize("task", ["advection", "diffusion-sorption"])


@both
def test_fetch__truncated__error(task, tmp_path):
    write(tmp_path, task)
    path = path_of(tmp_path, task)
    path.write_bytes(path.read_bytes()[:-20_000])
    with pytest.raises(FileFormatError, match=r"truncated") as caught:
        fetch(task, tmp_path)
    assert str(path) in str(caught.value)
    assert "with tensor" in str(caught.value)
    assert "download it again" in str(caught.value)


@both
def test_fetch__no_hdf5__error(task, tmp_path):
    path_of(tmp_path, task).write_text("<html>not found</html>")
    with pytest.raises(FileFormatError, match="Expected a complete HDF5 file"):
        fetch(task, tmp_path)


def test_fetch__damaged_chunk__error_when_read(tmp_path):
    path = path_of(tmp_path, "burgers")
    with h5py.File(path, "w") as file:
        values = np.random.default_rng(0).normal(size=(30, 10, 64)).astype("f4")
        array = file.create_dataset("tensor", data=values, chunks=True, compression=4)
        where = array.id.get_chunk_info(array.id.get_num_chunks() - 1)
    with path.open("r+b") as file:
        file.seek(where.byte_offset)
        file.write(bytes(where.size))
    target = fetch("burgers", tmp_path).target
    with pytest.raises(FileFormatError, match=r"Sols_Nu1.*'tensor': broken"):
        np.asarray(target)


def test_fetch__wrong_key__error_names_the_keys(tmp_path):
    with h5py.File(path_of(tmp_path, "navier-stokes-1d"), "w") as file:
        file["density"] = file["u"] = np.zeros((30, 10, 8), np.float32)
    with pytest.raises(FileFormatError) as caught:
        fetch("navier-stokes-1d", tmp_path)
    message = str(caught.value)
    assert str(path_of(tmp_path, "navier-stokes-1d")) in message
    assert "'pressure': no such key; the keys are density, u" in message
    assert "(samples, frames, x) under each of density, pressure, Vx" in message


def _array(shape, dtype="f4"):
    return np.zeros(shape, dtype)


@pytest.mark.parametrize(
    ("task", "content", "message"),
    [
        ("burgers", {"tensor": _array((30, 8))}, r"has shape \(30, 8\)"),
        (
            "burgers",
            {"tensor": _array((30, 0, 8))},
            r"'tensor': has shape \(30, 0",
        ),
        (
            "burgers",
            {"tensor": _array((30, 5, 8), int)},
            r"dtype int64. .* of floats",
        ),
        ("burgers", {"tensor/a": _array(3)}, "'tensor': is a group"),
        ("burgers", {}, "the keys are none"),
        (
            "navier-stokes-1d",
            {
                "density": _array((30, 5, 8)),
                "pressure": _array((30, 5, 9)),
                "Vx": _array((30, 5, 8)),
            },
            r"'pressure': has .*9\). Expected \(30, 5, 8\), as density has",
        ),
        (
            "darcy",
            {"nu": _array((30, 1, 8, 8)), "tensor": _array((30, 1, 8, 8))},
            r"'nu': has shape \(30, 1, 8, 8\).* shape \(samples, x, y\)",
        ),
        (
            "darcy",
            {"nu": _array((30, 8, 8)), "tensor": _array((29, 1, 8, 8))},
            "'tensor': has 29 samples. Expected 30, as nu has",
        ),
        (
            "shallow-water",
            {"0000/grid": _array(3)},
            "'0000/data': no such key; 0000 contains gr",
        ),
        (
            "shallow-water",
            {"0000": _array(3)},
            "no such key; 0000 contains nothing",
        ),
        (
            "shallow-water",
            {"0000/data": _array((5, 8, 8))},
            r"'0000/data': has shape \(5, 8, 8\).* \(frames, x, y, channels\)",
        ),
        (
            "diffusion-reaction-2d",
            {"0000/data": _array((5, 8, 8, 1))},
            "Expected 2 channels on the last axis: activator, inhibitor",
        ),
    ],
)
def test_fetch__wrong_content__error(task, content, message, tmp_path):
    with h5py.File(path_of(tmp_path, task), "w") as file:
        for key, value in content.items():
            file[key] = value
    with pytest.raises(FileFormatError, match=message) as caught:
        fetch(task, tmp_path)
    assert TASKS[task].file in str(caught.value)


def test_fetch__one_group_of_another_shape__error_when_read(tmp_path):
    write(tmp_path, "shallow-water", frames=3)
    with h5py.File(path_of(tmp_path, "shallow-water"), "a") as file:
        del file["0007/data"]
        file["0007/data"] = _array((3, 12, 11, 1))
        del file["0009/data"]
    data = fetch("shallow-water", tmp_path).data
    assert data[:7].shape == (7, 1, 12, 10)
    with pytest.raises(FileFormatError, match=r"'0007/data': has .* as 0000/data has"):
        data[5:8]
    with pytest.raises(FileFormatError, match="'0009/data': no such key"):
        data[9]


def test_fetch__without_h5py__error_names_the_extra(tmp_path, monkeypatch):
    write(tmp_path, "advection")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match=r"pip install 'sklearn-pare\[benchmarks\]'"):
        fetch("advection", tmp_path)
