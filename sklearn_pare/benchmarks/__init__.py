"""Methods by name, and runs of them on published benchmarks.

The command line is ``python -m sklearn_pare.benchmarks``.
"""

from sklearn_pare.benchmarks.methods import METHODS

__all__ = ["METHODS"]
