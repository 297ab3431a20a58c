"""How far candidate sources lie from labelled data, where tokens are mixed."""

from typing import NamedTuple

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from sklearn_pare import backbones
from sklearn_pare._data import validation
from sklearn_pare._data.encoders import encoder_for
from sklearn_pare.exceptions import DataError
from sklearn_pare.nn.embed import embedder
from sklearn_pare.nn.init import DrawFrom, xavier_
from sklearn_pare.otdd import (
    check_choices,
    check_targets,
    coarse_classes,
    dataset_distance,
    pseudo_classes,
)

#: Rows a side that distances are measured between, at most.
MAX_SAMPLES = 400
_BATCH = 64


class Ranked(NamedTuple):
    """A candidate and its distance from the data.

    Attributes
    ----------
    source : str
    distance : float
    """

    source: str
    distance: float


class _Rows(BaseEstimator):
    """In whose name rows are checked where there is no estimator."""

    def __init__(self, input_shape):
        self.input_shape = input_shape


def rank_sources(X, y, candidates, *, backbone, input_shape, max_samples, random_state):
    """Rank opened sources; see `sklearn_pare.sources.rank`."""
    validation.check_input_shape(input_shape)
    X = validation.check_rows(_Rows(input_shape), X, reset=True)
    X = validation.shape_rows(X, input_shape)
    check_choices("exact", max_samples)
    y = check_targets(y, len(X))
    # The one that a fit uses: of its four the second.
    seed = int(check_random_state(random_state).randint(2**31 - 1, size=4)[1])
    encoder = encoder_for(X)
    rows, y = encoded_sample(X, y, encoder, seed, max_samples)
    module = backbones.get(
        backbone,
        generator=torch.Generator().manual_seed(seed),
        input_shape=tuple(rows.shape[1:]),
    )
    found = distances(
        candidates, rows, y, module, getattr(encoder, "cardinalities", None), seed
    )
    return [Ranked(*pair) for pair in found.items()]


def encoded_sample(X, y, encoder, seed, max_samples=MAX_SAMPLES):
    """Some rows as the network sees them, and their targets.

    Parameters
    ----------
    X : ndarray, DataFrame or LazyArray of shape (n, ...)
    y : ndarray of shape (n, ...)
    encoder : ChannelScaler or TableEncoder
        Fitted.
    seed : int
        Which rows are drawn.
    max_samples : int

    Returns
    -------
    rows : torch.Tensor of shape (m, ...)
    y : ndarray of shape (m, ...)
    """
    # Ascending, as files are read.
    index = np.sort(np.random.RandomState(seed).permutation(len(X))[:max_samples])
    rows = validation.select(X, index)
    rows = rows if X.ndim == 2 else np.asarray(rows)
    return torch.from_numpy(encoder.transform(rows)), y[index]


def distances(candidates, rows, y, backbone, cardinalities, seed):
    """Distance of each candidate from labelled rows, nearest first.

    Parameters
    ----------
    candidates : dict
        Name -> `Source`.
    rows : torch.Tensor of shape (n, ...)
        As the network sees them, on any device. Of each source as many are drawn.
    y : ndarray of shape (n,) or (n, ...)
        Their targets; see `otdd.pseudo_classes`.
    backbone : Backbone
    cardinalities : tuple of int or None
        Of the columns of a table.
    seed : int
        The same for all candidates: each is measured as if it were the only one.

    Returns
    -------
    found : dict
        Name -> distance in the units of tokens.
    """
    with DrawFrom(torch.Generator()):
        module = embedder(tuple(rows.shape[1:]), backbone.stem, cardinalities)
    own = _mean_tokens(module, rows, backbone.stem, seed)
    classes = pseudo_classes(y, seed)
    found = {}
    for name, source in candidates.items():
        if source.trains:
            raise DataError(
                f"source={name!r} is a token that is yet to be learned, at no distance "
                "from X. Leave it out of the candidates."
            )
        try:
            source = source.for_backbone(backbone)
            generator = torch.Generator(rows.device).manual_seed(seed)
            x, labels = source.sample(len(rows), generator)
            with DrawFrom(torch.Generator()):
                module = source.embedder(backbone.stem)
            features = _mean_tokens(module, x, backbone.stem, seed)
        except (OSError, ValueError, RuntimeError) as error:
            raise DataError(
                f"source={name!r} cannot be compared with rows of shape "
                f"{tuple(rows.shape[1:])} through backbone={backbone.card.name!r}: "
                f"{error}"
            ) from error
        labels = coarse_classes(features, labels.cpu().numpy(), seed)
        found[name] = dataset_distance(
            own, classes, features, labels, random_state=seed
        )
    return dict(sorted(found.items(), key=lambda pair: pair[1]))


@torch.no_grad()
def _mean_tokens(module, rows, stem, seed):
    """Mean tokens (n, D) by an embedder as it is before training."""
    xavier_(module, torch.Generator().manual_seed(seed))
    module.start_from(stem)
    if hasattr(module, "fit"):
        module.fit(rows.cpu())
    module.to(rows.device).train(False)
    parts = [module(batch).mean(1) for batch in rows.split(_BATCH)]
    return torch.cat(parts).cpu().numpy()
