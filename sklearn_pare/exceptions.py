"""Errors of this package; each is also the built-in error that it refines."""


class PaReError(Exception):
    """Base of all errors that this package raises by itself."""


class DataError(PaReError, ValueError):
    """X, y or weights cannot be used as they are."""


class UnknownNameError(PaReError, ValueError):
    """A backbone or source that nobody registered."""


class DivergenceError(PaReError, RuntimeError):
    """The loss became infinite or NaN during training.

    Attributes
    ----------
    history : list of dict
        The epochs up to the weights that the estimator predicts with now; empty where
        it has to be fitted again.
    """

    history = ()


class DeviceError(PaReError, ValueError):
    """A device is not there, or cannot be used in this process."""


class OutOfMemoryError(PaReError, MemoryError):
    """A device has no room even for the smallest batch."""


class ModelFileError(PaReError, ValueError):
    """A file is no saved model or checkpoint of this package, or is damaged."""


class CheckpointError(PaReError, ValueError):
    """A checkpoint belongs to a fit with other arguments or data."""


class SaveError(PaReError, OSError):
    """A file cannot be written; what was there before is untouched."""


class WeightsError(PaReError, RuntimeError):
    """Pretrained weights are not at hand and cannot be fetched."""


class FileFormatError(PaReError, ValueError):
    """A file of a data set is damaged, or laid out in another way than expected."""


class MissingFileError(PaReError, FileNotFoundError):
    """A file of a data set is not at hand and cannot be fetched."""


class TaskError(PaReError, ValueError):
    """A task of OpenML cannot be loaded, written or run."""


class FlowError(PaReError, ValueError):
    """An estimator cannot be described to OpenML."""


class PublishError(PaReError, RuntimeError):
    """A run did not reach the server of OpenML, or was refused there."""


class RunExistsError(PublishError):
    """The server of OpenML has this run already.

    Attributes
    ----------
    run_ids : list of int
        The runs there, of the same parameters on the same task.
    """

    def __init__(self, message, run_ids=()):
        super().__init__(message)
        self.run_ids = sorted(run_ids)
