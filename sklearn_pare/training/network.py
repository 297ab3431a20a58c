"""The network of a fit: chosen, built and aligned."""

from functools import partial
from typing import NamedTuple

import numpy as np
import torch

from sklearn_pare import backbones
from sklearn_pare._architecture import Architecture, build, linear_groups, open_backbone
from sklearn_pare._data.encoders import encoder_for
from sklearn_pare.backbones.freezing import freeze
from sklearn_pare.nn.model import PaReModel
from sklearn_pare.sources.default import DefaultSource
from sklearn_pare.sources.ranking import distances, encoded_sample
from sklearn_pare.training.align import align
from sklearn_pare.training.kept import keep_features
from sklearn_pare.training.linear_path import has_linear_path
from sklearn_pare.training.prepare import Prepared, prepare
from sklearn_pare.training.recipe import peak_rate


class Network(NamedTuple):
    """A network that is ready for training, and what belongs to it.

    Attributes
    ----------
    model : PaReModel
        On its device.
    architecture : Architecture
    encoder : ChannelScaler or TableEncoder
    prepared : Prepared
    source : sources.Source or None
    source_name : str or None
    distances : dict of str to float
        Distances of the candidates, nearest first; empty without a choice.
    """

    model: PaReModel
    architecture: Architecture
    encoder: object
    prepared: Prepared
    source: object
    source_name: str | None
    distances: dict


def build_network(arguments, data, start):
    """Choose the source, fit the linear path, and build the network.

    Parameters
    ----------
    arguments : dict
        Constructor arguments of the estimator.
    data : FitData
    start : Start
    """
    encoder, pretrained = encoder_for(data.X), arguments["pretrained"]
    architecture = _architecture(arguments, data, start, encoder)
    found = _measure(arguments, data, start, encoder, architecture)
    # The first is the nearest, or the only one.
    name = next(iter(found or start.candidates), None)
    candidate = start.candidates.get(name)
    prepared = prepare(architecture, encoder, data, start, pretrained)
    model, architecture, source = build(
        prepared.architecture,
        torch.Generator().manual_seed(start.seeds[0]),
        pretrained=pretrained,
        source=candidate,
        linear=prepared.linear,
    )
    if isinstance(candidate, DefaultSource):
        name = candidate.name
    if hasattr(model.embed, "fit"):
        model.embed.fit(prepared.some)
    if prepared.target.kind == "masks":
        # Otherwise many steps would only lower the logits of rare classes.
        shares = prepared.target.log_shares(data.codes)
        model.head.start_at(torch.from_numpy(shares))
    if start.warm is not None:
        start.warm.apply(model, architecture, encoder)
    model.to(start.device)
    freeze(model.backbone, arguments["tune"])
    model.embed.requires_grad_(arguments["tune"] != "head")
    prepared = keep_features(model, prepared)
    start.stopwatch.lap("building")
    return Network(model, architecture, encoder, prepared, source, name, found)


def _architecture(arguments, data, start, encoder):
    """Return the architecture, with all features that a linear path may read."""
    name, shape = start.backbone, data.X.shape[1:]
    if start.warm is not None:
        name = start.warm.backbone(name)
    linear, output_shape = (), data.target.output_shape
    if arguments["linear_path"] and has_linear_path(data.X, data.target):
        linear = linear_groups(shape, output_shape, data.target.kind)
    return Architecture(
        backbones.affordable(name, shape, start.device),
        shape,
        output_shape,
        arguments["selector"],
        getattr(encoder, "cardinalities", None),
        linear,
    )


def _measure(arguments, data, start, encoder, architecture):
    """Return the distances of the candidates, nearest first, if there is a choice."""
    if len(start.candidates) < 2:
        return {}
    return start.processes.first(
        partial(_distances, arguments, data, start, encoder, architecture)
    )


def _distances(arguments, data, start, encoder, architecture):
    seed = start.seeds[1]
    rows, codes = encoded_sample(data.X, np.nan_to_num(data.codes), encoder, seed)
    generator = torch.Generator().manual_seed(seed)
    backbone = open_backbone(architecture, arguments["pretrained"], generator)
    return distances(
        start.candidates,
        rows.to(start.device),
        codes,
        backbone,
        architecture.cardinalities,
        seed,
    )


def align_network(arguments, network, start):
    """Run the stage before training, which is run at most once.

    Returns
    -------
    losses : list of float
        One per epoch of the stage; empty without ``alignment``.
    """
    checkpoints = start.checkpoints
    if arguments["alignment"] is None:
        return []
    if start.warm is not None:
        return start.warm.alignment_history
    if checkpoints is not None and checkpoints.found:
        return checkpoints.alignment_history
    # The weights reach the other processes when the training begins.
    losses = start.processes.first(
        lambda: align(
            network.model,
            network.prepared.rows,
            network.source,
            arguments["alignment"],
            peak_rate(arguments["lr"], network.model.backbone, arguments["pretrained"]),
            start.seeds[1],
        )
    )
    if checkpoints is not None:
        checkpoints.alignment_history = losses
    start.stopwatch.lap("alignment")
    return losses
