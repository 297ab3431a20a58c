"""Writers of small simulated files, for tests and first trials of a benchmark."""

from sklearn_pare.datasets.write.nas_bench_360 import write_nas_bench_360
from sklearn_pare.datasets.write.pdebench import write_pdebench

__all__ = ["write_nas_bench_360", "write_pdebench"]
