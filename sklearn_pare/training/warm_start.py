"""Go on from the last fit of an estimator."""

import torch

from sklearn_pare._architecture import export_arrays
from sklearn_pare._data.fingerprint import describe
from sklearn_pare.exceptions import DataError

# Fitted anew to the rows given, or needed by the source alone.
_FRESH = ("linear.", "source_embed.", "source_head.")


class WarmStart:
    """The weights of the last fit, and what has to be the same as in it.

    Parameters
    ----------
    estimator : fitted estimator
    target : object
        Of the data given now.

    Attributes
    ----------
    arrays : dict of str to ndarray
    history : list of dict
    alignment_history : list of float

    Raises
    ------
    DataError
        If y has other classes than in the last fit.
    """

    def __init__(self, estimator, target):
        self.arrays = export_arrays(estimator._model)
        self.history = estimator.history_
        self.alignment_history = estimator.alignment_history_
        self._architecture = estimator._architecture
        self._encoder = estimator._encoder
        _compare("classes", *map(_classes, (estimator._target, target)))

    def apply(self, model, architecture, encoder):
        """Put the weights into a new model.

        Parameters
        ----------
        model : PaReModel
            Changed in place; what is fitted to the data or needed by the source alone
            stays as it is.
        architecture : Architecture
            Of the model.
        encoder : ChannelScaler or TableEncoder
            Of its data.

        Raises
        ------
        DataError
            If arguments or data make another model than in the last fit.
        """
        before = self._architecture
        for name, now in architecture._asdict().items():
            # Beside a head of rows a linear path may come and go with what it is worth.
            if name != "linear" or len(architecture.output_shape) > 1:
                _compare(name, getattr(before, name), now)
        _compare("categories", *map(_categories, (self._encoder, encoder)))
        kept = {
            name: torch.from_numpy(array)
            for name, array in self.arrays.items()
            if not name.startswith(_FRESH)
        }
        model.load_state_dict(kept, strict=False)


def _classes(target):
    classes = getattr(target, "classes", None)
    return None if classes is None else classes.tolist()


def _categories(encoder):
    return getattr(encoder, "categories_", None)


def _compare(what, before, now):
    # Lists of a loaded estimator are tuples here.
    if describe(before) != describe(now):
        raise DataError(
            f"warm_start=True goes on from the last fit, but {what} was "
            f"{describe(before)} and is {describe(now)}. Give arguments and data of "
            "the same kind, or warm_start=False to begin anew."
        )
