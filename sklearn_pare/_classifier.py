"""The classifier."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    column_or_1d,
)

from sklearn_pare._base import _BasePaRe
from sklearn_pare._data.targets import ClassTarget, LabelTarget, MaskTarget, place_size
from sklearn_pare.exceptions import DataError


class PaReClassifier(ClassifierMixin, _BasePaRe):
    r"""Classify tables, signals or images by fine-tuning a pretrained backbone with PaRe.

    PaRe (Cai et al., ICML 2024) bridges the gap between the modality of the backbone and
    that of the data: tokens of a source modality replace part of the data's tokens,
    many at first, few at the end.

    Parameters
    ----------
    backbone : str, default="pare-tiny"
        Name of the backbone: "pare-tiny" comes with the package; "timm:NAME" is a Swin or
        vision transformer of timm, such as "timm:swin_base_patch4_window7_224";
        "hf:NAME-or-folder" a text encoder of transformers (extra "text"), such as
        "hf:roberta-base". Weights of the last two are fetched once and cached; see
        `sklearn_pare.backbones.fetch`.
    pretrained : bool, default=True
        If False, the same backbone starts from fresh Xavier weights: the control
        "from scratch".
    tune : str, {"all", "norm", "attention-frozen", "none", "head"}, default="all"
        What trains inside the backbone: everything; its LayerNorms; everything but the
        maps to queries and keys (for "pare-tiny" one matrix makes queries, keys and
        values, and stays fixed as a whole); nothing. Embedder, gate and heads always
        train, but with "head", a linear probe, the embedder is fixed as well.
    layer_decay : float, default=0.75
        Factor on the learning rate from one block of a pretrained backbone to the one
        before it. With ``pretrained=False`` all blocks learn alike.
    max_tokens : int, default=None
        Bound on the tokens of a row, and so on time and memory, for backbones of timm and
        transformers. None: as many as the backbone was pretrained with, or fewer where the
        rows are small.
    input_shape : tuple of int, default=None
        Shape of one row, (C, L) or (C, H, W), when X holds flattened rows; one entry
        may be -1. None: 2-D X is a table, 3-D X signals, 4-D X images. Rows to predict
        come in the form of the rows in fit.
    source : str, list, tuple of arrays or None, default="formula"
        The modality that tokens are mixed in from: "formula" (labelled images drawn
        from formulas, which "pare-tiny" was pretrained on); a tuple
        ``(X_source, y_source)`` of rows or texts and their classes, or masks of
        classes; "openml:ID"; "folder:PATH" of images in class folders; "text:FILE" in
        CoNLL-2003 columns, for text backbones; the controls "noise" and "mask-token"; or
        None for plain fine-tuning. A list of names, or "auto", takes the one nearest
        to the data, see `sklearn_pare.sources.rank`.
    mix_start : float, default=0.6
        Fraction of target tokens replaced at the first step.
    mix_end : float, default=0.1
        Fraction replaced at the last step. Both 0.0: plain ("naive") fine-tuning.
    mix_schedule : str, {"linear", "cosine", "gap"}, default="linear"
        How the fraction gets from `mix_start` to `mix_end`: along a line or half a
        cosine, or as the loss of clean rows falls below that of mixed rows. With "gap"
        it need not reach `mix_end`.
    mix_weight : float or "auto", default="auto"
        Weight of the loss on mixed rows beside the loss on clean rows. "auto" is 1,
        of dense targets 0.3, as in the paper's experiments.
    selector : str, {"gate", "random"}, default="gate"
        Who chooses the tokens: the learned gate, or chance (a control).
    alignment : str, {"otdd", "mmd", "l2"} or None, default=None
        A stage before fine-tuning, as in ORCA (Shen et al., ICML 2023): for 20 epochs
        the embedder alone learns to put each class near the source, by the optimal
        transport dataset distance (see `sklearn_pare.otdd`), the maximum mean
        discrepancy, or the distance of random pairs. With mixing or, both `mix_start`
        and `mix_end` 0.0, in place of it.
    linear_path : bool, default=True
        Whether the network is added to logistic regression of the raw row, as far
        as rows that are held out support it: on small tables that may be not at all.
        The path is left out above 4,000 rows, for arrays in files, for masks, and
        for images, where single pixels say little.
    max_epochs : int or "auto", default="auto"
        "auto" is enough epochs for 150 steps, and at least 12, of masks at least 4.
    max_steps : int, default=None
        Bound on the optimiser steps, below what `max_epochs` allows. All schedules end
        with the last step.
    batch_size : int or "auto", default="auto"
        Rows a step, and rows a forward pass at prediction. "auto" is 64, of dense
        targets 8.
    lr : float, default=1e-3
        Peak learning rate of AdamW: linear warm-up over a tenth of the steps, then a
        cosine to 0. The decoder of dense targets learns at three times this rate.
    weight_decay : float, default=0.05
        Of AdamW; biases of layers and norms do not decay.
    early_stopping : bool, default=False
        Stop when the validation score (accuracy) has not risen for `n_iter_no_change`
        epochs, and keep the best weights, those before the first step included. Among
        equal scores the lower validation loss is better.
    validation_fraction : float, default=0.1
        Fraction of the rows held out by `early_stopping` when fit gets no `X_val`.
    n_iter_no_change : int, default=10
        Patience of `early_stopping`, in epochs.
    class_weight : dict, list of dicts, "balanced" or None, default=None
        Weights of the classes in the loss, as in scikit-learn; of masks, in each
        place.
    pos_weight : float, list of float, "balanced" or None, default=None
        Weight of a label where it is there, one for all labels or one for each, when y
        is an indicator matrix. "balanced": rows without the label over rows with it.
    ignore_index : int, default=None
        Value in masks of the places that are neither learned nor scored.
    device : str, default="auto"
        "auto" is the first of cuda, xpu and mps that is there, else the CPU; or a
        name that torch knows, such as "cuda:1".
    precision : str, {"auto", "fp32", "bf16"}, default="auto"
        Of the backbone and of the decoder of dense targets. "auto" is bfloat16 where the
        device has instructions for it, else float32. Other heads, gate, losses and
        weights are float32 always.
    compile : bool, default=False
        Whether to train with a compiled backbone: slow to start, then faster.
    deterministic : bool, default=False
        Whether fit and prediction use deterministic algorithms alone, so that the same
        seed gives the same model on a GPU too. The CPU does so anyway. On CUDA the
        environment variable CUBLAS_WORKSPACE_CONFIG must be ":4096:8" or ":16:8".
    warm_start : bool, default=False
        Whether a second call of fit starts from the weights of the first, through all
        of its schedules again; `history_` goes on. Data and arguments must make the
        same network; encoder, source and linear path are fitted anew.
    checkpoint_dir : str or None, default=None
        Folder for checkpoints: one after each epoch and every ten minutes, the last two
        of which are kept. A fit with the same arguments and data goes on where they
        end, to the same bits, also after a kill; one with others is refused. One folder
        for each fit, so not for the fits of a grid search.
    random_state : int, RandomState instance or None, default=None
        Fixes weights, order of rows, source and noise. With an int, the same data give
        the same model to the bit on one machine at one number of threads.
    verbose : int, default=0
        From 1 on, log one line an epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        The classes, sorted; for an indicator matrix 0 to K - 1.
    n_features_in_ : int
        Length of the second axis of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, if X had any that are strings.
    input_shape_ : tuple of int
        Shape of one row as the backbone sees it: (F,), (C, L) or (C, H, W).
    n_tokens_ : int
        Tokens a row is cut into.
    n_iter_ : int
        Epochs that were run.
    network_share_ : float
        How much of the network's outputs is added to those of the linear path, from 0,
        nothing, to 1; 1 without such a path.
    source_ : str or None
        Name of the source, "arrays" for a tuple of them, None where there is none.
    source_distances_ : dict
        Name of each candidate -> its distance from the data, nearest first; empty where
        there was no choice.
    alignment_history_ : list of float
        Distance to the source in each epoch of `alignment`, the mean over classes by
        their shares; empty without that stage.
    history_ : list of dict
        One an epoch: "epoch", from 1; "train_loss" and its terms "target_loss",
        "mixed_target_loss", "mixed_source_loss" (None without mixing) and
        "unlabeled_loss" (None without such rows), means over the epoch; "mix_fraction"
        and "lr" of its last step; "skipped_steps", how many of the fit's were not
        finite (under bfloat16 one may be); "duration" in seconds; with validation rows
        "valid_loss" and "valid_score".

    See Also
    --------
    PaReRegressor : The same for numbers.

    Notes
    -----
    X is a table (n, F), signals (n, C, L) or images (n, C, H, W): arrays, lists, torch
    tensors. A table may be a DataFrame with numbers, booleans, text and categories, and
    with missing values; categories that fit has not seen count as missing. Signals and
    images in a numpy memmap, HDF5 or zarr stay in their file and are read batch by
    batch. y holds one class a row, (n,); any number of K labels, an indicator matrix
    (n, K); or a class for every sample or pixel, masks (n, L) or (n, H, W). Masks
    (n, H, W) need not have the size of the rows.

    Every row is cut into tokens. In each training step the k lowest-scored tokens of a
    row are replaced by the k highest-scored tokens of a source row (of dense targets in
    a quarter of the rows); clean and mixed rows go through the backbone together, and the
    loss is

    .. math:: L(clean) + w [(1 - \lambda) L(mixed) + \lambda L_s(mixed)],

    where lambda = k / N is the fraction of replaced tokens, L the loss of the target
    (cross-entropy; for label sets binary cross-entropy), L_s the cross-entropy of the
    source's classes and w is `mix_weight`. Prediction uses clean tokens only.

    References
    ----------
    Cai et al., "Enhancing Cross-Modal Fine-Tuning with Gradually Intermediate Modality
    Generation", ICML 2024, PMLR 235, 5236-5257.

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
        "pos_weight": [
            Interval(Real, 0, None, closed="neither"),
            list,
            StrOptions({"balanced"}),
            None,
        ],
        "ignore_index": [Integral, None],
    }

    def __init__(
        self,
        *,
        backbone="pare-tiny",
        pretrained=True,
        tune="all",
        layer_decay=0.75,
        max_tokens=None,
        input_shape=None,
        source="formula",
        mix_start=0.6,
        mix_end=0.1,
        mix_schedule="linear",
        mix_weight="auto",
        selector="gate",
        alignment=None,
        linear_path=True,
        max_epochs="auto",
        max_steps=None,
        batch_size="auto",
        lr=1e-3,
        weight_decay=0.05,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        class_weight=None,
        pos_weight=None,
        ignore_index=None,
        device="auto",
        precision="auto",
        compile=False,
        deterministic=False,
        warm_start=False,
        checkpoint_dir=None,
        random_state=None,
        verbose=0,
    ):
        super().__init__(
            backbone=backbone,
            pretrained=pretrained,
            tune=tune,
            layer_decay=layer_decay,
            max_tokens=max_tokens,
            input_shape=input_shape,
            source=source,
            mix_start=mix_start,
            mix_end=mix_end,
            mix_schedule=mix_schedule,
            mix_weight=mix_weight,
            selector=selector,
            alignment=alignment,
            linear_path=linear_path,
            max_epochs=max_epochs,
            max_steps=max_steps,
            batch_size=batch_size,
            lr=lr,
            weight_decay=weight_decay,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            device=device,
            precision=precision,
            compile=compile,
            deterministic=deterministic,
            warm_start=warm_start,
            checkpoint_dir=checkpoint_dir,
            random_state=random_state,
            verbose=verbose,
        )
        self.class_weight = class_weight
        self.pos_weight = pos_weight
        self.ignore_index = ignore_index

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    @property
    def classes_(self):
        """The classes, sorted."""
        check_is_fitted(self, "_target")
        return self._target.classes

    def _target_array(self, y, row_shape):
        if place_size(y, row_shape, channels=False):
            return y
        check_classification_targets(y)
        kind = type_of_target(y)
        if kind == "multilabel-indicator":
            return y.toarray() if hasattr(y, "toarray") else y
        if kind == "multiclass-multioutput":
            raise DataError(
                f"y has shape {y.shape} and more than two values in a column. Give one "
                "class a row, (n,), or an indicator matrix of 0 and 1, (n, K); for "
                "several multiclass targets use sklearn.multioutput."
                "MultiOutputClassifier."
            )
        return column_or_1d(y, warn=True)

    def _target_from(self, y, row_shape):
        if place_size(y, row_shape, channels=False):
            return MaskTarget.from_y(y, self.ignore_index, self.class_weight)
        if y.ndim == 2:
            return LabelTarget.from_y(y, self.pos_weight)
        return ClassTarget.from_y(y)

    def _weigh(self, weight, y, target):
        # Classes of masks are weighed place by place, in the loss.
        if self.class_weight is None or target.kind == "masks":
            return weight
        return weight * compute_sample_weight(self.class_weight, y)

    def predict(self, X):
        """Most likely class of each row or place, or the label set of each row.

        Parameters
        ----------
        X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)

        Returns
        -------
        y : ndarray of shape (n,), (n, K), (n, L) or (n, H, W)
            Shaped like y in fit.
        """
        outputs = self._outputs(X)
        return self._target.decode(outputs)

    def decision_function(self, X):
        """Logits: their order is that of the probabilities.

        Parameters
        ----------
        X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)

        Returns
        -------
        logits : ndarray of shape (n,), (n, K), (n, K, L) or (n, K, H, W)
            (n,) for two classes of rows: the log-odds of ``classes_[1]``.
        """
        outputs = self._outputs(X)
        return self._target.decide(outputs)

    def predict_proba(self, X):
        """Probability of each class, or of each label.

        Parameters
        ----------
        X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)

        Returns
        -------
        probabilities : ndarray of shape (n, K), (n, K, L) or (n, K, H, W)
            Second axis in the order of `classes_`. For classes of rows or of places it
            sums to 1; for label sets each entry is a probability of its own.
        """
        outputs = self._outputs(X)
        return self._target.probabilities(outputs)

    def score(self, X, y, sample_weight=None):
        """Accuracy.

        Parameters
        ----------
        X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)
        y : array-like
            Shaped like y in fit.
        sample_weight : array-like of shape (n,), default=None

        Returns
        -------
        score : float
            Share of rows whose class, or whole label set, is right; for masks the share
            of places, without those of `ignore_index`.
        """
        if not isinstance(self._target, MaskTarget):
            return super().score(X, y, sample_weight)
        weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        codes = self._target.encode(np.asarray(y))
        return self._target.score(self._outputs(X), codes, weight)
