"""Optimal transport dataset distance: how far apart two labelled data sets are."""

from sklearn_pare.otdd._alignment import Alignment
from sklearn_pare.otdd._distance import dataset_distance
from sklearn_pare.otdd._inputs import (
    check_choices,
    check_targets,
    coarse_classes,
    pseudo_classes,
)

__all__ = [
    "Alignment",
    "check_choices",
    "check_targets",
    "coarse_classes",
    "dataset_distance",
    "pseudo_classes",
]
