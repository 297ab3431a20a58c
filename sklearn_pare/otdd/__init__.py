"""Optimal transport dataset distance: how far apart two labelled data sets are."""

from sklearn_pare.otdd._alignment import Alignment
from sklearn_pare.otdd._distance import dataset_distance
from sklearn_pare.otdd._inputs import coarse_classes, pseudo_classes

__all__ = ["Alignment", "coarse_classes", "dataset_distance", "pseudo_classes"]
