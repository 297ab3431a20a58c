"""The files of PDEBench and what is selected from them.

Strides and test rows are those of the experiments of ORCA (Shen et al., ICML 2023);
so are the `PRESETS`, which select the rest as its code does as well.
"""

from typing import NamedTuple

_ADDRESS = "https://darus.uni-stuttgart.de/api/access/datafile/"
DOI = "https://doi.org/10.18419/darus-2986"
PRESET = "orca:"


class Task(NamedTuple):
    """One file and its defaults.

    `inputs` and `outputs` are channels by name -> key of the file; `still` are keys
    without a time axis. `axes` is the number of axes of space.
    """

    title: str
    file: str
    file_id: int
    md5: str
    folder: str
    axes: int
    inputs: dict
    outputs: dict
    test_rows: str
    space_stride: int = 1
    time_stride: int = 1
    still: tuple = ()

    @property
    def url(self):
        """Address of the file."""
        return f"{_ADDRESS}{self.file_id}"


class Preset(NamedTuple):
    """What is selected by default; frames are counted after the stride.

    `normalise` names the rows whose mean and standard deviation are used: "training"
    rows, or the "first" 100.
    """

    out_frame: int
    test_frame: int
    validation_fraction: float = 0.0
    channels_in: tuple | None = None
    channels_out: tuple | None = None
    joined: bool = False
    normalise: str | None = None


def _one(name):
    return {name: "tensor"}


_GAS_1D = {"density": "density", "pressure": "pressure", "velocity": "Vx"}
_GAS_2D = {
    "density": "density",
    "pressure": "pressure",
    "velocity-x": "Vx",
    "velocity-y": "Vy",
}
_REACTION = {"activator": "activator", "inhibitor": "inhibitor"}

TASKS = {
    "advection": Task(
        "Linear advection on a ring",
        "1D_Advection_Sols_beta0.4.hdf5",
        255674,
        "d595bbfd2c659df995a93cd40d6ea568",
        "1D/Advection/Train/",
        1,
        _one("state"),
        _one("state"),
        "first",
        space_stride=4,
        time_stride=5,
    ),
    "burgers": Task(
        "The viscous Burgers equation on a ring",
        "1D_Burgers_Sols_Nu1.0.hdf5",
        281365,
        "9021eba35332d127306f11ef84c1a60f",
        "1D/Burgers/Train/",
        1,
        _one("velocity"),
        _one("velocity"),
        "first",
        time_stride=5,
    ),
    "navier-stokes-1d": Task(
        "The compressible Navier-Stokes equations on a ring",
        "1D_CFD_Rand_Eta0.1_Zeta0.1_periodic_Train.hdf5",
        164668,
        "45655bd77d006ab539c52b7fbcf099b9",
        "1D/CFD/Train/",
        1,
        _GAS_1D,
        _GAS_1D,
        "first",
        time_stride=5,
    ),
    "diffusion-sorption": Task(
        "Diffusion and sorption of a pollutant in soil",
        "1D_diff-sorp_NA_NA.h5",
        133020,
        "9d466d1213065619d087319e16d9a938",
        "1D/diffusion-sorption/",
        1,
        _one("concentration"),
        _one("concentration"),
        "last",
    ),
    "diffusion-reaction-1d": Task(
        "Diffusion with a logistic reaction on a ring",
        "ReacDiff_Nu0.5_Rho1.0.hdf5",
        133177,
        "69a429239778d529cd419ed5888ea835",
        "1D/ReactionDiffusion/Train/",
        1,
        _one("concentration"),
        _one("concentration"),
        "first",
    ),
    "darcy": Task(
        "Darcy flow through a square",
        "2D_DarcyFlow_beta0.1_Train.hdf5",
        133218,
        "294f9a03a4aa16b0e386469ca8b471be",
        "2D/DarcyFlow/",
        2,
        {"permeability": "nu"},
        _one("pressure"),
        "first",
        space_stride=2,
        still=("nu",),
    ),
    "shallow-water": Task(
        "The shallow water equations in a square",
        "2D_rdb_NA_NA.h5",
        133021,
        "75d838c47aa410694bdc912ea7f22282",
        "2D/shallow-water/",
        2,
        _one("depth"),
        _one("depth"),
        "last",
    ),
    "diffusion-reaction-2d": Task(
        "An activator and an inhibitor that diffuse and react in a square",
        "2D_diff-react_NA_NA.h5",
        133017,
        "b8d0b86064193195ddc30c33be5dc949",
        "2D/diffusion-reaction/",
        2,
        _REACTION,
        _REACTION,
        "last",
    ),
    "navier-stokes-2d": Task(
        "The compressible Navier-Stokes equations in a periodic square",
        "2D_CFD_Rand_M1.0_Eta0.1_Zeta0.1_periodic_128_Train.hdf5",
        164691,
        "75a34f34a3dcd9bc8ae4b7adf8bf372c",
        "2D/CFD/2D_Train_Rand/",
        2,
        _GAS_2D,
        _GAS_2D,
        "last",
        space_stride=2,
    ),
}

#: Without a preset: the last frame for every split, and rows for validation.
PLAIN = Preset(-1, -1, validation_fraction=0.1)
# ORCA's test set takes frame 99 whatever the training set takes.
_TEST_FRAME = 99
PRESETS = {
    "advection": Preset(199, _TEST_FRAME),
    "burgers": Preset(199, _TEST_FRAME),
    "navier-stokes-1d": Preset(99, _TEST_FRAME, joined=True, normalise="training"),
    "diffusion-sorption": Preset(100, _TEST_FRAME),
    "diffusion-reaction-1d": Preset(29, _TEST_FRAME),
    "darcy": Preset(0, 0),
    "shallow-water": Preset(100, _TEST_FRAME),
    "diffusion-reaction-2d": Preset(
        100, _TEST_FRAME, channels_in=("activator",), channels_out=("inhibitor",)
    ),
    "navier-stokes-2d": Preset(20, _TEST_FRAME, normalise="first"),
}
