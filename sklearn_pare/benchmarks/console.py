"""Habits of all command lines: short errors, and checks of paths and numbers."""

import argparse
import os
import sys
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

from sklearn_pare.exceptions import PaReError, SaveError, UnknownNameError


@contextmanager
def short_errors(parser):
    """Exit with one line for Ctrl-C, and for errors that a user can correct."""
    try:
        yield
        # A full disk or a closed pipe is an error here, not at the end of the process.
        sys.stdout.flush()
    except UnknownNameError as error:
        parser.error(str(error))
    except (PaReError, OSError, ImportError) as error:
        _discard_output()
        text = " ".join(f"{type(error).__name__}: {error}".split())
        parser.exit(1, "" if isinstance(error, BrokenPipeError) else f"{text}\n")
    except BrokenProcessPool:
        parser.exit(
            1,
            "A process with a fit was killed, perhaps for lack of memory. The same "
            "command continues; use fewer --jobs.\n",
        )
    except KeyboardInterrupt as error:
        parser.exit(130, f"Interrupted. {error}".strip() + "\n")


def _discard_output():
    """Discard text that cannot be written: Python would fail again when it exits."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def number(text):
    """Convert an argument to a number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of at least 1")
    return int(text)


def check_writable(path):
    """Raise SaveError if a file cannot be written; do nothing for None."""
    if path is None:
        return
    path = Path(path)
    if not path.parent.is_dir():
        found = f"the folder {path.parent} does not exist"
    elif not os.access(path.parent, os.W_OK):
        found = f"the folder {path.parent} has no write permission"
    elif path.exists() and not path.is_file():
        found = "it is not a file"
    elif path.exists() and not os.access(path, os.W_OK):
        found = "it has no write permission"
    else:
        return
    raise SaveError(
        f"{path} cannot be written: {found}. Name a file in an existing folder with "
        "write permission."
    )


def wrong_folder(path, suites):
    """Return why a path cannot be the folder with those of the suites, or None."""
    if path.is_file():
        return "is a file, not a folder"
    if not path.is_dir():
        return "does not exist"
    path = path.absolute()
    if path.name in suites and not (path / path.name).exists():
        return f"is the folder of one suite: its parent folder, {path.parent}, is meant"
