"""Variants that no argument of an estimator makes: for measurements only."""

import dataclasses
import functools

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from torch import nn

from sklearn_pare import sources
from sklearn_pare.sources.formula import FAMILIES, FAMILY_STARTS
from sklearn_pare.training.align import mmd

_SMOOTHING = 0.1


class _Smoothed:
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


class _Joint:
    """With the distance between the mean tokens of data and source as a loss term."""

    def _recipe(self, n_rows, target, model, device):
        recipe = super()._recipe(n_rows, target, model, device)
        seen = {}

        def remember(side):
            def hook(module, rows, tokens):
                seen[side] = tokens.mean(1)

            return hook

        model.embed.register_forward_hook(remember("target"))
        model.source_embed.register_forward_hook(remember("source"))

        def loss(outputs, y):
            own = recipe.loss(outputs, y)
            # The loss of a mixed step is asked for twice: once is enough.
            if "source" in seen:
                own = own + mmd(seen["target"], seen.pop("source"))
            return own

        return dataclasses.replace(recipe, loss=loss)


def _with(**numbers):
    """Other numbers of the training run."""

    class _Other:
        def _recipe(self, *arguments):
            return dataclasses.replace(super()._recipe(*arguments), **numbers)

    return _Other


def _mixing(source):
    """A source that no name stands for: "auto" shall not find it."""

    class _Other:
        def _open_candidates(self):
            return {source.__name__: source()}

    return _Other


class ShuffledSource(sources.FormulaSource):
    """Images drawn from formulas, with labels that say nothing about them."""

    def sample(self, n, generator):
        """Draw `n` rows, each with the label of another draw."""
        x, y = super().sample(n, generator)
        return x, torch.randint(
            self.n_classes, y.shape, generator=generator, device=y.device
        )


class FamilySource(sources.FormulaSource):
    """Images drawn from formulas, with their family as class."""

    n_classes = len(FAMILIES)

    def sample(self, n, generator):
        """Draw `n` rows, each with the number of its family."""
        x, y = super().sample(n, generator)
        edges = torch.tensor(FAMILY_STARTS[1:], device=y.device)
        return x, torch.bucketize(y, edges, right=True)


def digits_source():
    """Source of scikit-learn's handwritten digits."""
    X, y = load_digits(return_X_y=True)
    X = X.reshape(-1, 1, 8, 8)
    X = (X - X.mean()) / X.std()
    return sources.ArraySource(X.astype(np.float32), y.astype(np.int64), 10)


def _as(mixin):
    """Function that makes the same estimator, of its class with a mixin before it."""

    def wrap(estimator):
        kind = type(estimator)
        derived = type(kind.__name__, (mixin, kind), {})
        return derived(**estimator.get_params(deep=False))

    return wrap


def tempered(estimator):
    """Temperature scaling, fitted on three folds (Guo et al., ICML 2017)."""
    return CalibratedClassifierCV(estimator, method="temperature", cv=3, ensemble=False)


#: Name of a method -> function of its estimator that gives the one to fit.
WRAPPERS = {
    "nft-smoothing": _as(_Smoothed),
    "nft-temperature": tempered,
    "pare-temperature": tempered,
    "pare-contrast": _as(_Contrast),
    "pare-no-source-loss": _as(_with(source_weight=0.0)),
    "pare-light-source-loss": _as(_with(source_weight=0.2)),
    "pare-no-clipping": _as(_with(max_grad_norm=1e9)),
    "pare-noisy": _as(_with(noise=(1.0, 1.0))),
    "pare-joint": _as(_Joint),
    "pare-smoothing": _as(_Smoothed),
    "pare-shuffled": _as(_mixing(ShuffledSource)),
    "pare-families": _as(_mixing(FamilySource)),
    "pare-digits": _as(_mixing(digits_source)),
    "pare-quiet": _as(_with(noise=(0.1, 0.0))),
}
