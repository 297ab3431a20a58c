"""Targets of classifiers: encoding, decoding, losses and scores.

A target is made from y. It has the loss that the network is trained with and the shape
of the outputs, encodes y into codes, decodes outputs into y, and scores outputs.
"""

from functools import partial

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.metrics import accuracy_score
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from sklearn_pare._data.validation import place_size
from sklearn_pare.exceptions import DataError
from sklearn_pare.nn.losses import (
    IGNORED,
    binary_cross_entropy,
    class_agreement,
    cross_entropy,
    label_agreement,
)

# Range of the logarithm of a temperature.
_LOG_TEMPERATURES = -3.0, 3.0


def check_classes(y, input_shape):
    """Return classes, label sets or masks as an array.

    Parameters
    ----------
    y : ndarray or sparse matrix
    input_shape : tuple of int
        Shape of one sample of X.
    """
    if place_size(y, input_shape, channels=False):
        return y
    check_classification_targets(y)
    kind = type_of_target(y)
    if kind == "multilabel-indicator":
        return _dense(y)
    if kind == "multiclass-multioutput":
        raise DataError(
            f"y has shape {y.shape} and more than two values in a column. Give one "
            "class per sample, (n,), or an indicator matrix of 0 and 1, (n, K); for "
            "several multiclass targets use sklearn.multioutput.MultiOutputClassifier."
        )
    return column_or_1d(y, warn=True)


def make_class_target(y, input_shape, class_weight, ignore_index):
    """Return the target for an array that `check_classes` returned."""
    if place_size(y, input_shape, channels=False):
        return MaskTarget.from_y(y, ignore_index, class_weight)
    kind = LabelTarget if y.ndim == 2 else ClassTarget
    return kind.from_y(y, class_weight)


class _Target:
    """Common part of the targets: logits of classes are on the second axis."""

    agreement = staticmethod(class_agreement)

    def __init__(self, classes, class_weight=None):
        self.classes, self.class_weight = classes, class_weight

    @property
    def output_shape(self):
        """Shape (K,) of the logits of a sample."""
        return (len(self.classes),)

    def weigh(self, weight, codes):
        """Return the sample weights; classes and labels are weighted in the loss."""
        return weight

    def strata(self, codes):
        """Return None: masks and label sets are too many to keep in proportion."""
        return None

    def decode(self, outputs):
        """Return the classes (n, ...) of logits (n, K, ...)."""
        return self.classes[outputs.argmax(1)]

    def decide(self, outputs):
        """Return the logits (n, K, ...)."""
        return outputs

    def probabilities(self, outputs):
        """Return the probabilities (n, K, ...) of logits (n, K, ...)."""
        return softmax(outputs.astype(np.float64), axis=1)

    def log_each(self, outputs):
        """Return logarithms of the probabilities (n, K, ...) of logits (n, K, ...)."""
        return log_softmax(outputs.astype(np.float64), axis=1)

    log_probabilities = log_each

    def misses(self, outputs, y):
        """Return one minus the probability of each class y, and the best temperature.

        The former (n, ...) is NaN at positions that are ignored.
        """
        codes = self.encode(y)
        if self.kind == "masks":
            self.check_used(codes)
        used = codes != IGNORED

        def true(logs):
            there = np.expand_dims(np.where(used, codes, 0).astype(int), 1)
            return np.take_along_axis(logs, there, 1)[:, 0]

        def loss(log_temperature):
            logs = self.log_each(outputs / np.exp(log_temperature))
            # As if the class of one more sample was not known: without it, the
            # temperature for samples that are all correct would be 0.
            unknown = logs.mean(1)[used].mean()
            return -true(logs)[used].mean() - unknown / len(codes)

        best = minimize_scalar(loss, bounds=_LOG_TEMPERATURES, method="bounded").x
        scores = 1 - np.exp(true(self.log_each(outputs)))
        return np.where(used, scores, np.nan), float(np.exp(best))

    def likely(self, outputs, radius):
        """Return whether classes (n, K, ...) are in the set, the most likely always."""
        logs = self.log_each(outputs)
        return (1 - np.exp(logs) <= radius) | (logs == logs.max(1, keepdims=True))


