"""Command line of the benchmarks."""

import argparse
import functools

from sklearn_pare.benchmarks import accuracy, timings
from sklearn_pare.benchmarks.methods import METHODS


def main(argv=None):
    """Run ``python -m sklearn_pare.benchmarks``."""
    parser = argparse.ArgumentParser(
        prog="python -m sklearn_pare.benchmarks",
        description="Measure what the documentation quotes.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("accuracy", help="accuracy with few labelled rows")
    one.add_argument("data", choices=accuracy.DATA)
    one.add_argument("--methods", nargs="*", default=list(METHODS), choices=METHODS)
    one.add_argument("--seeds", type=int, default=5, help="number of splits")
    commands.add_parser("timings", help="cost of mixing and of selection")
    arguments = parser.parse_args(argv)
    if arguments.command == "accuracy":
        results = accuracy.run(
            arguments.data,
            arguments.methods,
            range(arguments.seeds),
            functools.partial(print, flush=True),
        )
        print(accuracy.table(results))
    else:
        print(timings.table())


if __name__ == "__main__":
    main()
