"""The estimators under test, each in several guises, all on the tiny backbone."""

from sklearn_pare import PaReClassifier, PaReRegressor
from tests.common.tiny import NAME

GUISES = {
    "default": {},
    "early stopping": {"early_stopping": True},
    # The linear path costs more than such a network: the guises above have it.
    "input_shape": {"input_shape": (1, -1), "linear_path": False},
    "no mixing": {"mix_start": 0.0, "mix_end": 0.0, "linear_path": False},
}

# Enough steps for the checks that ask for a good score.
_EPOCHS = {PaReClassifier: 6, PaReRegressor: 10}


def tiny(kind, **settings):
    """An estimator on the tiny backbone that fits in well under a second."""
    defaults = {
        "backbone": NAME,
        "max_epochs": _EPOCHS[kind],
        "lr": 2e-2,
        "random_state": 0,
    }
    return kind(**(defaults | settings))


def instances():
    """Yield one instance for each estimator and guise."""
    for kind in _EPOCHS:
        for settings in GUISES.values():
            yield tiny(kind, **settings)
