"""Scores of the validation samples by a scorer of scikit-learn or of this package."""

import inspect
import math
import warnings
from numbers import Real

import numpy as np
from sklearn.metrics import get_scorer, get_scorer_names

from sklearn_pare import metrics
from sklearn_pare._data.lazy import ChosenRows
from sklearn_pare._utils import check_name
from sklearn_pare.exceptions import DataError

# Followed by "valid_", these are keys of the history in any case.
_TAKEN = ("loss", "<lambda>")


def name_of(scoring):
    """Return the name of a validation score, which follows "valid_" in the history."""
    if scoring is None or isinstance(scoring, str):
        return scoring or "score"
    name = getattr(_function(scoring), "__name__", "score")
    return "score" if name in _TAKEN else name


def _function(scorer):
    """Return the metric of a scorer of scikit-learn, or the callable itself."""
    return getattr(scorer, "_score_func", scorer)


def _takes(scorer, name):
    kinds = inspect.signature(_function(scorer)).parameters
    return name in kinds or any(p.kind is p.VAR_KEYWORD for p in kinds.values())


def find_scorer(scoring, target):
    """Return the scorer of a name, or the callable itself.

    Names of scikit-learn come first, except for masks and fields, which its metrics do
    not take. None stands for the score of `target`, as does "loss" for its loss.

    Raises
    ------
    UnknownNameError
        If there is no scorer of this name (ValueError).
    """
    if scoring in (None, "loss") or not isinstance(scoring, str):
        return None if scoring == "loss" else scoring
    public, own = get_scorer_names(), metrics.list_scorers()
    check_name(scoring, ["loss", *public, *own], "scoring")
    dense = len(target.output_shape) > 1
    if scoring in public and not (dense and scoring in own):
        return get_scorer(scoring)
    scorer, ignored = metrics.get_scorer(scoring), getattr(target, "ignored", None)
    if ignored is not None and _takes(scorer, "ignore_index"):
        return metrics.get_scorer(scoring, ignore_index=ignored)
    return scorer


def validation_scorer(estimator, network, validation):
    """Return ``scorer(outputs, codes, weight)`` for the argument ``scoring``.

    Returns
    -------
    scorer : callable or None
        None for the score of the target, and for its loss.
    """
    scorer = find_scorer(estimator.scoring, network.prepared.target)
    if scorer is None or validation is None:
        return None
    return _Scorer(scorer, estimator, network, validation)


class _Scorer:
    """Scorer that sees a fitted estimator whose outputs were already computed.

    Parameters
    ----------
    scorer : callable
        ``scorer(estimator, X, y)`` or ``scorer(estimator, X, y, sample_weight=...)``;
        the latter if the validation samples have different weights.
    estimator : PaReClassifier or PaReRegressor
    network : Network
    validation : Validation
    """

    def __init__(self, scorer, estimator, network, validation):
        self._scorer, self._target = scorer, network.prepared.target
        self._shown, self._warned = name_of(estimator.scoring), False
        self._X, self._y = _as_given(validation.X, estimator), validation.y
        self._options = {}
        if np.ptp(validation.weight) > 0:
            if not _takes(scorer, "sample_weight"):
                raise DataError(
                    f"scoring={self._shown!r} takes no sample_weight, but the "
                    "validation samples have different weights, from sample_weight, "
                    "sample_weight_val or class_weight. Use scoring=None or 'loss', or "
                    "a callable scorer(estimator, X, y, sample_weight)."
                )
            self._options = {"sample_weight": validation.weight}
        self._view = object.__new__(type(estimator))
        vars(self._view).update(vars(estimator))
        vars(self._view).update(
            input_shape_=network.architecture.input_shape,
            n_tokens_=math.prod(network.model.backbone.grid),
            _encoder=network.encoder,
            _target=self._target,
            _architecture=network.architecture,
            _model=network.model,
            _conformal=None,
            # That of an earlier fit may be 0.
            network_share_=1.0,
        )

    def __call__(self, outputs, codes, weight):
        """Return the score of outputs of the network for the validation samples."""
        compute = type(self._view)._outputs

        def lookup(X, finish=np.asarray, out=None):
            # A callable may ask for predictions of other samples too.
            if X is self._X and out is None:
                return finish(outputs)
            return compute(self._view, X, finish, out)

        self._view._outputs = lookup
        try:
            score = self._scorer(self._view, self._X, self._y, **self._options)
        except (ValueError, AttributeError) as error:
            raise self._error(codes, f"fails: {error}") from error
        if not isinstance(score, Real | np.number) or np.iscomplexobj(score):
            raise self._error(codes, f"returned {score!r} instead of a number")
        if math.isnan(score):
            self._see_nan(codes)
        return score

    def _see_nan(self, codes):
        """Raise an error if the score can never be a number, or warn once."""
        if self._lost(codes):
            raise self._error(codes, "is not defined")
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"scoring={self._shown!r} is NaN for the {len(codes)} validation "
                "samples. For early stopping such an epoch counts as worse than any "
                "with a number.",
                UserWarning,
                stacklevel=2,
            )

    def _error(self, codes, what):
        lost = self._lost(codes)
        advice = (
            "Use scoring=None or 'loss', or another scorer, such as one from "
            "sklearn.metrics.make_scorer."
        )
        if lost:
            advice = (
                "Use a larger validation_fraction, give X_val and y_val, or use "
                "another scoring, such as a scorer from sklearn.metrics.make_scorer."
            )
        return DataError(
            f"scoring={self._shown!r} on {len(codes)} validation samples "
            f"{what.rstrip('.')}.{lost} {advice}"
        )

    def _lost(self, codes):
        """Return a sentence on classes that no sample has; empty if there are none."""
        kind, lost, words = self._target.kind, (), "None of these samples has the class"
        if kind == "classes":
            lost = np.delete(self._target.classes, np.unique(codes))
        elif kind == "labels":
            lost = self._target.classes[np.ptp(codes, axis=0) == 0]
            words = "All of these samples have the same value of the label"
        names = ", ".join(map(repr, np.asarray(lost).tolist()))
        return f" {words} {names}." if names else ""


def _as_given(X, estimator):
    """Return samples in the form in which the estimator takes them."""
    if isinstance(X, ChosenRows):
        X = np.asarray(X)
    numbers = math.prod(X.shape[1:])
    flat = X.ndim > 2 and estimator.n_features_in_ == numbers
    return X.reshape(len(X), numbers) if flat else X
