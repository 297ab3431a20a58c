"""Targets of regressors: encoding, decoding, losses and scores.

Their methods are those of the targets in `class_targets`.
"""

import math
from copy import copy
from functools import partial

import numpy as np
import torch
from sklearn.metrics import r2_score
from sklearn.utils.validation import column_or_1d

from sklearn_pare._data.validation import place_size
from sklearn_pare._utils.scores import dense_d2, dense_r2, known_quantile
from sklearn_pare.exceptions import DataError
from sklearn_pare.nn import losses

#: Names of the losses of a fitted target.
LOSSES = (*losses.REGRESSION_LOSSES, "poisson", "quantile", "callable")


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
    """Raise DataError if there is no level, or one that is not between 0 and 1."""
    levels = np.asarray([] if quantile is None else quantile, np.float64)
    if levels.ndim > 1 or not levels.size or not ((levels > 0) & (levels < 1)).all():
        raise DataError(
            f"quantile is {quantile!r}. With loss='quantile', give a level between 0 "
            "and 1, or a list of levels, such as quantile=[0.1, 0.5, 0.9]."
        )


def _check_counts(y):
    """Raise DataError for targets that no Poisson distribution has."""
    if (y < 0).any():
        raise DataError(
            f"y holds {np.nanmin(y):g}, and loss='poisson' is for targets that are not "
            "negative, such as counts. Use another loss, such as 'squared_error'."
        )


