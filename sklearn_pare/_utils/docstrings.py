"""Documentation that both estimators share."""

PARAMETERS = """
backbone : str, default="auto"
    Name of the pretrained transformer that is fine-tuned. Two are part of the package:
    "pare-signal" for signals, and "pare-tiny" for images, tables, and signals with a
    target at every position. "auto" is the one that fits X and y. "timm:NAME" is a Swin
    or vision transformer from timm, such as "timm:swin_base_patch4_window7_224".
    "timm:NAME@FILE" is the same model with the weights of a safetensors file, or of
    "model.safetensors" in a folder. "hf:NAME-or-folder" is a text encoder from
    transformers (extra "text"), such as "hf:roberta-base". Weights that are not in a
    local file or folder are downloaded once and cached, see
    :func:`sklearn_pare.backbones.fetch`. The names may end with a limit on the number
    of tokens per sample, which saves time and memory: "hf:roberta-base?max_tokens=128".
    On a CPU there is a default limit of at least 16 tokens, such as 32 for a ViT-S.
pretrained : bool, default=True
    If False, the same backbone starts from random weights (Xavier initialisation).
    This is called training from scratch.
tune : str, {"auto", "all", "norm", "attention-frozen", "none", "head"}, default="auto"
    Which weights of the backbone are trained. "all": all weights. "auto": the same, but
    "head" for fields that are neither mixed nor aligned, if ``pretrained`` is True.
    "norm": only the LayerNorms. "attention-frozen": all weights except the query and
    key projections; if one matrix computes queries, keys and values, as in "pare-tiny",
    the whole matrix is fixed. "none" and "head": no weights. The gate and the heads are
    always trained. The embedder is trained as well, except with "head", which is a
    linear probe.
layer_decay : float, default=0.75
    Learning rate of a block of a pretrained backbone, divided by that of the block
    after it. With ``pretrained=False`` all blocks have the same learning rate.
input_shape : tuple of int, default=None
    Shape of one sample, (C, L) or (C, H, W), if X contains flattened samples. One entry
    may be -1. An L that is given leaves room for longer signals than those in ``fit``.
    If None, X is a table if it has two dimensions, signals if it has three, and images
    if it has four. ``predict`` expects samples in the same form as ``fit``.
source : str, list, tuple of arrays or None, default="auto"
    The source: labelled samples whose tokens replace tokens of X. "auto" fits the
    backbone: "photographs+self" for timm, "docstrings+self" for transformers,
    "waveforms+self" for "pare-signal", else "formula+self". Others are
    "formula" (images of ten classes drawn from formulas) and "formula:all" (all 2,048
    classes); "waveforms" (signals); "photographs" (extra "images"); "docstrings"
    (English); a tuple ``(X_source, y_source)`` of samples or texts and their classes or
    masks; "openml:ID"; "folder:PATH" with one folder of images per class; "text:FILE"
    in the columns of CoNLL-2003; "self", the other samples of X; and the controls
    "noise" and "mask-token". "NAME+self" uses the source, and in the second half of
    training "self" if y are classes and the network recognises them in mixes of two
    samples. None: no source and no mixing. A list of names or "nearest": the source
    with the smallest distance to the data, see :func:`sklearn_pare.sources.rank`.
mix_start : float or "auto", default="auto"
    Fraction of the tokens of a sample that are replaced in the first step. "auto" is
    0.6, or 0 for fields unless ``mix_end``, ``source`` or unlabelled samples are given.
mix_end : float or "auto", default="auto"
    Fraction of the tokens of a sample that are replaced in the last step. "auto" is 0.1
    or, as for ``mix_start``, 0. The fraction changes linearly from ``mix_start`` to
    ``mix_end``. If both are 0.0, no samples are mixed ("naive fine-tuning").
mix_weight : float or "auto", default="auto"
    Weight of the loss on mixed samples relative to the loss on clean samples. "auto"
    is 1 for classes and label sets, and 0.3 for numbers, masks and fields.
selector : str, {"random", "gate", "paper"}, default="random"
    How tokens are selected. "random": at random; tokens keep their positions. "gate":
    by scores of a learned gate; they keep their positions as well. "paper": by a linear
    gate as in the paper; tokens move to the positions of those that they replace, and
    all samples of a batch are mixed and also pass clean, which takes twice as long.
alignment : str, {"otdd", "mmd", "l2"} or None, default=None
    Adds a stage before fine-tuning, as in ORCA (Shen et al., ICML 2023). In this stage
    only the embedder is trained, for 20 epochs, to reduce the distance between each
    class and the source. The distance is the optimal transport dataset distance (see
    :mod:`sklearn_pare.otdd`), the maximum mean discrepancy, or the mean distance of
    random pairs. Alignment can be combined with mixing. For alignment without mixing,
    set ``mix_start=0.0`` and ``mix_end=0.0``.
linear_path : bool, default=True
    Whether the outputs of a linear model of the raw features are added to those of the
    network. The outputs of the network are multiplied by a factor, `network_share_`,
    which is chosen on held-out samples and may be 0. If these samples show no gain from
    the network, its training ends early. There is no linear model if X has
    more than 4,000 samples or is in a file, if the targets are masks, or if they are
    classes or labels of images.
max_epochs : int or "auto", default="auto"
    Number of epochs. "auto" is the smallest number that gives at least 150 steps
    (1,200 for fields, 2,400 if they are signals) and at least 12 epochs (4 for masks).
    With a linear model, training may end earlier, see ``linear_path``.
max_time : float or None, default=None
    Seconds that ``fit`` may take, from the check of the data to the fitted estimator.
    The schedules of the learning rate and of mixing are adapted to it, and end with the
    last step. Training also ends after ``max_epochs``; a large number lets it
    take all of the time. There is at least one step, and ``alignment`` and the linear
    model take the time that they need. Results depend on the speed of the machine. A
    fit that continues from a checkpoint has the time that was left.
batch_size : int or "auto", default="auto"
    Samples per training step and per forward pass in ``predict``. "auto" is 64, or 8
    if the targets are masks or fields.
lr : float or "auto", default="auto"
    Peak learning rate of AdamW: linear warm-up over a tenth of the steps, then cosine
    decay to 0. The decoder of masks and fields has three times this learning rate, or
    3e-3 with "auto". "auto" is 1e-3 for "pare-tiny". For larger pretrained backbones it
    is inversely proportional to their number of weights: 8e-4 for "pare-signal", 1.4e-4
    for a ViT-S and 3.5e-5 for a RoBERTa-base; for larger backbones with random weights,
    to the square root of that number. With "auto", training starts over once, with a
    warning and at a third of this rate, if the loss does not fall at first and there is
    no linear model.
weight_decay : float, default=0.05
    Weight decay of AdamW. Biases and normalisation weights are not decayed.
early_stopping : bool, default=False
    If True, training stops when the validation score has not improved for
    ``n_iter_no_change`` epochs, and the weights with the best score are restored. These
    can also be the weights before the first step. If the scores of two epochs are
    equal, the epoch with the lower validation loss is better.
validation_fraction : float, default=0.1
    Fraction of the samples that ``early_stopping`` holds out if fit gets no ``X_val``.
n_iter_no_change : int, default=10
    Number of epochs without improvement after which ``early_stopping`` stops.
scoring : str, callable or None, default=None
    Score of the validation samples after each epoch; higher is better. None: the method
    ``score``, which is accuracy or R2. "loss": minus the validation loss. A name of
    scikit-learn, such as "roc_auc" or "neg_mean_absolute_error", or of
    :func:`sklearn_pare.metrics.list_scorers`, such as "iou" or "relative-l2", which
    for masks and fields comes first. A callable ``scorer(estimator, X, y)``: its
    predictions for X are not computed again. If the weights of these samples differ,
    they are passed as ``sample_weight``, and a scorer that does not take it raises an
    error. So does one that is not defined because the samples lack a class. Another
    NaN counts as worse than any number.
device : str, int or torch.device, default="auto"
    Device of torch, such as "cuda:1". "auto" is the first of cuda, xpu and mps that is
    available, or the CPU if none of them is. Of several devices, parallel processes of
    joblib, Dask, multiprocessing and torchrun use different ones.
precision : str, {"auto", "fp32", "bf16"}, default="auto"
    Precision of the backbone and of the decoder of masks and fields. "auto" is bfloat16
    if the device has instructions for it, otherwise float32. Other heads, the gate,
    losses and weights are always float32.
warm_start : bool, default=False
    If True, another call of ``fit`` starts from the weights of the previous call. The
    schedules of the learning rate and of mixing start again from the beginning, and new
    epochs are appended to `history_`. The data and arguments must lead to a network
    with the same layers. The standardisation of the data, the source and the linear
    model are fitted again.
checkpoint_dir : str, PathLike or None, default=None
    Folder for checkpoints. A checkpoint is written after each epoch and every ten
    minutes, and the last two are kept. If a fit was interrupted, for example because
    the process was killed, a fit with the same arguments and data continues from the
    last checkpoint. The result is bitwise identical to that without the interruption. A
    fit with other arguments or data raises an error. Each fit needs its own folder, so
    checkpoints cannot be used in a grid search.
on_interrupt : str, {"raise", "keep"}, default="raise"
    What Ctrl-C does in the training. "raise": ``KeyboardInterrupt`` is raised, and the
    estimator is as before the fit. "keep": if an epoch was finished, ``fit`` ends with
    a warning, and the estimator has the weights after the last one, or the best weights
    with ``early_stopping``.
random_state : int, RandomState instance or None, default=None
    Determines the initial weights, the order of samples, the source samples and the
    noise. With an int, the same data give bitwise identical models on the same machine
    with the same number of threads.
verbose : int, default=0
    If positive, fit logs how X and y were read, the time of each stage, the losses and
    the time that is left after each epoch, and `fit_report_` at the end.
"""

