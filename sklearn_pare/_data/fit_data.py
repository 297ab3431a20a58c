"""What fit is given: complaints about it, and what is left of it afterwards."""

from typing import NamedTuple

import numpy as np
from sklearn.utils.validation import _check_sample_weight

from sklearn_pare._data import validation as checks
from sklearn_pare.exceptions import DataError


class Data(NamedTuple):
    """Checked data: rows, codes and positive weights; validation is such a triple.

    What is unlabelled is rows alone, or None; `y` is what the codes were made from.
    """

    X: np.ndarray
    codes: np.ndarray
    weight: np.ndarray
    target: object
    validation: tuple | None
    unlabeled: object
    y: np.ndarray


class GivenData:
    """Checks of the data of a fit, a part of both estimators."""

    def _target_array(self, y, row_shape):
        """Return y as an array, after complaints about its form."""
        raise NotImplementedError

    def _target_from(self, y, row_shape):
        """The target object (see `_targets`) for such an array."""
        raise NotImplementedError

    def _weigh(self, weight, y, target):
        """Weights (n,) after the subclass's own weighting of rows."""
        return weight

    def _check_data(self, X, y, sample_weight, X_val, y_val):
        """All complaints about data, then rows, codes and weights."""
        checks.check_input_shape(self.input_shape)
        X, y = checks.check_rows(self, X, y, reset=True)
        X = checks.shape_rows(X, self.input_shape)
        weight = _check_sample_weight(
            sample_weight, X, dtype=np.float64, ensure_non_negative=True
        )
        y = self._target_array(y, X.shape[1:])
        X, y, weight = checks.positive(weight, X, y)
        target = self._target_from(y, X.shape[1:])
        codes = target.encode(y)
        weight = self._weigh(weight, y, target)
        X, codes, weight = checks.positive(weight, X, codes)
        validation = self._check_validation(X_val, y_val, X.shape[1:], target)
        if self.early_stopping and validation is None:
            checks.n_held_out(len(X), self.validation_fraction)
        return Data(X, codes, weight, target, validation, None, y)

    def _check_unlabeled(self, X_unlabeled, X):
        """Unlabelled rows, if any were given; complaints name both sides."""
        if X_unlabeled is None:
            return None
        if self.source is None or max(self.mix_start, self.mix_end) == 0:
            raise DataError(
                "X_unlabeled is learned from by mixing, but there is none with "
                f"source={self.source!r}, mix_start={self.mix_start} and mix_end="
                f"{self.mix_end}. Leave X_unlabeled out, or give them back their "
                "defaults."
            )
        try:
            rows = checks.check_rows(self, X_unlabeled, reset=False)
            return checks.shape_rows(rows, X.shape[1:])
        except ValueError as error:
            raise DataError(
                f"X_unlabeled does not go with X, whose rows have shape "
                f"{tuple(X.shape[1:])}: {error}"
            ) from error

    def _hold_out(self, data, seed):
        """Validation rows for early stopping, if none were given."""
        if data.validation is not None or not self.early_stopping:
            return data
        kept, held_out = checks.split(
            len(data.X),
            data.target.strata(data.codes),
            self.validation_fraction,
            seed,
        )
        return data._replace(
            X=checks.select(data.X, kept),
            codes=data.codes[kept],
            weight=data.weight[kept],
            validation=(
                checks.select(data.X, held_out),
                data.codes[held_out],
                data.weight[held_out],
            ),
        )

    def _check_validation(self, X_val, y_val, input_shape, target):
        """Validation rows, codes and weights, or None if none were given."""
        if X_val is None and y_val is None:
            return None
        if X_val is None or y_val is None:
            raise DataError("X_val and y_val go together: one of them is None.")
        X_val, y_val = checks.check_rows(self, X_val, y_val, reset=False)
        X_val = checks.shape_rows(X_val, input_shape)
        codes = target.encode(self._target_array(y_val, input_shape))
        return X_val, codes, np.ones(len(X_val))
