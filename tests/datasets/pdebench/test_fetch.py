"""The selection of samples, frames and channels, and errors of arguments."""

import h5py
import numpy as np
import pytest

from sklearn_pare.datasets import fetch_pdebench
from sklearn_pare.datasets.pdebench import fetch as fetch_module
from sklearn_pare.datasets.pdebench.tasks import TASKS
from sklearn_pare.exceptions import DataError, MissingFileError, UnknownNameError
from sklearn_pare.metrics import get_scorer
from tests.datasets.pdebench.files import N_ROWS, fetch, path_of, write

every = pytest.mark.parametrize("task", TASKS)
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


@every
def test_fetch__defaults__first_frame_to_last_with_three_splits(task, tmp_path):
    given, wanted = write(tmp_path, task)
    stride, _, first = TABLE[task]
    order = {"test": 3, "valid": 3, "train": 24}
    names = list(order) if first else list(order)[::-1]
    start = 0
    for split in names:
        bunch = fetch(task, tmp_path, split=split)
        rows = slice(start, start := start + order[split])
        data = _strided(given[rows, 0], stride)
        target = _strided(wanted[rows, -1], stride)
        np.testing.assert_array_equal(np.asarray(bunch.data), data)
        np.testing.assert_array_equal(np.asarray(bunch.target), target)
        assert bunch.data.shape == data.shape
        assert bunch.data.dtype == bunch.target.dtype == np.float32
    assert start == N_ROWS
    both = fetch(task, tmp_path, split="train+valid")
    kept = slice(3, None) if first else slice(None, 27)
    np.testing.assert_array_equal(both.data[:], _strided(given[kept, 0], stride))


@every
def test_fetch__bunch__describes_itself(task, tmp_path):
    write(tmp_path, task)
    bunch = fetch(task, tmp_path)
    assert (bunch.metric, bunch.kind, bunch.groups) == ("nrmse", "fields", None)
    assert (bunch.task, bunch.split) == (task, "train")
    assert bunch.files == [path_of(tmp_path, task)]
    assert bunch.source.endswith(f"/{TASKS[task].file_id}")
    assert "10.18419/darus-2986" in bunch.licence
    assert TASKS[task].file in bunch.DESCR
    assert "physical" in bunch.DESCR
    assert callable(get_scorer(bunch.metric))
    assert (bunch.settings, bunch.protocol) == ({}, ("train+valid", "test"))


def _encoded(values, rows):
    """Normalise values as ORCA does, with the statistics of `rows`, in float64."""
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
def test_fetch__orca__its_selection(task, split, tmp_path):
    n = 120 if task == "navier-stokes-2d" else N_ROWS
    given, wanted = write(tmp_path, task, n=n)
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
    bunch = fetch(f"orca:{task}", tmp_path, split=split)
    np.testing.assert_allclose(bunch.data, x[rows], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(bunch.target, y[rows], rtol=1e-5, atol=1e-5)
    normalised = task.startswith("navier-stokes")
    assert ("normalised" in bunch.DESCR) == normalised
    assert bunch.data.dtype == np.float32
    if split == "train":
        whole = fetch(f"orca:{task}", tmp_path, split="train+valid")
        np.testing.assert_array_equal(whole.target, bunch.target)


def test_fetch__orca_position_that_is_constant__finite(tmp_path):
    write(tmp_path, "navier-stokes-1d")
    with h5py.File(path_of(tmp_path, "navier-stokes-1d"), "a") as file:
        file["Vx"][:, 0, 3] = 2.5
    bunch = fetch("orca:navier-stokes-1d", tmp_path)
    place = 2 * 12 + 3
    np.testing.assert_array_equal(bunch.data[:, 0, place], 0)
    with h5py.File(path_of(tmp_path, "navier-stokes-1d")) as file:
        last = file["Vx"][3:, 100, 3]
    np.testing.assert_allclose(
        bunch.target[:, 0, place], (last - 2.5) / 1e-5, rtol=1e-5
    )


def test_fetch__orca_on_fewer_frames__the_last(tmp_path):
    _, wanted = write(tmp_path, "diffusion-reaction-1d", frames=5)
    for split in ("train", "test"):
        bunch = fetch("orca:diffusion-reaction-1d", tmp_path, split=split)
        rows = slice(3) if split == "test" else slice(3, None)
        np.testing.assert_array_equal(bunch.target, wanted[rows, 4])


@pytest.mark.parametrize("task", ["navier-stokes-1d", "diffusion-reaction-2d"])
def test_fetch__arguments__select(task, tmp_path):
    values, _ = write(tmp_path, task)
    names = list(TASKS[task].outputs)
    bunch = fetch(
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
    half = fetch(task, tmp_path, test_rows="last", validation_fraction=0.5)
    # 27 / 2, rounded up, are for validation.
    np.testing.assert_array_equal(half.data, values[:13, 0])


def test_fetch__arguments_with_a_preset__take_precedence(tmp_path):
    values, _ = write(tmp_path, "diffusion-reaction-2d")
    bunch = fetch(
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
        write(tmp_path, "shallow-water")
        return path

    monkeypatch.setattr(fetch_module, "retrieve", download)
    assert len(fetch_pdebench("shallow-water", data_home=tmp_path).data) == 24


def test_tasks__ids_and_sums__each_its_own():
    for values in zip(
        *((t.file, t.file_id, t.md5) for t in TASKS.values()), strict=True
    ):
        assert len(set(values)) == 9
    assert all(len(t.md5) == 32 and int(t.md5, 16) for t in TASKS.values())


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (
            {"out_frame": 41},
            r"out_frame=41: .* 201 frames at tensor, 41 with time_stri",
        ),
        ({"in_frame": -42}, "in_frame=-42: .* 0 to 40, or -1 to -41"),
        ({"out_frame": 3, "time_stride": 100}, "3 with time_stride=100"),
    ],
)
def test_fetch__no_such_frame__error(frames, message, tmp_path):
    write(tmp_path, "burgers")
    with pytest.raises(DataError, match=message) as caught:
        fetch("burgers", tmp_path, **frames)
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
        write(tmp_path, arguments["task"])
    with pytest.raises(UnknownNameError, match=message):
        fetch_pdebench(data_home=tmp_path, download=False, **arguments)


def test_fetch__no_samples_for_validation_or_test__error(tmp_path):
    write(tmp_path, "advection", n=9)
    for task, split in (("orca:advection", "valid"), ("advection", "test")):
        with pytest.raises(DataError, match=f"split={split!r}: .* has 9 samples"):
            fetch(task, tmp_path, split=split)


def test_fetch__one_sample_to_normalise_by__error(tmp_path):
    write(tmp_path, "navier-stokes-1d", n=1)
    with pytest.raises(DataError, match="normalising requires at least 2"):
        fetch("orca:navier-stokes-1d", tmp_path)


def test_fetch__no_file__error_names_its_source(tmp_path):
    with pytest.raises(MissingFileError) as caught:
        fetch("darcy", tmp_path)
    message = str(caught.value)
    assert "2D_DarcyFlow_beta0.1_Train.hdf5" in message
    assert str(tmp_path / "pdebench") in message
    assert "https://darus.uni-stuttgart.de/api/access/datafile/133218" in message
    assert "download=True" in message
