"""Errors of this package; each is also the built-in error that it refines."""


class PaReError(Exception):
    """Base of all errors that this package raises by itself."""


class DataError(PaReError, ValueError):
    """X, y or weights cannot be used as they are."""


class UnknownNameError(PaReError, ValueError):
    """A backbone or source that nobody registered."""


class DivergenceError(PaReError, RuntimeError):
    """The loss became infinite or NaN during training."""


class ModelFileError(PaReError, ValueError):
    """A file is not a saved model of this package."""


class WeightsError(PaReError, RuntimeError):
    """Pretrained weights are not at hand and cannot be fetched."""


class FileFormatError(PaReError, ValueError):
    """A file of a data set is damaged, or laid out in another way than expected."""


class MissingFileError(PaReError, FileNotFoundError):
    """A file of a data set is not at hand and cannot be fetched."""
