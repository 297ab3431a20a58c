"""What the simulators share: checks of parameters and balanced labels."""

from numbers import Integral

import numpy as np
from sklearn.utils._param_validation import Interval

_N_SAMPLES = [Interval(Integral, 1, None, closed="left")]
_SIGNAL = {
    "n_samples": _N_SAMPLES,
    # Two seconds of an ECG: shorter ones may hold no beat.
    "length": [Interval(Integral, 128, None, closed="left")],
    "random_state": ["random_state"],
}
_FIELD = {
    "n_samples": _N_SAMPLES,
    "size": [Interval(Integral, 8, None, closed="left")],
    "random_state": ["random_state"],
}


def _balanced(n_samples, n_classes, rng):
    """Labels in random order, each class as often as any other (up to one)."""
    return rng.permutation(np.arange(n_samples) % n_classes)
