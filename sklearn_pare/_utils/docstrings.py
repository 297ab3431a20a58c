"""Documentation that both estimators share."""

import re
import textwrap

PARAMETERS = """
backbone : str, default="auto"
    Name of the pretrained transformer that is fine-tuned. Two are part of the package:
    "pare-signal" for signals, and "pare-tiny" for images, tables, and signals with a
    target at every position. "auto" is one of these two; fields then use no backbone,
    unless they are mixed, or ``tune``, ``pretrained`` or ``alignment`` is set.
    "timm:NAME" is a Swin or vision transformer from timm:
    "timm:swin_base_patch4_window7_224". "timm:NAME@FILE" is the same model with the
    weights of a safetensors file, or of "model.safetensors" in a folder.
    "hf:NAME-or-folder" is a text encoder from transformers (extra "text"), such as
    "hf:roberta-base". Weights that are not in local files are downloaded once, see
    :func:`sklearn_pare.backbones.fetch`. A name may end with a limit on the tokens per
    sample, which saves time and memory: "hf:roberta-base?max_tokens=128". On a CPU,
    large backbones have a limit by default, such as 32 for a ViT-S.
pretrained : bool, default=True
    If False, the same backbone starts from random weights (Xavier initialisation).
    This is called training from scratch.
tune : str, {"auto", "all", "norm", "attention-frozen", "none", "head"}, default="auto"
    Which weights of the backbone are trained. "all": all weights. "auto": "head" for
    fields that are neither mixed nor aligned, if ``pretrained`` is True; otherwise
    "all". "norm": only the LayerNorms. "attention-frozen": all weights except the query
    and key projections; if one matrix computes queries, keys and values, as in
    "pare-tiny", the whole matrix is fixed. "none" and "head": no weights. The gate and
    the heads are always trained. The embedder is trained as well, except with "head",
    which is a linear probe. With "head", fields that are not mixed use the backbone in
    the last quarter of the steps, or never if `backbone` and `tune` are "auto".
layer_decay : float, default=0.75
    Factor by which the learning rate decreases from a block of a pretrained backbone to
    the block before it. With ``pretrained=False`` all blocks have the same rate.
input_shape : tuple of int, default=None
    Shape of one sample, (C, L) or (C, H, W), if X contains flattened samples. One entry
    may be -1. If L is given, signals in ``predict`` may be longer than in ``fit``, up
    to L. If None, X is a table if it has two dimensions, signals if it has three, and
    images if it has four. ``predict`` expects samples in the same form as ``fit``.
source : str, list, tuple of arrays or None, default="auto"
    The source: labelled samples whose tokens replace tokens of X. "auto" depends on the
    backbone: "photographs+self" for timm, "docstrings+self" for transformers,
    "waveforms+self" for "pare-signal", else "formula+self". "formula": images drawn
    from ten formulas, the classes; "formula:all": from all 2,048. "waveforms": signals.
    "photographs": needs the extra "images". "docstrings": English. ``(X_source,
    y_source)``: samples or texts, and their classes or masks. "openml:ID": a data set.
    "folder:PATH": images in one folder per class. "text:FILE": sentences in CoNLL-2003
    format. "self": other samples of X. "noise", "mask-token": controls. "NAME+self":
    NAME, and in the second half of training "self" if y holds one class per sample and
    the network recognises the classes in mixes of two samples. None: no source and no
    mixing. A list of names, or "nearest": the source with the smallest distance to the
    data, see :func:`sklearn_pare.sources.rank`.
mix_start : float or "auto", default="auto"
    Fraction of the tokens of a sample that are replaced in the first step. "auto" is
    0.6, or 0 for fields unless ``mix_end``, ``source`` or unlabelled samples are given.
mix_end : float or "auto", default="auto"
    Fraction of the tokens of a sample that are replaced in the last step. "auto" is
    0.1, or 0 for fields under the conditions of ``mix_start``. In between it changes
    linearly. If both are 0.0, no samples are mixed ("naive fine-tuning").
mix_weight : float or "auto", default="auto"
    Weight of the loss on mixed samples relative to the loss on clean samples. "auto"
    is 1 for classes and label sets, and 0.3 for numbers, masks and fields.
selector : str, {"random", "gate", "paper"}, default="random"
    How tokens are selected. "random": at random. "gate": by the scores of a learned
    gate. With both, a source token keeps its position. "paper": by a linear gate as in
    the paper. Source tokens then move to the positions of the tokens that they replace,
    and every sample passes the network both mixed and clean, which doubles the time.
alignment : str, {"otdd", "mmd", "l2"} or None, default=None
    Adds a stage before fine-tuning, as in ORCA (Shen et al., ICML 2023). In this stage
    only the embedder is trained, for 20 epochs, to reduce the distance between each
    class and the source: the optimal transport dataset distance (see
    :mod:`sklearn_pare.otdd`), the maximum mean discrepancy, or the mean distance of
    random pairs. For alignment without mixing, set ``mix_start=0.0, mix_end=0.0``.
linear_path : bool, default=True
    Whether to add the outputs of a linear model of features of X, the "linear path", to
    those of the network. The outputs of the network are multiplied by a factor,
    `network_share_`, which is chosen on held-out samples and may be 0. If these samples
    show no gain from the network, its training ends early. There is no linear model for
    masks, for images with classes or labels, or above 4,000 samples.
max_epochs : int or "auto", default="auto"
    Number of epochs. "auto" is the smallest number that is at least 12 (4 for masks)
    and gives at least 150 steps, or 1,200 for fields of images and 2,400 for fields of
    signals. With a linear model, training may end earlier, see ``linear_path``.
max_time : float or None, default=None
    Seconds that ``fit`` may take, including the checks of the data. The schedules of
    the learning rate and of mixing are adapted to it. Training also ends after
    ``max_epochs``; set a large number to use all of the time. At least one step is
    made; ``alignment`` and the linear model are not shortened. Results depend on the
    machine. A fit that continues from a checkpoint has the time that was left.
batch_size : int or "auto", default="auto"
    Samples per training step and per forward pass in ``predict``. "auto" is 64, or 8
    if the targets are masks or fields.
lr : float or "auto", default="auto"
    Peak learning rate of AdamW. The rate rises linearly to it over a tenth of the
    steps, then falls to 0 along a cosine. The decoder of masks and fields has three
    times this rate, or 3e-3 with "auto". "auto" is 1e-3 for "pare-tiny". It is lower
    for pretrained backbones with more trained weights, in inverse proportion to their
    number: 8e-4 for "pare-signal", 1.4e-4 for a ViT-S, 3.5e-5 for a RoBERTa-base. For
    random weights it decreases with the square root of their number. With "auto" and
    without a linear model, training starts over once, with a warning and at a third of
    the rate, if the loss does not fall at first.
weight_decay : float, default=0.05
    Weight decay of AdamW. Biases and normalisation weights are not decayed.
early_stopping : bool, default=False
    If True, training stops when the validation score has not improved for
    ``n_iter_no_change`` epochs, and the weights with the best score are restored, which
    can be those before the first step. Among equal scores the validation loss decides.
validation_fraction : float, default=0.1
    Fraction of the samples that ``early_stopping`` holds out if fit gets no ``X_val``.
n_iter_no_change : int, default=10
    Number of epochs without improvement after which ``early_stopping`` stops.
scoring : str, callable or None, default=None
    Score of the validation samples after each epoch; higher is better. None: accuracy
    or R2, as in ``score``. "loss": minus the validation loss. A name of a scorer of
    scikit-learn, such as "roc_auc", or of :func:`sklearn_pare.metrics.list_scorers`,
    such as "iou" or "relative-l2". If both have the name, that of this package is used
    for masks and fields. A callable ``scorer(estimator, X, y)``. If the weights of the
    samples differ, they are passed as ``sample_weight``; a scorer without this argument
    raises an error. A score that is undefined because the samples lack a class is an
    error as well. Any other NaN is worse than any number.
device : str, int or torch.device, default="auto"
    Device of torch, such as "cuda:1". "auto" is the first of cuda, xpu and mps that is
    available, or the CPU if none of them is. On a machine with several GPUs, parallel
    processes of joblib, Dask, multiprocessing and torchrun use different ones.
precision : str, {"auto", "fp32", "bf16"}, default="auto"
    Precision of the backbone and of the decoder of masks and fields. "auto" is bfloat16
    if the device has instructions for it, otherwise float32. Other heads, the gate,
    losses and weights are always float32.
warm_start : bool, default=False
    If True, ``fit`` starts from the weights of its previous call. The network must have
    the same layers. Only the weights are kept: the schedules start again, and the
    source and the linear model are fitted again. New epochs extend `history_`.
checkpoint_dir : str, PathLike or None, default=None
    Folder for checkpoints. A checkpoint is written after each epoch and every ten
    minutes, and the last two are kept. After an interruption, a fit with the same
    arguments and data continues from the last one, and its result is bitwise identical
    to that of an uninterrupted fit. A fit with other arguments or data raises an error.
    Each fit needs its own folder, so a grid search cannot use checkpoints.
on_interrupt : str, {"raise", "keep"}, default="raise"
    Effect of Ctrl-C during training. "raise": ``KeyboardInterrupt`` is raised, and the
    estimator stays as before the fit. "keep": once an epoch is finished, ``fit`` ends
    with a warning and the weights of the last finished epoch, or the best with
    ``early_stopping``.
random_state : int, RandomState instance or None, default=None
    Determines the initial weights, the order of samples, the source samples and the
    noise. With an int, the same data give bitwise identical models on the same machine
    with the same number of threads.
verbose : int, default=0
    If positive, fit logs how X and y were read, the time of each stage, the losses and
    the remaining time after each epoch, and `fit_report_` at the end.
"""

