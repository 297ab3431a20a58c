"""Settings of the papers as arguments of the estimators.

The settings for NAS-Bench-360 are those of PaRe (Cai et al., ICML 2024). Those for
PDEBench and OpenML-CC18 are ORCA's (Shen et al., ICML 2023), because PaRe's code has
none. A note lists the settings for which the estimators have no argument.
"""

from typing import NamedTuple

from sklearn_pare.openml._cc18 import DATA_SETS

SWIN = "timm:swin_base_patch4_window7_224.ms_in22k"
ROBERTA = "hf:roberta-base"

# Tokens per sample: patches of 4 x 4 pixels in an image of 224 x 224; one sentence.
_PATCHES, _WORDS = 3136, 32
_SOURCES = {
    "CIFAR-10": "openml:40927",
    "Tiny-ImageNet": "folder:{sources}/tiny-imagenet-200/train_10",
    "PASCAL": "pascal:{sources}/VOCdevkit/VOC2012",
    "text": "text:{sources}/conll2003/train.txt",
}


class Paper(NamedTuple):
    """Settings of a paper for one task.

    A training step had ``accumulation`` batches of size ``batch``. The learning rate
    rose for ``warm_up`` epochs and reached 0 at the epoch ``decay``. ``mixed`` is the
    number of tokens replaced in the first epoch, and its decrease until the end; None:
    no mixing. ``clip`` bounds the norm of the gradient, ``n_tokens`` the tokens per
    sample of a text backbone. ``more`` are further arguments of the estimator.
    """

    source: str
    epochs: int
    optimiser: str
    lr: float
    weight_decay: float
    batch: int
    accumulation: int = 1
    clip: float | None = None
    warm_up: int = 5
    decay: int = 200
    mixed: tuple | None = None
    mix_weight: float = 1.0
    n_tokens: int | None = None
    more: dict = {}
    dropout: float = 0.0


_IMAGES, _DARCY, _COSMIC = (2000, 1500), (1000, 500), (500, 500)
_SENTENCE = (_WORDS, _WORDS)

_NAS_BENCH_360 = {
    "cifar-100": Paper(
        "CIFAR-10", 60, "SGD .9", 1e-4, 1e-3, 32, 32, None, 5, 200, _IMAGES
    ),
    "spherical": Paper(
        "Tiny-ImageNet", 60, "AdamW", 1e-4, 0.1, 16, 8, None, 5, 60, _IMAGES
    ),
    "ninapro": Paper("CIFAR-10", 60, "Adam", 1e-4, 1e-5, 16, 2, 1.0, 5, 60, _IMAGES),
    "fsd50k": Paper(
        "CIFAR-10", 100, "Adam", 3e-5, 5e-5, 32, 1, None, 5, 100, _IMAGES
    ),
    "darcy": Paper(
        "PASCAL", 100, "AdamW", 1e-3, 5e-3, 4, 1, None, 5, 100, _DARCY, 0.3,
        more={"tune": "attention-frozen"},
    ),
    "psicov": Paper(
        "PASCAL", 10, "Adam", 5e-6, 1e-5, 1, 32, None, 5, 100, None, 0.3,
        more={"loss": "squared_error"},
    ),
    "cosmic": Paper("PASCAL", 60, "AdamW", 1e-3, 0.0, 4, 1, None, 5, 60, _COSMIC, 0.3),
    "ecg": Paper(
        "text", 15, "AdamW", 3e-5, 0.1, 64, 1, None, 5, 200, _SENTENCE, 0.1, 50
    ),
    "satellite": Paper(
        "text", 60, "AdamW", 3e-5, 3e-6, 64, 1, None, 5, 60, _SENTENCE, 0.1, 46
    ),
    "deepsea": Paper(
        "text", 25, "Adam", 1e-5, 0.0, 16, 1, 1.0, 10, 25, _SENTENCE, 0.1, 500
    ),
}  # fmt: skip


def _line(optimiser, lr, weight_decay, n_tokens, more=None):
    return Paper(
        "text", 200, optimiser, lr, weight_decay, 4, clip=1.0, n_tokens=n_tokens,
        more=more or {},
    )  # fmt: skip


