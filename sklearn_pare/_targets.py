"""Targets as users have them <-> what the network is trained on.

A target knows its loss, how many outputs it needs, how to turn y into codes and
outputs into y, and how to score outputs. It is fitted by being made from y.
"""

import numpy as np
from scipy.special import expit, softmax
from sklearn.metrics import accuracy_score, r2_score

from sklearn_pare.exceptions import DataError


class ClassTarget:
    """One class a row.

    Parameters
    ----------
    classes : ndarray of shape (K,)
        Sorted.
    """

    loss = "cross_entropy"

    def __init__(self, classes):
        self.classes = classes
        self.n_outputs = len(classes)

    @classmethod
    def from_y(cls, y):
        """Learn the classes of y (n,)."""
        classes = np.unique(y)
        if len(classes) < 2:
            raise DataError(
                f"y holds 1 class only, {classes.tolist()[0]!r}. A classifier needs at "
                "least 2 classes."
            )
        if len(classes) == len(y) and len(y) > 2:
            raise DataError(
                f"y holds {len(classes)} classes in {len(y)} rows: every row is a "
                "class of its own. Use PaReRegressor for numbers, or give at least "
                "two rows of some class."
            )
        return cls(classes)

    def encode(self, y):
        """Classes (n,) -> int64 codes (n,)."""
        unknown = np.setdiff1d(y, self.classes)
        if len(unknown):
            raise DataError(
                f"y_val holds classes that y does not: {unknown[:5].tolist()}."
            )
        return np.searchsorted(self.classes, y)

    def strata(self, codes):
        """What a split keeps in proportion."""
        return codes

    def decode(self, outputs):
        """Logits (n, K) -> classes (n,)."""
        return self.classes[outputs.argmax(1)]

    def decide(self, outputs):
        """Logits (n, K) -> (n, K), or the log-odds (n,) of two classes."""
        return outputs[:, 1] - outputs[:, 0] if self.n_outputs == 2 else outputs

    def probabilities(self, outputs):
        """Logits (n, K) -> probabilities (n, K)."""
        return softmax(outputs.astype(np.float64), axis=1)

    def score(self, outputs, codes, weight):
        """Accuracy."""
        return accuracy_score(codes, outputs.argmax(1), sample_weight=weight)


class LabelTarget:
    """Any number of K labels a row: an indicator matrix.

    Parameters
    ----------
    classes : ndarray of shape (K,)
        0 to K - 1.
    """

    loss = "binary_cross_entropy"

    def __init__(self, classes):
        self.classes = classes
        self.n_outputs = len(classes)

    @classmethod
    def from_y(cls, y):
        """Learn the number of labels of y (n, K)."""
        return cls(np.arange(y.shape[1]))

    def encode(self, y):
        """Indicators (n, K) -> float32 (n, K)."""
        values = np.unique(y)
        if not np.isin(values, [0, 1]).all():
            raise DataError(
                f"y is a matrix of the values {values[:5].tolist()}; an indicator "
                "matrix holds 0 and 1. For a matrix of two values give "
                "(y == y.max()).astype(int)."
            )
        if y.ndim != 2 or y.shape[1] != self.n_outputs:
            raise DataError(
                f"y_val has shape {y.shape}; expected (n, {self.n_outputs}) as in y."
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
    """One or several numbers a row, standardised.

    Parameters
    ----------
    mean, scale : ndarray of shape (K,)
        A constant target has scale 0, so that it is predicted exactly.
    one : bool
        Whether y is (n,) instead of (n, K).
    """

    loss = "squared_error"

    def __init__(self, mean, scale, one):
        self.mean, self.scale, self.one = mean, scale, one
        self.n_outputs = len(mean)

    @classmethod
    def from_y(cls, y):
        """Learn mean and standard deviation of y (n,) or (n, K)."""
        columns = y.reshape(len(y), -1).astype(np.float64)
        constant = np.ptp(columns, axis=0) == 0
        with np.errstate(over="ignore", invalid="ignore"):
            mean = np.where(constant, columns[0], columns.mean(0))
            scale = np.where(constant, 0.0, columns.std(0))
        if not np.isfinite(mean + scale).all():
            raise DataError(
                f"y reaches {np.abs(columns).max():g}: its standard deviation is no "
                "longer a finite number. Divide y by a constant, or take its logarithm."
            )
        return cls(mean, scale, y.ndim == 1)

    def encode(self, y):
        """Numbers -> standardised float32 (n, K)."""
        columns = y.reshape(len(y), -1)
        if columns.shape[1] != self.n_outputs:
            raise DataError(
                f"y_val has shape {y.shape}; expected {self.n_outputs} numbers a row "
                "as in y."
            )
        scale = np.where(self.scale > 0, self.scale, 1.0)
        return ((columns - self.mean) / scale).astype(np.float32)

    def strata(self, codes):
        """Nothing: numbers are split at random."""
        return None

    def decode(self, outputs):
        """Outputs (n, K) -> numbers in the units of y, shaped like y."""
        values = outputs * self.scale + self.mean
        return values[:, 0] if self.one else values

    def score(self, outputs, codes, weight):
        """Coefficient of determination, the mean over outputs."""
        return r2_score(codes, outputs, sample_weight=weight)
