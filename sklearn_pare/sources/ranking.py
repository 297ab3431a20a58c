"""Candidate sources, and their distances from the data."""

from typing import NamedTuple

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from sklearn_pare import backbones
from sklearn_pare._data import validation
from sklearn_pare._data.encoders import encoder_for
from sklearn_pare._device import resolve_device
from sklearn_pare._utils.surroundings import pinned
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
from sklearn_pare.sources.default import DefaultSource
from sklearn_pare.sources.formula import FAMILIES
from sklearn_pare.sources.registry import FACTORIES, get
from sklearn_pare.sources.user_arrays import from_arrays

_MAX_SAMPLES = 400
_BATCH = 64
# Not candidates of "nearest": controls, sources that not every backbone reads or that
# need another package, and signals, on which no bundled backbone was pretrained.
_LEFT_OUT = ("docstrings", "mask-token", "noise", "photographs", "self", "waveforms")


class Ranked(NamedTuple):
    """Name of a candidate source, and its distance from the data."""

    source: str
    distance: float


class _Input(BaseEstimator):
    """Stand-in for an estimator in the validation of X."""

    def __init__(self, input_shape):
        self.input_shape = input_shape


def open_candidates(source, backbone):
    """Return a dict of the sources in the argument `source` of an estimator.

    "auto" stands for the source that fits the backbone of this name. "nearest" stands
    for "formula", its families and all sources that were registered by users. A tuple
    of arrays has the name "arrays", or in a list "arrays I" with its index.
    """
    if source is None:
        return {}
    if isinstance(source, tuple):
        if source and all(isinstance(name, str) for name in source):
            raise DataError(
                f"source={source!r} is a tuple of names. Pass a list to use the "
                f"nearest of them: source={[*source]!r}."
            )
        return {"arrays": from_arrays(source)}
    if source == "auto":
        default = DefaultSource(backbone)
        return {default.name: default}
    if source == "nearest":
        families = [f"formula:{family}" for family in FAMILIES]
        source = [*(name for name in FACTORIES if name not in _LEFT_OUT), *families]
    elif isinstance(source, str):
        source = [source]
    if not source:
        raise DataError(
            'source=[] names no source. Add names, or use source="nearest".'
        )
    return {
        name if isinstance(name, str) else f"arrays {index}": (
            get(name) if isinstance(name, str) else from_arrays(name)
        )
        for index, name in enumerate(source)
    }


