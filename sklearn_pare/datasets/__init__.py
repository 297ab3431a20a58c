"""Data of modalities for which nobody ships a pretrained model.

Simulated, or fetched from benchmarks.
"""

from sklearn_pare.datasets._fetch import get_data_home
from sklearn_pare.datasets.nas_bench_360 import fetch_nas_bench_360
from sklearn_pare.datasets.pdebench import fetch_pdebench
from sklearn_pare.datasets.simulate import (
    make_advection,
    make_burgers,
    make_chirps,
    make_cosmic_rays,
    make_darcy,
    make_diffusion_reaction_1d,
    make_diffusion_reaction_2d,
    make_diffusion_sorption,
    make_distance_maps,
    make_ecg,
    make_gait,
    make_motifs,
    make_navier_stokes_1d,
    make_navier_stokes_2d,
    make_patterns,
    make_permeability,
    make_shallow_water_2d,
    make_spherical_digits,
    make_vibration,
)

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
