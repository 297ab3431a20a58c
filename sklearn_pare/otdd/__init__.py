"""Optimal transport dataset distance: how far apart two labelled data sets are."""

from sklearn_pare.otdd._alignment import Alignment
from sklearn_pare.otdd._distance import dataset_distance

__all__ = ["Alignment", "dataset_distance"]
