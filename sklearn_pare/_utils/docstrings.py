"""Documentation that both estimators share."""

PARAMETERS = """
backbone : str, default="pare-tiny"
    Name of the pretrained backbone: "pare-tiny" comes with the package; "timm:NAME" is
    a Swin or vision transformer of timm, such as
    "timm:swin_base_patch4_window7_224"; "hf:NAME-or-folder" is a text encoder of
    transformers (extra "text"), such as "hf:roberta-base". The weights of the latter
    two are downloaded once and cached, see :func:`sklearn_pare.backbones.fetch`. For
    these two a bound on the number of tokens per sample, and so on time and memory, may
    follow the name: "hf:roberta-base?max_tokens=128".
pretrained : bool, default=True
    If False, the same backbone starts from fresh Xavier weights: the control
    "from scratch".
tune : str, {"all", "norm", "attention-frozen", "none", "head"}, default="all"
    Which weights of the backbone are trained: all; only the LayerNorms; all but the
    query and key projections (in "pare-tiny" one matrix computes queries, keys and
    values, and the whole matrix stays fixed); or none. Embedder, gate and heads are
    always trained, except that with "head", a linear probe, the embedder stays fixed
    as well.
layer_decay : float, default=0.75
    Factor on the learning rate from one block of a pretrained backbone to the block
    before it. With ``pretrained=False`` all blocks have the same learning rate.
input_shape : tuple of int, default=None
    Shape of one sample, (C, L) or (C, H, W), if X holds flattened samples; one entry
    may be -1. If None, 2-D X is a table, 3-D X signals, 4-D X images. Prediction
    expects samples in the same form as fit.
source : str, list, tuple of arrays or None, default="formula"
    The source modality, whose tokens are mixed in: "formula" (labelled images drawn
    from formulas, on which "pare-tiny" was pretrained); a tuple
    ``(X_source, y_source)`` of samples or texts and their classes, or masks of
    classes; "openml:ID"; "folder:PATH" with one folder of images per class;
    "text:FILE" in CoNLL-2003 columns, for text backbones; the controls "noise" and
    "mask-token"; or None for plain fine-tuning. From a list of names, or with "auto",
    the source nearest to the data is taken, see :func:`sklearn_pare.sources.rank`.
mix_start : float, default=0.6
    Fraction of target tokens that are replaced at the first step.
mix_end : float, default=0.1
    Fraction that is replaced at the last step; it changes linearly in between. If both
    are 0.0, the backbone is fine-tuned without mixing ("naive fine-tuning").
mix_weight : float or "auto", default="auto"
    Weight of the loss on mixed samples relative to the loss on clean samples. "auto"
    is 1 for classes and label sets, and 0.3 for numbers and dense targets.
selector : str, {"gate", "random"}, default="gate"
    How tokens are selected: by the learned gate or at random (a control).
alignment : str, {"otdd", "mmd", "l2"} or None, default=None
    Stage before fine-tuning as in ORCA (Shen et al., ICML 2023): for 20 epochs only
    the embedder is trained, to bring each class near the source. The distance is the
    optimal transport dataset distance (see :mod:`sklearn_pare.otdd`), the maximum mean
    discrepancy, or the distance of random pairs. It can be combined with mixing or, with
    ``mix_start=0.0`` and ``mix_end=0.0``, replace it.
linear_path : bool, default=True
    Whether to add a linear model of the raw features. The network's share is chosen on
    held-out samples and may be 0, see `network_share_`. There is no linear model for
    more than 4,000 samples, arrays in files, masks, and classes of images.
max_epochs : int or "auto", default="auto"
    Number of epochs. "auto" is enough for 150 steps (600 for fields), and at least 12
    epochs (4 for masks).
batch_size : int or "auto", default="auto"
    Samples per training step and per forward pass in ``predict``. "auto" is 64, or 8
    for dense targets.
lr : float, default=1e-3
    Peak learning rate of AdamW: linear warm-up over a tenth of the steps, then cosine
    decay to 0. The decoder of dense targets has three times this rate.
weight_decay : float, default=0.05
    Weight decay of AdamW. Biases and normalisation weights are not decayed.
early_stopping : bool, default=False
    If True, stop when the validation score has not improved for ``n_iter_no_change``
    epochs, and restore the best weights; the state before the first step counts too.
    Of equal scores the one with the lower validation loss is better.
validation_fraction : float, default=0.1
    Fraction of the samples that ``early_stopping`` holds out if fit gets no ``X_val``.
n_iter_no_change : int, default=10
    Number of epochs without improvement after which ``early_stopping`` stops.
device : str, default="auto"
    "auto" is the first available of cuda, xpu and mps, or the CPU; otherwise a name
    that torch accepts, such as "cuda:1".
precision : str, {"auto", "fp32", "bf16"}, default="auto"
    Precision of the backbone and of the decoder of dense targets. "auto" is bfloat16 if
    the device has instructions for it, else float32. Other heads, the gate, losses and
    weights are always float32.
warm_start : bool, default=False
    If True, another call of fit starts from the weights of the last one and goes through
    all schedules again; `history_` is continued. Data and arguments must result in the
    same network. Encoder, source and linear model are fitted anew.
checkpoint_dir : str, PathLike or None, default=None
    Folder for checkpoints, written after each epoch and every ten minutes; the last two
    are kept. A fit with the same arguments and data continues from the last checkpoint,
    with the same result to the bit, also after the process was killed; a fit with other
    arguments or data is refused. Each fit needs a folder of its own, so this cannot be
    used for the fits of a grid search.
random_state : int, RandomState instance or None, default=None
    Determines initial weights, order of samples, source samples and noise. With an int,
    the same data give the same model to the bit on one machine with one number of
    threads.
verbose : int, default=0
    If positive, log one line per epoch.
"""

