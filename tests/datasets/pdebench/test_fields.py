"""Arrays that are read when they are indexed."""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from sklearn_pare import PaReRegressor
from sklearn_pare.datasets.pdebench import TASKS, fields, layouts
from sklearn_pare.metrics import get_scorer, nrmse
from tests.common.instances import tiny
from tests.datasets.pdebench.files import KEYS, fetch, path_of, write

both = pytest.mark.parametrize("task", ["advection", "diffusion-sorption"])


@both
@pytest.mark.parametrize(
    "key",
    [
        0,
        -1,
        np.int64(5),
        slice(3, 9),
        slice(None, None, -2),
        slice(4, 4),
        [],
        [7, 3, 4, 5, 3, 23, 0],
        np.array([[1, 2], [9, 1]]),
        np.arange(24) % 3 == 0,
        ...,
        (2, ...),
        ([4, 2], ...),
        (slice(2, 8), 0, slice(1, 3)),
        (..., 0),
        None,
    ],
    ids=str,
)
def test_index__as_in_numpy(task, key, tmp_path):
    write(tmp_path, task)
    lazy = fetch(task, tmp_path).data
    whole = np.asarray(lazy)
    key = np.array(key, int) if isinstance(key, list) and not key else key
    found = lazy[key]
    assert type(found) is np.ndarray or found.ndim == 0
    np.testing.assert_array_equal(found, whole[key])


@both
def test_index__out_of_range__index_error(task, tmp_path):
    write(tmp_path, task)
    lazy = fetch(task, tmp_path).data
    for key in (24, -25, [0, 24]):
        with pytest.raises(IndexError):
            lazy[key]


def test_split__by_scikit_learn__as_for_the_array(tmp_path):
    write(tmp_path, "advection")
    bunch = fetch("advection", tmp_path)
    parts = train_test_split(bunch.data, bunch.target, random_state=0)
    whole = (np.asarray(bunch.data), np.asarray(bunch.target))
    expected = train_test_split(*whole, random_state=0)
    for part, rows in zip(parts, expected, strict=True):
        np.testing.assert_array_equal(part, rows)


@both
def test_array__attributes_and_dtypes(task, tmp_path):
    write(tmp_path, task)
    lazy = fetch(task, tmp_path).data
    assert (len(lazy), lazy.ndim) == (24, 3)
    assert np.asarray(lazy, np.float64).dtype == np.float64
    assert str(lazy.shape) in repr(lazy)


@both
def test_pickle__without_the_numbers__reads_the_file_again(task, tmp_path):
    write(tmp_path, task)
    bunch = fetch(task, tmp_path)
    expected = np.asarray(bunch.data)  # the file is open now
    state = pickle.dumps(bunch.data)
    assert len(state) < 3000
    np.testing.assert_array_equal(pickle.loads(state), expected)


def test_pickle__normalised__the_same(tmp_path):
    write(tmp_path, "navier-stokes-1d")
    data = fetch("orca:navier-stokes-1d", tmp_path).data
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(data)), data)


def test_file__after_a_fork__opened_anew(tmp_path, monkeypatch):
    write(tmp_path, "advection")
    lazy = fetch("advection", tmp_path).data
    handle = lazy[:1] is not None and lazy._file()
    assert lazy._file() is handle
    monkeypatch.setattr(fields.os, "getpid", lambda: -1)
    assert lazy._file() is not handle


@pytest.mark.parametrize("task", TASKS)
def test_fetch__reads_nothing_target_reads_one_frame(task, tmp_path, monkeypatch):
    write(tmp_path, task)
    frames = []
    for layout in (layouts.Arrays, layouts.Groups):
        read = layout.read

        def spied(self, file, start, stop, frame, read=read):
            frames.append((self.keys[0], frame))
            return read(self, file, start, stop, frame)

        monkeypatch.setattr(layout, "read", spied)
    bunch = fetch(task, tmp_path)
    assert frames == []
    np.asarray(bunch.target)
    assert set(frames) == {(bunch.target.layout.keys[0], bunch.target.frame)}


