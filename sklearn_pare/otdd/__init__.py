"""Optimal transport dataset distance: the distance between two labelled data sets."""

from sklearn_pare.otdd._alignment import Alignment
from sklearn_pare.otdd._distance import dataset_distance
from sklearn_pare.otdd._inputs import (  # noqa: F401  other folders use these
    check_choices,
    check_targets,
    coarse_classes,
    pseudo_classes,
)

__all__ = ["Alignment", "dataset_distance"]
