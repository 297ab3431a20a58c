"""Targets of regressors: encoding, decoding, losses and scores.

A target is made from y. It has the loss that the network is trained with and the shape
of the outputs, encodes y into codes, decodes outputs into y, and scores outputs.
"""

import math
from functools import partial

import numpy as np
import torch
from sklearn.metrics import r2_score
from sklearn.utils.validation import column_or_1d

from sklearn_pare._data.validation import place_size
from sklearn_pare._utils.scores import dense_r2
from sklearn_pare.exceptions import DataError
from sklearn_pare.nn.losses import REGRESSION_LOSSES


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
    spread : list of K float, optional
        Standard deviation of each number or channel in units of `scale`; by default 1.
    """

    kind = "values"

    def __init__(self, mean, scale, shape, size, loss, spread=None):
        self.mean, self.scale = mean, scale
        self.shape, self.size, self.loss_name = shape, size, loss
        self.spread = [1.0] * len(mean) if spread is None else spread

    @property
    def loss(self):
        """Function ``loss(outputs, codes)`` that returns the losses of samples."""
        loss = REGRESSION_LOSSES[self.loss_name]
        if self.loss_name == "relative_l2":
            # Relative to the distance from the mean: an offset of y and the units of
            # its channels change nothing.
            return partial(loss, spread=self.spread)
        return loss

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
        first = values[(0, slice(None), *[0] * len(size))]
        with np.errstate(over="ignore", invalid="ignore"):
            constant = np.ptp(values, axis=axes) == 0
            mean = np.where(constant, first, values.mean(axes))
            scale = np.where(constant, 0.0, values.std(axes))
        usable = np.isfinite(mean) & np.isfinite(scale) & (constant | (scale > 0))
        if not usable.all():
            raise DataError(
                f"y reaches {np.abs(values).max():g}: its standard deviation is no "
                "longer a finite positive number. Divide y by a constant, or take its "
                "logarithm."
            )
        return cls(mean, scale, shape, size, loss)

    def encode(self, y):
        """Return standardised float32 codes (n, K, ...) of y (n, ...)."""
        y = self.check_shape(check_values(y))
        values = y.reshape(len(y), -1, *self.size)
        mean, scale = self._units()
        codes = values - mean
        codes /= np.where(scale > 0, scale, 1.0)
        return codes.astype(np.float32)

    def check_shape(self, y):
        """Return y, or raise DataError if its samples are not shaped as in fit."""
        if y.shape[1:] != tuple(self.shape):
            raise DataError(
                f"The targets have shape {y.shape}; expected {math.prod(self.shape)} "
                f"numbers per sample in the shape {tuple(self.shape)}, as in y of fit."
            )
        return y

    def weigh(self, weight, codes):
        """Return the sample weights."""
        return weight

    def zoom(self, factor):
        """Return the target with scales multiplied by `factor` (K,)."""
        scale, spread = self.scale * factor, (self.spread / factor).tolist()
        own = self.shape, self.size, self.loss_name
        return ValueTarget(self.mean, scale, *own, spread)

    def _units(self):
        axes = (slice(None), *[None] * len(self.size))
        return self.mean[axes], self.scale[axes]

    def strata(self, codes):
        """Return None: numbers are split at random."""
        return None

    def decode(self, outputs):
        """Return numbers in the units of y from an array or tensor (n, K, ...)."""
        mean, scale = self._units()
        if isinstance(outputs, torch.Tensor):
            like = {"dtype": outputs.dtype, "device": outputs.device}
            mean, scale = (torch.tensor(own, **like) for own in (mean, scale))
        # Fields may be on another grid than in fit.
        shape = *self.shape[: len(self.shape) - len(self.size)], *outputs.shape[2:]
        return (outputs * scale + mean).reshape(outputs.shape[0], *shape)

    def score(self, outputs, codes, weight):
        """Return the coefficient of determination: the mean over numbers or channels.

        It is that of y: one unit per number or channel changes nothing.
        """
        if self.size:
            channels = range(len(self.mean))
            return float(
                np.mean(
                    [dense_r2(codes[:, c], outputs[:, c], weight) for c in channels]
                )
            )
        return r2_score(codes, outputs, sample_weight=weight)
