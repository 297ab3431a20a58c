"""Plots of fitted estimators: gap, curriculum, replaced patches, loss and importance.

They require matplotlib.
"""

from sklearn_pare.inspection._curriculum import CurriculumDisplay
from sklearn_pare.inspection._gap import ModalityGapDisplay
from sklearn_pare.inspection._landscape import LossLandscapeDisplay, loss_landscape
from sklearn_pare.inspection._patches import PatchReplacementDisplay
from sklearn_pare.inspection._permutation import (
    PermutationImportanceDisplay,
    permutation_importance,
)

__all__ = [
    "CurriculumDisplay",
    "LossLandscapeDisplay",
    "ModalityGapDisplay",
    "PatchReplacementDisplay",
    "PermutationImportanceDisplay",
    "loss_landscape",
    "permutation_importance",
]
