"""Time and memory of a training step of Swin-B and RoBERTa-base with random weights.

The source is the default, and the tokenizer of RoBERTa-base one with the words of
Python's standard library. Each fit runs in a process of its own.
"""

import multiprocessing
import resource
import tempfile
from pathlib import Path

import numpy as np

from sklearn_pare import PaReClassifier
from sklearn_pare.sources import DocstringSource
from studies.tables import markdown

_SWIN, _ROBERTA = "timm:swin_base_patch4_window7_224", "hf:{folder}"
#: Name in the table, backbone, shape of a sample, and samples per step.
FITS = (
    ("Swin-B, as by default on a CPU", _SWIN, (3, 224, 224), 64),
    ("Swin-B, all tokens", f"{_SWIN}?max_tokens=3136", (3, 224, 224), 8),
    ("RoBERTa-base, as by default on a CPU", _ROBERTA, (1, 2000), 64),
    ("RoBERTa-base, all tokens", f"{_ROBERTA}?max_tokens=512", (1, 2000), 8),
)


def add_arguments(parser):
    """Add nothing: this study has no options."""


def main(arguments):
    """Fit all and return the table."""
    titles = ["fit", "source", "tokens", "samples", "parameters", "s", "GB"]
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        write_roberta(Path(folder))
        cells = []
        for name, backbone, shape, n_samples in FITS:
            with context.Pool(1) as pool:
                arguments = backbone.format(folder=folder), shape, n_samples
                cells.append([name, *pool.apply(step, arguments)])
    return markdown(titles, cells)


def step(backbone, shape, n_samples):
    """Fit one step, and return the cells of the table."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n_samples, *shape)), np.arange(n_samples) % 4
    clf = PaReClassifier(
        backbone=backbone, pretrained=False, max_epochs=1, linear_path=False
    ).fit(X, y)
    weights = clf._model.backbone.parameters()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return [
        clf.source_,
        str(clf.n_tokens_),
        str(n_samples),
        f"{sum(p.numel() for p in weights) / 1e6:.0f} M",
        f"{clf.history_[0]['duration']:.1f}",
        f"{memory:.1f}",
    ]


def write_roberta(folder):
    """Write configuration and tokenizer of a RoBERTa-base, without weights."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, RobertaConfig

    words = sorted({word for text in DocstringSource().texts for word in text.split()})
    config = RobertaConfig()
    vocabulary = {w: i for i, w in enumerate(["<unk>", *words][: config.vocab_size])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>")
    fast.save_pretrained(folder)
    config.save_pretrained(folder)