def rank(
    X,
    y,
    candidates="nearest",
    *,
    backbone="auto",
    input_shape=None,
    max_samples=_MAX_SAMPLES,
    random_state=None,
):
    """Rank sources by their distance from labelled data.

    X and the source are embedded by their untrained embedders. The distance is the
    optimal transport dataset distance between the mean tokens of their samples.
    ``source="nearest"`` of an estimator uses the first source of this table.

    Parameters
    ----------
    X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)
        As in fit.
    y : array-like of shape (n,) or (n, ...)
        Targets. Real numbers, or several values per sample, are grouped into up to 10
        classes.
    candidates : list or "nearest", default="nearest"
        Names of sources, or tuples of arrays ``(X_source, y_source)``. "nearest":
        "formula", its families "formula:NAME", and all sources that you registered.
    backbone : str, default="auto"
        Name of the backbone, as in the estimators. Distances depend on its tokens.
    input_shape : tuple of int, default=None
        As in the estimators.
    max_samples : int or None, default=400
        Maximum number of samples of X and of each source, at least 2. None: as many as
        X has.
    random_state : int, RandomState instance or None, default=None
        Determines which samples are drawn.

    Returns
    -------
    table : list of Ranked
        Pairs (source, distance), nearest first, in the units of tokens. The classes of
        a source with thousands of them are replaced by clusters of mean tokens.

    Raises
    ------
    UnknownNameError
        If there is no source with a given name (ValueError).
    DataError
        If X, y or a source cannot be used (ValueError).

    See Also
    --------
    sklearn_pare.otdd.dataset_distance : The distance.

    Notes
    -----
    Alvarez-Melis and Fusi, "Geometric Dataset Distances via Optimal Transport", NeurIPS
    2020, proposed this distance for choosing a source. The paper on PaRe does not state
    how to choose one.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_pare import sources
    >>> X, y = load_digits(return_X_y=True)
    >>> names = ["formula:contours", "formula:heaps"]
    >>> table = sources.rank(
    ...     X[:100], y[:100], names, input_shape=(1, 8, 8), random_state=0
    ... )
    >>> [name for name, _ in table]
    ['formula:contours', 'formula:heaps']
    """
    with pinned():
        validation.check_input_shape(input_shape)
        X = validation.check_rows(_Input(input_shape), X, reset=True)
        X = validation.shape_rows(X, input_shape)
        y = check_targets(y, len(X))
        size = validation.place_size(y, X.shape[1:], channels=True)
        backbone = backbones.choose(backbone, X.shape[1:], (1, *size))
        candidates = open_candidates(candidates, backbone)
        check_choices("exact", max_samples, "rank")
        # The second of the four seeds of a fit.
        seed = int(check_random_state(random_state).randint(2**31 - 1, size=4)[1])
        encoder = encoder_for(X)
        # As in a fit with the default device.
        name = backbones.affordable(backbone, X.shape[1:], resolve_device("auto"))
        rows, y = encoded_sample(X, y, encoder, seed, max_samples)
        built = backbones.get(
            name,
            generator=torch.Generator().manual_seed(seed),
            input_shape=tuple(rows.shape[1:]),
        )
        cardinalities = getattr(encoder, "cardinalities", None)
        found = distances(candidates, rows, y, built, cardinalities, seed)
    return [Ranked(*pair) for pair in found.items()]


def encoded_sample(X, y, encoder, seed, max_samples=_MAX_SAMPLES):
    """Draw samples of X, encoded for the network as a tensor, and their targets."""
    # Files are read in ascending order.
    index = np.sort(np.random.RandomState(seed).permutation(len(X))[:max_samples])
    rows = validation.select(X, index)
    rows = rows if X.ndim == 2 else np.asarray(rows)
    return torch.from_numpy(encoder.transform(rows)), y[index]


def distances(candidates, rows, y, backbone, cardinalities, seed):
    """Return a dict with the distance of each candidate source, nearest first.

    `n` samples of each are compared with the encoded samples `rows` (n, ...), on any
    device, with targets `y`. The distance of one does not depend on the others.
    """
    shape = tuple(rows.shape[1:])
    with DrawFrom(torch.Generator()):
        module = embedder(shape, backbone.stem, cardinalities)
    own = _mean_tokens(module, rows, backbone.stem, seed)
    classes = pseudo_classes(y, seed)
    found = {}
    for name, source in candidates.items():
        if not source.has_samples:
            raise DataError(
                f"source={name!r} has no samples of its own, so it has no distance "
                "from X. Remove it from the candidates."
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
                f"source={name!r} cannot be compared with samples of shape {shape} "
                f"through backbone={backbone.card.name!r}: {error}"
            ) from error
        labels = coarse_classes(features, labels.cpu().numpy(), seed)
        found[name] = dataset_distance(
            own, classes, features, labels, random_state=seed
        )
    return dict(sorted(found.items(), key=lambda pair: pair[1]))


@torch.no_grad()
def _mean_tokens(module, rows, stem, seed):
    """Compute mean tokens (n, D) with an untrained embedder."""
    xavier_(module, torch.Generator().manual_seed(seed))
    module.start_from(stem)
    if hasattr(module, "fit"):
        module.fit(rows.cpu())
    module.to(rows.device).train(False)
    parts = [module(batch).mean(1) for batch in rows.split(_BATCH)]
    return torch.cat(parts).cpu().numpy()
