"""Variants that no argument of an estimator makes: for measurements only."""

import dataclasses
import functools

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.base import is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from torch import nn

from sklearn_pare import PaReClassifier, PaReRegressor, sources

_SMOOTHING = 0.1


class SmoothedClassifier(PaReClassifier):
    """With a tenth of each label spread over all classes (Szegedy et al., 2016)."""

    def _target_from(self, y, row_shape):
        target = super()._target_from(y, row_shape)
        target.loss = functools.partial(
            F.cross_entropy, reduction="none", label_smoothing=_SMOOTHING
        )
        return target


class ContrastGate(nn.Module):
    """A gate without weights: how far a token lies from the mean token of its row.

    Distances of a row are brought to mean 0 and variance 1. Plain background scores
    low and is replaced first.
    """

    def forward(self, tokens):
        """Tokens (B, N, D) -> scores (B, N)."""
        distance = (tokens - tokens.mean(1, keepdim=True)).norm(dim=2)
        centred = distance - distance.mean(1, keepdim=True)
        return centred / (centred.std(1, keepdim=True, correction=0) + 1e-6)


class _Contrast:
    """Selection by contrast, in the place of a gate that has no weights either."""

    def _recipe(self, n_rows, target, model, device):
        model.gate = ContrastGate()
        return super()._recipe(n_rows, target, model, device)


class ContrastClassifier(_Contrast, PaReClassifier):
    """With tokens chosen by `ContrastGate`."""


class ContrastRegressor(_Contrast, PaReRegressor):
    """With tokens chosen by `ContrastGate`."""


def _with(**numbers):
    """Both estimators with other numbers of the training run."""

    class _Other:
        def _recipe(self, *arguments):
            return dataclasses.replace(super()._recipe(*arguments), **numbers)

    return tuple(
        type(kind.__name__, (_Other, kind), {})
        for kind in (PaReClassifier, PaReRegressor)
    )


def _as(classifier, regressor=None):
    """Function that makes the same estimator of another class."""

    def wrap(estimator):
        kind = classifier if is_classifier(estimator) else regressor
        return kind(**estimator.get_params(deep=False))

    return wrap


def tempered(estimator):
    """Temperature scaling, fitted on three folds (Guo et al., ICML 2017)."""
    return CalibratedClassifierCV(estimator, method="temperature", cv=3, ensemble=False)


#: Name of a method -> function of its estimator that gives the one to fit.
WRAPPERS = {
    "nft-smoothing": _as(SmoothedClassifier),
    "nft-temperature": tempered,
    "pare-temperature": tempered,
    "pare-contrast": _as(ContrastClassifier, ContrastRegressor),
    "pare-no-source-loss": _as(*_with(source_weight=0.0)),
    "pare-light-source-loss": _as(*_with(source_weight=0.2)),
    "pare-no-clipping": _as(*_with(max_grad_norm=1e9)),
    "pare-noisy": _as(*_with(noise=(1.0, 1.0))),
    "pare-quiet": _as(*_with(noise=(0.1, 0.0))),
}


class ShuffledSource(sources.FormulaSource):
    """Images drawn from formulas, with labels that say nothing about them."""

    def sample(self, n, generator):
        """Draw `n` rows, each with the label of another draw."""
        x, y = super().sample(n, generator)
        return x, torch.randint(
            self.n_classes, y.shape, generator=generator, device=y.device
        )


def _digits():
    """Source of scikit-learn's handwritten digits."""
    X, y = load_digits(return_X_y=True)
    X = X.reshape(-1, 1, 8, 8)
    X = (X - X.mean()) / X.std()
    return sources.ArraySource(X.astype(np.float32), y.astype(np.int64), 10)


sources.register("shuffled-formula", ShuffledSource)
sources.register("sklearn-digits", _digits)