ATTRIBUTES = """
n_features_in_ : int
    Length of the second axis of X.
feature_names_in_ : ndarray of shape (`n_features_in_`,)
    Names of the columns. Defined only if X has column names that are all strings.
input_shape_ : tuple of int
    Shape of one sample as input of the network: (F,), (C, L) or (C, H, W).
backbone_ : str
    Name of the backbone, with the limit on tokens if there is one. With
    ``backbone="auto"``, the name of the backbone that was used.
n_tokens_ : int
    Number of tokens per sample.
n_iter_ : int
    Number of epochs, including those of earlier fits with ``warm_start``.
network_share_ : float
    Factor from 0 to 1 by which the outputs of the network are multiplied before they
    are added to those of the linear model. It is 1 if there is no linear model. If it
    is 0, predictions are those of the linear model alone, and fit warns of it.
fit_report_ : FitReport
    Contributions of the linear model and of the network, source, numbers of samples,
    reason for the end of the training, and times of the stages of the last fit. It has
    the attributes `source`, `network_share`, `linear_path`, `linear_loss`, `loss`,
    `n_training`, `n_validation`, `n_share`, `n_unlabeled`, `n_epochs`, `max_epochs`,
    `ended`, `seconds` and `scoring`.
source_ : str or None
    Name of the source, "arrays" for a tuple of arrays, or None if there is no source.
    With ``source="auto"``, the name of the source that was used.
source_distances_ : dict
    Distance between each candidate source and the data, in ascending order, by name.
    Empty if ``source`` is not "nearest" or a list.
alignment_history_ : list of float
    Distance to the source in each epoch of ``alignment``, averaged over the classes,
    which are weighted by their numbers of samples. Empty without ``alignment``.
history_ : list of dict
    One dict per epoch. The key "epoch" is the number of the epoch, from 1. "train_loss"
    is the loss, averaged over the epoch. "target_loss", "mixed_target_loss",
    "mixed_source_loss" and "unlabeled_loss" are its terms. The second and third are
    None without mixing, and the last is None without unlabelled samples.
    "mix_fraction" and "lr" are the fraction of replaced tokens and the learning rate in
    the last step of the epoch. "skipped_steps" is the number of steps that were skipped
    until then because their loss or gradient was not finite (at most one, and only with
    bfloat16). "duration" is the time in seconds. With validation samples, there are
    also "valid_loss" and "valid_score", or the name of ``scoring`` in place of "score",
    such as "valid_roc_auc". With a linear model, there is also
    "network_gain": the loss of the linear model alone on the samples that determine
    `network_share_`, minus the loss with the best share of the network, in standard
    errors of this difference. It is computed in some epochs, and None in the others.
    With a source "NAME+self" and classes, "own_readable" tells how often the class of
    one of both samples is read from mixes of two: 0 for as often as by chance, 1 for
    always. It is computed once, after the epoch in which half of the steps are over,
    and None in the other epochs. If it is at least 0.5, the samples of X are mixed with
    each other from then on.
"""

