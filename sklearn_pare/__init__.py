"""Cross-modal fine-tuning by PaRe, as scikit-learn estimators."""

from importlib import import_module

from sklearn_pare._classifier import PaReClassifier
from sklearn_pare._load import load
from sklearn_pare._regressor import PaReRegressor
from sklearn_pare._version import __version__

__all__ = ["PaReClassifier", "PaReRegressor", "__version__", "load"]

# Imported at first use, since some need much time or optional packages.
_SUBMODULES = (
    "backbones",
    "benchmarks",
    "datasets",
    "exceptions",
    "inspection",
    "metrics",
    "nn",
    "openml",
    "otdd",
    "sources",
)


def __getattr__(name):
    if name in _SUBMODULES:
        return import_module(f"sklearn_pare.{name}")
    raise AttributeError(f"module 'sklearn_pare' has no attribute {name!r}")


def __dir__():
    return sorted([*__all__, *_SUBMODULES])
