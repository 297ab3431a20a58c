"""Small simulated files in the format of PDEBench, with the same names, keys and types.

Grids, samples and frames are fewer. The constants are those of the simulators, for
which the final state depends on the initial one; attributes of the files state them.
"""

from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, validate_params

from sklearn_pare import datasets
from sklearn_pare._utils import look_up
from sklearn_pare.datasets._readers.fetch import extra, get_data_home
from sklearn_pare.datasets.pdebench.tasks import TASKS
from sklearn_pare.datasets.simulate import _pde, gas, pde1d, pde2d, water
from sklearn_pare.exceptions import DataError

_MARK = "simulated"
# Time of the initial state of simulators whose final state is not used.
_SHORT = 1e-3


# A simulation is a tuple of fields (n, frames, C, L) or (n, frames, C, y, x), times,
# points along an axis, and attributes.


def _advanced(start, advance, end, frames):
    """Return frames from 0 to ``end``, each advanced from the one before."""
    times = np.linspace(0, end, frames)
    states = [start]
    for time in np.diff(times):
        states.append(advance(states[-1], time))
    return np.stack(states, 1), times


def _repeated(make, n, end, frames, **parameters):
    """Return frames from 0 to ``end``, each simulated from the same initial state."""
    times = np.linspace(0, end, frames)
    pairs = [make(n, time=time, **parameters) for time in times[1:]]
    states = [pairs[0][0][:, 0], *(y for _, y in pairs)]
    return np.stack(states, 1)[:, :, None], times


def _centres(n_cells, low=0.0, high=1.0):
    return low + (high - low) * (np.arange(n_cells) + 0.5) / n_cells


def _advection(n, seed):
    fields, times = _repeated(
        datasets.make_advection, n, 2.0, 21, speed=0.4, random_state=seed
    )
    return fields, times, _pde.points(256), {"beta": 0.4}


def _burgers(n, seed):
    constants = {"resolution": 128, "viscosity": 0.005, "random_state": seed}
    fields, times = _repeated(datasets.make_burgers, n, 0.25, 21, **constants)
    # The diffusion of PDEBench's equation is Nu / pi.
    return fields, times, _pde.points(128), {"Nu": np.pi * 0.005}


def _navier_stokes_1d(n, seed):
    start, _ = datasets.make_navier_stokes_1d(n, time=_SHORT, random_state=seed)
    fields, times = _advanced(
        start, lambda u, time: gas._navier_stokes_1d(u, 0.002, time), 0.3, 21
    )
    # 4/3 of the shear viscosity and the bulk viscosity, which are equal.
    share = 3 / 7 * 0.002
    attributes = {"eta": share, "zeta": share}
    return fields[:, :, [0, 2, 1]], times, _pde.points(128), attributes


def _diffusion_sorption(n, seed):
    start, _ = datasets.make_diffusion_sorption(
        n, resolution=128, time=_SHORT, random_state=seed
    )
    fields, times = _advanced(
        start[:, 0], lambda u, time: pde1d._diffusion_sorption(u, time, 1), 100.0, 101
    )
    attributes = {"D": pde1d._DIFFUSIVITY, "n_f": pde1d._FREUNDLICH}
    return fields[:, :, None], times, _centres(128), attributes


def _diffusion_reaction_1d(n, seed):
    start, _ = datasets.make_diffusion_reaction_1d(
        n, resolution=128, time=_SHORT, random_state=seed
    )
    fields, times = _advanced(
        start[:, 0],
        lambda u, time: pde1d._diffusion_reaction_1d(u, 0.002, 5.0, time, 1),
        0.3,
        101,
    )
    return fields[:, :, None], times, _pde.points(128), {"Nu": 0.002, "rho": 5.0}


def _darcy(n, seed):
    permeability, pressure = datasets.make_darcy(
        n, size=64, medium="two-valued", random_state=seed
    )
    fields = np.stack([permeability, pressure[:, None]], 1)
    return fields, np.zeros(1), _centres(64), {"beta": 1.0}


def _shallow_water(n, seed):
    depth, _ = datasets.make_shallow_water_2d(n, time=_SHORT, random_state=seed)
    start = np.concatenate([depth, np.zeros_like(depth), np.zeros_like(depth)], 1)
    fields, times = _advanced(start, water._shallow_water, 1.0, 21)
    points = _centres(32, -water._SIDE / 2, water._SIDE / 2)
    return fields[:, :, :1], times, points, {"gravity": 1.0}