def _square(epochs, optimiser, lr, weight_decay, clip=1.0, warm_up=5):
    return Paper(
        "CIFAR-10", epochs, optimiser, lr, weight_decay, 4, clip=clip, warm_up=warm_up
    )


_SQUARED = {"loss": "squared_error"}
_PDEBENCH = {
    "advection": _line("Adam", 1e-4, 1e-5, 256),
    "burgers": _line("Adam", 1e-5, 1e-5, 512, _SQUARED),
    "diffusion-reaction-1d": _line("SGD .99", 1e-3, 1e-5, 256),
    "diffusion-sorption": _line("AdamW", 1e-4, 0.0, 32),
    "navier-stokes-1d": _line("AdamW", 1e-4, 1e-3, 128, _SQUARED),
    "darcy": _square(100, "AdamW", 1e-4, 1e-5, clip=None),
    "shallow-water": _square(200, "AdamW", 1e-4, 0.0, warm_up=10),
    "diffusion-reaction-2d": _square(200, "Adam", 1e-4, 1e-3),
    "navier-stokes-2d": _square(200, "AdamW", 1e-3, 1e-3),
}


# ORCA's settings by ID of the data set: epochs, optimiser, learning rate, weight decay,
# batch size, dropout, bound of the gradient.
ORCA = {
    11: (60, "AdamW", 1e-6, 1e-5, 4, 0.0, 1.0),
    12: (60, "AdamW", 1e-5, 1e-5, 64, 0.05, 1.0),
    14: (25, "Adam", 1e-5, 1e-5, 4, 0.05, None),
    15: (20, "SGD .99", 1e-4, 0.1, 4, 0.05, 1.0),
    16: (60, "AdamW", 1e-5, 1e-5, 64, 0.05, None),
    18: (60, "Adam", 1e-5, 1e-3, 4, 0.05, None),
    22: (60, "SGD .99", 1e-4, 0.1, 32, 0.0, None),
    23: (25, "Adam", 1e-5, 0.0, 64, 0.1, 1.0),
    28: (60, "SGD .99", 1e-4, 0.0, 4, 0.0, 1.0),
    29: (12, "AdamW", 1e-5, 1e-5, 64, 0.05, 1.0),
    31: (20, "Adam", 1e-5, 1e-3, 64, 0.05, 1.0),
    37: (20, "Adam", 1e-5, 0.0, 64, 0.1, 1.0),
    44: (40, "AdamW", 1e-6, 1e-5, 4, 0.05, 1.0),
    50: (30, "Adam", 1e-6, 0.0, 64, 0.05, 1.0),
    54: (60, "Adam", 1e-3, 1e-3, 4, 0.05, 1.0),
    188: (60, "Adam", 1e-4, 0.1, 64, 0.05, 1.0),
    458: (60, "SGD .99", 1e-4, 1e-5, 32, 0.0, None),
    469: (10, "Adam", 1e-6, 0.0, 64, 0.05, 1.0),
    1049: (60, "SGD .99", 1e-4, 0.1, 32, 0.0, None),
    1050: (60, "Adam", 1e-5, 0.0, 64, 0.05, 1.0),
    1063: (40, "Adam", 1e-4, 0.1, 64, 0.1, 1.0),
    1068: (44, "SGD .99", 1e-4, 1e-5, 32, 0.0, None),
    1462: (60, "SGD .99", 1e-4, 1e-5, 32, 0.0, None),
    1464: (60, "AdamW", 1e-5, 1e-3, 64, 0.05, 0.1),
    1480: (60, "AdamW", 1e-6, 1e-5, 64, 0.05, 1.0),
    1494: (60, "Adam", 1e-6, 1e-3, 4, 0.05, None),
    1510: (60, "AdamW", 1e-5, 1e-5, 64, 0.0, 0.1),
    6332: (60, "AdamW", 1e-5, 1e-3, 64, 0.05, 1.0),
    23381: (25, "SGD .99", 1e-5, 1e-3, 32, 0.05, 1.0),
    40966: (60, "AdamW", 1e-4, 0.0, 64, 0.05, 1.0),
    40975: (60, "AdamW", 1e-4, 0.0, 64, 0.05, 1.0),
    40982: (60, "SGD .99", 1e-4, 1e-5, 16, 0.05, 1.0),
    40994: (60, "SGD .99", 1e-4, 0.1, 32, 0.0, None),
}
# Its settings for most data sets.
_MOST = (60, "AdamW", 1e-5, 1e-5, 64, 0.05, 1.0)