ATTRIBUTES = """
n_features_in_ : int
    Length of the second axis of X.
feature_names_in_ : ndarray of shape (`n_features_in_`,)
    Names of the columns. Defined only if X has column names that are all strings.
input_shape_ : tuple of int
    Shape of one sample as input of the network: (F,), (C, L) or (C, H, W).
backbone_ : str
    Name of the backbone, with its limit on tokens if there is one; never "auto".
n_tokens_ : int
    Number of tokens per sample.
n_iter_ : int
    Number of epochs, including those of earlier fits with ``warm_start``.
network_share_ : float
    Factor from 0 to 1 by which the outputs of the network are multiplied before they
    are added to those of the linear model; 1 if there is no linear model. If it is 0,
    predictions are those of the linear model alone, and fit warns of it.
fit_report_ : FitReport
    Contributions of the linear model and of the network, source, numbers of samples,
    reason for the end of the training, and times of the stages of the last fit. It has
    the attributes `source`, `network_share`, `linear_path`, `linear_loss`, `loss`,
    `n_training`, `n_validation`, `n_share`, `n_unlabeled`, `n_epochs`, `max_epochs`,
    `ended`, `seconds` and `scoring`.
source_ : str or None
    Name of the source that was used: "arrays" for a tuple of arrays, None without one.
source_distances_ : dict
    Distances of the candidate sources from the data by name, the nearest first. Empty
    if ``source`` is not "nearest" or a list.
alignment_history_ : list of float
    Distance of the classes to the source in each epoch of ``alignment``: the mean over
    the classes, weighted by their numbers of samples. Empty without ``alignment``.
history_ : list of dict
    One dict per epoch. "epoch" is its number, from 1. "train_loss" is the mean loss,
    and "target_loss", "mixed_target_loss", "mixed_source_loss" and "unlabeled_loss" are
    its terms. The two mixed ones are None without mixing, and the last is None without
    unlabelled samples. "mix_fraction" and "lr" are the fraction of replaced tokens and
    the learning rate in the last step of the epoch. "skipped_steps" is the number of
    steps so far that were skipped because their loss or gradient was not finite (at
    most one, and only with bfloat16). "duration" is in seconds. With validation
    samples, there are also "valid_loss" and "valid_score", or for example
    "valid_roc_auc" with ``scoring="roc_auc"``. With a linear model, there is also
    "network_gain": on the samples that determine `network_share_`, the loss of the
    linear model alone minus the loss with the best share of the network, in standard
    errors of this difference. It is computed in some epochs, and None in the others.
    With a source "NAME+self" and classes, "own_readable" is the result of a test on
    mixes of two samples of X: how often the network predicts one of their two classes,
    from 0 (as often as by chance) to 1 (always). The test is made once, after half of
    the steps; in other epochs the value is None. If it is at least 0.5, samples of X
    are mixed with each other from then on.
"""

