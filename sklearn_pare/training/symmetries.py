"""Symmetries of fields that the training samples support.

Many laws stay the same if an axis is reversed, both axes are swapped, or a periodic
axis is shifted. There, samples are transformed at random in training. Wrong symmetries
would harm, so the data decide: kernel ridge regression has to predict transformed
samples as well as the others. If samples are so few that this says little, transformed
samples also have to help it predict the others.
"""

import itertools
from typing import NamedTuple

import numpy as np
import torch
from sklearn.metrics.pairwise import euclidean_distances

from sklearn_pare.nn.linear_path import pool
from sklearn_pare.nn.losses import REGRESSION_LOSSES

# Samples, and positions of each, that are enough to decide.
_SAMPLES, _POSITIONS = 300, 256
# Fewer samples than _MANY decide only if the relative error of the regression is below
# the first limit, others if it is below the second.
_FEWEST, _ENOUGH, _MANY, _LIMITS = 30, 60, 200, (0.5, 0.8)
# Standard errors by which the error for transformed samples may be higher, and part of
# the error if samples are few, whose standard errors are large.
_ERRORS, _PART = 4, 0.1
# With fewer than _ENOUGH samples, the error also has to be lower, by this part and so
# many standard errors, if each of the other samples is given in so many forms.
_FORMS, _LEAST_PART, _LEAST_ERRORS = 8, 0.03, 2
_GAMMAS, _PENALTIES = (0.03, 0.1, 0.3, 1.0), (1e-5, 1e-3, 1e-1)


def _shifted(values, axis, number):
    length = values.shape[axis]
    place = torch.arange(length, device=values.device)
    place = place.reshape(-1, *[1] * (values.ndim - 1 - axis))
    place = (place + (number * length).long()) % length
    return torch.take_along_dim(values, place, axis)


# Functions of standardised values (B, C, ...), an axis, and a random number (B, 1, ...)
# for each sample. Velocities change their sign with their direction, which is relative
# to their mean, so that units and offsets do not matter.
_MOVES = {
    "reversed": lambda v, axis, u: torch.where(u < 0.5, v.flip(axis), v),
    "mirrored": lambda v, axis, u: torch.where(u < 0.5, -v.flip(axis), v),
    "shifted": lambda v, axis, u: _shifted(v, axis, u),
    "swapped": lambda v, axis, u: torch.where(u < 0.5, v.mT, v),
}


class Symmetries(NamedTuple):
    """Transformations that change no law: names in `_MOVES`, each with an axis."""

    moves: tuple = ()

    def apply(self, fields, generator):
        """Transform each sample at random, alike in tensors (B, C, ...) of its fields.

        Nothing is drawn if there is no symmetry.
        """
        for move, axis in self.moves:
            drawn = fields[0].new_empty(len(fields[0]), *[1] * (fields[0].ndim - 1))
            drawn.uniform_(generator=generator)
            fields = [
                own
                if own is None or own.ndim < 3
                else _MOVES[move](own, axis + 2, drawn)
                for own in fields
            ]
        return fields


def find_symmetries(x, data, seed):
    """Return the symmetries of a `FitData`, given its encoded samples x (n, C, ...)."""
    target = data.target
    # Not of samples in a file, which are many, and only for losses that depend neither
    # on the sign nor on the position.
    fields = target.kind == "values" and target.size
    if not fields or target.loss_name not in REGRESSION_LOSSES:
        return Symmetries()
    if not isinstance(x, torch.Tensor):
        return Symmetries()
    return supported(x, torch.from_numpy(data.codes), seed)


def supported(x, y, seed):
    """Return the symmetries of samples x (n, C, ...) and fields y (n, K, ...)."""
    n_axes = x.ndim - 2
    if x.shape[2:] != y.shape[2:] or len(x) < _FEWEST:
        return Symmetries()
    some = np.linspace(0, len(x) - 1, min(len(x), _SAMPLES)).astype(int)
    x, y = x[some].nan_to_num(0.0), y[some].nan_to_num(0.0)
    if _unit(_flat(x)) == 0:
        return Symmetries()
    every = ("reversed", "mirrored", "shifted")
    candidates = [(move, axis) for move in every for axis in range(n_axes)]
    if n_axes == 2 and x.shape[2] == x.shape[3]:
        candidates.append(("swapped", 0))
    generator = torch.Generator().manual_seed(seed)
    moves = _that_do_not_harm(x, y, candidates, generator)
    if len(x) < _ENOUGH:
        moves = _that_help(x, y, moves, generator)
    return Symmetries(tuple(moves))


