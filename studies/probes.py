"""Methods of the studies only, and changes of a fit that no argument offers."""

import dataclasses
import functools
from contextlib import ExitStack, contextmanager
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from torch import nn

from sklearn_pare import _base, sources
from sklearn_pare.benchmarks.methods import METHODS
from sklearn_pare.sources.formula import FAMILIES, FAMILY_STARTS
from sklearn_pare.training.align import mmd

_NO_MIXING = METHODS["nft"]
_NETWORK = {"linear_path": False}

#: Name of a method -> arguments. The same without a part of the model.
ABLATIONS = {
    "pare-no-linear": _NETWORK,
    "nft-no-linear": _NO_MIXING | _NETWORK,
    "pare-no-linear-early-stopping": _NETWORK | {"early_stopping": True},
}

#: Settings that were compared on the tasks for tuning.
TRIALS = {
    "pare-to-clean": {"mix_end": 0.0},
    "pare-few": {"mix_start": 0.3, "mix_end": 0.0},
    "pare-more": {"mix_start": 0.8, "mix_end": 0.3},
    "pare-full": {"mix_weight": 1.0},
    "pare-light": {"mix_weight": 0.3},
    "pare-faint": {"mix_weight": 0.1},
    "pare-heavy": {"mix_weight": 2.0},
    "pare-more-heavy": {"mix_start": 0.8, "mix_end": 0.3, "mix_weight": 2.0},
    "pare-fast": {"lr": 2e-3},
    "pare-slow": {"lr": 5e-4},
    "nft-fast": _NO_MIXING | {"lr": 2e-3},
    "nft-slow": _NO_MIXING | {"lr": 5e-4},
    "nft-long": _NO_MIXING | {"max_epochs": 80},
    "pare-long": {"max_epochs": 80},
}

#: Open questions: other ways to improve probabilities, other ways to select tokens, and
#: whether the labels of the source matter. Some need `changed` in addition.
PROBES = {
    "nft-temperature": _NO_MIXING,
    "nft-early-stopping": _NO_MIXING | {"early_stopping": True},
    "pare-temperature": {},
    "pare-contrast": {"selector": "random"},
    "pare-quiet": {},
    "pare-noisy": {},
    "pare-no-source-loss": {},
    "pare-light-source-loss": {},
    "pare-no-clipping": {},
    "pare-shuffled": {},
    "pare-digits": {},
    "pare-joint": {},
    "pare-families": {},
    "pare-smoothing": {"label_smoothing": 0.1},
    "pare-linear-path": {"linear_path": True},
}

CHOICES = METHODS | ABLATIONS | TRIALS | PROBES


def tempered(method, estimator):
    """Add temperature scaling on three folds [1]_ if the method includes it.

    References
    ----------
    .. [1] C. Guo et al. On calibration of modern neural networks. ICML (2017).
    """
    if not method.endswith("-temperature"):
        return estimator
    return CalibratedClassifierCV(estimator, method="temperature", cv=3, ensemble=False)


@contextmanager
def changed(method):
    """Change the fits within the context in the way of a method of `PROBES`."""
    with ExitStack() as stack:
        if method in _RECIPES:
            train = functools.partial(_train, _RECIPES[method], _base.train)
            stack.enter_context(mock.patch.object(_base, "train", train))
        if method in _SOURCES:
            # Not registered: source="auto" must not find it.
            found = functools.partial(_only, _SOURCES[method])
            stack.enter_context(mock.patch.object(sources, "open_candidates", found))
        yield


def _only(make, argument):
    return {make.__name__: make()}


def _train(change, train, network, start, recipe, *arguments):
    return train(network, start, change(network.model, recipe), *arguments)


def _numbers(**numbers):
    """Return a change of numbers of the recipe."""
    return lambda model, recipe: dataclasses.replace(recipe, **numbers)


def _smoothed(model, recipe):
    """Spread a tenth of each label over all classes (Szegedy et al., 2016)."""
    loss = functools.partial(F.cross_entropy, reduction="none", label_smoothing=0.1)
    return dataclasses.replace(recipe, loss=loss)


class ContrastGate(nn.Module):
    """Gate without weights: the distance of a token from the mean token of its sample.

    The scores of a sample are brought to mean 0 and variance 1. Plain background has
    low scores and is replaced first.
    """

    def forward(self, tokens):
        """Tokens (B, N, D) -> scores (B, N)."""
        distance = (tokens - tokens.mean(1, keepdim=True)).norm(dim=2)
        centred = distance - distance.mean(1, keepdim=True)
        return centred / (centred.std(1, keepdim=True, correction=0) + 1e-6)


def _contrast(model, recipe):
    """Select tokens by contrast. The gate that is replaced has no weights either."""
    model.gate = ContrastGate()
    return recipe


def _joint(model, recipe):
    """Add the distance between the mean tokens of data and source to the loss."""
    seen = {}

    def remember(side):
        def hook(module, samples, tokens):
            seen[side] = tokens.mean(1)

        return hook

    model.embed.register_forward_hook(remember("target"))
    model.source_embed.register_forward_hook(remember("source"))

    def loss(outputs, y):
        own = recipe.loss(outputs, y)
        # A mixed step computes its loss twice; the distance is added once.
        if "source" in seen:
            own = own + mmd(seen["target"], seen.pop("source"))
        return own

    return dataclasses.replace(recipe, loss=loss)


_RECIPES = {
    "pare-contrast": _contrast,
    "pare-joint": _joint,
    "pare-no-source-loss": _numbers(source_weight=0.0),
    "pare-light-source-loss": _numbers(source_weight=0.2),
    "pare-no-clipping": _numbers(max_grad_norm=1e9),
    "pare-noisy": _numbers(noise=(1.0, 1.0)),
    "pare-quiet": _numbers(noise=(0.1, 0.0)),
}


class ShuffledSource(sources.FormulaSource):
    """Images drawn from formulas, with labels that are unrelated to them."""

    def sample(self, n, generator):
        """Draw `n` images, each with the label of another draw."""
        x, y = super().sample(n, generator)
        return x, torch.randint(
            self.n_classes, y.shape, generator=generator, device=y.device
        )


class FamilySource(sources.FormulaSource):
    """Images drawn from formulas, with their family as class."""

    n_classes = len(FAMILIES)

    def sample(self, n, generator):
        """Draw `n` images, each with the number of its family."""
        x, y = super().sample(n, generator)
        edges = torch.tensor(FAMILY_STARTS[1:], device=y.device)
        return x, torch.bucketize(y, edges, right=True)


def digits_source():
    """Return a source of scikit-learn's handwritten digits."""
    X, y = load_digits(return_X_y=True)
    X = X.reshape(-1, 1, 8, 8)
    X = (X - X.mean()) / X.std()
    return sources.ArraySource(X.astype(np.float32), y.astype(np.int64), 10)


_SOURCES = {
    "pare-shuffled": ShuffledSource,
    "pare-families": FamilySource,
    "pare-digits": digits_source,
}
