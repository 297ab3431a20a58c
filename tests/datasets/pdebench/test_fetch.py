"""Tasks of PDEBench: what is selected, read lazily, and said about bad files."""

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
from sklearn_pare.datasets import fetch_pdebench, pdebench
from sklearn_pare.datasets.pdebench import fields as fields_module
from sklearn_pare.datasets.pdebench.tasks import TASKS
from sklearn_pare.exceptions import (
    DataError,
    FileFormatError,
    MissingFileError,
    UnknownNameError,
)
from sklearn_pare.metrics import get_scorer, nrmse
from tests.common.instances import tiny

GROUPED = ("diffusion-sorption", "shallow-water", "diffusion-reaction-2d")
KEYS = {
    "navier-stokes-1d": ["density", "pressure", "Vx"],
    "navier-stokes-2d": ["density", "pressure", "Vx", "Vy"],
}
# Frames of the files, as benchmarks.md has them; 101 where it is not said below.
FRAMES = {"advection": 201, "burgers": 201, "navier-stokes-2d": 21, "darcy": 1}
N_ROWS = 30


def _path(home, task):
    path = home / "pdebench" / TASKS[task].file
    path.parent.mkdir(exist_ok=True)
    return path


def _write(home, task, frames=None, n=N_ROWS):
    """A file of random numbers; frames of the input and of the output, (n, t, C, ...).

    The grid is no cube, so that an axis taken for another is noticed.
    """
    rng = np.random.default_rng(0)
    frames = frames or FRAMES.get(task, 101)
    grid = (12,) if TASKS[task].axes == 1 else (12, 10)
    n_channels = 2 if task == "diffusion-reaction-2d" else len(KEYS.get(task, "1"))
    values = rng.normal(1, 2, (n, frames, n_channels, *grid)).astype(np.float32)
    with h5py.File(_path(home, task), "w") as file:
        if task == "darcy":
            file["nu"] = rng.normal(size=(n, *grid)).astype(np.float32)
            file["tensor"] = values[:, :, 0]
            return file["nu"][:][:, None, None], values
        if task in GROUPED:
            # Not in the order of creation.
            for row in rng.permutation(n):
                file[f"{row:04d}/data"] = np.moveaxis(values[row], 1, -1)
        else:
            for channel, key in enumerate(KEYS.get(task, ["tensor"])):
                file[key] = values[:, :, channel]
    return values, values


def _fetch(task, home, **selection):
    return fetch_pdebench(task, data_home=home, download=False, **selection)


every = pytest.mark.parametrize("task", TASKS)
both = pytest.mark.parametrize("task", ["advection", "diffusion-sorption"])
# Space stride, time stride, and whether the first tenth is for testing.
TABLE = {
    "advection": (4, 5, True),
    "burgers": (1, 5, True),
    "navier-stokes-1d": (1, 5, True),
    "diffusion-sorption": (1, 1, False),
    "diffusion-reaction-1d": (1, 1, True),
    "darcy": (2, 1, True),
    "shallow-water": (1, 1, False),
    "diffusion-reaction-2d": (1, 1, False),
    "navier-stokes-2d": (2, 1, False),
}


def _strided(values, stride):
    values = values[..., ::stride]
    return values[..., ::stride, :] if values.ndim == 4 else values


# ------------------------------------------------------------ selection


@every
def test_fetch__defaults__first_frame_to_last_with_three_splits(task, tmp_path):
    given, wanted = _write(tmp_path, task)
    stride, _, first = TABLE[task]
    order = {"test": 3, "valid": 3, "train": 24}
    names = list(order) if first else list(order)[::-1]
    start = 0
    for split in names:
        bunch = _fetch(task, tmp_path, split=split)
        rows = slice(start, start := start + order[split])
        data = _strided(given[rows, 0], stride)
        target = _strided(wanted[rows, -1], stride)
        np.testing.assert_array_equal(np.asarray(bunch.data), data)
        np.testing.assert_array_equal(np.asarray(bunch.target), target)
        assert bunch.data.shape == data.shape
        assert bunch.data.dtype == bunch.target.dtype == np.float32
    assert start == N_ROWS
    both = _fetch(task, tmp_path, split="train+valid")
    kept = slice(3, None) if first else slice(None, 27)
    np.testing.assert_array_equal(both.data[:], _strided(given[kept, 0], stride))