class ClassTarget(_Target):
    """One class per sample.

    Parameters
    ----------
    classes : ndarray of shape (K,)
        Sorted.
    class_weight : list of float or None
    """

    kind, loss = "classes", staticmethod(cross_entropy)

    @classmethod
    def from_y(cls, y, class_weight=None):
        """Make the target of y (n,)."""
        classes = _two_classes(np.unique(y))
        if len(classes) == len(y) and len(y) > 2:
            raise DataError(
                f"y holds {len(classes)} classes in {len(y)} samples: every sample is "
                "a class of its own. Use PaReRegressor for numbers, or give at least "
                "two samples of some class."
            )
        if class_weight is not None:
            class_weight = _class_weights(class_weight, classes, y).tolist()
        return cls(classes, class_weight)

    def encode(self, y):
        """Return int64 codes (n,) of classes (n,)."""
        return _encode(column_or_1d(y, warn=True), self.classes)

    def weigh(self, weight, codes):
        """Return sample weights times class weights, (n,)."""
        if self.class_weight is None:
            return weight
        return weight * np.asarray(self.class_weight)[codes]

    def strata(self, codes):
        """Return the classes that a split keeps in proportion."""
        return codes

    def decide(self, outputs):
        """Return the logits (n, K), or the log-odds (n,) of two classes."""
        return outputs[:, 1] - outputs[:, 0] if len(self.classes) == 2 else outputs

    def score(self, outputs, codes, weight):
        """Return the accuracy."""
        return accuracy_score(codes, outputs.argmax(1), sample_weight=weight)


class MaskTarget(_Target):
    """One class for every position of a signal or pixel of an image.

    Parameters
    ----------
    classes : ndarray of shape (K,)
        Sorted, without the value that is ignored.
    size : tuple of int
        (L,) or (H, W).
    ignored : int or None
        Value of positions that are neither learned nor scored.
    class_weight : list of float or None
    """

    kind = "masks"

    def __init__(self, classes, size, ignored, class_weight):
        super().__init__(classes, class_weight)
        self.size, self.ignored = size, ignored

    @property
    def loss(self):
        """Cross-entropy, averaged over positions."""
        return partial(cross_entropy, class_weight=self.class_weight)

    @property
    def output_shape(self):
        """Shape (K, ...) of the logits of a sample."""
        return (len(self.classes), *self.size)

    @classmethod
    def from_y(cls, y, ignored, class_weight):
        """Make the target of y (n, L) or (n, H, W)."""
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
            weights = _class_weights(class_weight, classes, used)
            # Mean 1 over positions, so that the learning rate keeps its meaning.
            weights = weights / weights[np.searchsorted(classes, used)].mean()
            class_weight = weights.tolist()
        return cls(classes, y.shape[1:], ignored, class_weight)

    def encode(self, y):
        """Return int64 codes (n, ...) of masks (n, ...)."""
        if y.shape[1:] != tuple(self.size):
            raise DataError(
                f"The targets have shape {y.shape}; expected (n, "
                f"{', '.join(map(str, self.size))}), as in y of fit."
            )
        used = y != self.ignored
        codes = np.full(y.shape, IGNORED)
        codes[used] = _encode(y[used], self.classes)
        return codes

    def check_used(self, codes):
        """Raise DataError if all positions are ignored, so that no score is defined."""
        if (codes == IGNORED).all():
            raise DataError(
                f"All positions of {len(codes)} masks to score hold ignore_index="
                f"{self.ignored}. Use masks with other positions."
            )

    def log_shares(self, codes):
        """Return the logits (K,) of the share of each class in all positions."""
        counts = np.bincount(codes[codes != IGNORED], minlength=len(self.classes))
        # A class may be absent from the samples that are left to train on.
        weighted = np.maximum(counts, 1) * np.asarray(self.class_weight or 1.0)
        return np.log(weighted / weighted.sum())

    def score(self, outputs, codes, weight):
        """Return the accuracy over the positions that are not ignored."""
        self.check_used(codes[weight > 0])
        used = codes != IGNORED
        right = (outputs.argmax(1) == codes) & used
        axes = tuple(range(1, codes.ndim))
        return float(weight @ right.sum(axes) / (weight @ used.sum(axes)))


