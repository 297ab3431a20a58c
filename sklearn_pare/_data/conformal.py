"""Split conformal prediction: how far samples that fit did not see are from it.

With a probability of at least the coverage, the score of a new sample is at most a
quantile of the scores of these samples (Vovk et al., 2005; Lei et al., JASA 2018).
"""

from numbers import Real

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from sklearn_pare._data.splits import check_groups
from sklearn_pare._data.validation import check_target
from sklearn_pare._utils.surroundings import pinned
from sklearn_pare.exceptions import DataError

# For rounding errors of sums of weights.
_TINY = 1e-9


class Conformal:
    """Scores of held-out samples; larger ones are worse.

    Scores are (n, ...), NaN where there is no target. Samples of a group of `groups`
    (n,) depend on each other. Logits are to be divided by the temperature.
    """

    def __init__(self, scores, groups, temperature=1.0):
        self.scores, self.shape = scores, scores.shape
        self.groups = np.arange(len(scores)) if groups is None else groups
        self.temperature = temperature

    def radius(self, coverage):
        """Return the quantiles (...) of the scores, infinite where too few are known.

        Each group has the weight of a new one, and its samples share it (Lee et al.,
        "Distribution-free inference with hierarchical data", 2023).
        """
        scores = self.scores.reshape(len(self.scores), -1)
        known = ~np.isnan(scores)
        counts = np.zeros((self.groups.max() + 1, scores.shape[1]))
        np.add.at(counts, self.groups, known)
        n_groups = (counts > 0).sum(0)
        needed = coverage * (n_groups + 1)
        enough = needed <= n_groups + _TINY
        if not enough.any():
            least = int(np.ceil(coverage / (1 - coverage) - _TINY))
            raise DataError(
                f"coverage={coverage:g} needs at least {least} samples, or groups of "
                f"samples, in conformalize; it got {n_groups.max()}. Give more "
                "samples, or a lower coverage."
            )
        # NaN comes last.
        order = scores.argsort(axis=0)
        weight = known / np.maximum(counts, 1)[self.groups]
        total = np.take_along_axis(weight, order, 0).cumsum(0)
        rank = (total < needed - _TINY).sum(0)[None].clip(max=len(scores) - 1)
        found = np.take_along_axis(scores, np.take_along_axis(order, rank, 0), 0)
        return np.where(enough, found, np.inf).reshape(self.scores.shape[1:])


class ConformalMixin:
    """Calibration of estimators that have outputs and a target."""

    def conformalize(self, X, y, *, groups=None):
        """Calibrate a fitted estimator on samples that fit did not get.

        It is needed for ``predict_interval`` of a regressor and ``predict_set`` of a
        classifier. Logits of a classifier are divided by a temperature, the number that
        gives these samples the highest likelihood.

        Parameters
        ----------
        X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)
            Held-out samples: neither those of fit nor its ``X_val``.
        y : array-like
            Their targets, shaped like y in fit.
        groups : array-like of shape (n,), default=None
            Groups that did not occur in fit. Coverage is then that of new groups.

        Returns
        -------
        self : object
            The calibrated estimator. Another call of fit drops the calibration.
        """
        check_is_fitted(self)
        y = check_target(self, y)
        with pinned():
            outputs = self._outputs_of_fit(X)
            check_consistent_length(outputs, y)
            groups = check_groups(groups, outputs)
            misses, temperature = self._target.misses(outputs, y)
            self._conformal = Conformal(misses, groups, temperature)
        return self

    def _radius(self, coverage):
        """Return the quantile of the held-out scores, or raise if there are none."""
        check_is_fitted(self)
        if not (isinstance(coverage, Real) and 0 < coverage < 1):
            raise DataError(
                f"coverage is {coverage!r}. Give a number between 0 and 1, such as 0.9."
            )
        if self._conformal is None:
            raise NotFittedError(
                f"This {type(self).__name__} is not calibrated yet. Call "
                "conformalize(X, y) with samples that fit did not get."
            )
        return self._conformal.radius(coverage)

    def _outputs_of_fit(self, X):
        """Return outputs at the positions of fit, or raise if X is on another grid."""
        outputs = self._outputs(X)
        places, found = tuple(self._target.output_shape[1:]), outputs.shape[2:]
        if found != places:
            raise DataError(
                f"X has outputs at {' x '.join(map(str, found))} positions, and in fit "
                f"it had {' x '.join(map(str, places))}. Only predict and "
                "predict_proba accept another grid: give X, and y if it is needed, on "
                "that of fit."
            )
        return outputs
