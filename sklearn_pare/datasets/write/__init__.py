"""Writers of small simulated files in the formats of the benchmarks.

They are for tests, and for trying a benchmark before its files are downloaded.
"""

from sklearn_pare.datasets.write.nas_bench_360 import write_nas_bench_360
from sklearn_pare.datasets.write.pdebench import write_pdebench

__all__ = ["write_nas_bench_360", "write_pdebench"]