def fractions(first, decrement, epochs, n_tokens):
    """Compute the fractions of tokens replaced in the first and the last epoch.

    In epoch e the papers' code replaces ``int(first - decrement * e / epochs)`` tokens.

    Examples
    --------
    >>> from sklearn_pare.benchmarks.paper import fractions
    >>> [round(part, 3) for part in fractions(2000, 1500, 60, 3136)]
    [0.638, 0.167]
    """
    last = int(first - decrement * (epochs - 1) / epochs)
    return first / n_tokens, last / n_tokens


def settings(task, sources):
    """Return the arguments of the estimator, and a note on what they cannot express.

    ``sources`` is the folder of the source data.
    """
    notes = []
    if task.suite == "openml-cc18":
        data_set = DATA_SETS[task.openml_id][0]
        *found, dropout, clip = ORCA.get(data_set, _MOST)
        paper = Paper("text", *found, clip=clip, decay=60, dropout=dropout)
        notes.append(
            "Settings are ORCA's for this data set."
            if data_set in ORCA
            else "The papers have no settings for this data set; these are ORCA's for "
            "most data sets."
        )
    elif task.suite == "pdebench":
        paper = _PDEBENCH[task.family]
        notes.append("Settings are ORCA's: PaRe's code has none for PDEBench.")
    else:
        paper = _NAS_BENCH_360[task.name]
    backbone = ROBERTA if paper.source == "text" else SWIN
    if paper.n_tokens is not None:
        backbone += f"?max_tokens={paper.n_tokens}"
    mix_start, mix_end, mix_weight, note = _mixing(paper)
    found = {
        "backbone": backbone,
        "source": _SOURCES[paper.source].format(sources=sources),
        "mix_start": mix_start,
        "mix_end": mix_end,
        "mix_weight": mix_weight,
        "max_epochs": paper.epochs,
        "batch_size": paper.batch,
        "lr": paper.lr,
        "weight_decay": paper.weight_decay,
        # The papers use the same learning rate for all blocks.
        "layer_decay": 1.0,
    } | paper.more
    return found, " ".join([*notes, *note, *_differences(paper)])


def _mixing(paper):
    """Return both fractions, the weight, and a note if they are not the paper's own."""
    mixed, mix_weight, note = paper.mixed, paper.mix_weight, []
    n_tokens = paper.n_tokens or (46 if paper.source == "text" else _PATCHES)
    if mixed is None:
        mixed, mix_weight, task = _DARCY, 0.3, "Darcy flow"
        if paper.source == "text":
            mixed, mix_weight, task = _SENTENCE, 0.1, "signals"
            n_tokens = max(n_tokens, _WORDS)
        note = [f"Mixing is that of PaRe for {task}: PaRe has none for this task."]
    return *fractions(*mixed, paper.epochs, n_tokens), mix_weight, note


def _differences(paper):
    """Yield sentences about differences between the paper and the estimators."""
    if paper.optimiser != "AdamW":
        yield f"The optimiser was {paper.optimiser}; here it is AdamW."
    if paper.accumulation > 1:
        yield (
            f"A step had {paper.accumulation} batches of size {paper.batch}; here it "
            "has one."
        )
    if paper.clip != 1.0:
        was = "not bounded" if paper.clip is None else f"bounded by {paper.clip:g}"
        yield f"The norm of the gradient was {was}; here it is bounded by 1."
    if paper.dropout:
        yield f"Dropout was {paper.dropout:g}; here there is none."
    yield (
        f"The learning rate rose for {paper.warm_up} epochs and fell linearly to 0 at "
        f"epoch {paper.decay}; here it rises for a tenth of the steps and falls to 0 "
        "along a cosine."
    )
