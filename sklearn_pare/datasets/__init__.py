"""Simulated data of modalities for which nobody ships a pretrained model."""

from sklearn_pare.datasets.simulate import (
    make_ecg,
    make_patterns,
    make_permeability,
    make_vibration,
)

__all__ = ["make_ecg", "make_patterns", "make_permeability", "make_vibration"]