def _diffusion_reaction_2d(n, seed):
    start, _ = datasets.make_diffusion_reaction_2d(n, time=0.05, random_state=seed)
    fields, times = _advanced(
        start, lambda u, time: pde2d._fitzhugh_nagumo(u, time, 5), 5.0, 21
    )
    attributes = {"Du": 1e-3, "Dv": 5e-3, "k": 5e-3}
    return fields, times, _centres(32, -1.0), attributes


def _navier_stokes_2d(n, seed):
    start, _ = datasets.make_navier_stokes_2d(n, time=_SHORT, random_state=seed)
    fields, times = _advanced(
        start, lambda u, time: gas._navier_stokes_2d(u, 0.002, time), 0.3, 6
    )
    speed = (start[:, 1:3] ** 2).sum(1)
    mach = np.sqrt((speed / gas._sound(start) ** 2).mean())
    attributes = {"eta": 0.002, "zeta": 0.002, "M": mach}
    return fields[:, :, [0, 3, 1, 2]], times, _pde.points(32), attributes


# Simulator and number of samples of each task.
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
    """Write a small simulated file in the format of a task of PDEBench.

    Keys, axes, types and attributes are those of the file that
    :func:`sklearn_pare.datasets.fetch_pdebench` reads; points, samples and frames are
    fewer. The attribute "simulated" distinguishes it from the original.

    Parameters
    ----------
    task : str
        A name as in :func:`sklearn_pare.datasets.fetch_pdebench`, without "orca:".
    data_home : path-like
        Folder of the data sets; the file is written to its folder "pdebench".
    n : int, default=None
        Number of samples, at least 10; by default 80 to 200.
    random_state : int, RandomState instance or None, default=0

    Returns
    -------
    path : Path
        Path of the file.

    Raises
    ------
    UnknownNameError
        If the task is unknown (ValueError).
    DataError
        If the file exists and is not simulated (ValueError).

    Examples
    --------
    >>> import tempfile
    >>> from sklearn_pare.datasets.write import write_pdebench
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_pdebench("advection", folder, n=10).name
    '1D_Advection_Sols_beta0.4.hdf5'
    """
    simulate, default_n = look_up(_SIMULATIONS, task, "task")
    path = get_data_home(data_home) / "pdebench" / TASKS[task].file
    if path.exists() and not _is_simulated(path):
        raise DataError(
            f"{path} exists and is not a simulated file; it has not been changed. "
            "Choose another folder, or move the file away."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    if not isinstance(random_state, Integral):
        # Simulators are called several times for the same initial state.
        random_state = check_random_state(random_state).randint(2**31 - 1)
    fields, *rest = simulate(n or default_n, random_state)
    fields = np.asarray(fields, np.float32)
    if TASKS[task].axes == 2:
        # The axes of a file are x, y.
        fields = fields.swapaxes(-1, -2)
    part = path.with_name(f"{path.name}.part")
    with extra("h5py").File(part, "w") as file:
        file.attrs[_MARK] = "by sklearn_pare, not a file of PDEBench"
        write = _write_groups if task in _GROUPED else _write_arrays
        write(file, TASKS[task], fields, *rest)
    return part.replace(path)


def _is_simulated(path):
    try:
        with extra("h5py").File(path, "r") as file:
            return _MARK in file.attrs
    except OSError:
        return False


def _write_arrays(file, task, fields, times, points, attributes):
    file.attrs.update(attributes)
    if task.still:
        # The input is the first frame, the solution the second.
        file["nu"] = fields[:, 0, 0]
        file["tensor"] = fields[:, 1]
    else:
        for channel, key in enumerate(task.outputs.values()):
            file[key] = fields[:, :, channel]
    for axis in "xy"[: task.axes]:
        file[f"{axis}-coordinate"] = points.astype(np.float32)
    file["t-coordinate"] = times.astype(np.float32)


def _write_groups(file, task, fields, times, points, attributes):
    config = "".join(f"  {name}: {value}\n" for name, value in attributes.items())
    for number, frames in enumerate(fields):
        group = file.create_group(f"{number:04d}")
        group["data"] = np.moveaxis(frames, 1, -1)
        for axis in "xy"[: task.axes]:
            group[f"grid/{axis}"] = points.astype(np.float32)
        group["grid/t"] = times.astype(np.float32)
        group.attrs["config"] = f"sim:\n  seed: {number}\n{config}"
