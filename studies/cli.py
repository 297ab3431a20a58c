"""Command line of the studies."""

import argparse
import importlib
import sys

from sklearn_pare._utils import check_name
from sklearn_pare.benchmarks.console import short_errors
from studies.record import log

#: Each is a module with `add_arguments(parser)`, and with `main(arguments)`, which
#: returns the text to print.
STUDIES = (
    "accuracy",
    "compare",
    "modalities",
    "fields",
    "signals",
    "spectra",
    "lengths",
    "sources",
    "readable",
    "unlabeled",
    "scoring",
    "max_time",
    "intervals",
    "missing",
    "distances",
    "gap",
    "embedders",
    "timings",
    "profile",
    "transfer",
    "backbones",
    "large",
    "gpu",
    "growth",
    "beyond",
    "pretraining",
)


def main(argv=None):
    """Run ``python -m studies``.

    Parameters
    ----------
    argv : sequence of str, default=None
        Command line arguments. None: those of the process.
    """
    modules = {name: importlib.import_module(f"studies.{name}") for name in STUDIES}
    lines = [f"  {name:12} {_first_line(module)}" for name, module in modules.items()]
    parser = argparse.ArgumentParser(
        prog="python -m studies",
        usage="%(prog)s [-h] NAME ...",
        description="Print the tables of the documentation.",
        epilog="\n".join(["studies:", *lines]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    studies = parser.add_subparsers(help=argparse.SUPPRESS, prog=parser.prog)
    for name, module in modules.items():
        study = studies.add_parser(name, description=module.__doc__)
        module.add_arguments(study)
        study.set_defaults(main=module.main)
    words = sys.argv[1:] if argv is None else list(argv)
    with short_errors(parser):
        if words and not words[0].startswith("-"):
            check_name(words[0], modules, "study")
        arguments = parser.parse_args(words)
        if not words:
            parser.print_help()
        else:
            log(arguments.main(arguments))


def _first_line(module):
    return module.__doc__.partition("\n")[0].rstrip(".")
