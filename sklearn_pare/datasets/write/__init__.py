"""Writers: small files in the formats of the benchmarks, from the simulators.

For tests, and for those who want to see a benchmark run before they fetch its files.
"""

from sklearn_pare.datasets.write.nas_bench_360 import write_nas_bench_360
from sklearn_pare.datasets.write.pdebench import write_pdebench

__all__ = ["write_nas_bench_360", "write_pdebench"]
