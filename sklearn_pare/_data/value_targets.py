"""Targets of regressors: encoding, decoding, losses and scores.

A target is made from y. It has the loss that the network is trained with and the shape
of the outputs, encodes y into codes, decodes outputs into y, and scores outputs.
"""

import math
from copy import copy
from functools import partial

import numpy as np
import torch
from sklearn.metrics import r2_score
from sklearn.utils.validation import column_or_1d

from sklearn_pare._data.validation import place_size
from sklearn_pare._utils.scores import dense_d2, dense_r2
from sklearn_pare.exceptions import DataError
from sklearn_pare.nn.losses import REGRESSION_LOSSES, pinball, poisson, squared_error

#: Names of the losses of a fitted target.
LOSSES = (*REGRESSION_LOSSES, "poisson", "quantile", "callable")


def check_values(y):
    """Return numbers or fields as an array; a single column becomes (n,)."""
    return column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y


def make_value_target(y, input_shape, loss, quantile=None):
    """Return the target for an array that `check_values` returned."""
    size = place_size(y, input_shape, channels=True)
    if loss == "auto":
        loss = "relative_l2" if size else "squared_error"
    return ValueTarget.from_y(y, size, loss, quantile)


def _check_levels(quantile):
    """Return one or several levels as an array, or raise DataError."""
    levels = np.asarray([] if quantile is None else quantile, np.float64)
    if levels.ndim > 1 or not levels.size or not ((levels > 0) & (levels < 1)).all():
        raise DataError(
            f"quantile is {quantile!r}. With loss='quantile', give a level between 0 "
            "and 1, or a list of levels, such as quantile=[0.1, 0.5, 0.9]."
        )
    return levels


def _check_counts(y):
    """Raise DataError for targets that no Poisson distribution has."""
    if y.min() < 0:
        raise DataError(
            f"y holds {y.min():g}, and loss='poisson' is for targets that are not "
            "negative, such as counts. Use another loss, such as 'squared_error'."
        )


