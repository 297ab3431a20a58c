"""Small files of PDEBench: read by the loader, with the layout of the originals."""

import h5py
import numpy as np
import pytest

from sklearn_pare import datasets
from sklearn_pare.datasets import fetch_pdebench
from sklearn_pare.datasets.pdebench.tasks import TASKS
from sklearn_pare.datasets.write import write_pdebench
from sklearn_pare.exceptions import DataError, UnknownNameError

N_ROWS = 10
# Simulator of each task, order of its channels in the file, and tolerance of the final
# state: without the frames between, solvers take other steps.
SIMULATORS = {
    "advection": (datasets.make_advection, {}, [0], 1e-6),
    "burgers": (datasets.make_burgers, {"resolution": 128}, [0], 1e-6),
    "navier-stokes-1d": (datasets.make_navier_stokes_1d, {}, [0, 2, 1], 0.01),
    "diffusion-sorption": (
        datasets.make_diffusion_sorption,
        {"resolution": 128},
        [0],
        1e-3,
    ),
    "diffusion-reaction-1d": (
        datasets.make_diffusion_reaction_1d,
        {"resolution": 128},
        [0],
        1e-3,
    ),
    "darcy": (datasets.make_darcy, {"size": 64, "medium": "two-valued"}, [0], 1e-6),
    "shallow-water": (datasets.make_shallow_water_2d, {}, [0], 0.01),
    "diffusion-reaction-2d": (datasets.make_diffusion_reaction_2d, {}, [0, 1], 1e-5),
    "navier-stokes-2d": (datasets.make_navier_stokes_2d, {}, [0, 3, 1, 2], 0.01),
}
STRIDES = {"advection": 4, "darcy": 2, "navier-stokes-2d": 2}

every = pytest.mark.parametrize("task", TASKS)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("data")
    for task in TASKS:
        path = write_pdebench(task, home, n=N_ROWS, random_state=3)
        assert path == home / "pdebench" / TASKS[task].file
    return home


def _as_read(fields, task, channels):
    """Return the expected result of the loader for fields of a simulator."""
    fields = fields if fields.ndim == 2 + TASKS[task].axes else fields[:, None]
    fields = fields[:, channels] if len(channels) > 1 else fields
    stride = STRIDES.get(task, 1)
    if TASKS[task].axes == 1:
        return fields[..., ::stride]
    # The axes of files are x, y; the last axis of a simulator is x.
    return fields.swapaxes(2, 3)[..., ::stride, ::stride]


@every
def test_round_trip__the_arrays_of_the_simulator(task, home):
    make, parameters, channels, tolerance = SIMULATORS[task]
    start, end = make(N_ROWS, random_state=3, **parameters)
    start, end = (_as_read(fields, task, channels) for fields in (start, end))
    seen = 0
    for split in ("train", "valid", "test"):
        bunch = fetch_pdebench(task, data_home=home, download=False, split=split)
        rows = slice(bunch.data.rows.start, bunch.data.rows.stop)
        seen += len(bunch.data)
        np.testing.assert_array_equal(bunch.data, start[rows].astype(np.float32))
        error = np.abs(np.asarray(bunch.target) - end[rows]).mean()
        assert error < tolerance * end.std()
        assert bunch.target.shape == end[rows].shape
    assert seen == N_ROWS


@every
def test_presets__read_small_files(task, home):
    for split in ("train", "test"):
        bunch = fetch_pdebench(
            f"orca:{task}", data_home=home, download=False, split=split
        )
        for fields in (bunch.data, bunch.target):
            assert np.isfinite(fields).all()
            assert np.asarray(fields).std(0).min() >= 0
        assert bunch.target[:].std() > 0


# Shapes (samples, frames, points) and attributes of the files.
ARRAYS = {
    "advection": ({"tensor": (N_ROWS, 21, 256)}, {"beta"}),
    "burgers": ({"tensor": (N_ROWS, 21, 128)}, {"Nu"}),
    "diffusion-reaction-1d": ({"tensor": (N_ROWS, 101, 128)}, {"Nu", "rho"}),
    "navier-stokes-1d": (
        dict.fromkeys(("density", "pressure", "Vx"), (N_ROWS, 21, 128)),
        {"eta", "zeta"},
    ),
    "navier-stokes-2d": (
        dict.fromkeys(("density", "pressure", "Vx", "Vy"), (N_ROWS, 6, 32, 32)),
        {"eta", "zeta", "M"},
    ),
    "darcy": ({"nu": (N_ROWS, 64, 64), "tensor": (N_ROWS, 1, 64, 64)}, {"beta"}),
}
GROUPS = {
    "diffusion-sorption": (101, 128, 1),
    "diffusion-reaction-2d": (21, 32, 32, 2),
    "shallow-water": (21, 32, 32, 1),
}


