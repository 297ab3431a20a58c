"""Plots of fitted estimators: modality gap, curriculum, replaced patches and loss.

They require matplotlib.
"""

from sklearn_pare.inspection._curriculum import CurriculumDisplay
from sklearn_pare.inspection._gap import ModalityGapDisplay
from sklearn_pare.inspection._landscape import LossLandscapeDisplay, loss_landscape
from sklearn_pare.inspection._patches import PatchReplacementDisplay

__all__ = [
    "CurriculumDisplay",
    "LossLandscapeDisplay",
    "ModalityGapDisplay",
    "PatchReplacementDisplay",
    "loss_landscape",
]
