"""Targets of regressors: encoding, decoding, losses and scores.

A target is made from y. It has the loss that the network is trained with and the shape
of the outputs, encodes y into codes, decodes outputs into y, and scores outputs.
"""

import math

import numpy as np
from sklearn.metrics import r2_score
from sklearn.utils.validation import column_or_1d

from sklearn_pare._data.validation import place_size
from sklearn_pare.exceptions import DataError
from sklearn_pare.nn.losses import (
    REGRESSION_LOSSES,
)


def check_values(y):
    """Return numbers or fields as an array; a single column becomes (n,)."""
    return column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y


def make_value_target(y, input_shape, loss):
    """Return the target for an array that `check_values` returned."""
    size = place_size(y, input_shape, channels=True)
    if loss == "auto":
        loss = "relative_l2" if size else "squared_error"
    return ValueTarget.from_y(y, size, loss)


class ValueTarget:
    """Standardised numbers: one or several per sample, or fields.

    Parameters
    ----------
    mean, scale : ndarray of shape (K,)
        Mean and scale of each number, or of each channel of a field. A constant has
        scale 0, so that it is predicted exactly.
    shape : tuple of int
        Shape of the target of one sample: () or (K,); (L,), (C, L), (H, W) or
        (C, H, W).
    size : tuple of int
        (L,) or (H, W) for fields, () for numbers.
    loss : {"squared_error", "huber", "relative_l2"}
    """

    kind = "values"

    def __init__(self, mean, scale, shape, size, loss):
        self.mean, self.scale = mean, scale
        self.shape, self.size, self.loss_name = shape, size, loss

    @property
    def loss(self):
        """Function ``loss(outputs, codes)`` that returns the losses of samples."""
        return REGRESSION_LOSSES[self.loss_name]

    # The prediction for a clean sample is a target like any other.
    agreement = loss

    @property
    def output_shape(self):
        """Shape (K, ...) of the outputs of a sample."""
        return (len(self.mean), *self.size)

    @classmethod
    def from_y(cls, y, size, loss):
        """Make the target of y (n, ...), whose fields have the size `size`."""
        shape = y.shape[1:]
        values = y.reshape(len(y), -1, *size).astype(np.float64)
        axes = (0, *range(2, values.ndim))
        constant = np.ptp(values, axis=axes) == 0
        first = values[(0, slice(None), *[0] * len(size))]
        with np.errstate(over="ignore", invalid="ignore"):
            mean = np.where(constant, first, values.mean(axes))
            scale = np.where(constant, 0.0, values.std(axes))
        if not np.isfinite(mean + scale).all():
            raise DataError(
                f"y reaches {np.abs(values).max():g}: its standard deviation is no "
                "longer a finite number. Divide y by a constant, or take its logarithm."
            )
        if loss == "relative_l2":
            # The loss is relative to y itself: one scale for all channels, no shift.
            with np.errstate(over="ignore"):
                size_of_y = np.sqrt(np.square(values).mean())
            mean, scale = np.zeros_like(mean), np.full_like(scale, size_of_y)
        return cls(mean, scale, shape, size, loss)

    def encode(self, y):
        """Return standardised float32 codes (n, K, ...) of y (n, ...)."""
        y = check_values(y)
        if y.shape[1:] != tuple(self.shape):
            n_numbers = math.prod(self.shape)
            raise DataError(
                f"y_val has shape {y.shape}; expected {n_numbers} numbers per sample "
                f"in the shape {tuple(self.shape)}, as in y."
            )
        values = y.reshape(len(y), -1, *self.size)
        mean, scale = self._units()
        codes = values - mean
        codes /= np.where(scale > 0, scale, 1.0)
        return codes.astype(np.float32)

    def weigh(self, weight, codes):
        """Return the sample weights."""
        return weight

    def zoom(self, factor):
        """Return the target with scales multiplied by `factor` (K,)."""
        scale = self.scale * factor
        return ValueTarget(self.mean, scale, self.shape, self.size, self.loss_name)

    def _units(self):
        axes = (slice(None), *[None] * len(self.size))
        return self.mean[axes], self.scale[axes]

    def strata(self, codes):
        """Return None: numbers are split at random."""
        return None

    def decode(self, outputs):
        """Return numbers in the units and shape of y from outputs (n, K, ...)."""
        mean, scale = self._units()
        return (outputs * scale + mean).reshape(len(outputs), *self.shape)

    def score(self, outputs, codes, weight):
        """Return the coefficient of determination; see `dense_r2` for fields."""
        if self.size:
            return dense_r2(codes, outputs, weight)
        return r2_score(codes, outputs, sample_weight=weight)


def dense_r2(y, prediction, weight=None):
    """Return R2 of fields over all positions together.

    This is one minus the squared error over the squared distance from the mean field.
    Positions that do not vary, such as a fixed boundary, add nothing to the latter.
    """
    y, prediction = (
        np.reshape(np.asarray(a, np.float64), (len(a), -1)) for a in (y, prediction)
    )
    error = np.average(np.square(y - prediction), axis=0, weights=weight).sum()
    mean = np.average(y, axis=0, weights=weight)
    spread = np.average(np.square(y - mean), axis=0, weights=weight).sum()
    if spread == 0:
        # As in scikit-learn.
        return float(error == 0)
    return float(1 - error / spread)