def _even(points):
    np.testing.assert_allclose(np.diff(points), points[1] - points[0], rtol=1e-3)
    return points.dtype == np.float32


@pytest.mark.parametrize("task", ARRAYS)
def test_file__one_array_for_each_variable(task, home):
    shapes, attributes = ARRAYS[task]
    with h5py.File(home / "pdebench" / TASKS[task].file) as file:
        axes = "xy"[: TASKS[task].axes]
        coordinates = {f"{axis}-coordinate" for axis in (*axes, "t")}
        assert set(file) == set(shapes) | coordinates
        for key, shape in shapes.items():
            assert (file[key].shape, file[key].dtype) == (shape, np.float32)
        for axis, length in zip(axes, shape[-len(axes) :], strict=True):
            points = file[f"{axis}-coordinate"][:]
            assert len(points) == length
            assert _even(points)
        assert len(file["t-coordinate"]) == (1 if task == "darcy" else shape[1])
        assert set(file.attrs) == attributes | {"simulated"}


@pytest.mark.parametrize("task", GROUPS)
def test_file__one_group_for_each_sample(task, home):
    with h5py.File(home / "pdebench" / TASKS[task].file) as file:
        assert list(file) == [f"{row:04d}" for row in range(N_ROWS)]
        for group in file.values():
            data = group["data"]
            assert (data.shape, data.dtype) == (GROUPS[task], np.float32)
            lengths = dict(zip("txy", data.shape[:-1], strict=False))
            assert {k: len(v) for k, v in group["grid"].items()} == lengths
            assert all(_even(points[:]) for points in group["grid"].values())
            assert group.attrs["config"].startswith("sim:\n  seed:")


def test_velocity__first_axis_of_the_file_is_x(home):
    # Mass flows along the first axis with Vx, along the second with Vy.
    with h5py.File(home / "pdebench" / TASKS["navier-stokes-2d"].file) as file:
        fields = {key: file[key][:].astype(float) for key in ("density", "Vx", "Vy")}
        time = file["t-coordinate"][1]
    flow = [(fields["density"] * fields[key])[:, :2].mean(1) for key in ("Vx", "Vy")]

    def predicted(along_x, along_y):
        def slope(f, axis):
            return 16 * (np.roll(f, -1, axis) - np.roll(f, 1, axis))

        return -time * (slope(along_x, 1) + slope(along_y, 2))

    change = fields["density"][:, 1] - fields["density"][:, 0]
    error = [np.abs(change - predicted(*pair)).mean() for pair in (flow, flow[::-1])]
    assert error[0] < 0.5 * error[1]


def test_write__seed_fixes_the_file(tmp_path):
    for state in (5, np.random.RandomState(5)):
        read = []
        for _ in range(2):
            path = write_pdebench("advection", tmp_path, n=10, random_state=state)
            with h5py.File(path) as file:
                read.append(file["tensor"][:])
            if not isinstance(state, int):
                state = np.random.RandomState(5)
        np.testing.assert_array_equal(*read)
        # The same waves travel in all frames: their spread does not change.
        spread = read[0].std((2,))
        np.testing.assert_allclose(spread, spread[:, :1] * np.ones(21), rtol=0.02)


def test_write__original_exists__unchanged(tmp_path):
    path = tmp_path / "pdebench" / TASKS["darcy"].file
    path.parent.mkdir()
    with h5py.File(path, "w") as file:
        file["nu"] = np.zeros(3)
    before = path.read_bytes()
    with pytest.raises(DataError, match="is not a simulated file"):
        write_pdebench("darcy", tmp_path, n=10)
    assert path.read_bytes() == before
    path.write_bytes(before[:500])
    with pytest.raises(DataError, match="is not a simulated file"):
        write_pdebench("darcy", tmp_path, n=10)


def test_write__unknown_task__nearest(tmp_path):
    with pytest.raises(UnknownNameError, match="Did you mean 'shallow-water'"):
        write_pdebench("shalow-water", tmp_path)
