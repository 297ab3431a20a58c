"""Variants that no argument of an estimator makes: for measurements only."""

import dataclasses
import functools

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits

from sklearn_pare import PaReClassifier, sources

_SMOOTHING = 0.1


class SmoothedClassifier(PaReClassifier):
    """With a tenth of each label spread over all classes (Szegedy et al., 2016)."""

    def _target_from(self, y, row_shape):
        target = super()._target_from(y, row_shape)
        target.loss = functools.partial(
            F.cross_entropy, reduction="none", label_smoothing=_SMOOTHING
        )
        return target


class QuietClassifier(PaReClassifier):
    """With nearly no noise on the gate's scores, from the first step on."""

    def _recipe(self, *arguments):
        return dataclasses.replace(super()._recipe(*arguments), noise=0.1)


def _as(kind):
    """Function that makes the same estimator of another class."""
    return lambda estimator: kind(**estimator.get_params(deep=False))


def tempered(estimator):
    """Temperature scaling, fitted on three folds (Guo et al., ICML 2017)."""
    return CalibratedClassifierCV(estimator, method="temperature", cv=3, ensemble=False)


#: Name of a method -> function of its estimator that gives the one to fit.
WRAPPERS = {
    "nft-smoothing": _as(SmoothedClassifier),
    "nft-temperature": tempered,
    "pare-temperature": tempered,
    "pare-quiet": _as(QuietClassifier),
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
