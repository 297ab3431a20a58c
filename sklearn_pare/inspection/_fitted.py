"""Common parts of the displays: fitted networks, encoded samples and matplotlib."""

from typing import NamedTuple

import torch
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import check_is_fitted

from sklearn_pare import sources
from sklearn_pare._architecture import build
from sklearn_pare.exceptions import DataError

_BATCH = 64


class Fitted(NamedTuple):
    """A fitted network, the source of its training, and the source embedder."""

    model: torch.nn.Module
    source: sources.Source
    source_embed: torch.nn.Module


def check_share(estimator):
    """Raise DataError if the network has no effect on the predictions."""
    check_is_fitted(estimator)
    if estimator.network_share_ == 0:
        raise DataError(
            "The network has no share in these predictions (network_share_ is 0), so "
            "that its loss is flat, and its tokens have no effect. Fit with "
            "linear_path=False to inspect the network alone."
        )


def fitted_with_source(estimator):
    """Open the source of a fitted estimator and build its embedder again.

    The embedder was not trained, so it is the one of ``fit``. Raises DataError if the
    network has no share, if there is no source, or if its embedder was trained.
    """
    check_share(estimator)
    name = estimator.source_
    # The name in use: a string may stand for a choice, which may differ today.
    candidates = name if isinstance(estimator.source, str) else estimator.source
    source = sources.open_candidates(candidates, estimator.backbone_).get(name)
    if source is None:
        raise DataError(
            f"No source was mixed in by this fit: source={estimator.source!r}, "
            f"mix_start={estimator.mix_start}, mix_end={estimator.mix_end}. Fit with "
            'mixing and a source, such as mix_start=0.6 and source="formula".'
        )
    if not source.has_samples:
        raise DataError(
            f"source={name!r} has no samples of its own that could be shown. Fit with "
            'another source, such as source="formula".'
        )
    built = build(
        estimator._architecture,
        torch.Generator().manual_seed(estimator._init_seed),
        pretrained=estimator.pretrained,
        source=source,
    )
    embed = built.model.source_embed.train(False)
    return Fitted(estimator._model, built.source, embed)


@torch.no_grad()
def in_batches(function, x):
    """Return the results of a function of samples, computed in batches."""
    return torch.cat([function(batch) for batch in x.split(_BATCH)])


def pyplot(caller):
    """Return ``matplotlib.pyplot``, or raise an error that names ``caller``."""
    check_matplotlib_support(caller)
    import matplotlib.pyplot as plt

    return plt
