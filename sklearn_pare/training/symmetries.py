"""Symmetries of fields that the training samples support.

Many equations look the same after a flip of an axis, a swap of both axes or, on a
periodic axis, a shift. There, each step may train on samples that are transformed at
random. Transformed samples that follow another law would be wrong, so the data decide:
kernel ridge regression has to predict transformed samples as well as the others.
"""

from typing import NamedTuple

import numpy as np
import torch

from sklearn_pare.nn.linear_path import pool

# Samples, and positions of each, that are enough to decide.
_SAMPLES, _POSITIONS = 300, 256
# Fewer samples than _MANY decide only if the relative error of the regression is below
# the first limit, others if it is below the second.
_MANY, _LIMITS, _FEWEST = 200, (0.5, 0.8), 20
# Standard errors by which the error for transformed samples may be higher.
_ERRORS = 4
_GAMMAS, _PENALTIES = (0.03, 0.1, 0.3, 1.0), (1e-5, 1e-3, 1e-1)


class Symmetries(NamedTuple):
    """Transformations of the positions of a sample that change no law.

    Attributes
    ----------
    flips, mirrors, shifts : tuple of int
        Axes along which samples may be reversed, reversed with the opposite sign, as
        velocities are, and shifted periodically.
    swaps : bool
        Whether both axes may be swapped.
    zeros : tuple of two torch.Tensor (C,) and (K,)
        The standardised zero of each channel of samples and fields.
    """

    flips: tuple = ()
    mirrors: tuple = ()
    shifts: tuple = ()
    swaps: bool = False
    zeros: tuple = ()

    def transform(self, batch, generator):
        """Transform samples, fields and offsets of a batch, each sample at random.

        Parameters
        ----------
        batch : tuple of x, y, weight and offset
        generator : torch.Generator
            Nothing is drawn without symmetries.
        """
        x, y, weight, offset = batch
        if not any(self[:-1]):
            return batch
        fields = [x, y] if offset is None else [x, y, offset]
        x, y, *offset = self.apply(fields, generator)
        return x, y, weight, offset[0] if offset else None

    def apply(self, fields, generator):
        """Transform the samples of tensors (B, C, ...) at random, alike in all of them.

        The first holds samples, and others fields at the same positions.
        """
        n, *size = len(fields[0]), *fields[0].shape[2:]
        drawn = {"generator": generator, "device": generator.device}
        for axis, length in enumerate(size):
            place = torch.arange(length, device=generator.device).expand(n, -1)
            if axis in self.flips:
                flipped = torch.rand(n, 1, **drawn) < 0.5
                place = torch.where(flipped, place.flip(1), place)
            if axis in self.mirrors:
                mirrored = torch.rand(n, 1, **drawn) < 0.5
                place = torch.where(mirrored, place.flip(1), place)
                fields = [
                    _negated(own, self.zeros[min(number, 1)], mirrored)
                    for number, own in enumerate(fields)
                ]
            if axis in self.shifts:
                place = (place + torch.randint(length, (n, 1), **drawn)) % length
            if axis in (*self.flips, *self.mirrors, *self.shifts):
                place = place.unflatten(1, (*[1] * (axis + 1), length))
                place = place.reshape(*place.shape, *[1] * (len(size) - axis - 1))
                fields = [torch.take_along_dim(own, place, axis + 2) for own in fields]
        if self.swaps:
            swapped = torch.rand(n, 1, 1, 1, **drawn) < 0.5
            fields = [torch.where(swapped, own.mT, own) for own in fields]
        return fields


def _negated(values, zero, chosen):
    """Return values (B, C, ...) with the opposite sign where ``chosen`` (B, 1)."""
    axes = [1] * (values.ndim - 2)
    zero, chosen = zero.to(values).reshape(-1, *axes), chosen.reshape(-1, 1, *axes)
    return torch.where(chosen, 2 * zero - values, values)


def find_symmetries(x, y, zeros, seed):
    """Return the symmetries of samples x (n, C, ...) and their fields y (n, K, ...).

    ``zeros`` are those of `Symmetries`.
    """
    if x.shape[2:] != y.shape[2:] or len(x) < _FEWEST:
        return Symmetries()
    some = np.linspace(0, len(x) - 1, min(len(x), _SAMPLES)).astype(int)
    x, y = x[some].nan_to_num(0.0), y[some].nan_to_num(0.0)
    axes = range(x.ndim - 2)
    candidates = [Symmetries(flips=(axis,)) for axis in axes]
    candidates += [Symmetries(mirrors=(axis,), zeros=zeros) for axis in axes]
    candidates += [Symmetries(shifts=(axis,)) for axis in axes]
    if len(axes) == 2 and x.shape[2] == x.shape[3]:
        candidates.append(Symmetries(swaps=True))
    generator, regression = torch.Generator().manual_seed(seed), _Regression(x, y)
    if regression.errors.mean() > _LIMITS[len(x) >= _MANY]:
        return Symmetries()
    found = []
    for candidate in candidates:
        harm = (
            regression.others(*candidate.apply([x, y], generator)) - regression.errors
        )
        if harm.mean() < _ERRORS * harm.std() / len(harm) ** 0.5:
            found.append(candidate)
    *axes, swaps, _ = zip(Symmetries(), *found, strict=True)
    return Symmetries(*(sum(own, ()) for own in axes), any(swaps), zeros)


class _Regression:
    """Kernel ridge regression; each sample is predicted from the others.

    Attributes
    ----------
    errors : ndarray of shape (n,)
        Relative errors with the best width and penalty.
    """

    def __init__(self, x, y):
        self.x, y = _flat(x), _flat(y)
        distance = self._distances(self.x)
        self.unit, best = np.median(distance), np.inf
        for gamma in _GAMMAS:
            values, vectors = np.linalg.eigh(np.exp(-gamma * distance / self.unit))
            for penalty in _PENALTIES:
                inverse = vectors / (values + penalty) @ vectors.T
                weights = inverse @ y
                left_out = weights / np.diag(inverse)[:, None]
                errors = _norm(left_out) / _norm(y)
                if errors.mean() < best:
                    best, self.errors, self.gamma = errors.mean(), errors, gamma
                    self.weights, self.left_out, self.inverse = (
                        weights,
                        left_out,
                        inverse,
                    )

    def _distances(self, x):
        squares = np.square(x).sum(1)[:, None] + np.square(self.x).sum(1)
        return np.maximum(squares - 2 * x @ self.x.T, 0)

    def others(self, x, y):
        """Return errors for transformed samples, each predicted from the others."""
        x, y = _flat(x), _flat(y)
        kernel = np.exp(-self.gamma * self._distances(x) / self.unit)
        own = (kernel * self.inverse).sum(1)[:, None] * self.left_out
        return _norm(kernel @ self.weights - own - y) / _norm(y)


def _flat(values):
    most = round(_POSITIONS ** (1 / (values.ndim - 2)))
    size = tuple(min(most, side) for side in values.shape[2:])
    return pool(values, size).flatten(1).double().numpy()


def _norm(values):
    return np.maximum(np.linalg.norm(values, axis=1), 1e-12)