def test_read__in_blocks__the_same(tmp_path, monkeypatch):
    values, _ = write(tmp_path, "advection")
    monkeypatch.setattr(fields, "_BLOCK", 60)
    np.testing.assert_array_equal(
        fetch("advection", tmp_path).data, values[6:, 0, :, ::4]
    )


def test_fit__lazy__as_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("sklearn_pare._data.lazy.MAX_READ", 0)
    write(tmp_path, "diffusion-reaction-2d", frames=3)
    train, valid, test = (
        fetch("diffusion-reaction-2d", tmp_path, split=split)
        for split in ("train", "valid", "test")
    )
    settings = {"linear_path": False, "max_epochs": 2, "early_stopping": True}
    lazy = tiny(PaReRegressor, **settings).fit(
        train.data, train.target, X_val=valid.data, y_val=valid.target
    )
    arrays = [np.asarray(a) for a in (train.data, train.target, valid.data)]
    whole = tiny(PaReRegressor, **settings).fit(
        *arrays[:2], X_val=arrays[2], y_val=np.asarray(valid.target)
    )
    prediction = lazy.predict(test.data)
    np.testing.assert_array_equal(prediction, whole.predict(np.asarray(test.data)))
    assert prediction.shape == test.target.shape
    score = get_scorer("nrmse")(lazy, test.data, test.target)
    assert score == pytest.approx(-nrmse(test.target, prediction), rel=1e-9)


# A process of its own with a pickle, as workers of joblib are.
_CHILD = """
import json, pickle, resource, sys, time
import numpy as np
from sklearn_pare.datasets import fetch_pdebench

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3

_, home, state, *tasks = sys.argv
for task in tasks:
    before, start = peak(), time.perf_counter()
    bunch = fetch_pdebench(task, data_home=home, download=False)
    rows = np.random.RandomState(0).permutation(len(bunch.data))[:64]
    shapes = bunch.data[rows].shape, bunch.target[rows].shape
    print(json.dumps([time.perf_counter() - start, peak() - before, shapes]))
print(pickle.loads(bytes.fromhex(state))[3:6].tolist())
"""


def _sparse(path, task):
    """Write a sparse file of 10 GB that takes no space on the disk."""
    with h5py.File(path, "w") as file:
        if task == "advection":
            shape = (12_500, 201, 1024)
            file.create_dataset("tensor", shape, "f4", chunks=(1, 201, 1024))
            return file["tensor"].nbytes
        # Contiguous numbers, as in a file that is not compressed.
        layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        space = h5py.h5s.create_simple((2000, 21, 128, 128))
        for key in KEYS["navier-stokes-2d"]:
            h5py.h5d.create(file.id, key.encode(), h5py.h5t.NATIVE_FLOAT, space, layout)
        return 4 * file["Vy"].nbytes


@pytest.mark.skipif(sys.platform != "linux", reason="units of ru_maxrss; sparse files")
def test_other_process__10_gb_a_batch_in_two_seconds_and_500_mb(tmp_path):
    tasks = ["advection", "navier-stokes-2d"]
    for task in tasks:
        path = path_of(tmp_path, task)
        assert _sparse(path, task) > 1e10
        assert 512 * path.stat().st_blocks < 1e6
    write(tmp_path, "diffusion-sorption")
    small = fetch("diffusion-sorption", tmp_path).data
    result = subprocess.run(
        [sys.executable, "-c", _CHILD, tmp_path, pickle.dumps(small).hex(), *tasks],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    *batches, rows = map(json.loads, result.stdout.splitlines())
    for seconds, megabytes, shapes in batches:
        assert seconds < 2
        # In addition to the import of torch.
        assert megabytes < 500
        assert shapes[0][0] == shapes[1][0] == 64
    np.testing.assert_array_equal(rows, small[3:6])