DATA = """
X is a table (n, F), signals (n, C, L) or images (n, C, H, W), given as arrays, lists or
torch tensors. Signals of different lengths are a list of arrays (C, L_i). A table may
be a DataFrame with numbers, booleans, text and categories. Categories that did not
occur in fit are treated as missing. Missing values of X are NaN or masked; in signals
and images they are not filled, but left out of all computations. Arrays of HDF5, zarr,
xarray and dask and sparse matrices are read as well. Signals and images of more than
256 MB in a file are read in batches. In predict, images, and signals with masks or
fields, may have another size than in fit; they are resampled.
"""

METHOD = r"""
The embedder converts each sample to N tokens, the vectors that are the input of the
backbone. In each training step, half of the samples of a batch are mixed (a quarter if
the targets are numbers or masks, and none by default if they are fields). In a mixed
sample, k tokens are replaced by the tokens of a source sample at the same positions. In
the second half of training, another sample of X by default takes the place of the
source sample, if y holds one class per sample and the network recognises the classes of
such mixes ("own_readable" in `history_`). The mixed samples and the remaining, clean
samples pass through the backbone together, and the loss is

.. math:: L(clean) + w [(1 - \lambda) L(mixed) + \lambda L_s(mixed)],

where lambda = k / N is the fraction of replaced tokens, L is the loss of the target, w
is ``mix_weight``, and L_s is the cross-entropy of the source classes or, where tokens
come from another sample of X, the loss for its target. Prediction uses only clean
samples.
"""

REFERENCES = """
Cai et al., "Enhancing Cross-Modal Fine-Tuning with Gradually Intermediate Modality
Generation", ICML 2024, PMLR 235, 5236-5257.
"""


def fill_docstring(cls):
    """Replace lines such as "{parameters}" in the docstring of a class by shared texts.

    The texts are indented like these lines.
    """
    texts = {
        "parameters": PARAMETERS,
        "attributes": ATTRIBUTES,
        "data": DATA,
        "method": METHOD,
        "references": REFERENCES,
    }

    def text(line):
        return textwrap.indent(texts[line[2]].strip(), line[1])

    # With python -OO there are no docstrings.
    if cls.__doc__:
        cls.__doc__ = re.sub(r"(?m)^( *)\{(\w+)\}$", text, cls.__doc__)
    return cls
