"""NAS-Bench-360: ten tasks of ten modalities, read from the distributed files."""

from sklearn_pare.datasets.nas_bench_360.fetch import describe, fetch_nas_bench_360
from sklearn_pare.datasets.nas_bench_360.tasks import TASKS

__all__ = ["TASKS", "describe", "fetch_nas_bench_360"]
