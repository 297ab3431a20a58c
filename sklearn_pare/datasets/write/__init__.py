"""Miniatures of the benchmarks' files, from simulators, in the format of each file."""

from sklearn_pare.datasets.write.pdebench import write_pdebench

__all__ = ["write_pdebench"]
