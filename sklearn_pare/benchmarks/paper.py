"""Settings of the papers, as far as the estimators have an argument for them.

Of PaRe (Cai et al., ICML 2024) for NAS-Bench-360, of ORCA (Shen et al., ICML 2023) for
PDEBench and OpenML-CC18, for which PaRe's code has none. What has no argument is said
in a note.
"""

from typing import NamedTuple

from sklearn_pare.benchmarks.cc18 import DATA_SETS, ORCA

SWIN = "timm:swin_base_patch4_window7_224.ms_in22k"
ROBERTA = "hf:roberta-base"

# Tokens of a row in the two backbones: patches of 4 x 4 pixels of 224 x 224; one sentence.
_PATCHES, _WORDS = 3136, 32
_SOURCES = {
    "CIFAR-10": "openml:40927",
    "Tiny-ImageNet": "folder:{sources}/tiny-imagenet-200/train_10",
    "PASCAL": "pascal:{sources}/VOCdevkit/VOC2012",
    "text": "text:{sources}/conll2003/train.txt",
}


class Paper(NamedTuple):
    """What a paper did for one task.

    Attributes
    ----------
    source : str
    epochs : int
    optimiser : str
    lr, weight_decay : float
    batch : int
        Rows of one pass; a step had `accumulation` times as many.
    accumulation : int
    clip : float or None
        Bound on the norm of the gradient.
    warm_up, decay : int
        The learning rate rose for so many epochs, and reached 0 at epoch `decay`.
    mixed : tuple of int or None
        Tokens replaced at first, and by how many fewer at the end. None: not mixed.
    mix_weight : float
    n_tokens : int or None
        Of a row in a backbone of text.
    more : dict
        Further arguments.
    dropout : float
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
        "CIFAR-10", 100, "Adam", 3e-5, 5e-5, 32, 1, None, 5, 100, _IMAGES,
        more={"pos_weight": 10.0},
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
        "text", 25, "Adam", 1e-5, 0.0, 16, 1, 1.0, 10, 25, _SENTENCE, 0.1, 500,
        {"pos_weight": 4.0},
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


def _orca(number):
    """ORCA's settings for a task of OpenML, or those it has for most data sets."""
    own = ORCA.get(DATA_SETS[number][0])
    epochs, optimiser, lr, weight_decay, batch, dropout, clip = own or (
        60, "AdamW", 1e-5, 1e-5, 64, 0.05, 1.0,
    )  # fmt: skip
    optimiser = "SGD .99" if optimiser == "SGD" else optimiser
    return own is not None, Paper(
        "text", epochs, optimiser, lr, weight_decay, batch, clip=clip, decay=60,
        dropout=dropout,
    )  # fmt: skip


def fractions(first, decrement, epochs, n_tokens):
    """Fractions of tokens replaced in the first and in the last epoch.

    The papers' code replaces ``int(first - decrement * e / epochs)`` tokens in epoch e.

    Parameters
    ----------
    first, decrement, epochs, n_tokens : int

    Returns
    -------
    mix_start, mix_end : float

    Examples
    --------
    >>> from sklearn_pare.benchmarks.paper import fractions
    >>> [round(part, 3) for part in fractions(2000, 1500, 60, 3136)]
    [0.638, 0.167]
    """
    last = int(first - decrement * (epochs - 1) / epochs)
    return first / n_tokens, last / n_tokens


def settings(task, sources):
    """Arguments of the estimator, and a note of what they cannot say.

    Parameters
    ----------
    task : Task
        Of one of the three suites.
    sources : Path
        Folder of the data that tokens are mixed in from.

    Returns
    -------
    settings : dict
    note : str
    """
    notes = []
    if task.suite == "openml-cc18":
        own, paper = _orca(task.openml_id)
        notes.append(
            "Settings are ORCA's for this data set."
            if own
            else "The papers have no settings for this data set: those that ORCA has "
            "for most."
        )
    else:
        paper = {"nas-bench-360": _NAS_BENCH_360, "pdebench": _PDEBENCH}[task.suite][
            task.name
        ]
        if task.suite == "pdebench":
            notes.append("Settings are ORCA's: PaRe's code has none for PDEBench.")
    mix_start, mix_end, mix_weight, note = _mixing(task, paper)
    found = {
        "backbone": ROBERTA if paper.source == "text" else SWIN,
        "source": _SOURCES[paper.source].format(sources=sources),
        "max_tokens": paper.n_tokens,
        "mix_start": mix_start,
        "mix_end": mix_end,
        "mix_weight": mix_weight,
        "max_epochs": paper.epochs,
        "batch_size": paper.batch,
        "lr": paper.lr,
        "weight_decay": paper.weight_decay,
        # All blocks learned alike.
        "layer_decay": 1.0,
    } | paper.more
    return found, " ".join([*notes, *note, *_not_said(paper)])


def _mixing(task, paper):
    """First and last fraction, the weight, and where they are from if not the paper."""
    if paper.mixed is not None:
        n_tokens = paper.n_tokens or _PATCHES
        return *fractions(*paper.mixed, paper.epochs, n_tokens), paper.mix_weight, []
    if paper.source != "text":
        own = fractions(*_DARCY, paper.epochs, _PATCHES)
        return *own, 0.3, ["Mixing is that of Darcy flow in PaRe: it has none here."]
    n_tokens = paper.n_tokens or 46
    own = fractions(*_SENTENCE, paper.epochs, max(n_tokens, _WORDS))
    return *own, 0.1, ["Mixing is that of signals in PaRe: it has none here."]


def _not_said(paper):
    """Sentences on what the paper did and the estimators do in another way."""
    if paper.optimiser != "AdamW":
        yield f"The optimiser was {paper.optimiser}; here it is AdamW."
    if paper.accumulation > 1:
        yield (
            f"A step had {paper.accumulation} batches of {paper.batch} rows; here it "
            "has one."
        )
    if paper.clip != 1.0:
        was = "not bounded" if paper.clip is None else f"bounded by {paper.clip:g}"
        yield f"The norm of the gradient was {was}; here it is bounded by 1."
    if paper.dropout:
        yield f"Dropout was {paper.dropout:g}; here there is none."
    yield (
        f"The learning rate rose for {paper.warm_up} epochs and fell on a line to 0 at "
        f"epoch {paper.decay}; here it rises for a tenth of the steps and falls on a "
        "cosine to 0 at the last."
    )