def _that_do_not_harm(x, y, candidates, generator):
    """Return the moves after which samples are predicted as well as before."""
    errors, errors_of = _regression(x, y)
    if errors.mean() > _LIMITS[len(x) >= _MANY]:
        return []
    moves = []
    for candidate in candidates:
        moved = Symmetries((candidate,)).apply((x, y), generator)
        harm = errors_of(*moved) - errors
        margin = _ERRORS * harm.std() / len(harm) ** 0.5
        if len(x) < _MANY:
            margin = min(margin, _PART * errors.mean())
        if harm.mean() < margin:
            moves.append(candidate)
    return moves


def _that_help(x, y, candidates, generator):
    """Return moves that lower the error together, found one after the other."""
    moves, left = [], list(candidates)
    errors = _errors_of_forms(x, y, moves, generator)
    while left:
        tried = [_errors_of_forms(x, y, [*moves, c], generator) for c in left]
        best = min(range(len(left)), key=lambda place: tried[place].mean())
        gain = errors - tried[best]
        least = _LEAST_ERRORS * gain.std() / len(gain) ** 0.5
        if gain.mean() < max(least, _LEAST_PART * errors.mean()):
            break
        moves.append(left.pop(best))
        errors = tried[best]
    return [candidate for candidate in candidates if candidate in moves]


def _errors_of_forms(x, y, moves, generator):
    """Predict each sample from all forms of the others by kernel ridge regression.

    The forms of a sample are itself and random transformations by ``moves``. Returns
    the relative errors (n,) of the samples themselves.
    """
    n, forms = len(x), [(_flat(x), _flat(y))]
    for _ in range(_FORMS - 1):
        drawn = Symmetries(tuple(moves)).apply((x, y), generator)
        forms.append(tuple(map(_flat, drawn)))
    # The forms of a sample follow each other.
    x, y = (np.hstack(own).reshape(n * _FORMS, -1) for own in zip(*forms, strict=True))
    distances = euclidean_distances(x, squared=True) / _unit(forms[0][0])
    best = np.full(1, np.inf)
    for gamma, penalty in itertools.product(_GAMMAS, _PENALTIES):
        kernel = np.exp(-gamma * distances) + _FORMS * penalty * np.eye(n * _FORMS)
        inverse = np.linalg.inv(kernel)
        # All forms of a sample are left out together.
        own = inverse.reshape(n, _FORMS, n, _FORMS)[range(n), :, range(n)]
        left_out = np.linalg.solve(own, (inverse @ y).reshape(n, _FORMS, -1))
        errors = _norm(left_out[:, 0]) / _norm(forms[0][1])
        best = min(best, errors, key=np.mean)
    return best


def _regression(x, y):
    """Predict each sample from the others by kernel ridge regression.

    Returns relative errors (n,), and a function of transformed samples that does so.
    """
    x, y, best = _flat(x), _flat(y), (np.inf,)
    distances = euclidean_distances(x, squared=True)
    unit = _unit(x)
    for gamma in _GAMMAS:
        values, vectors = np.linalg.eigh(np.exp(-gamma * distances / unit))
        for penalty in _PENALTIES:
            inverse = vectors / (values + penalty) @ vectors.T
            left_out = inverse @ y / np.diag(inverse)[:, None]
            errors = _norm(left_out) / _norm(y)
            if errors.mean() < best[0]:
                best = errors.mean(), errors, gamma, inverse, left_out
    _, errors, gamma, inverse, left_out = best

    def errors_of(x_moved, y_moved):
        y_moved = _flat(y_moved)
        distances = euclidean_distances(_flat(x_moved), x, squared=True)
        weights = np.exp(-gamma * distances / unit) @ inverse
        # The share of the sample itself is subtracted.
        predicted = weights @ y - np.diag(weights)[:, None] * left_out
        return _norm(predicted - y_moved) / _norm(y_moved)

    return errors, errors_of


def _unit(x):
    """Return the median squared distance: 0 if most samples are equal."""
    return np.median(euclidean_distances(x, squared=True))


def _flat(values):
    most = round(_POSITIONS ** (1 / (values.ndim - 2)))
    size = tuple(min(most, side) for side in values.shape[2:])
    return pool(values, size).flatten(1).double().numpy()


def _norm(values):
    return np.maximum(np.linalg.norm(values, axis=1), 1e-12)
