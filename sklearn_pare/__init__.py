"""Cross-modal fine-tuning by PaRe, as scikit-learn estimators."""

from sklearn_pare._classifier import PaReClassifier
from sklearn_pare._load import load
from sklearn_pare._regressor import PaReRegressor
from sklearn_pare._version import __version__

__all__ = ["PaReClassifier", "PaReRegressor", "__version__", "load"]
