"""Source classes that are read from mixed samples, before any training.

The pretrained backbone and its head classify samples of which a fraction of the tokens
comes from the source. With ``--choose``, the ten classes of "formula" are chosen: those
of all formulas that are told apart best at the fraction 0.6.
"""

import itertools
from unittest import mock

import torch

from sklearn_pare import _base
from sklearn_pare.nn import replace_in_order, replace_tokens
from sklearn_pare.sources import FormulaSource
from sklearn_pare.sources.formula import N_CLASSES
from studies.suites import SUITES
from studies.tables import markdown

#: The source is mixed with the samples of these tasks.
TASKS = ("photographs-100", "patterns-100", "gait-100", "vibration-100", "madelon-100")
FRACTIONS = (1.0, 0.9, 0.6, 0.3, 0.1)
PAIRINGS = {"same positions": replace_tokens, "in order": replace_in_order}
#: Name in the table -> argument `source`.
SOURCES = {"ten classes": "formula", f"{N_CLASSES:,} classes": "formula:all"}
_CHOSEN_AT, _N_CHOSEN, _ROUNDS = 0.6, 10, 10


class _Untrained(Exception):
    """Raised in place of training."""


def add_arguments(parser):
    """Add the options of the study."""
    parser.add_argument("--choose", action="store_true", help="choose the classes")
    parser.add_argument(
        "--samples", type=int, default=2_000, metavar="N", help="default: 2000"
    )


def main(arguments):
    """Return the shares of samples whose source class is read, or the classes."""
    if arguments.choose:
        return f"{choose(networks('formula:all'))}"
    lines = []
    for name, source in SOURCES.items():
        found = networks(source)
        for pairing, replace in PAIRINGS.items():
            shares = [read(found, f, replace, arguments.samples) for f in FRACTIONS]
            lines.append([f"{name}, {pairing}", *(f"{s:.3f}" for s in shares)])
    return markdown(["source", *(f"{f:g} of the tokens" for f in FRACTIONS)], lines)


def networks(source):
    """Return pairs of an untrained network for a task and the samples of the task."""
    found = []

    def stop(network, *others):
        found.append((network, network.prepared.rows.x))
        raise _Untrained

    with mock.patch.object(_base, "train", stop):
        for name in TASKS:
            X, _, y, _ = SUITES["tuning"][name].split(0)
            estimator = SUITES["tuning"][name].estimator("pare", 0, source=source)
            try:
                estimator.fit(X, y)
            except _Untrained:
                continue
    return found


@torch.no_grad()
def logits(network, x, source, fraction, replace, generator):
    """Return the source logits (n, K) of random samples, mixed with source samples."""
    model = network.model.train(False)
    tokens = model.source_embed(source)
    n, n_tokens, _ = tokens.shape
    some = torch.randint(len(x), (n,), generator=generator)
    scores = torch.rand(2, n, n_tokens, generator=generator)
    k = round(fraction * n_tokens)
    mixed, _, _ = replace(model.embed(x[some]), tokens, *scores, k)
    return model.source_head(model.backbone(mixed))


def read(networks, fraction, replace, n_samples):
    """Return the share of samples whose source class has the highest logit."""
    generator = torch.Generator().manual_seed(0)
    n, right = n_samples // len(networks), 0
    for network, x in networks:
        source, labels = network.source.sample(n, generator)
        found = logits(network, x, source, fraction, replace, generator)
        right += int((found.argmax(1) == labels).sum())
    return right / (n * len(networks))


def choose(networks):
    """Return the numbers of the classes that are told apart best.

    Two classes are far apart if the samples of each have a high logit for it and a low
    one for the other. The first two are farthest apart, and each further class is the
    one that is farthest from the nearest of those before it.
    """
    generator, total = torch.Generator().manual_seed(0), 0.0
    labels = torch.arange(N_CLASSES)
    source = FormulaSource(range(N_CLASSES))
    for network, x in itertools.islice(itertools.cycle(networks), _ROUNDS):
        parts = [
            logits(
                network,
                x,
                source.draw(part, generator),
                _CHOSEN_AT,
                replace_tokens,
                generator,
            ).log_softmax(1)
            for part in labels.split(128)
        ]
        total = total + torch.cat(parts) / _ROUNDS
    own = total.diagonal()
    apart = own[:, None] + own - total - total.T
    first = divmod(int(apart.argmax()), N_CLASSES)
    chosen = list(first)
    while len(chosen) < _N_CHOSEN:
        nearest = apart[:, chosen].min(1).values
        nearest[chosen] = -torch.inf
        chosen.append(int(nearest.argmax()))
    return tuple(chosen)