@every
def test_fetch__bunch__says_what_it_is(task, tmp_path):
    _write(tmp_path, task)
    bunch = _fetch(task, tmp_path)
    assert (bunch.metric, bunch.kind, bunch.groups) == ("nrmse", "fields", None)
    assert (bunch.task, bunch.split) == (task, "train")
    assert bunch.files == [_path(tmp_path, task)]
    assert bunch.source.endswith(f"/{TASKS[task].file_id}")
    assert "10.18419/darus-2986" in bunch.licence
    assert TASKS[task].file in bunch.DESCR
    assert "physical" in bunch.DESCR
    assert callable(get_scorer(bunch.metric))
    assert (bunch.settings, bunch.protocol) == ({}, ("train+valid", "test"))


def _encoded(values, rows):
    """What ORCA's normaliser, fitted on `rows`, makes of values; float64."""
    rows = rows.astype(np.float64)
    return (values - rows.mean(0)) / (rows.std(0, ddof=1) + 1e-5)


# Frame of the target in training and in the test set, after the stride.
ORCA_FRAMES = {
    "advection": (40, 40),
    "burgers": (40, 40),
    "navier-stokes-1d": (20, 20),
    "diffusion-sorption": (100, 99),
    "diffusion-reaction-1d": (29, 99),
    "darcy": (0, 0),
    "shallow-water": (100, 99),
    "diffusion-reaction-2d": (100, 99),
    "navier-stokes-2d": (20, 20),
}


