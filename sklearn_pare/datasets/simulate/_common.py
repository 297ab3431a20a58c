"""Validation, an example for the docstring, and balanced labels of the simulators."""

import inspect
from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import Interval, validate_params


def at_least(least):
    """Return the constraint of an int."""
    return [Interval(Integral, least, None, closed="left")]


POSITIVE = [Interval(Real, 0, None, closed="neither")]
NOT_NEGATIVE = [Interval(Real, 0, None, closed="left")]

_ALL = {"n_samples": at_least(1), "random_state": ["random_state"]}
# Two seconds of an ECG: shorter ones may contain no beat.
SIGNAL = _ALL | {"length": at_least(128)}
FIELD = _ALL | {"size": at_least(8)}
CHAIN = _ALL | {"length": at_least(8)}
# Initial states have up to eight waves: at least four points per wave.
LINE = _ALL | {"resolution": at_least(32), "time": POSITIVE}


_EXAMPLE = """

Examples
--------
>>> from sklearn_pare.datasets import {name}
>>> X, y = {name}(5, random_state=0)
>>> len(X), len(y)
(5, 5)
"""


def validated(constraints, **others):
    """Return a decorator that validates parameters and documents an example."""
    validate = validate_params(constraints | others, prefer_skip_nested_validation=True)

    def decorate(simulator):
        # Under python -OO there are no docstrings.
        text = inspect.getdoc(simulator) or ""
        simulator.__doc__ = text + _EXAMPLE.format(name=simulator.__name__)
        return validate(simulator)

    return decorate


def balanced(n_samples, n_classes, rng):
    """Return labels in random order; class counts differ by at most one."""
    return rng.permutation(np.arange(n_samples) % n_classes)
