"""Targets as users have them <-> what the network is trained on.

A target knows its loss, the shape of the outputs it needs, how to turn y into codes
and outputs into y, and how to score outputs. It is fitted by being made from y.
"""

import math
from functools import partial
from numbers import Real

import numpy as np
from scipy.special import expit, softmax
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils.class_weight import compute_class_weight

from sklearn_pare.exceptions import DataError
from sklearn_pare.nn.losses import (
    IGNORED,
    REGRESSION_LOSSES,
    binary_cross_entropy,
    class_agreement,
    cross_entropy,
    label_agreement,
)


class ClassTarget:
    """One class a row.

    Parameters
    ----------
    classes : ndarray of shape (K,)
        Sorted.
    """

    kind, loss = "classes", staticmethod(cross_entropy)
    agreement = staticmethod(class_agreement)

    def __init__(self, classes):
        self.classes = classes

    @property
    def output_shape(self):
        """Logits of a row."""
        return (len(self.classes),)

    @classmethod
    def from_y(cls, y):
        """Learn the classes of y (n,)."""
        classes = _two_classes(np.unique(y))
        if len(classes) == len(y) and len(y) > 2:
            raise DataError(
                f"y holds {len(classes)} classes in {len(y)} rows: every row is a "
                "class of its own. Use PaReRegressor for numbers, or give at least "
                "two rows of some class."
            )
        return cls(classes)

    def encode(self, y):
        """Classes (n,) -> int64 codes (n,)."""
        return _encode(y, self.classes)

    def strata(self, codes):
        """What a split keeps in proportion."""
        return codes

    def decode(self, outputs):
        """Logits (n, K) -> classes (n,)."""
        return self.classes[outputs.argmax(1)]

    def decide(self, outputs):
        """Logits (n, K) -> (n, K), or the log-odds (n,) of two classes."""
        return outputs[:, 1] - outputs[:, 0] if len(self.classes) == 2 else outputs

    def probabilities(self, outputs):
        """Logits (n, K) -> probabilities (n, K)."""
        return softmax(outputs.astype(np.float64), axis=1)

    def score(self, outputs, codes, weight):
        """Accuracy."""
        return accuracy_score(codes, outputs.argmax(1), sample_weight=weight)


class MaskTarget:
    """One class for every sample of a signal or pixel of an image.

    Parameters
    ----------
    classes : ndarray of shape (K,)
        Sorted, without the value that is ignored.
    size : tuple of int
        (L,) or (H, W).
    ignored : int or None
        Value of places that are neither learned nor scored.
    class_weight : list of float or None
    """

    kind = "masks"
    agreement = staticmethod(class_agreement)

    def __init__(self, classes, size, ignored, class_weight):
        self.classes, self.size, self.ignored = classes, size, ignored
        self.class_weight = class_weight

    @property
    def loss(self):
        """Cross-entropy of places."""
        return partial(cross_entropy, class_weight=self.class_weight)

    @property
    def output_shape(self):
        """Logits of a row."""
        return (len(self.classes), *self.size)

    @classmethod
    def from_y(cls, y, ignored, class_weight):
        """Learn the classes of y (n, L) or (n, H, W); weights as in scikit-learn."""
        if y.dtype.kind not in "iub":
            if not (y == y.round()).all():
                raise DataError(
                    f"y is a mask of {y.dtype} numbers that are not whole. Give "
                    "classes as whole numbers, or use PaReRegressor for fields."
                )
            y = y.astype(np.int64)
        used = y[y != ignored]
        classes = _two_classes(np.unique(used))
        if class_weight is not None:
            weights = compute_class_weight(class_weight, classes=classes, y=used)
            # Mean 1 over places, so that the learning rate means the same.
            weights = weights / weights[np.searchsorted(classes, used)].mean()
            class_weight = weights.tolist()
        return cls(classes, y.shape[1:], ignored, class_weight)

    def encode(self, y):
        """Masks (n, ...) -> int64 codes (n, ...)."""
        if y.shape[1:] != tuple(self.size):
            raise DataError(
                f"y_val has shape {y.shape}; expected (n, "
                f"{', '.join(map(str, self.size))}) as in y."
            )
        used = y != self.ignored
        codes = np.full(y.shape, IGNORED)
        codes[used] = _encode(y[used], self.classes)
        return codes

    def log_shares(self, codes):
        """Logits (K,) of a guess that knows nothing but how many places a class has."""
        counts = np.bincount(codes[codes != IGNORED], minlength=len(self.classes))
        # A class may be in none of the rows that are left to train on.
        weighted = np.maximum(counts, 1) * np.asarray(self.class_weight or 1.0)
        return np.log(weighted / weighted.sum())

    def strata(self, codes):
        """Nothing: masks are split at random."""
        return None

    def decode(self, outputs):
        """Logits (n, K, ...) -> classes (n, ...)."""
        return self.classes[outputs.argmax(1)]

    def decide(self, outputs):
        """Logits (n, K, ...), as they are."""
        return outputs

    def probabilities(self, outputs):
        """Logits (n, K, ...) -> probabilities (n, K, ...)."""
        return softmax(outputs.astype(np.float64), axis=1)

    def score(self, outputs, codes, weight):
        """Accuracy of places that are not ignored."""
        used = codes != IGNORED
        right = (outputs.argmax(1) == codes) & used
        axes = tuple(range(1, codes.ndim))
        return float(weight @ right.sum(axes) / (weight @ used.sum(axes)))