@every
@pytest.mark.parametrize("split", ["train", "test"])
def test_fetch__orca__table_with_its_flaws(task, split, tmp_path):
    n = 120 if task == "navier-stokes-2d" else N_ROWS
    given, wanted = _write(tmp_path, task, n=n)
    stride, time_stride, first = TABLE[task]
    frame = ORCA_FRAMES[task][split == "test"]
    x = _strided(given[:, 0], stride)
    y = _strided(wanted[:, ::time_stride][:, frame], stride)
    tenth = n // 10
    test = slice(None, tenth) if first else slice(n - tenth, None)
    train = slice(tenth, None) if first else slice(None, n - tenth)
    if task == "navier-stokes-1d":
        x, y = (a.reshape(n, 1, 36) for a in (x, y))
        x, y = (_encoded(a, x[train]) for a in (x, y))
    elif task == "navier-stokes-2d":
        x, y = _encoded(x, x[:100]), _encoded(y, y[:100])
    elif task == "diffusion-reaction-2d":
        x, y = x[:, :1], y[:, 1:]
    rows = test if split == "test" else train
    bunch = _fetch(f"orca:{task}", tmp_path, split=split)
    np.testing.assert_allclose(bunch.data, x[rows], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(bunch.target, y[rows], rtol=1e-5, atol=1e-5)
    normalised = task.startswith("navier-stokes")
    assert ("normalised" in bunch.DESCR) == normalised
    assert bunch.data.dtype == np.float32
    if split == "train":
        whole = _fetch(f"orca:{task}", tmp_path, split="train+valid")
        np.testing.assert_array_equal(whole.target, bunch.target)


def test_fetch__orca_on_fewer_frames__the_last(tmp_path):
    _, wanted = _write(tmp_path, "diffusion-reaction-1d", frames=5)
    for split in ("train", "test"):
        bunch = _fetch("orca:diffusion-reaction-1d", tmp_path, split=split)
        rows = slice(3) if split == "test" else slice(3, None)
        np.testing.assert_array_equal(bunch.target, wanted[rows, 4])


@pytest.mark.parametrize("task", ["navier-stokes-1d", "diffusion-reaction-2d"])
def test_fetch__arguments__select(task, tmp_path):
    values, _ = _write(tmp_path, task)
    names = list(TASKS[task].inputs)
    bunch = _fetch(
        task,
        tmp_path,
        split="test",
        in_frame=2,
        out_frame=-3,
        time_stride=7,
        space_stride=5,
        channels_in=names[::-1],
        channels_out=names[1:2],
        test_rows="last",
        validation_fraction=0.5,
    )
    frames = values[27:, ::7]
    np.testing.assert_array_equal(bunch.data, _strided(frames[:, 2, ::-1], 5))
    np.testing.assert_array_equal(bunch.target, _strided(frames[:, -3, 1:2], 5))
    half = _fetch(task, tmp_path, test_rows="last", validation_fraction=0.5)
    # 27 / 2, rounded up, are for validation.
    np.testing.assert_array_equal(half.data, values[:13, 0])


def test_fetch__arguments_with_a_preset__theirs_come_first(tmp_path):
    values, _ = _write(tmp_path, "diffusion-reaction-2d")
    bunch = _fetch(
        "orca:diffusion-reaction-2d",
        tmp_path,
        split="test",
        out_frame=4,
        channels_out=["activator"],
    )
    np.testing.assert_array_equal(bunch.data, values[27:, 0, :1])
    np.testing.assert_array_equal(bunch.target, values[27:, 4, :1])


def test_fetch__download__address_and_md5(tmp_path, monkeypatch):
    def download(url, path, *, known_hash, download):
        assert url == "https://darus.uni-stuttgart.de/api/access/datafile/133021"
        assert known_hash == "md5:75d838c47aa410694bdc912ea7f22282"
        assert path == tmp_path / "pdebench" / "2D_rdb_NA_NA.h5"
        assert download
        _write(tmp_path, "shallow-water")
        return path

    monkeypatch.setattr(pdebench, "retrieve", download)
    assert len(fetch_pdebench("shallow-water", data_home=tmp_path).data) == 24


def test_tasks__ids_and_sums__each_its_own():
    for values in zip(
        *((t.file, t.file_id, t.md5) for t in TASKS.values()), strict=True
    ):
        assert len(set(values)) == 9
    assert all(len(t.md5) == 32 and int(t.md5, 16) for t in TASKS.values())


# ------------------------------------------------------------ lazy arrays


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
    _write(tmp_path, task)
    lazy = _fetch(task, tmp_path).data
    whole = np.asarray(lazy)
    key = np.array(key, int) if isinstance(key, list) and not key else key
    found = lazy[key]
    assert type(found) is np.ndarray or found.ndim == 0
    np.testing.assert_array_equal(found, whole[key])


@both
def test_index__out_of_range__index_error(task, tmp_path):
    _write(tmp_path, task)
    lazy = _fetch(task, tmp_path).data
    for key in (24, -25, [0, 24]):
        with pytest.raises(IndexError):
            lazy[key]


def test_split__by_scikit_learn__as_of_the_array(tmp_path):
    _write(tmp_path, "advection")
    bunch = _fetch("advection", tmp_path)
    parts = train_test_split(bunch.data, bunch.target, random_state=0)
    whole = (np.asarray(bunch.data), np.asarray(bunch.target))
    expected = train_test_split(*whole, random_state=0)
    for part, rows in zip(parts, expected, strict=True):
        np.testing.assert_array_equal(part, rows)


@both
def test_array__attributes_and_dtypes(task, tmp_path):
    _write(tmp_path, task)
    lazy = _fetch(task, tmp_path).data
    assert (len(lazy), lazy.ndim) == (24, 3)
    assert np.asarray(lazy, np.float64).dtype == np.float64
    assert str(lazy.shape) in repr(lazy)


@both
def test_pickle__without_the_numbers__reads_the_file_again(task, tmp_path):
    _write(tmp_path, task)
    bunch = _fetch(task, tmp_path)
    expected = np.asarray(bunch.data)  # the file is open now
    state = pickle.dumps(bunch.data)
    assert len(state) < 3000
    np.testing.assert_array_equal(pickle.loads(state), expected)


def test_fetch__orca_place_that_is_constant__finite(tmp_path):
    _write(tmp_path, "navier-stokes-1d")
    with h5py.File(_path(tmp_path, "navier-stokes-1d"), "a") as file:
        file["Vx"][:, 0, 3] = 2.5
    bunch = _fetch("orca:navier-stokes-1d", tmp_path)
    place = 2 * 12 + 3
    np.testing.assert_array_equal(bunch.data[:, 0, place], 0)
    with h5py.File(_path(tmp_path, "navier-stokes-1d")) as file:
        last = file["Vx"][3:, 100, 3]
    np.testing.assert_allclose(
        bunch.target[:, 0, place], (last - 2.5) / 1e-5, rtol=1e-5
    )


def test_pickle__normalised__the_same(tmp_path):
    _write(tmp_path, "navier-stokes-1d")
    data = _fetch("orca:navier-stokes-1d", tmp_path).data
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(data)), data)


