"""What "auto" means for each kind of target."""

from typing import NamedTuple


class Auto(NamedTuple):
    """What "auto" means, and how many rows of a batch are mixed.

    Attributes
    ----------
    n_steps, n_epochs : int
        ``max_epochs="auto"`` is enough for that many steps, and at least that many.
    batch_size : int
    mix_weight : float
        As in the paper's experiments.
    mixed_share : float
        Part of a batch that is mixed as well.
    """

    n_steps: int
    n_epochs: int
    batch_size: int
    mix_weight: float
    mixed_share: float


_AUTO = Auto(150, 12, 64, 1.0, 1.0)
# The squared error of standardised numbers is at most about 1, that of a source of
# thousands of classes about 8: at full weight the backbone learns the source instead.
_AUTO_NUMBERS = _AUTO._replace(mix_weight=0.3)
# A row of a dense target teaches something at every place. A mixed row costs as much
# time as a clean one, which is better spent on steps, and what it no longer shows
# cannot be learned: at full weight that drowns the clean rows.
_AUTO_FIELDS = Auto(600, 12, 8, 0.3, 0.25)
# Cross-entropy learns masks by heart long before fields are learned.
_AUTO_MASKS = _AUTO_FIELDS._replace(n_steps=150, n_epochs=4)


def auto_for(target):
    """What "auto" means for this kind of target."""
    if target.kind == "masks":
        return _AUTO_MASKS
    if len(target.output_shape) > 1:
        return _AUTO_FIELDS
    return _AUTO_NUMBERS if target.kind == "values" else _AUTO
