"""Named methods and the measurements that the documentation quotes."""

from sklearn_pare.benchmarks.methods import METHODS

__all__ = ["METHODS"]
