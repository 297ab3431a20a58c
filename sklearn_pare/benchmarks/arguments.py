"""Arguments that several commands have."""

import argparse
import functools

from sklearn_pare._utils import check_name
from sklearn_pare.exceptions import UnknownNameError

#: How names are shown in a help.
SEVERAL = "NAME,NAME"

log = functools.partial(print, flush=True)


def split(text):
    """Names between commas, without repetitions.

    Examples
    --------
    >>> from sklearn_pare.benchmarks.arguments import split
    >>> split("pare, nft,pare")
    ['pare', 'nft']
    """
    names = (name.strip() for name in text.split(","))
    return list(dict.fromkeys(name for name in names if name))


def names_of(known, what):
    """Type of an argument: known names, with commas between them."""

    def names(text):
        return [_checked(name, known, what) for name in split(text)]

    return names


def name_of(known, what):
    """Type of an argument: one known name."""
    return functools.partial(_checked, known=known, what=what)


def _checked(name, known, what):
    try:
        return check_name(name, known, what)
    except UnknownNameError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def add_seeds(parser, default):
    """Add ``--seeds N``."""
    parser.add_argument(
        "--seeds",
        type=int,
        default=default,
        metavar="N",
        help=f"number of splits; default: {default}",
    )


def add_out(parser):
    """Add ``--out FILE``."""
    parser.add_argument(
        "--out", metavar="FILE", help="JSON lines; fits that it has are not done again"
    )


def add_picture(parser):
    """Add ``--picture FILE``."""
    parser.add_argument("--picture", metavar="FILE", help="mean ranks, as PNG")