def test_file__after_a_fork__opened_anew(tmp_path, monkeypatch):
    _write(tmp_path, "advection")
    lazy = _fetch("advection", tmp_path).data
    handle = lazy[:1] is not None and lazy._file()
    assert lazy._file() is handle
    monkeypatch.setattr(fields_module.os, "getpid", lambda: -1)
    assert lazy._file() is not handle


@every
def test_fetch__reads_nothing_target_reads_one_frame(task, tmp_path, monkeypatch):
    _write(tmp_path, task)
    frames = []
    for layout in (pdebench.layouts.Arrays, pdebench.layouts.Groups):
        read = layout.read

        def spied(self, file, start, stop, frame, read=read):
            frames.append((self.keys[0], frame))
            return read(self, file, start, stop, frame)

        monkeypatch.setattr(layout, "read", spied)
    bunch = _fetch(task, tmp_path)
    assert frames == []
    np.asarray(bunch.target)
    assert set(frames) == {(bunch.target.layout.keys[0], bunch.target.frame)}


def test_read__in_blocks__the_same(tmp_path, monkeypatch):
    values, _ = _write(tmp_path, "advection")
    monkeypatch.setattr(fields_module, "_BLOCK", 60)
    np.testing.assert_array_equal(
        _fetch("advection", tmp_path).data, values[6:, 0, :, ::4]
    )