def _call(outputs, codes, function, shape, spread):
    """Return the losses (B,) by a function of the user, in standard deviations of y."""
    spread = codes.new_tensor(spread).reshape(-1, *[1] * (codes.ndim - 2))
    pair = ((values / spread).reshape(-1, *shape) for values in (outputs, codes))
    losses = function(*pair)
    if not isinstance(losses, torch.Tensor) or losses.shape[:1] != codes.shape[:1]:
        found = tuple(getattr(losses, "shape", ())) or type(losses).__name__
        raise DataError(
            f"loss returned {found} for {len(codes)} samples. It must return a tensor "
            "with one loss per sample or per number, for example with "
            "torch.nn.functional.smooth_l1_loss(prediction, target, reduction='none')."
        )
    return losses.reshape(len(losses), -1).mean(1)


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
    loss : str or callable
        One of `LOSSES`, or a function ``loss(prediction, target)``.
    quantile : float or sequence of float, optional
        One or Q levels of the loss "quantile".

    Attributes
    ----------
    spread : list of K float
        Standard deviation of each number or channel in units of `scale`.
    levels : list of float
        Levels of the quantiles that the outputs are; empty if they are something else.
    level_axis : bool
        Whether predictions have a last axis of levels.
    """

    kind = "values"
    # Not part of a saved file: only needed by a fit.
    function = None

    def __init__(self, mean, scale, shape, size, loss, quantile=None):
        self.mean, self.scale = mean, scale
        self.shape, self.size, self.loss_name = shape, size, loss
        if callable(loss):
            self.loss_name, self.function = "callable", loss
        self.spread = [1.0] * len(mean)
        levels = _check_levels(quantile) if self.loss_name == "quantile" else []
        self.levels = np.atleast_1d(levels).tolist()
        self.level_axis = np.ndim(levels) > 0 and len(self.levels) > 0

    @property
    def loss(self):
        """Function ``loss(outputs, codes)`` that returns the losses of samples."""
        if self.loss_name == "callable":
            own = {"function": self.function, "shape": self.shape}
            return partial(_call, spread=self.spread, **own)
        if self.loss_name == "poisson":
            return poisson
        if self.levels:
            return partial(pinball, levels=self.levels)
        loss = REGRESSION_LOSSES[self.loss_name]
        if self.loss_name == "relative_l2":
            # Relative to the distance from the mean: an offset of y and the units of
            # its channels change nothing.
            return partial(loss, spread=self.spread)
        return loss

    @property
    def agreement(self):
        """Function ``agreement(mixed, clean)`` for samples without targets."""
        if self.levels or self.loss_name == "poisson":
            return squared_error
        # The prediction for a clean sample is a target like any other.
        return self.loss

    @property
    def linear(self):
        """Whether ridge regression, shifted by a constant, is a start for the loss."""
        return self.loss_name not in ("poisson", "callable")

    @property
    def output_shape(self):
        """Shape (K, ...) or (K * Q, ...) of the outputs of a sample."""
        return (len(self.mean) * max(len(self.levels), 1), *self.size)

    @property
    def scores_shape(self):
        """Shape of the `misses` of a sample."""
        return self.shape

    @classmethod
    def from_y(cls, y, size, loss, quantile=None):
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
        if loss == "poisson":
            _check_counts(y)
            # Outputs are logarithms of multiples of the mean.
            mean, scale = np.where(constant, mean, 0.0), np.where(constant, 0.0, mean)
        return cls(mean, scale, shape, size, loss, quantile)

    def encode(self, y):
        """Return standardised float32 codes (n, K, ...) of y (n, ...)."""
        y = self.check_shape(check_values(y))
        if self.loss_name == "poisson":
            _check_counts(y)
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
        zoomed = copy(self)
        zoomed.scale = self.scale * factor
        zoomed.spread = (self.spread / factor).tolist()
        return zoomed

    def repeat(self, codes):
        """Return codes (n, K, ...) once for each output of a number."""
        return codes.repeat(len(self.levels), 1) if self.levels else codes

    def shift(self, residuals, weight):
        """Return the constants that fit residuals of outputs (n, K, ...) to the loss.

        They are quantiles for a loss that is lowest at a quantile, otherwise None.
        """
        levels = [0.5] if self.loss_name == "absolute_error" else self.levels
        if not levels:
            return None
        places = math.prod(self.size)
        by_output = np.moveaxis(residuals, 1, 0).reshape(residuals.shape[1], -1)
        options = {"weights": np.repeat(weight, places), "method": "inverted_cdf"}
        levels = np.tile(levels, len(self.mean))
        return np.array(
            [
                np.quantile(own, level, **options)
                for own, level in zip(by_output, levels, strict=True)
            ]
        )

    def _units(self):
        axes = (slice(None), *[None] * len(self.size))
        return self.mean[axes], self.scale[axes]

    def strata(self, codes):
        """Return None: numbers are split at random."""
        return None

    def _numbers(self, outputs):
        """Return standardised numbers (n, K, ...), or quantiles (Q, n, K, ...)."""
        if self.loss_name == "poisson":
            return np.exp(outputs.astype(np.float64))
        if not self.levels:
            return outputs
        n_levels = len(self.levels)
        # Sorted quantiles do not cross, and their pinball loss is not higher.
        found = np.sort(outputs.reshape(len(outputs), -1, n_levels, *self.size), axis=2)
        return np.moveaxis(found, 2, 0)[np.argsort(np.argsort(self.levels))]

    def decode(self, outputs):
        """Return numbers in the units and shape of y from outputs (n, K, ...).

        For several levels there is one more axis, the last.
        """
        mean, scale = self._units()
        values = self._numbers(outputs) * scale + mean
        if not self.levels:
            return values.reshape(len(outputs), *self.shape)
        values = values.reshape(-1, len(outputs), *self.shape)
        return np.moveaxis(values, 0, -1) if self.level_axis else values[0]

    def misses(self, outputs, y):
        """Return by how much y (n, ...) is outside the predictions, and no temperature.

        Negative numbers are distances to the nearest of the outermost quantiles, if
        there are several (Romano et al., "Conformalized Quantile Regression", 2019).
        """
        y = self.check_shape(check_values(y))
        lower, upper = self._outermost(outputs)
        return np.maximum(lower - y, y - upper), 1.0

    def interval(self, outputs, radius):
        """Return lower and upper ends (n, ...) at the distance `radius` (...)."""
        lower, upper = self._outermost(outputs)
        lower, upper = lower - radius, upper + radius
        if self.loss_name == "poisson":
            lower = np.maximum(lower, 0.0)
        # Nothing is left of an interval that shrinks by more than its width.
        return np.minimum(lower, upper), np.maximum(lower, upper)

    def _outermost(self, outputs):
        values = self.decode(outputs)
        if self.level_axis:
            return values.min(-1), values.max(-1)
        return values, values

    def score(self, outputs, codes, weight):
        """Return the score of `rate` for outputs, given codes (n, K, ...)."""
        return self.rate(self._numbers(outputs), codes, weight)

    def by_channel(self, prediction, y):
        """Return the arguments of `rate` for a prediction and y in their own shapes."""
        if self.levels:
            last = prediction if self.level_axis else prediction[..., None]
            prediction = np.moveaxis(last, -1, 0)
        shape = (len(y), len(self.mean), *self.size)
        several = [-1] if self.levels else []
        return prediction.reshape(*several, *shape), y.reshape(shape)

    def rate(self, values, y, weight):
        """Return the coefficient of determination: the mean over numbers or channels.

        It is that of y: one unit per number or channel changes nothing. For quantiles
        (Q, n, K, ...) it is the mean over levels of the part of the pinball loss that
        is explained.
        """
        channels = range(len(self.mean))
        if self.levels:
            return float(
                np.mean(
                    [
                        dense_d2(y[:, c], own[:, c], level, weight)
                        for level, own in zip(self.levels, values, strict=True)
                        for c in channels
                    ]
                )
            )
        if self.size:
            return float(
                np.mean([dense_r2(y[:, c], values[:, c], weight) for c in channels])
            )
        return r2_score(y, values, sample_weight=weight)