DATA = """
X is a table (n, F), signals (n, C, L) or images (n, C, H, W), given as arrays, lists or
torch tensors. Signals of different lengths are a list of arrays (C, L_i). A table may
be a DataFrame with numbers, booleans, text and categories. Categories that did not
occur in fit are treated as missing. Missing values of X are NaN or masked; those of
signals and images are not filled, but left out of all that is computed. Arrays of other
libraries, such as HDF5, zarr, xarray and dask, are read. Signals and images of more
than 256 MB in a file stay there and are read in batches. Sparse matrices are read as
well. In predict, images and fields on another grid are resampled to that of fit.
"""

METHOD = r"""
The embedder converts each sample to N tokens, the vectors that are the input of the
backbone. In each training step, half of the samples of a batch are mixed (a quarter if
the targets are numbers or masks, and none by default if they are fields): k of their
tokens are replaced by the tokens at the same positions of a source sample. In the
second half of training, this is by default another sample of X, if y holds one class
per sample and the network reads the classes of such mixes ("own_readable" in
`history_`). The mixed samples and the other, clean ones pass through the backbone
together, and the loss is

.. math:: L(clean) + w [(1 - \lambda) L(mixed) + \lambda L_s(mixed)],

where lambda = k / N is the fraction of replaced tokens, L is the loss of the target, w
is ``mix_weight``, and L_s is the cross-entropy of the source classes or, where tokens
come from another sample of X, the loss for its target. Prediction uses only clean
samples.

In the paper, a gate selects the tokens of both modalities, source tokens move to other
positions, and all samples of a batch pass both clean and mixed: ``selector="paper"``.
"""

REFERENCES = """
Cai et al., "Enhancing Cross-Modal Fine-Tuning with Gradually Intermediate Modality
Generation", ICML 2024, PMLR 235, 5236-5257.
"""


def fill_docstring(cls):
    """Replace the names of shared texts in braces in the docstring of a class.

    Parameters
    ----------
    cls : type
        Its docstring has lines such as "{parameters}", whose indentation is kept.

    Returns
    -------
    cls : type
    """
    texts = {
        "{parameters}": PARAMETERS,
        "{attributes}": ATTRIBUTES,
        "{data}": DATA,
        "{method}": METHOD,
        "{references}": REFERENCES,
    }
    # With python -OO there are no docstrings.
    lines = (cls.__doc__ or "").splitlines()
    filled = []
    for line in lines:
        text = texts.get(line.strip())
        indent = " " * (len(line) - len(line.lstrip()))
        own = [line] if text is None else text.strip().splitlines()
        filled += own if text is None else [(indent + each).rstrip() for each in own]
    cls.__doc__ = "\n".join(filled) or None
    return cls
