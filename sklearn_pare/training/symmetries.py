"""Symmetries of fields that the training samples support.

Many laws stay the same if an axis is reversed, both axes are swapped, or a periodic
axis is shifted. There, samples are transformed at random in training. Wrong symmetries
would harm, so the data decide: a regression that was fitted to the other samples has to
predict transformed samples as well as they were.
"""

from typing import NamedTuple

import numpy as np
import torch

from sklearn_pare.nn.losses import REGRESSION_LOSSES
from sklearn_pare.training.field_regression import predict_left_out

# Samples that are enough to decide, and values of all samples, or forms, together.
_SAMPLES, _VALUES = 300, 5_000_000
# Fewer samples than _MANY decide only if the relative error of the regression is below
# the first limit, others if it is below the second.
_FEWEST, _MANY, _LIMITS = 30, 200, (0.6, 0.8)
# Limits of the rise of the error for transformed samples: part of the error, standard
# errors, more of them for a small rise. All samples are predicted from the same others,
# whose own lack of symmetry is not contained in the standard error.
_PART, _ERRORS, _LEAST = 0.2, (3, 5), 0.02
# Most samples, with their transformed forms, that the linear path is fitted to.
_FORMS = 900


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

    def add_forms(self, x, y, weight, groups, seed):
        """Return samples, fields, weights and groups, with random transformed ones.

        All forms of a sample are in one group. Returns None without symmetries, or if
        the samples are many or large.
        """
        most = _VALUES // max(x.numel(), y.size) if self.moves else 0
        number = min(_FORMS // len(x), most)
        if number < 2:
            return None
        generator = torch.Generator().manual_seed(seed)
        own = [x, torch.from_numpy(y)]
        forms = [own, *(self.apply(own, generator) for _ in range(number - 1))]
        x, y = (torch.cat(parts) for parts in zip(*forms, strict=True))
        groups = np.arange(len(weight)) if groups is None else groups
        return x, y.numpy(), np.tile(weight, number), np.tile(groups, number)


def find_symmetries(x, data, seed):
    """Return the symmetries of a `FitData`, given its encoded samples x (n, C, ...)."""
    target = data.target
    # Not of samples in a file, which are many, and only for losses that depend neither
    # on the sign nor on the position.
    fields = target.kind == "values" and target.size and isinstance(x, torch.Tensor)
    if not fields or target.loss_name not in REGRESSION_LOSSES:
        return Symmetries()
    return supported(x, torch.from_numpy(data.codes), seed)


def supported(x, y, seed):
    """Return the symmetries of samples x (n, C, ...) and fields y (n, K, ...)."""
    n_axes = x.ndim - 2
    if x.shape[2:] != y.shape[2:] or len(x) < _FEWEST:
        return Symmetries()
    number = min(len(x), _SAMPLES, max(_FEWEST, _VALUES // x[0].numel()))
    some = np.linspace(0, len(x) - 1, number).astype(int)
    x, y = x[some].nan_to_num(0.0).float(), y[some].float()
    every = ("reversed", "mirrored", "shifted")
    axes = [axis for axis in range(n_axes) if x.shape[axis + 2] > 1]
    candidates = [(move, axis) for move in every for axis in axes]
    if n_axes == 2 and x.shape[2] == x.shape[3] > 1:
        candidates.append(("swapped", 0))
    errors, errors_of = predict_left_out(x, y)
    if errors.mean() > _LIMITS[len(x) >= _MANY]:
        return Symmetries()
    generator, moves = torch.Generator().manual_seed(seed), []
    for move, axis in candidates:
        # Numbers that move each sample.
        drawn = torch.zeros(len(x), *[1] * (x.ndim - 1))
        if move == "shifted":
            drawn.uniform_(1 / x.shape[axis + 2], 1, generator=generator)
        harm = errors_of(*(_MOVES[move](v, axis + 2, drawn) for v in (x, y))) - errors
        own = harm.std() / len(harm) ** 0.5
        margin = min(max(_ERRORS[0] * own, _LEAST), _ERRORS[1] * own)
        if harm.mean() < min(margin, _PART * errors.mean()):
            moves.append((move, axis))
    return Symmetries(tuple(moves))
