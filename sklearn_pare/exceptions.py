"""Exceptions and warnings of this package, all subclasses of built-in ones."""


class PaReError(Exception):
    """Base class of all exceptions of this package."""


class DataError(PaReError, ValueError):
    """X, y or weights cannot be used as they are."""


class UnknownNameError(PaReError, ValueError):
    """Unknown name, such as that of a backbone or a metric."""


class DivergenceError(PaReError, RuntimeError):
    """The loss became infinite or NaN during training.

    Attributes
    ----------
    history : list of dict
        The epochs up to the weights that the estimator now predicts with; empty if it
        has to be fitted again.
    """

    history = ()


class DeviceError(PaReError, ValueError):
    """A device is not available, or cannot be used in this process."""


class OutOfMemoryError(PaReError, MemoryError):
    """A device has too little memory even for the smallest batch."""


class ProcessError(PaReError, RuntimeError):
    """Another process failed or was killed, or processes cannot work together."""


class ModelFileError(PaReError, ValueError):
    """A file is not a saved model or checkpoint of this package, or is damaged."""


class CheckpointError(PaReError, ValueError):
    """A checkpoint belongs to a fit with other arguments or data."""


class SaveError(PaReError, OSError):
    """A file cannot be written; an existing file is left untouched."""


class WeightsError(PaReError, RuntimeError):
    """Pretrained weights are neither cached nor can be downloaded."""


class FileFormatError(PaReError, ValueError):
    """A file of a data set is damaged, or has an unexpected layout."""


class MissingFileError(PaReError, FileNotFoundError):
    """A file of a data set is missing and cannot be downloaded."""


class TaskError(PaReError, ValueError):
    """An OpenML task cannot be loaded or run."""


class FlowError(PaReError, ValueError):
    """An estimator cannot be described as an OpenML flow."""


class PublishError(PaReError, RuntimeError):
    """A run did not reach the OpenML server, or was refused by it."""


class NetworkUnusedWarning(UserWarning):
    """The network adds nothing: predictions are those of the linear model alone."""


class RunExistsError(PublishError):
    """The OpenML server already has this run.

    Attributes
    ----------
    run_ids : list of int
        Runs on the server with the same parameters on the same task.
    """

    def __init__(self, message, run_ids=()):
        super().__init__(message)
        self.run_ids = sorted(run_ids)
