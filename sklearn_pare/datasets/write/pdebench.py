"""Miniatures of the files of PDEBench: names, keys, axes and types are the same.

Grids, rows and frames are fewer, and the constants are those of the simulators, under
which the end depends on the start. File attributes tell the constants.
"""

from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, validate_params

from sklearn_pare._utils import look_up
from sklearn_pare.datasets import simulate
from sklearn_pare.datasets._fetch import get_data_home
from sklearn_pare.datasets.pdebench.tasks import TASKS
from sklearn_pare.datasets.simulate import conservation, gas2d, pde1d, pde2d
from sklearn_pare.exceptions import DataError

_MARK = "simulated"


class Simulation(NamedTuple):
    """Fields (n, frames, C, L) or (n, frames, C, y, x), and what goes beside them."""

    fields: np.ndarray
    times: np.ndarray
    points: np.ndarray
    attributes: dict


def _marched(start, advance, end, frames):
    """Frames from 0 to `end`, by ``advance(state, time)`` from each to the next."""
    times = np.linspace(0, end, frames)
    states = [start]
    for time in np.diff(times):
        states.append(advance(states[-1], time))
    return np.stack(states, 1), times


def _solved(make, n, end, frames, **parameters):
    """Frames from 0 to `end`, each by a simulator of its own from the same start."""
    times = np.linspace(0, end, frames)
    pairs = [make(n, time=time, **parameters) for time in times[1:]]
    states = [pairs[0][0][:, 0], *(y for _, y in pairs)]
    return np.stack(states, 1)[:, :, None], times


def _ring(n_points):
    return np.arange(n_points) / n_points


def _centres(n_cells, low=0.0, high=1.0):
    return low + (high - low) * (np.arange(n_cells) + 0.5) / n_cells


def _advection(n, seed):
    fields, times = _solved(
        simulate.make_advection, n, 2.0, 21, speed=0.4, random_state=seed
    )
    return Simulation(fields, times, _ring(256), {"beta": 0.4})


def _burgers(n, seed):
    viscosity = 0.005
    fields, times = _solved(
        simulate.make_burgers,
        n,
        0.25,
        21,
        resolution=128,
        viscosity=viscosity,
        random_state=seed,
    )
    # The diffusion of PDEBench's equation is Nu / pi.
    return Simulation(fields, times, _ring(128), {"Nu": np.pi * viscosity})


def _navier_stokes_1d(n, seed):
    start, _ = simulate.make_navier_stokes_1d(n, time=1e-3, random_state=seed)
    viscosity = 0.002
    fields, times = _marched(
        start,
        lambda state, time: conservation._navier_stokes_1d(state, viscosity, time),
        0.3,
        21,
    )
    # 4/3 of the shear viscosity and the bulk viscosity, which are equal.
    share = 3 / 7 * viscosity
    return Simulation(
        fields[:, :, [0, 2, 1]], times, _ring(128), {"eta": share, "zeta": share}
    )


def _diffusion_sorption(n, seed):
    start, _ = simulate.make_diffusion_sorption(
        n, resolution=128, time=1e-3, random_state=seed
    )
    fields, times = _marched(
        start[:, 0],
        lambda u, time: pde1d._diffusion_sorption(u, time, 1),
        100.0,
        101,
    )
    attributes = {"D": pde1d._DIFFUSIVITY, "n_f": pde1d._FREUNDLICH}
    return Simulation(fields[:, :, None], times, _centres(128), attributes)


def _diffusion_reaction_1d(n, seed):
    start, _ = simulate.make_diffusion_reaction_1d(
        n, resolution=128, time=1e-3, random_state=seed
    )
    fields, times = _marched(
        start[:, 0],
        lambda u, time: pde1d._diffusion_reaction_1d(u, 0.002, 5.0, time, 1),
        0.3,
        101,
    )
    return Simulation(fields[:, :, None], times, _ring(128), {"Nu": 0.002, "rho": 5.0})


def _darcy(n, seed):
    permeability, pressure = simulate.make_darcy(
        n, size=64, medium="two-valued", random_state=seed
    )
    fields = np.stack([permeability, pressure[:, None]], 1)
    return Simulation(fields, np.zeros(1), _centres(64), {"beta": 1.0})


def _shallow_water(n, seed):
    depth, _ = simulate.make_shallow_water_2d(n, time=1e-3, random_state=seed)
    start = np.concatenate([depth, np.zeros_like(depth), np.zeros_like(depth)], 1)
    fields, times = _marched(start, conservation._shallow_water, 1.0, 21)
    half = conservation._SIDE / 2
    return Simulation(
        fields[:, :, :1], times, _centres(32, -half, half), {"gravity": 1.0}
    )


def _diffusion_reaction_2d(n, seed):
    start, _ = simulate.make_diffusion_reaction_2d(n, time=0.05, random_state=seed)
    fields, times = _marched(
        start,
        lambda state, time: pde2d._fitzhugh_nagumo(state, time, 5),
        5.0,
        21,
    )
    attributes = {"Du": 1e-3, "Dv": 5e-3, "k": 5e-3}
    return Simulation(fields, times, _centres(32, -1.0), attributes)


