"""A run on the tiny tasks as a process of its own: python -m tests.benchmarks.killed."""

import sys

from sklearn_pare.benchmarks.__main__ import main
from tests.benchmarks import stand_ins

if __name__ == "__main__":
    stand_ins.register()
    sys.exit(main(sys.argv[1:]))
