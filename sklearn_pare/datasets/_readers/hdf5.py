"""HDF5 files that are not trusted: one kind of error, and no other file is read."""

from contextlib import contextmanager

from sklearn_pare.exceptions import PaReError


@contextmanager
def broken_as(describe):
    """Raise ``describe(error)`` for any error of h5py about damaged bytes."""
    try:
        yield
    except PaReError:
        raise
    # h5py has no exception class of its own: damage raises any of these, depending on
    # its position. LookupError covers KeyError, ValueError covers UnicodeDecodeError.
    except (OSError, RuntimeError, LookupError, ValueError, TypeError) as error:
        raise describe(error) from error


def is_own(dataset):
    """Return whether the numbers of a data set are stored in its own file."""
    return dataset.external is None and not dataset.is_virtual
