"""Checked data of a fit."""

from typing import NamedTuple

import numpy as np

from sklearn_pare._data.validation import (
    check_rows,
    n_held_out,
    select,
    shape_rows,
    split,
)
from sklearn_pare.exceptions import DataError


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
    validation : tuple (X, codes, weight) or None
    unlabeled : array of shape (m, ...) or None
        Samples without targets.
    """

    X: object
    codes: np.ndarray
    weight: np.ndarray
    target: object
    y: np.ndarray
    validation: tuple | None = None
    unlabeled: object = None


def check_validation(estimator, X_val, y_val, input_shape, target):
    """Return the validation samples, codes and weights, or None if there are none."""
    if X_val is None and y_val is None:
        return None
    if X_val is None or y_val is None:
        raise DataError("X_val and y_val go together: one of them is None.")
    X_val, y_val = check_rows(estimator, X_val, y_val, reset=False)
    X_val = shape_rows(X_val, input_shape)
    return X_val, target.encode(y_val), np.ones(len(X_val))


def check_unlabeled(estimator, X_unlabeled, input_shape):
    """Return the samples without targets, or None if there are none."""
    if X_unlabeled is None:
        return None
    if estimator.source is None or max(estimator.mix_start, estimator.mix_end) == 0:
        raise DataError(
            "X_unlabeled is only used where samples are mixed, and nothing is mixed "
            f"with source={estimator.source!r}, mix_start={estimator.mix_start} and "
            f"mix_end={estimator.mix_end}. Leave X_unlabeled out, or restore the "
            "defaults of these arguments."
        )
    try:
        rows = check_rows(estimator, X_unlabeled, reset=False)
        return shape_rows(rows, input_shape)
    except ValueError as error:
        raise DataError(
            f"X_unlabeled does not match X, whose samples have shape "
            f"{tuple(input_shape)}: {error}"
        ) from error


def hold_out(data, fraction, seed):
    """Move a fraction of the samples to the validation data, unless there are any."""
    if data.validation is not None:
        return data
    strata = data.target.strata(data.codes)
    kept, held_out = split(len(data.X), strata, fraction, seed)
    return data._replace(
        X=select(data.X, kept),
        codes=data.codes[kept],
        weight=data.weight[kept],
        validation=(
            select(data.X, held_out),
            data.codes[held_out],
            data.weight[held_out],
        ),
    )


def check_hold_out(data, fraction):
    """Raise DataError if `hold_out` would leave no sample to train on."""
    if data.validation is None:
        n_held_out(len(data.X), fraction)
