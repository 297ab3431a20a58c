"""The regressor."""

from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import column_or_1d

from sklearn_pare._base import _BasePaRe
from sklearn_pare._data.targets import ValueTarget, dense_r2, place_size


class PaReRegressor(RegressorMixin, _BasePaRe):
    r"""Predict numbers from tables, signals or images by fine-tuning with PaRe.

    PaRe (Cai et al., ICML 2024) bridges the gap between the modality of a pretrained
    backbone and that of the data: tokens of a source modality replace part of the data's
    tokens, many at first, few at the end. Numbers are standardised inside.

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
        Weight of the loss on mixed rows beside the loss on clean rows. "auto" is 0.3,
        as in the paper's experiments with fields.
    selector : str, {"gate", "random"}, default="gate"
        Who chooses the tokens: the learned gate, or chance (a control).
    alignment : str, {"otdd", "mmd", "l2"} or None, default=None
        A stage before fine-tuning, as in ORCA (Shen et al., ICML 2023): for 20 epochs
        the embedder alone learns to put each class near the source, by the optimal
        transport dataset distance (see `sklearn_pare.otdd`), the maximum mean
        discrepancy, or the distance of random pairs. With mixing or, both `mix_start`
        and `mix_end` 0.0, in place of it.
    linear_path : bool, default=True
        Whether the network is added to ridge regression of the raw row, as far
        as rows that are held out support it: on small tables that may be not at all.
        The path is left out above 4,000 rows, for arrays in files, for fields where it
        explains too little.
    loss : str, {"auto", "squared_error", "huber", "relative_l2"}, default="auto"
        "squared_error"; "huber", which is linear beyond one standard deviation of what
        the linear path leaves, or else of y; "relative_l2", the norm of a row's error
        over the norm of its y. "auto" is "squared_error" for numbers, "relative_l2"
        for fields.
    max_epochs : int or "auto", default="auto"
        "auto" is enough epochs for 150 steps, of fields for 600, and at least 12.
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
        Stop when the validation score (R2) has not risen for `n_iter_no_change`
        epochs, and keep the best weights, those before the first step included. Among
        equal scores the lower validation loss is better.
    validation_fraction : float, default=0.1
        Fraction of the rows held out by `early_stopping` when fit gets no `X_val`.
    n_iter_no_change : int, default=10
        Patience of `early_stopping`, in epochs.
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
    PaReClassifier : The same for classes.

    Notes
    -----
    X is a table (n, F), signals (n, C, L) or images (n, C, H, W): arrays, lists, torch
    tensors. A table may be a DataFrame with numbers, booleans, text and categories, and
    with missing values; categories that fit has not seen count as missing. Signals and
    images in a numpy memmap, HDF5 or zarr stay in their file and are read batch by
    batch. y holds one number a row, (n,); several, (n, K); or fields, a number or
    several in every place: (n, L) or (n, C, L) for signals, (n, H, W) or (n, C, H, W)
    for images. Channels and size of a field need not be those of the rows; only (n, L)
    needs their length.

    Every row is cut into tokens. In each training step the k lowest-scored tokens of a
    row are replaced by the k highest-scored tokens of a source row (of dense targets in
    a quarter of the rows); clean and mixed rows go through the backbone together, and the
    loss is

    .. math:: L(clean) + w [(1 - \lambda) L(mixed) + \lambda L_s(mixed)],

    where lambda = k / N is the fraction of replaced tokens, L the loss of the target
    (see `loss`), L_s the cross-entropy of the source's
    classes and w is `mix_weight`. Prediction uses clean tokens only.

    References
    ----------
    Cai et al., "Enhancing Cross-Modal Fine-Tuning with Gradually Intermediate Modality
    Generation", ICML 2024, PMLR 235, 5236-5257.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_pare import PaReRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> reg = PaReRegressor(max_epochs=2, random_state=0).fit(X[:100], y[:100])
    >>> reg.predict(X[100:103]).shape
    (3,)
    """

    _parameter_constraints: dict = {
        **_BasePaRe._parameter_constraints,
        "loss": [StrOptions({"auto", "squared_error", "huber", "relative_l2"})],
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
        loss="auto",
        max_epochs="auto",
        max_steps=None,
        batch_size="auto",
        lr=1e-3,
        weight_decay=0.05,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
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
        self.loss = loss

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _target_array(self, y, row_shape):
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return y

    def _target_from(self, y, row_shape):
        size = place_size(y, row_shape, channels=True)
        loss = self.loss
        if loss == "auto":
            loss = "relative_l2" if size else "squared_error"
        return ValueTarget.from_y(y, size, loss)

    def predict(self, X):
        """Predicted numbers in the units of y.

        Parameters
        ----------
        X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)

        Returns
        -------
        y : ndarray, float64
            Shaped like y in fit: (n,), (n, K), (n, L), (n, C, L), (n, H, W) or
            (n, C, H, W).
        """
        outputs = self._outputs(X)
        return self._target.decode(outputs)

    def score(self, X, y, sample_weight=None):
        """Coefficient of determination R2.

        Parameters
        ----------
        X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)
        y : array-like
            Shaped like y in fit.
        sample_weight : array-like of shape (n,), default=None

        Returns
        -------
        score : float
            Of several numbers a row the mean, as in scikit-learn. Of fields one minus
            the squared error of all places over their squared distance from the mean
            field.
        """
        prediction = self.predict(X)
        if self._target.size:
            return dense_r2(y, prediction, sample_weight)
        return r2_score(y, prediction, sample_weight=sample_weight)
