"""Command line of the benchmarks."""

import argparse
import functools

from sklearn_pare.benchmarks import digits, timings
from sklearn_pare.benchmarks.methods import METHODS


def main(argv=None):
    """Run ``python -m sklearn_pare.benchmarks``."""
    parser = argparse.ArgumentParser(
        prog="python -m sklearn_pare.benchmarks",
        description="Measure what the documentation quotes.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("digits", help="accuracy on digits with 300 rows")
    one.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    one.add_argument("--seeds", type=int, default=5, help="number of splits")
    commands.add_parser("timings", help="cost of mixing and of selection")
    arguments = parser.parse_args(argv)
    if arguments.command == "digits":
        log = functools.partial(print, flush=True)
        results = digits.run(arguments.methods, range(arguments.seeds), log)
        print(digits.table(results))
    else:
        print(timings.table())


if __name__ == "__main__":
    main()