class LabelTarget(_Target):
    """Any number of K labels per sample, as an indicator matrix.

    Parameters
    ----------
    classes : ndarray of shape (K,)
        0 to K - 1.
    class_weight : list of K pairs of float, or None
        Weights of 0 and of 1 in the loss of each label.
    """

    kind = "labels"
    agreement = staticmethod(label_agreement)

    @property
    def loss(self):
        """Binary cross-entropy, averaged over labels."""
        return partial(binary_cross_entropy, class_weight=self.class_weight)

    @classmethod
    def from_y(cls, y, class_weight=None):
        """Make the target of y (n, K)."""
        n_labels = y.shape[1]
        if class_weight == "balanced":
            counts = np.stack([(y == 0).sum(0), (y != 0).sum(0)], 1)
            class_weight = (len(y) / (2 * np.maximum(counts, 1))).tolist()
        elif class_weight is not None:
            if isinstance(class_weight, dict):
                class_weight = [class_weight] * n_labels
            if len(class_weight) != n_labels:
                raise DataError(
                    f"class_weight has {len(class_weight)} entries, y has {n_labels} "
                    "labels. Give one dict {0: weight, 1: weight} per label, one dict "
                    "for all labels, or 'balanced'."
                )
            class_weight = [_weights_of_label(weights) for weights in class_weight]
        return cls(np.arange(n_labels), class_weight)

    def encode(self, y):
        """Return float32 codes (n, K) of indicators (n, K)."""
        y = _dense(y)
        values = np.unique(y)
        if not np.isin(values, [0, 1]).all():
            raise DataError(
                f"y is a matrix of the values {values[:5].tolist()}; an indicator "
                "matrix holds 0 and 1. For a matrix of two values give "
                "(y == y.max()).astype(int)."
            )
        if y.ndim != 2 or y.shape[1] != len(self.classes):
            raise DataError(
                f"The targets have shape {y.shape}; expected (n, {len(self.classes)}), "
                "as in y of fit."
            )
        return y.astype(np.float32)

    def decode(self, outputs):
        """Return the indicators (n, K) of logits (n, K)."""
        return (outputs > 0).astype(np.int64)

    def probabilities(self, outputs):
        """Return the probability (n, K) of each label from logits (n, K)."""
        return expit(outputs.astype(np.float64))

    def log_each(self, outputs):
        """Return logarithms (n, 2, K) of the probabilities of 0 and 1."""
        outputs = outputs.astype(np.float64)
        return np.stack([log_expit(-outputs), log_expit(outputs)], axis=1)

    def log_probabilities(self, outputs):
        """Return the logarithms of `probabilities`."""
        return log_expit(outputs.astype(np.float64))

    def score(self, outputs, codes, weight):
        """Return the accuracy of whole label sets."""
        return accuracy_score(codes > 0, outputs > 0, sample_weight=weight)


def _two_classes(classes):
    """Return the classes, or raise DataError if there is only one."""
    if len(classes) < 2:
        raise DataError(
            f"y holds {len(classes)} class only, {classes.tolist()}. A classifier "
            "needs at least 2 classes."
        )
    return classes


def _dense(y):
    return y.toarray() if hasattr(y, "toarray") else y


def _class_weights(class_weight, classes, y):
    """Return the weights of the classes of y, as in scikit-learn."""
    if isinstance(class_weight, list):
        raise DataError(
            f"class_weight is a list of {len(class_weight)} entries, one per label, "
            "but y holds one class per sample or position. Give a dict of classes and "
            "weights, or 'balanced'."
        )
    return compute_class_weight(class_weight, classes=classes, y=y)


def _weights_of_label(weights):
    """Return the weights of 0 and of 1 of one label."""
    if not isinstance(weights, dict) or weights.keys() - {0, 1}:
        raise DataError(
            f"class_weight of a label is {weights!r}. Give a dict with the keys 0 and "
            "1, such as {0: 1.0, 1: 10.0}."
        )
    pair = [float(weights.get(value, 1.0)) for value in (0, 1)]
    if not (np.isfinite(pair).all() and min(pair) >= 0):
        raise DataError(f"class_weight of a label is {weights!r}. Weights are >= 0.")
    return pair


def _encode(y, classes):
    """Return the int64 positions of y in `classes`."""
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        raise DataError(
            f"The targets hold classes that y of fit does not: {unknown[:5].tolist()}."
        )
    return np.searchsorted(classes, y)
