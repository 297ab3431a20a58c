"""Entry point of ``python -m sklearn_pare.benchmarks``."""

import sys

from sklearn_pare.benchmarks.cli import main

if __name__ == "__main__":
    sys.exit(main())
