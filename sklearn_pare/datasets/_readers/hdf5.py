"""HDF5 files of strangers: one kind of error, and no other file is read."""

from contextlib import contextmanager

from sklearn_pare.exceptions import PaReError


@contextmanager
def broken_as(describe):
    """Raise ``describe(error)`` for whatever the library says of damaged bytes.

    Parameters
    ----------
    describe : callable
        Takes the error of the library and gives ours.
    """
    try:
        yield
    except PaReError:
        raise
    # It has no class of errors: damage comes as OSError, RuntimeError, KeyError,
    # ValueError, TypeError or UnicodeDecodeError, each for another place.
    except (OSError, RuntimeError, LookupError, ValueError, TypeError) as error:
        raise describe(error) from error


def is_own(dataset):
    """Whether the numbers of a data set lie in its file, and not in another."""
    return dataset.external is None and not dataset.is_virtual