def test_fit__lazy__as_in_memory(tmp_path):
    _write(tmp_path, "diffusion-reaction-2d", frames=3)
    train, valid, test = (
        _fetch("diffusion-reaction-2d", tmp_path, split=split)
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


# As a worker of joblib does: a process of its own, with a pickle.
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
    """10 GB that take no room: numbers that were never written."""
    with h5py.File(path, "w") as file:
        if task == "advection":
            shape = (12_500, 201, 1024)
            file.create_dataset("tensor", shape, "f4", chunks=(1, 201, 1024))
            return file["tensor"].nbytes
        # The numbers lie in one piece, as in a file that is not compressed.
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
        path = _path(tmp_path, task)
        assert _sparse(path, task) > 1e10
        assert 512 * path.stat().st_blocks < 1e6
    _write(tmp_path, "diffusion-sorption")
    small = _fetch("diffusion-sorption", tmp_path).data
    result = subprocess.run(
        [sys.executable, "-c", _CHILD, tmp_path, pickle.dumps(small).hex(), *tasks],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    *batches, rows = map(json.loads, result.stdout.splitlines())
    for seconds, megabytes, shapes in batches:
        assert seconds < 2
        # Beyond what importing torch takes.
        assert megabytes < 500
        assert shapes[0][0] == shapes[1][0] == 64
    np.testing.assert_array_equal(rows, small[3:6])


# ------------------------------------------------------------ errors


@both
def test_fetch__truncated__error(task, tmp_path):
    _write(tmp_path, task)
    path = _path(tmp_path, task)
    path.write_bytes(path.read_bytes()[:-20_000])
    with pytest.raises(FileFormatError, match=r"truncated") as caught:
        _fetch(task, tmp_path)
    assert str(path) in str(caught.value)
    assert "with tensor" in str(caught.value)
    assert "fetch it again" in str(caught.value)


@both
def test_fetch__no_hdf5__error(task, tmp_path):
    _path(tmp_path, task).write_text("<html>not found</html>")
    with pytest.raises(FileFormatError, match="Expected a whole HDF5 file"):
        _fetch(task, tmp_path)


def test_fetch__damaged_chunk__error_when_read(tmp_path):
    path = _path(tmp_path, "burgers")
    with h5py.File(path, "w") as file:
        values = np.random.default_rng(0).normal(size=(30, 10, 64)).astype("f4")
        array = file.create_dataset("tensor", data=values, chunks=True, compression=4)
        where = array.id.get_chunk_info(array.id.get_num_chunks() - 1)
    with path.open("r+b") as file:
        file.seek(where.byte_offset)
        file.write(bytes(where.size))
    target = _fetch("burgers", tmp_path).target
    with pytest.raises(FileFormatError, match=r"Sols_Nu1.*tensor cannot be read"):
        np.asarray(target)


def test_fetch__wrong_key__error_names_those_there(tmp_path):
    with h5py.File(_path(tmp_path, "navier-stokes-1d"), "w") as file:
        file["density"] = file["u"] = np.zeros((30, 10, 8), np.float32)
    with pytest.raises(FileFormatError) as caught:
        _fetch("navier-stokes-1d", tmp_path)
    message = str(caught.value)
    assert str(_path(tmp_path, "navier-stokes-1d")) in message
    assert "no key 'pressure'; its keys are density, u" in message
    assert "(rows, frames, x) under each of density, pressure, Vx" in message


def _array(shape, dtype="f4"):
    return np.zeros(shape, dtype)


@pytest.mark.parametrize(
    ("task", "content", "message"),
    [
        ("burgers", {"tensor": _array((30, 8))}, r"tensor has shape \(30, 8\) of flo"),
        ("burgers", {"tensor": _array((30, 0, 8))}, r"tensor has shape \(30, 0, 8\)"),
        ("burgers", {"tensor": _array((30, 5, 8), int)}, r"8\) of int64. Expected re"),
        ("burgers", {"tensor/a": _array(3)}, "tensor is a group"),
        ("burgers", {}, "its keys are none"),
        (
            "navier-stokes-1d",
            {
                "density": _array((30, 5, 8)),
                "pressure": _array((30, 5, 9)),
                "Vx": _array((30, 5, 8)),
            },
            r"pressure has shape \(30, 5, 9\). Expected \(30, 5, 8\), as density has",
        ),
        (
            "darcy",
            {"nu": _array((30, 1, 8, 8)), "tensor": _array((30, 1, 8, 8))},
            r"nu has shape \(30, 1, 8, 8\) .* shape \(rows, x, y\)",
        ),
        (
            "darcy",
            {"nu": _array((30, 8, 8)), "tensor": _array((29, 1, 8, 8))},
            "tensor has 29 rows. Expected 30, as nu has",
        ),
        (
            "shallow-water",
            {"0000/grid": _array(3)},
            "no key '0000/data'; 0000 holds gr",
        ),
        ("shallow-water", {"0000": _array(3)}, "no key '0000/data'; 0000 holds noth"),
        (
            "shallow-water",
            {"0000/data": _array((5, 8, 8))},
            r"0000/data has shape \(5, 8, 8\) .* \(frames, x, y, channels\)",
        ),
        (
            "diffusion-reaction-2d",
            {"0000/data": _array((5, 8, 8, 1))},
            "Expected 2 on the last axis: activator, inhibitor",
        ),
    ],
)
def test_fetch__wrong_content__error(task, content, message, tmp_path):
    with h5py.File(_path(tmp_path, task), "w") as file:
        for key, value in content.items():
            file[key] = value
    with pytest.raises(FileFormatError, match=message) as caught:
        _fetch(task, tmp_path)
    assert TASKS[task].file in str(caught.value)


def test_fetch__one_group_of_another_shape__error_when_read(tmp_path):
    _write(tmp_path, "shallow-water", frames=3)
    with h5py.File(_path(tmp_path, "shallow-water"), "a") as file:
        del file["0007/data"]
        file["0007/data"] = _array((3, 12, 11, 1))
        del file["0009/data"]
    data = _fetch("shallow-water", tmp_path).data
    assert data[:7].shape == (7, 1, 12, 10)
    with pytest.raises(FileFormatError, match=r"0007/data has .* as 0000/data has"):
        data[5:8]
    with pytest.raises(FileFormatError, match="no key '0009/data'"):
        data[9]


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (
            {"out_frame": 41},
            r"out_frame=41: .* 201 frames at tensor, 41 with time_stri",
        ),
        ({"in_frame": -42}, "in_frame=-42: .* 0 to 40, or from -1 to -41"),
        ({"out_frame": 3, "time_stride": 100}, "3 with time_stride=100"),
    ],
)
def test_fetch__no_such_frame__error(frames, message, tmp_path):
    _write(tmp_path, "burgers")
    with pytest.raises(DataError, match=message) as caught:
        _fetch("burgers", tmp_path, **frames)
    assert "1D_Burgers_Sols_Nu1.0.hdf5" in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "burger"}, "task='burger' is unknown. Did you mean 'burgers'"),
        ({"task": "orca:darcie"}, "Did you mean 'orca:darcy'"),
        (
            {"task": "burgers", "split": "validation"},
            "split='validation' .* There are 'train', 'valid'",
        ),
        (
            {"task": "navier-stokes-2d", "channels_in": ["velocity_x"]},
            "channel='velocity_x' is unknown. Did you mean 'velocity-x'",
        ),
    ],
)
def test_fetch__unknown_name__nearest(arguments, message, tmp_path):
    if arguments["task"] in TASKS:
        _write(tmp_path, arguments["task"])
    with pytest.raises(UnknownNameError, match=message):
        fetch_pdebench(data_home=tmp_path, download=False, **arguments)


def test_fetch__no_rows_for_validation_or_test__error(tmp_path):
    _write(tmp_path, "advection", n=9)
    for task, split in (("orca:advection", "valid"), ("advection", "test")):
        with pytest.raises(DataError, match=f"split={split!r}: .* has 9 rows"):
            _fetch(task, tmp_path, split=split)


def test_fetch__one_row_to_normalise_by__error(tmp_path):
    _write(tmp_path, "navier-stokes-1d", n=1)
    with pytest.raises(DataError, match="normalising needs 2"):
        _fetch("orca:navier-stokes-1d", tmp_path)


def test_fetch__no_file__error_says_where_to_get_it(tmp_path):
    with pytest.raises(MissingFileError) as caught:
        _fetch("darcy", tmp_path)
    message = str(caught.value)
    assert "2D_DarcyFlow_beta0.1_Train.hdf5" in message
    assert str(tmp_path / "pdebench") in message
    assert "https://darus.uni-stuttgart.de/api/access/datafile/133218" in message
    assert "download=True" in message


def test_fetch__without_h5py__error_says_what_to_install(tmp_path, monkeypatch):
    _write(tmp_path, "advection")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match=r"pip install 'sklearn-pare\[benchmarks\]'"):
        _fetch("advection", tmp_path)