ATTRIBUTES = """
n_features_in_ : int
    Length of the second axis of X.
feature_names_in_ : ndarray of shape (`n_features_in_`,)
    Names of the columns, if X had any that are strings.
input_shape_ : tuple of int
    Shape of one sample for the network: (F,), (C, L) or (C, H, W).
n_tokens_ : int
    Number of tokens per sample.
n_iter_ : int
    Number of epochs.
network_share_ : float
    Share of the network's outputs that is added to those of the linear model, from 0
    (none) to 1; 1 without a linear model.
source_ : str or None
    Name of the source, "arrays" for a tuple of arrays, None without a source.
source_distances_ : dict
    Distance of each candidate from the data by name, nearest first; empty without a
    choice.
alignment_history_ : list of float
    Distance to the source in each epoch of ``alignment``, averaged over classes by
    their shares; empty without that stage.
history_ : list of dict
    One dict per epoch with the keys "epoch", from 1; "train_loss" and its terms
    "target_loss", "mixed_target_loss", "mixed_source_loss" (None without mixing) and
    "unlabeled_loss" (None without such samples), averaged over the epoch;
    "mix_fraction" and "lr" of its last step; "skipped_steps", the number of steps of
    the fit that were not finite (at most one under bfloat16); "duration" in seconds;
    and with validation samples "valid_loss" and "valid_score".
"""

DATA = """
X is a table (n, F), signals (n, C, L) or images (n, C, H, W), given as arrays, lists or
torch tensors. A table may be a DataFrame with numbers, booleans, text and categories,
and may have missing values; categories that were absent in fit are treated as missing.
Signals and images in a numpy memmap, HDF5 or zarr stay in their file and are read in
batches.
"""

METHOD = r"""
Every sample is cut into tokens. In each training step the k tokens of a sample with the
lowest scores are replaced by the k tokens of a source sample with the highest scores
(for dense targets in a quarter of the samples). Clean and mixed samples pass through
the backbone together, and the loss is

.. math:: L(clean) + w [(1 - \lambda) L(mixed) + \lambda L_s(mixed)],

where lambda = k / N is the fraction of replaced tokens, L the loss of the target, L_s
the cross-entropy of the source's classes and w is ``mix_weight``. Prediction uses clean
tokens only.
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
