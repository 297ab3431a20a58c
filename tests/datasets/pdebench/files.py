"""Files of random numbers in the layouts of PDEBench."""

import h5py
import numpy as np

from sklearn_pare.datasets import fetch_pdebench
from sklearn_pare.datasets.pdebench.tasks import TASKS

GROUPED = ("diffusion-sorption", "shallow-water", "diffusion-reaction-2d")
KEYS = {
    "navier-stokes-1d": ["density", "pressure", "Vx"],
    "navier-stokes-2d": ["density", "pressure", "Vx", "Vy"],
}
# Frames of the original files; the others have 101.
FRAMES = {"advection": 201, "burgers": 201, "navier-stokes-2d": 21, "darcy": 1}
N_ROWS = 30


def path_of(home, task):
    path = home / "pdebench" / TASKS[task].file
    path.parent.mkdir(exist_ok=True)
    return path


def write(home, task, frames=None, n=N_ROWS):
    """Write a file; return the frames of input and output, (n, t, C, ...).

    The axes of the grid have different lengths, so that a wrong axis is detected.
    """
    rng = np.random.default_rng(0)
    frames = frames or FRAMES.get(task, 101)
    grid = (12,) if TASKS[task].axes == 1 else (12, 10)
    n_channels = 2 if task == "diffusion-reaction-2d" else len(KEYS.get(task, "1"))
    values = rng.normal(1, 2, (n, frames, n_channels, *grid)).astype(np.float32)
    with h5py.File(path_of(home, task), "w") as file:
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


def fetch(task, home, **selection):
    return fetch_pdebench(task, data_home=home, download=False, **selection)
