"""Methods of the studies only, and changes of a fit that no argument offers."""

import dataclasses
import functools
import itertools
from contextlib import ExitStack, contextmanager
from unittest import mock

import numpy as np
import torch
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits

from sklearn_pare import _base, sources
from sklearn_pare.benchmarks.methods import METHODS
from sklearn_pare.nn import replace_in_order

_NO_MIXING = METHODS["nft"]
_NETWORK = {"linear_path": False}

#: Name of a method -> arguments. The same without a part of the model.
ABLATIONS = {
    "pare-no-linear": _NETWORK,
    "nft-no-linear": _NO_MIXING | _NETWORK,
    "pare-no-linear-early-stopping": _NETWORK | {"early_stopping": True},
}

#: Settings that were compared on the tasks for tuning. Some need `changed` in addition.
TRIALS = {
    "pare-to-clean": {"mix_end": 0.0},
    "pare-few": {"mix_start": 0.3, "mix_end": 0.0},
    "pare-more": {"mix_start": 0.8, "mix_end": 0.3},
    "pare-light": {"mix_weight": 0.3},
    "pare-faint": {"mix_weight": 0.1},
    "pare-heavy": {"mix_weight": 2.0},
    "pare-three-quarters": {},
    "pare-twice": {},
}

#: Open questions: other ways to improve probabilities, and what matters in the source.
PROBES = {
    "nft-temperature": _NO_MIXING,
    "nft-early-stopping": _NO_MIXING | {"early_stopping": True},
    "pare-temperature": {},
    "pare-smoothing": {"label_smoothing": 0.1},
    "pare-no-source-loss": {},
    "pare-shuffled": {},
    "pare-digits": {},
    "pare-linear-path": {"linear_path": True},
}

_SOURCES_CROSSED = ("formula:all", "formula", "self", "formula+self", "noise")
#: All combinations of pairing, source and selection, such as "order/self/random".
CROSSED = {
    f"{pairing}/{source}/{selector}": {"source": source, "selector": selector}
    for pairing, source, selector in itertools.product(
        ("order", "same"), _SOURCES_CROSSED, ("gate", "random")
    )
}

CHOICES = METHODS | ABLATIONS | TRIALS | PROBES | CROSSED


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
    """Change the fits within the context in the way of a method of `CHOICES`."""
    with ExitStack() as stack:
        change = _in_order if method.startswith("order/") else _RECIPES.get(method)
        if change is not None:
            train = functools.partial(_train, change, _base.train)
            stack.enter_context(mock.patch.object(_base, "train", train))
        if method in _SOURCES:
            # Not registered: source="nearest" must not find it.
            found = functools.partial(_only, _SOURCES[method])
            stack.enter_context(mock.patch.object(sources, "open_candidates", found))
        yield


def _only(make, source, backbone):
    return {make.__name__: make()}


def _train(change, train, network, start, recipe, *arguments):
    return train(network, start, change(network.model, recipe), *arguments)


def _numbers(**numbers):
    """Return a change of numbers of the recipe."""
    return lambda model, recipe: dataclasses.replace(recipe, **numbers)


def _in_order(model, recipe):
    """Pair the tokens in order, as in the paper."""
    model.replace = replace_in_order
    return recipe


_RECIPES = {
    "pare-no-source-loss": _numbers(source_weight=0.0),
    "pare-three-quarters": _numbers(mixed_share=0.75, clean_share=0.25),
    # All samples clean, and all of them mixed as well, in twice the time.
    "pare-twice": _numbers(mixed_share=1.0, clean_share=1.0),
}


class ShuffledSource(sources.FormulaSource):
    """Images drawn from formulas, with labels that are unrelated to them."""

    def sample(self, n, generator):
        """Draw `n` images, each with the label of another draw."""
        x, y = super().sample(n, generator)
        return x, torch.randint(
            self.n_classes, y.shape, generator=generator, device=y.device
        )


def digits_source():
    """Return a source of scikit-learn's handwritten digits."""
    X, y = load_digits(return_X_y=True)
    X = X.reshape(-1, 1, 8, 8)
    X = (X - X.mean()) / X.std()
    return sources.ArraySource(X.astype(np.float32), y.astype(np.int64), 10)


_SOURCES = {"pare-shuffled": ShuffledSource, "pare-digits": digits_source}