class LabelTarget:
    """Any number of K labels a row: an indicator matrix.

    Parameters
    ----------
    classes : ndarray of shape (K,)
        0 to K - 1.
    pos_weight : list of float or None
        Weight of each label where it is there.
    """

    kind = "labels"
    agreement = staticmethod(label_agreement)

    def __init__(self, classes, pos_weight):
        self.classes, self.pos_weight = classes, pos_weight

    @property
    def loss(self):
        """Binary cross-entropy."""
        return partial(binary_cross_entropy, pos_weight=self.pos_weight)

    @property
    def output_shape(self):
        """Logits of a row."""
        return (len(self.classes),)

    @classmethod
    def from_y(cls, y, pos_weight):
        """Learn the number of labels of y (n, K).

        `pos_weight` is a number, one for each label, or "balanced": rows without the
        label over rows with it.
        """
        n_labels = y.shape[1]
        if pos_weight == "balanced":
            there = np.maximum(y.sum(0), 1)
            pos_weight = ((len(y) - there) / there).tolist()
        elif isinstance(pos_weight, Real):
            pos_weight = [float(pos_weight)] * n_labels
        if pos_weight is not None and len(pos_weight) != n_labels:
            raise DataError(
                f"pos_weight has {len(pos_weight)} numbers, y has {n_labels} labels. "
                "Give one a label, one number for all, or 'balanced'."
            )
        return cls(np.arange(n_labels), pos_weight)

    def encode(self, y):
        """Indicators (n, K) -> float32 (n, K)."""
        values = np.unique(y)
        if not np.isin(values, [0, 1]).all():
            raise DataError(
                f"y is a matrix of the values {values[:5].tolist()}; an indicator "
                "matrix holds 0 and 1. For a matrix of two values give "
                "(y == y.max()).astype(int)."
            )
        if y.ndim != 2 or y.shape[1] != len(self.classes):
            raise DataError(
                f"y_val has shape {y.shape}; expected (n, {len(self.classes)}) as in y."
            )
        return y.astype(np.float32)

    def strata(self, codes):
        """Nothing: label sets are too many to keep in proportion."""
        return None

    def decode(self, outputs):
        """Logits (n, K) -> indicators (n, K)."""
        return (outputs > 0).astype(np.int64)

    def decide(self, outputs):
        """Logits (n, K), as they are."""
        return outputs

    def probabilities(self, outputs):
        """Logits (n, K) -> probability of each label (n, K)."""
        return expit(outputs.astype(np.float64))

    def score(self, outputs, codes, weight):
        """Accuracy of whole label sets."""
        return accuracy_score(codes > 0, outputs > 0, sample_weight=weight)


