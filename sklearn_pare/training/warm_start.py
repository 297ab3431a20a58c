"""Warm start from the last fit of an estimator."""

import torch

from sklearn_pare._architecture import export_arrays
from sklearn_pare._data.fingerprint import describe
from sklearn_pare.exceptions import DataError

# Parts that are fitted to the data, or belong to the source.
_FRESH = ("linear.", "source_embed.", "source_head.")


class WarmStart:
    """Weights of the last fit, and what the next fit must have in common with it.

    Parameters
    ----------
    estimator : fitted estimator
    target : ClassTarget, LabelTarget, MaskTarget or ValueTarget
        Target of the next fit.

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

    def backbone(self, name):
        """Return the name of a backbone with the limit on tokens of the last fit."""
        before = self._architecture.backbone
        return before if before.startswith(f"{name}?max_tokens=") else name

    def apply(self, model, architecture, encoder):
        """Load the weights into a new network.

        Parameters
        ----------
        model : PaReModel
            Changed in place, except for parts that are fitted to the data or belong to
            the source.
        architecture : Architecture
            Architecture of `model`.
        encoder : ChannelScaler or TableEncoder
            Encoder of the data.

        Raises
        ------
        DataError
            If arguments or data result in another network than in the last fit.
        """
        before = self._architecture
        for name, now in architecture._asdict().items():
            # For targets that are not dense, the linear path does not change the head.
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
    # A loaded estimator has lists in place of tuples, described alike.
    if describe(before) != describe(now):
        raise DataError(
            f"warm_start=True continues the last fit, but {what} was "
            f"{describe(before)} and is now {describe(now)}. Use arguments and data of "
            "the same kind, or warm_start=False for a new fit."
        )