def _call(function, shape, spread, outputs, codes):
    """Return the losses (B,) by a function of the user, in standard deviations of y."""
    spread = codes.new_tensor(spread).reshape(-1, *[1] * (codes.ndim - 2))
    pair = outputs, losses.fill(codes, outputs)
    found = function(*((values / spread).reshape(-1, *shape) for values in pair))
    if not isinstance(found, torch.Tensor) or found.shape[:1] != codes.shape[:1]:
        what = tuple(getattr(found, "shape", ())) or type(found).__name__
        raise DataError(
            f"loss returned {what} for {len(codes)} samples. It must return a tensor "
            "with one loss per sample or number: with reduction='none' in torch."
        )
    if found.numel() == codes.numel():
        found = torch.where(codes.isnan(), 0.0, found.reshape(codes.shape))
    return found.reshape(len(found), -1).mean(1)


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
    quantile : float or sequence of Q float, optional
        Levels of the loss "quantile". For a sequence, predictions have a last axis.
    """

    kind = "values"
    # Only needed by a fit, and not part of a saved file: the function of the user, and
    # whether targets are missing.
    function, gaps = None, False

    def __init__(self, mean, scale, shape, size, loss, quantile=None):
        self.mean, self.scale = mean, scale
        self.shape, self.size, self.loss_name = shape, size, loss
        if callable(loss):
            self.loss_name, self.function = "callable", loss
        # Standard deviations of y in units of the scale.
        self.spread = [1.0] * len(mean)
        self.levels, self.level_axis = [], False
        if loss == "quantile":
            _check_levels(quantile)
            self.levels = np.atleast_1d(quantile).tolist()
            self.level_axis = np.ndim(quantile) > 0

    @property
    def loss(self):
        """Function ``loss(outputs, codes)`` that returns the losses of samples."""
        if self.loss_name == "callable":
            return partial(_call, self.function, self.shape, self.spread)
        if self.loss_name == "poisson":
            return losses.poisson
        if self.levels:
            return partial(losses.pinball, levels=self.levels)
        loss = losses.REGRESSION_LOSSES[self.loss_name]
        if self.loss_name == "relative_l2":
            # Relative to the distance from the mean: an offset of y and the units of
            # its channels change nothing.
            return partial(loss, spread=self.spread)
        return loss

    @property
    def agreement(self):
        """Function ``agreement(mixed, clean)`` for samples without targets."""
        if self.levels or self.loss_name == "poisson":
            return losses.squared_error
        # The prediction for a clean sample is a target like any other.
        return self.loss

    @property
    def linear(self):
        """True if ridge regression, shifted by a constant, is a start for the loss."""
        # Fields with gaps would need a fit for each position.
        by_position = self.gaps and self.size
        return self.loss_name not in ("poisson", "callable") and not by_position

    @property
    def output_shape(self):
        """Shape (K, ...) or (K * Q, ...) of the outputs of a sample."""
        return (len(self.mean) * max(len(self.levels), 1), *self.size)

    @classmethod
    def from_y(cls, y, size, loss, quantile=None):
        """Make the target of y (n, ...), whose fields have the size `size`."""
        shape = y.shape[1:]
        values = y.reshape(len(y), -1, *size).astype(np.float64)
        axes = (0, *range(2, values.ndim))
        missing = np.isnan(values)
        if missing.all(axes).any():
            kind, place = "channel" if size else "output", missing.all(axes).argmax()
            raise DataError(f"y holds no number for {kind} {place}: leave it out.")
        # Complete targets are not copied.
        own = np.ma.masked_array(values, missing) if missing.any() else values
        with np.errstate(over="ignore", invalid="ignore"):
            least = np.asarray(own.min(axes))
            constant = least == np.asarray(own.max(axes))
            mean = np.where(constant, least, np.asarray(own.mean(axes)))
            scale = np.where(constant, 0.0, np.asarray(own.std(axes)))
        usable = np.isfinite(mean) & np.isfinite(scale) & (constant | (scale > 0))
        if not usable.all():
            raise DataError(
                f"y reaches {np.nanmax(np.abs(values)):g}: its standard deviation is "
                "no longer a finite positive number. Divide y by a constant, or take "
                "its logarithm."
            )
        if loss == "poisson":
            _check_counts(y)
            # Outputs are logarithms of multiples of the mean.
            mean, scale = np.where(constant, mean, 0.0), np.where(constant, 0.0, mean)
        target = cls(mean, scale, shape, size, loss, quantile)
        target.gaps = bool(missing.any())
        return target

    def encode(self, y):
        """Return standardised float32 codes (n, K, ...) of y (n, ...)."""
        y = self.check_shape(y)
        if self.loss_name == "poisson":
            _check_counts(y)
        values = y.reshape(len(y), -1, *self.size)
        mean, scale = self._units()
        codes = values - mean
        codes /= np.where(scale > 0, scale, 1.0)
        return codes.astype(np.float32)

    def check_shape(self, y):
        """Return y, or raise DataError if its samples are not shaped as in fit."""
        y = check_values(y)
        if y.shape[1:] != tuple(self.shape):
            raise DataError(
                f"The targets have shape {y.shape}; expected {math.prod(self.shape)} "
                f"numbers per sample in the shape {tuple(self.shape)}, as in y of fit."
            )
        return y

    def weigh(self, weight, codes):
        """Return the sample weights, 0 for samples without any target."""
        known = ~np.isnan(codes).reshape(len(codes), -1).all(1)
        return weight if known.all() else weight * known

    def zoom(self, factor):
        """Return the target with scales multiplied by `factor` (K,)."""
        zoomed = copy(self)
        zoomed.scale = self.scale * factor
        zoomed.spread = (self.spread / factor).tolist()
        return zoomed

    def repeat(self, codes):
        """Return codes (n, K, ...) once for each level."""
        return codes.repeat(len(self.levels), 1) if self.levels else codes

    def shift(self, residuals, weight):
        """Return the quantiles of residuals (n, K, ...) where the loss is lowest.

        None for losses that are lowest at other numbers.
        """
        levels = [0.5] if self.loss_name == "absolute_error" else self.levels
        if not levels:
            return None
        weight = np.repeat(weight, math.prod(self.size))
        by_output = np.moveaxis(residuals, 1, 0).reshape(residuals.shape[1], -1)
        pairs = zip(by_output, np.tile(levels, len(self.mean)), strict=True)
        return np.array([known_quantile(*pair, weight) for pair in pairs])

    def _units(self):
        axes = (slice(None), *[None] * len(self.size))
        return self.mean[axes], self.scale[axes]

    def strata(self, codes):
        """Return None: numbers are split at random."""
        return None

    def _numbers(self, outputs):
        """Return standardised numbers (n, K, ...), or quantiles (Q, n, K, ...)."""
        if self.loss_name == "poisson":
            return outputs.exp()
        if not self.levels:
            return outputs
        parts = outputs.shape[0], -1, len(self.levels), *outputs.shape[2:]
        # Sorted quantiles do not cross, and their pinball loss is not higher.
        found = outputs.reshape(parts).sort(2).values
        return found.movedim(2, 0)[np.argsort(np.argsort(self.levels)).tolist()]

    def numbers(self, outputs):
        """Return numbers (n, K, ...), or quantiles (Q, n, K, ...), in units of y.

        Outputs are an array, or a tensor, whose dtype is kept.
        """
        if not isinstance(outputs, torch.Tensor):
            return self.numbers(torch.tensor(outputs, dtype=torch.float64)).numpy()
        like = {"dtype": outputs.dtype, "device": outputs.device}
        mean, scale = (torch.tensor(own, **like) for own in self._units())
        return self._numbers(outputs) * scale + mean

    def decode(self, outputs):
        """Return numbers or quantiles in the units and shape of y, as in `numbers`."""
        if not isinstance(outputs, torch.Tensor):
            return self.decode(torch.tensor(outputs, dtype=torch.float64)).numpy()
        values = self.numbers(outputs)
        # Fields may be on another grid than in fit.
        shape = *self.shape[: len(self.shape) - len(self.size)], *outputs.shape[2:]
        if not self.levels:
            return values.reshape(outputs.shape[0], *shape)
        values = values.reshape(-1, outputs.shape[0], *shape)
        return values.movedim(0, -1) if self.level_axis else values[0]

    def misses(self, outputs, y):
        """Return by how much y (n, ...) is outside the predictions, and no temperature.

        Inside of the outermost quantiles numbers are negative (Romano et al., 2019).
        """
        y = self.check_shape(y)
        lower, upper = self._outermost(outputs)
        return np.maximum(lower - y, y - upper), 1.0

    def interval(self, outputs, radius):
        """Return lower and upper ends (n, ...) at the distance `radius` (...)."""
        lower, upper = self._outermost(outputs)
        lower, upper = lower - radius, upper + radius
        if self.loss_name == "poisson":
            lower = np.maximum(lower, 0.0)
        # Only its middle is left of an interval that shrinks by more than its width.
        with np.errstate(invalid="ignore"):
            middle = (lower + upper) / 2
        return np.fmin(lower, middle), np.fmax(upper, middle)

    def _outermost(self, outputs):
        values = self.decode(outputs)
        return (values.min(-1), values.max(-1)) if self.level_axis else (values,) * 2

    def score(self, outputs, codes, weight):
        """Return the result of `rate` for outputs."""
        values = self._numbers(torch.tensor(outputs)).numpy()
        return self.rate(values, codes, weight)

    def rate(self, values, y, weight):
        """Return the coefficient of determination: the mean over numbers or channels.

        It is that of y: one unit per number or channel changes nothing. For quantiles
        it is the mean explained part of the pinball loss. Numbers without any target in
        y are left out.
        """
        if not (self.levels or self.size or np.isnan(y).any()):
            return r2_score(y, values, sample_weight=weight)
        found = []
        for c in range(len(self.mean)):
            if np.isnan(y[:, c]).all():
                continue
            if not self.levels:
                found.append(dense_r2(y[:, c], values[:, c], weight))
            for level, own in zip(self.levels, values, strict=False):
                found.append(dense_d2(y[:, c], own[:, c], level, weight))
        return float(np.mean(found))