class ValueTarget:
    """Numbers, one or several a row or in every place of it, standardised.

    Parameters
    ----------
    mean, scale : ndarray of shape (K,)
        Of each number, or of each channel of a field. A constant has scale 0, so that
        it is predicted exactly.
    shape : tuple of int
        Of the target of one row: () or (K,); (L,), (C, L), (H, W) or (C, H, W).
    size : tuple of int
        (L,) or (H, W) of a field, () of numbers.
    loss : {"squared_error", "huber", "relative_l2"}
    """

    kind = "values"

    def __init__(self, mean, scale, shape, size, loss):
        self.mean, self.scale = mean, scale
        self.shape, self.size, self.loss_name = shape, size, loss

    @property
    def loss(self):
        """``loss(outputs, codes)`` -> losses of rows."""
        return REGRESSION_LOSSES[self.loss_name]

    # What is predicted for a clean row is a target like any other.
    agreement = loss

    @property
    def output_shape(self):
        """Values of a row."""
        return (len(self.mean), *self.size)

    @classmethod
    def from_y(cls, y, size, loss):
        """Learn mean and standard deviation of y (n, ...) with fields of `size`."""
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
            # Relative to y itself: one unit for all channels, and no shift.
            with np.errstate(over="ignore"):
                size_of_y = np.sqrt(np.square(values).mean())
            mean, scale = np.zeros_like(mean), np.full_like(scale, size_of_y)
        return cls(mean, scale, shape, size, loss)

    def encode(self, y):
        """Numbers -> standardised float32 (n, K, ...)."""
        if y.shape[1:] != tuple(self.shape):
            n_numbers = math.prod(self.shape)
            raise DataError(
                f"y_val has shape {y.shape}; expected {n_numbers} numbers a row in the "
                f"shape {tuple(self.shape)}, as in y."
            )
        values = y.reshape(len(y), -1, *self.size)
        mean, scale = self._units()
        codes = values - mean
        codes /= np.where(scale > 0, scale, 1.0)
        return codes.astype(np.float32)

    def zoom(self, factor):
        """The target in units smaller by `factor` (K,); codes grow by 1 / factor."""
        scale = self.scale * factor
        return ValueTarget(self.mean, scale, self.shape, self.size, self.loss_name)

    def _units(self):
        axes = (slice(None), *[None] * len(self.size))
        return self.mean[axes], self.scale[axes]

    def strata(self, codes):
        """Nothing: numbers are split at random."""
        return None

    def decode(self, outputs):
        """Outputs (n, K, ...) -> numbers in the units of y, shaped like y."""
        mean, scale = self._units()
        return (outputs * scale + mean).reshape(len(outputs), *self.shape)

    def score(self, outputs, codes, weight):
        """Coefficient of determination, see `dense_r2` for fields."""
        if self.size:
            return dense_r2(codes, outputs, weight)
        return r2_score(codes, outputs, sample_weight=weight)


def place_size(y, row_shape, *, channels):
    """Size of a dense target, (L,) or (H, W); () of a target of the whole row.

    Parameters
    ----------
    y : ndarray
    row_shape : tuple of int
        (F,), (C, L) or (C, H, W) of a row of X.
    channels : bool
        Whether y may have an axis of channels.

    Raises
    ------
    DataError
        If y has an axis that the rows have not.
    """
    n_axes = len(row_shape) - 1
    if y.ndim == 1 or (y.ndim == 2 and (n_axes != 1 or y.shape[1] != row_shape[1])):
        return ()
    allowed = (n_axes + 1, n_axes + 2) if channels and n_axes else (n_axes + 1,)
    if n_axes and y.ndim in allowed:
        return y.shape[-n_axes:]
    places = ["", "(n, L)", "(n, H, W)"][n_axes]
    fields = ["", "(n, C, L)", "(n, C, H, W)"][n_axes] if channels else ""
    forms = ", ".join(filter(None, ["(n,)", "(n, K)", places, fields]))
    raise DataError(
        f"y has shape {y.shape}, which rows of shape {tuple(row_shape)} cannot be "
        f"resampled to. For these rows give y of shape {forms}."
    )


def dense_r2(y, prediction, weight=None):
    """R2 of fields, all places taken together.

    One minus the squared error over the squared distance from the mean field; places
    that do not vary, such as a fixed boundary, add nothing to the latter.
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


def _two_classes(classes):
    """The classes, after a complaint if there is only one."""
    if len(classes) < 2:
        raise DataError(
            f"y holds {len(classes)} class only, {classes.tolist()}. A classifier "
            "needs at least 2 classes."
        )
    return classes


def _encode(y, classes):
    """Classes -> int64 positions in `classes`."""
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        raise DataError(f"y_val holds classes that y does not: {unknown[:5].tolist()}.")
    return np.searchsorted(classes, y)
