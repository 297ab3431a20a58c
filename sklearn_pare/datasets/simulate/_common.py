"""Constraints of parameters and balanced labels, shared by the simulators."""

from numbers import Integral

import numpy as np
from sklearn.utils._param_validation import Interval

_N_SAMPLES = [Interval(Integral, 1, None, closed="left")]
_SIGNAL = {
    "n_samples": _N_SAMPLES,
    # Two seconds of an ECG: shorter ones may contain no beat.
    "length": [Interval(Integral, 128, None, closed="left")],
    "random_state": ["random_state"],
}
_FIELD = {
    "n_samples": _N_SAMPLES,
    "size": [Interval(Integral, 8, None, closed="left")],
    "random_state": ["random_state"],
}


def _balanced(n_samples, n_classes, rng):
    """Return labels in random order; class counts differ by at most one."""
    return rng.permutation(np.arange(n_samples) % n_classes)
