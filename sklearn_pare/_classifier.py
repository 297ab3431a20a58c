"""Classifier."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from sklearn_pare._base import _BasePaRe
from sklearn_pare._data.class_targets import (
    MaskTarget,
    check_classes,
    make_class_target,
)
from sklearn_pare._data.validation import check_weights, read_targets
from sklearn_pare._utils.docstrings import fill_docstring
from sklearn_pare._utils.surroundings import pinned


@fill_docstring
class PaReClassifier(ClassifierMixin, _BasePaRe):
    r"""Classifier that fine-tunes a pretrained backbone on another modality with PaRe.

    PaRe (Cai et al., ICML 2024) bridges the gap between the data of pretraining and
    your data. In each step of fine-tuning, half of the samples are mixed: a part of
    each, 60 % at first and 10 % at the end, is replaced by data like those of
    pretraining.

    Parameters
    ----------
    {parameters}
    class_weight : dict, list of dicts, "balanced" or None, default=None
        Weights of the classes in the loss, as in scikit-learn. For masks they apply to
        each position. For label sets they apply to each label: a dict with the weights
        of 0 and 1 for all labels, such as ``{0: 1.0, 1: 10.0}``, a list of such dicts,
        one per label, or "balanced".
    ignore_index : int, default=None
        Value in masks that marks positions which are neither learned nor scored.
    label_smoothing : float, default=0.0
        Part of each label that is spread over all classes in the training loss
        (Szegedy et al., CVPR 2016). Use it without mixing: in trials, mixing with
        smoothed labels had higher errors than mixing alone.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        The classes, sorted; 0 to K - 1 for an indicator matrix.
    {attributes}

    See Also
    --------
    PaReRegressor : Regressor for numbers and fields.

    Notes
    -----
    {data}
    y holds one class per sample, (n,); label sets as an indicator matrix (n, K), with
    any number of labels per sample; or masks, with a class at every position, (n, L) or
    (n, H, W). Masks (n, H, W) may have another size than the samples.

    {method}
    L is the cross-entropy for classes and masks, and the binary cross-entropy for label
    sets.

    References
    ----------
    {references}

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_pare import PaReClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = PaReClassifier(input_shape=(1, 8, 8), max_epochs=3, random_state=0)
    >>> clf.fit(X[:200], y[:200]).predict(X[200:203]).shape
    (3,)
    """

    _parameter_constraints: dict = {
        **_BasePaRe._parameter_constraints,
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
        "ignore_index": [Integral, None],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        *,
        backbone="auto",
        pretrained=True,
        tune="auto",
        layer_decay=0.75,
        input_shape=None,
        source="auto",
        mix_start="auto",
        mix_end="auto",
        mix_weight="auto",
        selector="random",
        alignment=None,
        linear_path=True,
        max_epochs="auto",
        max_time=None,
        batch_size="auto",
        lr="auto",
        weight_decay=0.05,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        scoring=None,
        device="auto",
        precision="auto",
        warm_start=False,
        checkpoint_dir=None,
        on_interrupt="raise",
        random_state=None,
        verbose=0,
        class_weight=None,
        ignore_index=None,
        label_smoothing=0.0,
    ):
        self.backbone = backbone
        self.pretrained = pretrained
        self.tune = tune
        self.layer_decay = layer_decay
        self.input_shape = input_shape
        self.source = source
        self.mix_start = mix_start
        self.mix_end = mix_end
        self.mix_weight = mix_weight
        self.selector = selector
        self.alignment = alignment
        self.linear_path = linear_path
        self.max_epochs = max_epochs
        self.max_time = max_time
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.scoring = scoring
        self.device = device
        self.precision = precision
        self.warm_start = warm_start
        self.checkpoint_dir = checkpoint_dir
        self.on_interrupt = on_interrupt
        self.random_state = random_state
        self.verbose = verbose
        self.class_weight = class_weight
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    @property
    def classes_(self):
        """The classes, sorted."""
        check_is_fitted(self, "_target")
        return self._target.classes

    def _check_y(self, y, input_shape):
        return check_classes(y, input_shape)

    def _make_target(self, y, input_shape):
        return make_class_target(y, input_shape, self.class_weight, self.ignore_index)

    def predict(self, X, *, out=None):
        """Predict the class of each sample or position, or the labels of each sample.

        Parameters
        ----------
        X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)
        out : array, default=None
            Array of the shape of the predictions, of numpy or in a file such as HDF5 or
            zarr, into which they are written block by block. It must not overlap X.

        Returns
        -------
        y : ndarray of shape (n,), (n, K), (n, L) or (n, H, W)
            Shaped like y in fit; ``out`` if given.
        """
        check_is_fitted(self)
        with pinned():
            return self._outputs(X, self._target.decode, out)

    def decision_function(self, X):
        """Compute the logits, in the order of ``classes_``.

        Parameters
        ----------
        X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)

        Returns
        -------
        logits : ndarray of shape (n,), (n, K), (n, K, L) or (n, K, H, W)
            (n,) if y is (n,) with two classes: the log-odds of ``classes_[1]``.
        """
        check_is_fitted(self)
        with pinned():
            return self._logits(X, self._target.decide)

    def predict_proba(self, X, *, out=None):
        """Predict the probability of each class or label.

        Parameters
        ----------
        X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)
        out : array, default=None
            Array of the shape of the predictions, of numpy or in a file such as HDF5 or
            zarr, into which they are written block by block. It must not overlap X.

        Returns
        -------
        probabilities : ndarray of shape (n, K), (n, K, L) or (n, K, H, W)
            The second axis has the order of `classes_`. It sums to 1 for classes of
            samples or positions; for label sets each entry is the probability of one
            label. ``out`` if given.
        """
        check_is_fitted(self)
        with pinned():
            return self._logits(X, self._target.probabilities, out)

    def predict_log_proba(self, X):
        """Predict the logarithm of the probability of each class or label.

        Parameters
        ----------
        X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)

        Returns
        -------
        log_probabilities : ndarray of shape (n, K), (n, K, L) or (n, K, H, W)
            Computed from the logits, so that they are finite for probabilities near 0.
        """
        check_is_fitted(self)
        with pinned():
            return self._logits(X, self._target.log_probabilities)

    def predict_set(self, X, coverage=0.9):
        """Predict sets of classes that contain the true class with a given probability.

        :meth:`conformalize` must have been called before. The coverage is that of each
        label or position, on average over new samples that are drawn like those of
        conformalize (split conformal prediction). The most likely class is always in
        the set.

        Parameters
        ----------
        X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)
        coverage : float, default=0.9
            Probability between 0 and 1.

        Returns
        -------
        sets : ndarray of bool of shape (n, K), (n, K, L) or (n, K, H, W)
            Whether a class is in the set, in the order of `classes_`. For label sets
            (n, 2, K): whether 0, and whether 1, is in the set of a label.
        """
        radius = self._radius(coverage)
        with pinned():
            return self._target.likely(self._outputs_of_fit(X), radius)

    def _logits(self, X, finish, out=None):
        """Return ``finish(logits)``; logits are calibrated after `conformalize`."""
        if (own := self._conformal) is None:
            return self._outputs(X, finish, out)
        return self._outputs(X, lambda found: finish(found / own.temperature), out)

    def score(self, X, y, sample_weight=None):
        """Return the accuracy.

        Parameters
        ----------
        X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)
        y : array-like
            Shaped like y in fit.
        sample_weight : array-like of shape (n,), default=None

        Returns
        -------
        score : float
            Fraction of samples whose class, or whole label set, is correct; for masks
            the fraction of positions, without those of ``ignore_index``.
        """
        check_is_fitted(self)
        y = read_targets(y)
        weight = check_weights(sample_weight, y)
        with pinned():
            if not isinstance(self._target, MaskTarget):
                return super().score(X, y, weight)
            codes = self._target.encode(np.asarray(y))
            outputs = self._outputs_of_fit(X)
            check_consistent_length(codes, outputs)
            return self._target.score(outputs, codes, weight)
