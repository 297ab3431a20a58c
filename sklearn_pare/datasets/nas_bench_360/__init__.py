"""NAS-Bench-360: ten tasks of ten modalities, read as they are distributed.

One module for each family of files; `_registry` says what each task is. Nothing here
knows an estimator.
"""

from sklearn_pare.datasets.nas_bench_360._fetch import describe, fetch_nas_bench_360
from sklearn_pare.datasets.nas_bench_360._registry import TASKS

__all__ = ["TASKS", "describe", "fetch_nas_bench_360"]
