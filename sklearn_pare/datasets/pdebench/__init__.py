"""PDEBench: predict a late frame of a simulation from its first frame."""

from sklearn_pare.datasets.pdebench.fetch import fetch_pdebench
from sklearn_pare.datasets.pdebench.tasks import TASKS

__all__ = ["TASKS", "fetch_pdebench"]
