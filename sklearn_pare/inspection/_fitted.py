"""What pictures need of a fitted estimator, its source included."""

from typing import NamedTuple

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from sklearn_pare import sources
from sklearn_pare._architecture import build
from sklearn_pare._data import validation
from sklearn_pare.exceptions import DataError

_BATCH = 64


class Fitted(NamedTuple):
    """A fitted network beside the source that it was trained with.

    Attributes
    ----------
    model : PaReModel
        Without its source embedder.
    source : Source
    source_embed : torch.nn.Module
        Built again: it did not learn, so it is what it was in fit.
    """

    model: torch.nn.Module
    source: sources.Source
    source_embed: torch.nn.Module


def fitted_with_source(estimator):
    """Find the source of a fitted estimator and build its embedder again.

    Raises
    ------
    DataError
        If there was no source, or one whose embedder learned.
    """
    check_is_fitted(estimator)
    name = estimator.source_
    # Names given, and arrays where they are still there.
    source = sources.open_candidates(estimator.source).get(name)
    if source is None:
        raise DataError(
            f"There is no source to look at: source={estimator.source!r}, mix_start="
            f"{estimator.mix_start} and mix_end={estimator.mix_end} were fitted with. "
            'Fit with a source, such as source="formula", and mixing.'
        )
    if source.trains:
        raise DataError(
            f"source={name!r} is a token that was learned and not kept. Fit with "
            'another source, such as source="formula".'
        )
    built = build(
        estimator._architecture,
        torch.Generator().manual_seed(estimator._init_seed),
        pretrained=estimator.pretrained,
        source=source,
    )
    model = estimator._model
    return Fitted(model, built.source, built.model.source_embed.train(False))


def encoded(estimator, X):
    """Rows as the network sees them, a tensor (n, ...) on the CPU."""
    check_is_fitted(estimator)
    X = validation.check_rows(estimator, X, reset=False)
    X = validation.shape_rows(X, estimator.input_shape_)
    rows = X if X.ndim == 2 else np.asarray(X[:])
    return torch.from_numpy(estimator._encoder.transform(rows))


@torch.no_grad()
def in_batches(function, rows):
    """Results of a function of rows, some at a time, in one tensor."""
    return torch.cat([function(batch) for batch in rows.split(_BATCH)])
