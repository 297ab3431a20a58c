"""Checked data of a fit."""

import warnings
from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse

from sklearn_pare._data.splits import can_stratify, n_held_out, split
from sklearn_pare._data.validation import (
    check_rows,
    check_weights,
    positive,
    select,
    shape_rows,
)
from sklearn_pare.exceptions import DataError


class Validation(NamedTuple):
    """Validation samples: encoded targets, weights, and targets as a scorer sees them.

    Attributes
    ----------
    X : ndarray, ChosenRows, LazyArray or DataFrame of shape (n, ...)
    codes : ndarray of shape (n, ...)
    weight : ndarray of shape (n,)
    y : ndarray of shape (n, ...)
    """

    X: object
    codes: np.ndarray
    weight: np.ndarray
    y: np.ndarray


class FitData(NamedTuple):
    """Samples, encoded targets and weights of a fit.

    Attributes
    ----------
    X : ndarray, ChosenRows, LazyArray or DataFrame of shape (n, ...)
    codes : ndarray of shape (n, ...)
        Encoded targets.
    weight : ndarray of shape (n,)
        Positive weights.
    target : ClassTarget, LabelTarget, MaskTarget or ValueTarget
    y : ndarray of shape (n, ...)
        The targets that `codes` were made from.
    validation : Validation or None
    unlabeled : array of shape (m, ...) or None
        Samples without targets.
    groups : ndarray of int of shape (n,) or None
        Groups that no split divides.
    """

    X: object
    codes: np.ndarray
    weight: np.ndarray
    target: object
    y: np.ndarray
    validation: Validation | None = None
    unlabeled: object = None
    groups: np.ndarray | None = None


_TARGETS = {"classes": "class", "labels": "label", "masks": "class", "values": "number"}


def in_words(data):
    """Return a text that says how X and y were read."""
    n, n_channels, *grid = data.X.shape
    target = data.target
    n_targets = len(target.mean if target.kind == "values" else target.classes)
    shape, places = (" x ".join(map(str, s)) for s in (grid, target.output_shape[1:]))
    X = _counted(n_channels, "channel" if grid else "column")
    X += f" x {shape} positions" if grid else " (a table)"
    y = _counted(n_targets, _TARGETS[target.kind])
    y += f" at each of {places} positions" if places else ""
    return f"X: {_counted(n, ('sample', 'signal', 'image')[len(grid)])} of {X}, y: {y}"


def _counted(n, word):
    return f"{n} {word}{'' if n == 1 else 'es' if word.endswith('s') else 's'}"


def check_validation(estimator, X_val, y_val, sample_weight, input_shape, target):
    """Return the validation samples, or None if there are none."""
    if X_val is None and y_val is None:
        if sample_weight is not None:
            raise DataError("sample_weight_val is given without X_val and y_val.")
        return None
    if X_val is None or y_val is None:
        raise DataError("X_val and y_val go together: one of them is None.")
    X_val, y_val = _check_more(
        "X_val and y_val", estimator, (X_val, y_val), input_shape
    )
    codes = target.encode(y_val)
    weight = check_weights(sample_weight, X_val, "sample_weight_val")
    if target.kind == "values":
        weight = target.weigh(weight, codes)
        if not weight.any():
            raise DataError("y_val holds no target of a sample with a positive weight.")
    shape = target.shape if target.kind == "values" else codes.shape[1:]
    y_val = y_val.toarray() if issparse(y_val) else y_val
    y_val = y_val.reshape(len(codes), *shape)
    X_val, codes, y_val, weight = positive(weight, X_val, codes, y_val)
    by_r2 = target.kind == "values" and estimator.scoring is None
    if by_r2 and estimator.early_stopping and len(codes) < 2:
        raise DataError("X_val holds 1 validation sample; R2 needs at least 2.")
    if target.kind == "masks":
        target.check_used(codes)
    return Validation(X_val, codes, weight / weight.mean(), y_val)


def check_unlabeled(estimator, X_unlabeled, input_shape):
    """Return the samples without targets, or None if there are none."""
    if X_unlabeled is None:
        return None
    if estimator.source is None or estimator.mix_start == estimator.mix_end == 0:
        raise DataError(
            "X_unlabeled is only used where samples are mixed, and nothing is mixed "
            f"with source={estimator.source!r}, mix_start={estimator.mix_start} and "
            f"mix_end={estimator.mix_end}. Leave X_unlabeled out, or restore the "
            "defaults of these arguments."
        )
    return _check_more("X_unlabeled", estimator, (X_unlabeled,), input_shape)[0]


def _check_more(name, estimator, rows, input_shape):
    """Return further samples, and their targets if any, in the form of those of fit."""
    try:
        checked = check_rows(estimator, *rows, reset=False, shape=input_shape)
        X, *y = checked if len(rows) > 1 else (checked,)
        return shape_rows(X, input_shape), *y
    except ValueError as error:
        raise DataError(
            f"{name} must be like the data of fit, with samples of shape "
            f"{tuple(input_shape)}: {error}"
        ) from error


def hold_out(data, fraction, seed):
    """Move a fraction of the samples to the validation data, unless there are any."""
    if data.validation is not None:
        return data
    n, strata = len(data.X), data.target.strata(data.codes)
    count = n_held_out(n, fraction)
    kept, held_out = split(n, count, strata, data.groups, seed)
    if strata is not None:
        _warn_of_rare_classes(data, strata, kept, count)
    groups = None if data.groups is None else data.groups[kept]
    if groups is not None and len(np.unique(groups)) < 2:
        # No further split can keep the last group whole.
        groups = None
    if data.target.kind == "masks":
        data.target.check_used(data.codes[held_out])
    return data._replace(
        X=select(data.X, kept),
        codes=data.codes[kept],
        weight=data.weight[kept],
        groups=groups,
        validation=Validation(
            select(data.X, held_out),
            data.codes[held_out],
            data.weight[held_out],
            data.y[held_out],
        ),
    )


def _warn_of_rare_classes(data, strata, kept, count):
    """Warn of classes that are lost, or of a split without stratification."""
    sizes = np.unique(strata, return_counts=True)[1]
    lost = np.setdiff1d(strata, strata[kept])
    if len(lost):
        text = (
            f"The classes {data.target.classes[lost].tolist()} are held out as a whole "
            "and cannot be learned, since they occur in too few samples or groups."
        )
    elif data.groups is None and not can_stratify(len(strata), count, strata):
        text = (
            f"The smallest class has {sizes.min()} samples, and {count} samples are "
            f"held out for {len(sizes)} classes: the validation samples are drawn "
            "without stratification."
        )
    else:
        return
    warnings.warn(text, UserWarning, stacklevel=6)


def check_hold_out(data, fraction):
    """Raise DataError if `hold_out` would leave no sample to train on."""
    if data.validation is None:
        n_held_out(len(data.X), fraction)
