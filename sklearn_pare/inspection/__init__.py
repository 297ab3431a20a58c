"""Plots of fitted estimators: predicted fields, importance, curriculum, gap, loss.

They require matplotlib.
"""

from sklearn_pare.inspection._curriculum import CurriculumDisplay
from sklearn_pare.inspection._fields import FieldDisplay
from sklearn_pare.inspection._gap import ModalityGapDisplay
from sklearn_pare.inspection._landscape import LossLandscapeDisplay, loss_landscape
from sklearn_pare.inspection._patches import PatchReplacementDisplay
from sklearn_pare.inspection._permutation import (
    PermutationImportanceDisplay,
    permutation_importance,
)

__all__ = [
    "CurriculumDisplay",
    "FieldDisplay",
    "LossLandscapeDisplay",
    "ModalityGapDisplay",
    "PatchReplacementDisplay",
    "PermutationImportanceDisplay",
    "loss_landscape",
    "permutation_importance",
]
