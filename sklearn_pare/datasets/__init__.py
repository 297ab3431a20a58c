"""Simulated and benchmark data of modalities without pretrained models."""

from sklearn_pare.datasets._readers.fetch import get_data_home
from sklearn_pare.datasets.nas_bench_360 import fetch_nas_bench_360
from sklearn_pare.datasets.pdebench import fetch_pdebench
from sklearn_pare.datasets.simulate.gas import (
    make_navier_stokes_1d,
    make_navier_stokes_2d,
)
from sklearn_pare.datasets.simulate.images import (
    make_cosmic_rays,
    make_distance_maps,
    make_spherical_digits,
)
from sklearn_pare.datasets.simulate.media import make_patterns, make_permeability
from sklearn_pare.datasets.simulate.pde1d import (
    make_advection,
    make_burgers,
    make_diffusion_reaction_1d,
    make_diffusion_sorption,
)
from sklearn_pare.datasets.simulate.pde2d import make_darcy, make_diffusion_reaction_2d
from sklearn_pare.datasets.simulate.signals import make_ecg, make_vibration
from sklearn_pare.datasets.simulate.water import make_shallow_water_2d
from sklearn_pare.datasets.simulate.waves import make_chirps, make_gait, make_motifs

__all__ = [
    "fetch_nas_bench_360",
    "fetch_pdebench",
    "get_data_home",
    "make_advection",
    "make_burgers",
    "make_chirps",
    "make_cosmic_rays",
    "make_darcy",
    "make_diffusion_reaction_1d",
    "make_diffusion_reaction_2d",
    "make_diffusion_sorption",
    "make_distance_maps",
    "make_ecg",
    "make_gait",
    "make_motifs",
    "make_navier_stokes_1d",
    "make_navier_stokes_2d",
    "make_patterns",
    "make_permeability",
    "make_shallow_water_2d",
    "make_spherical_digits",
    "make_vibration",
]
