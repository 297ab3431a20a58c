"""Command line of the benchmarks."""

import argparse
import sys

from sklearn_pare._utils import check_name
from sklearn_pare.benchmarks.cli import COMMANDS
from sklearn_pare.exceptions import PaReError, UnknownNameError


def main(argv=None):
    """Run ``python -m sklearn_pare.benchmarks``.

    Parameters
    ----------
    argv : sequence of str, default=None
        The words after it; None: those that the process was started with.

    Returns
    -------
    status : int or None
        1 if something that was asked for could not be done.
    """
    parser = argparse.ArgumentParser(
        prog="python -m sklearn_pare.benchmarks",
        description="Measure what the documentation quotes, and run benchmarks.",
        usage="%(prog)s [-h] COMMAND ...",
    )
    # As long as the longest command, which argparse would wrap for lack of room.
    commands = parser.add_subparsers(
        required=True, metavar="COMMAND, one of", prog=parser.prog
    )
    for add in COMMANDS:
        add(commands)
    words = sys.argv[1:] if argv is None else list(argv)
    try:
        if words and not words[0].startswith("-"):
            check_name(words[0], commands.choices, "command")
        arguments = parser.parse_args(words)
        return arguments.do(arguments)
    except UnknownNameError as error:
        parser.error(str(error))
    except PaReError as error:
        parser.exit(1, f"{type(error).__name__}: {error}\n")


if __name__ == "__main__":
    sys.exit(main())