def _navier_stokes_2d(n, seed):
    viscosity = 0.002
    start, _ = simulate.make_navier_stokes_2d(n, time=1e-3, random_state=seed)
    fields, times = _marched(
        start,
        lambda state, time: gas2d._navier_stokes_2d(state, viscosity, time),
        0.3,
        6,
    )
    speed = (start[:, 1:3] ** 2).sum(1)
    mach = np.sqrt((speed / gas2d._sound(start) ** 2).mean())
    attributes = {"eta": viscosity, "zeta": viscosity, "M": mach}
    return Simulation(fields[:, :, [0, 3, 1, 2]], times, _ring(32), attributes)


# Simulator and rows of each task.
_SIMULATIONS = {
    "advection": (_advection, 200),
    "burgers": (_burgers, 200),
    "navier-stokes-1d": (_navier_stokes_1d, 200),
    "diffusion-sorption": (_diffusion_sorption, 200),
    "diffusion-reaction-1d": (_diffusion_reaction_1d, 200),
    "darcy": (_darcy, 100),
    "shallow-water": (_shallow_water, 100),
    "diffusion-reaction-2d": (_diffusion_reaction_2d, 100),
    "navier-stokes-2d": (_navier_stokes_2d, 80),
}
_GROUPED = ("diffusion-sorption", "shallow-water", "diffusion-reaction-2d")


@validate_params(
    {
        "task": [str],
        "data_home": "no_validation",
        "n": [Interval(Integral, 10, None, closed="left"), None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def write_pdebench(task, data_home, *, n=None, random_state=0):
    """Write the file of a task of PDEBench in miniature, from a simulator.

    Keys, axes, types and attributes are those of the file that
    `sklearn_pare.datasets.fetch_pdebench` reads; grid, rows and frames are fewer. The
    attribute "simulated" tells it from the original.

    Parameters
    ----------
    task : str
        As in `sklearn_pare.datasets.fetch_pdebench`, without "orca:".
    data_home : path-like
        Folder of the data sets; the file goes into its folder "pdebench".
    n : int, default=None
        Rows, 10 at least; by default 80 to 200.
    random_state : int, RandomState instance or None, default=0

    Returns
    -------
    path : Path

    Raises
    ------
    UnknownNameError
        If there is no such task; a ValueError.
    DataError
        If the file is there and is no miniature; a ValueError.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn_pare.datasets.write import write_pdebench
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_pdebench("advection", folder, n=10).name
    '1D_Advection_Sols_beta0.4.hdf5'
    """
    simulate_task, rows = look_up(_SIMULATIONS, task, "task")
    path = get_data_home(data_home) / "pdebench" / TASKS[task].file
    _check_free(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not isinstance(random_state, Integral):
        # Simulators are called several times from the same start.
        random_state = check_random_state(random_state).randint(2**31 - 1)
    simulation = simulate_task(n or rows, random_state)
    # Axes of a file are x, y.
    fields = np.asarray(simulation.fields, np.float32)
    if TASKS[task].axes == 2:
        fields = fields.swapaxes(-1, -2)
    simulation = simulation._replace(fields=fields)
    part = path.with_name(f"{path.name}.part")
    (_write_groups if task in _GROUPED else _write_arrays)(part, task, simulation)
    return part.replace(path)


def _check_free(path):
    """Complain about a file that is no miniature: a download of hours, perhaps."""
    import h5py

    if not path.exists():
        return
    try:
        with h5py.File(path, "r") as file:
            if _MARK in file.attrs:
                return
    except OSError:
        pass
    raise DataError(
        f"{path} is there and is no simulated file, so it is left as it is. Choose "
        "another folder, or move the file away."
    )


def _create(path):
    import h5py

    file = h5py.File(path, "w")
    file.attrs[_MARK] = "by sklearn_pare, not a file of PDEBench"
    return file


def _write_arrays(path, task, simulation):
    fields, times, points, attributes = simulation
    about = TASKS[task]
    with _create(path) as file:
        file.attrs.update(attributes)
        if about.still:
            # One frame of the input, then one of the solution.
            file["nu"] = fields[:, 0, 0]
            file["tensor"] = fields[:, 1]
        else:
            for channel, key in enumerate(about.outputs.values()):
                file[key] = fields[:, :, channel]
        for axis in "xy"[: about.axes]:
            file[f"{axis}-coordinate"] = points.astype(np.float32)
        file["t-coordinate"] = times.astype(np.float32)


def _write_groups(path, task, simulation):
    fields, times, points, attributes = simulation
    config = "".join(f"  {name}: {value}\n" for name, value in attributes.items())
    with _create(path) as file:
        for row, frames in enumerate(fields):
            group = file.create_group(f"{row:04d}")
            group["data"] = np.moveaxis(frames, 1, -1)
            for axis in "xy"[: TASKS[task].axes]:
                group[f"grid/{axis}"] = points.astype(np.float32)
            group["grid/t"] = times.astype(np.float32)
            group.attrs["config"] = f"sim:\n  seed: {row}\n{config}"
