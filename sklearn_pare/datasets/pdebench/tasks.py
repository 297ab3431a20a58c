"""The files of PDEBench and the selections from them.

Strides and test samples are those of the experiments of ORCA (Shen et al., ICML 2023);
the ``PRESETS`` select everything else as its code does, too.
"""

import re
from typing import NamedTuple

DOI = "https://doi.org/10.18419/darus-2986"
PRESET = "orca:"


class Task(NamedTuple):
    """One file, ``path`` at its source, and the defaults of its selection.

    ``size`` are the numbers of samples, frames and points along each axis of this file.
    ``outputs`` and ``inputs`` map names of channels to keys of the file (inputs None:
    the outputs); ``still`` are keys without a time axis.
    """

    title: str
    path: str
    file_id: int
    md5: str
    size: tuple
    outputs: dict
    inputs: dict | None = None
    test_rows: str = "first"
    space_stride: int = 1
    time_stride: int = 1
    still: tuple = ()

    @property
    def axes(self):
        """Number of space axes, with which every path starts."""
        return int(self.path[0])

    @property
    def file(self):
        """Name of the file."""
        return self.path.rpartition("/")[2]

    @property
    def stem(self):
        """Start of the names of all files of the family, such as "1D_CFD"."""
        return re.match(r"(\dD_)?[^_]+", self.file)[0]

    @property
    def url(self):
        """Address of the file."""
        return f"https://darus.uni-stuttgart.de/api/access/datafile/{self.file_id}"


class Preset(NamedTuple):
    """A default selection; frames are counted after the stride.

    ``normalise`` is by the "training" samples or the "first" 100.
    """

    out_frame: int
    # ORCA's test set uses frame 99, whichever frame the training set uses.
    test_frame: int = 99
    validation_fraction: float = 0.0
    channels_in: tuple | None = None
    channels_out: tuple | None = None
    joined: bool = False
    normalise: str | None = None


_GAS = {"density": "density", "pressure": "pressure"}

TASKS = {
    "advection": Task(
        "Linear advection on a ring",
        "1D/Advection/Train/1D_Advection_Sols_beta0.4.hdf5",
        255674,
        "d595bbfd2c659df995a93cd40d6ea568",
        (10_000, 201, 1024),
        {"state": "tensor"},
        space_stride=4,
        time_stride=5,
    ),
    "burgers": Task(
        "The viscous Burgers equation on a ring",
        "1D/Burgers/Train/1D_Burgers_Sols_Nu1.0.hdf5",
        281365,
        "9021eba35332d127306f11ef84c1a60f",
        (10_000, 201, 1024),
        {"velocity": "tensor"},
        time_stride=5,
    ),
    "navier-stokes-1d": Task(
        "The compressible Navier-Stokes equations on a ring",
        "1D/CFD/Train/1D_CFD_Rand_Eta0.1_Zeta0.1_periodic_Train.hdf5",
        164668,
        "45655bd77d006ab539c52b7fbcf099b9",
        (10_000, 101, 1024),
        _GAS | {"velocity": "Vx"},
        time_stride=5,
    ),
    "diffusion-sorption": Task(
        "Diffusion and sorption of a pollutant in soil",
        "1D/diffusion-sorption/1D_diff-sorp_NA_NA.h5",
        133020,
        "9d466d1213065619d087319e16d9a938",
        (10_000, 101, 1024),
        {"concentration": "tensor"},
        test_rows="last",
    ),
    "diffusion-reaction-1d": Task(
        "Diffusion with a logistic reaction on a ring",
        "1D/ReactionDiffusion/Train/ReacDiff_Nu0.5_Rho1.0.hdf5",
        133177,
        "69a429239778d529cd419ed5888ea835",
        (10_000, 101, 1024),
        {"concentration": "tensor"},
    ),
    "darcy": Task(
        "Darcy flow through a square",
        "2D/DarcyFlow/2D_DarcyFlow_beta0.1_Train.hdf5",
        133218,
        "294f9a03a4aa16b0e386469ca8b471be",
        (10_000, 1, 128, 128),
        {"pressure": "tensor"},
        inputs={"permeability": "nu"},
        space_stride=2,
        still=("nu",),
    ),
    "shallow-water": Task(
        "The shallow water equations in a square",
        "2D/shallow-water/2D_rdb_NA_NA.h5",
        133021,
        "75d838c47aa410694bdc912ea7f22282",
        (1_000, 101, 128, 128),
        {"depth": "tensor"},
        test_rows="last",
    ),
    "diffusion-reaction-2d": Task(
        "An activator and an inhibitor that diffuse and react in a square",
        "2D/diffusion-reaction/2D_diff-react_NA_NA.h5",
        133017,
        "b8d0b86064193195ddc30c33be5dc949",
        (1_000, 101, 128, 128),
        {"activator": "activator", "inhibitor": "inhibitor"},
        test_rows="last",
    ),
    "navier-stokes-2d": Task(
        "The compressible Navier-Stokes equations in a periodic square",
        "2D/CFD/2D_Train_Rand/2D_CFD_Rand_M1.0_Eta0.1_Zeta0.1_periodic_128_Train.hdf5",
        164691,
        "75a34f34a3dcd9bc8ae4b7adf8bf372c",
        (10_000, 21, 128, 128),
        _GAS | {"velocity-x": "Vx", "velocity-y": "Vy"},
        test_rows="last",
        space_stride=2,
    ),
}

#: Without a preset: the last frame in every split, and samples for validation.
PLAIN = Preset(-1, -1, validation_fraction=0.1)
PRESETS = {
    "advection": Preset(199),
    "burgers": Preset(199),
    "navier-stokes-1d": Preset(99, joined=True, normalise="training"),
    "diffusion-sorption": Preset(100),
    "diffusion-reaction-1d": Preset(29),
    "darcy": Preset(0, 0),
    "shallow-water": Preset(100),
    "diffusion-reaction-2d": Preset(
        100, channels_in=("activator",), channels_out=("inhibitor",)
    ),
    "navier-stokes-2d": Preset(20, normalise="first"),
}
