"""The network, assembled from its parts with fresh weights or from saved arrays."""

import math
from copy import copy
from typing import NamedTuple

import torch

from sklearn_pare import backbones
from sklearn_pare.backbones.hf_models import without_words
from sklearn_pare.nn.competing import CompetingKernels
from sklearn_pare.nn.decoder import DenseDecoder, stages
from sklearn_pare.nn.embed import embedder, value_embedder
from sklearn_pare.nn.frozen import FrozenFeatures
from sklearn_pare.nn.heads import DenseHead, LastStageHead, PooledHead, TokenHead
from sklearn_pare.nn.init import DrawFrom, xavier_
from sklearn_pare.nn.kernels import DilatedKernels
from sklearn_pare.nn.linear_path import (
    ColumnFeatures,
    FeatureGroups,
    LinearPath,
    PooledNumbers,
)
from sklearn_pare.nn.model import PaReModel
from sklearn_pare.nn.replace import SELECTORS

# Features of the linear path of a signal, as in MiniRocket.
_KERNEL_FEATURES = 10_000
# Source samples that its embedder computes quantiles from.
_SOURCE_ROWS = 512


class Architecture(NamedTuple):
    """Plain values from which a fitted network can be built again.

    Attributes
    ----------
    backbone : str
    input_shape : tuple of int
        Shape of one sample.
    output_shape : tuple of int
        (K,), or (K, L) or (K, H, W) for a dense target.
    selector : {"gate", "random", "paper"}
    cardinalities : tuple of int or None
        Number of categories of each column of a table, 0 for numbers.
    linear : tuple of str
        Groups of features that the linear path reads; empty without a linear path.
    config : dict or None
        Configuration of a backbone that its name alone does not determine.
    card : dict or None
        Card of the backbone, without the figures that were measured on it.
    """

    backbone: str
    input_shape: tuple
    output_shape: tuple
    selector: str
    cardinalities: tuple | None = None
    linear: tuple = ()
    config: dict | None = None
    card: dict | None = None


class Built(NamedTuple):
    """A network that is ready for training, with its architecture and source.

    Attributes
    ----------
    model : PaReModel
    architecture : Architecture
        With the configuration and the card of the backbone.
    source : sources.Source or None
        Adapted to the backbone.
    """

    model: PaReModel
    architecture: Architecture
    source: object


def build(architecture, generator, *, pretrained, source=None, linear=None):
    """Build a network that is ready for training.

    Parameters
    ----------
    architecture : Architecture
    generator : torch.Generator
        All random weights are drawn from it.
    pretrained : bool
        Whether the backbone starts from its pretrained weights.
    source : sources.Source, optional
        If None, the network has no source embedder and no source head.
    linear : LinearPath, optional
        A fitted linear path; by default a new one, if the architecture has one.
    """
    backbone = open_backbone(architecture, pretrained, generator)
    module, stem = backbone.module, backbone.stem
    dense = len(architecture.output_shape) > 1
    if source is not None:
        # Sources that depend on the backbone return a new object.
        own_samples = "never" if dense else source.own_samples
        source = source.for_backbone(backbone)
        source = copy(source.with_masks() if dense else source)
        source.own_samples = own_samples
    with DrawFrom(torch.Generator()):
        maps = _stage_shapes(module) if dense else None
        embed, head, linear, gate = _parts(architecture, backbone, maps, linear)
        fresh = [embed, head, gate]
        source_embed = source_head = None
        if source is not None and source.own_samples != "always":
            source_embed = source.embedder(stem)
            fresh.append(source_embed)
            source_head = _pretrained_head(backbone, source, maps)
            if source_head is None:
                source_head = _new_head(backbone.module, source, maps)
                fresh.append(source_head)
        for part in fresh:
            xavier_(part, generator)
    for part in filter(None, (embed, source_embed)):
        part.start_from(stem)
    if hasattr(source_embed, "fit"):
        source_embed.fit(source.sample(_SOURCE_ROWS, generator)[0])
    if architecture.linear:
        # Training starts from the predictions of the linear path.
        head.scale(0.0)
    if source_embed is not None:
        source_embed.requires_grad_(source.trains)
    replace = SELECTORS[architecture.selector][1]
    parts = embed, module, head, gate, source_embed, source_head, linear, replace
    return Built(
        PaReModel(*parts),
        architecture._replace(config=backbone.config, card=_described(backbone)),
        source,
    )


def open_backbone(architecture, pretrained, generator):
    """Return the backbone of a network before its training."""
    return backbones.get(
        architecture.backbone,
        pretrained=pretrained,
        generator=generator,
        input_shape=architecture.input_shape,
        config=architecture.config,
    )


def _parts(architecture, backbone, maps, linear=None):
    """Return embedder, head, linear path and gate, with weights yet to be set."""
    module, output_shape = backbone.module, tuple(architecture.output_shape)
    embed = embedder(
        architecture.input_shape, backbone.stem, architecture.cardinalities
    )
    if maps is None:
        head = PooledHead(module.feature_dim, *output_shape)
    else:
        head = DenseDecoder(
            architecture.input_shape, output_shape, *maps, bool(architecture.linear)
        )
    if architecture.linear and linear is None:
        linear = build_linear_path(architecture)
    gate = SELECTORS[architecture.selector][0](module.dim)
    return embed, head, linear, gate


def _described(backbone):
    card = backbone.card.to_dict()
    return {key: card[key] for key in card if key not in {"figures", "transfer"}}


@torch.no_grad()
def _stage_shapes(module):
    """Return the width of each stage, and height and width of a feature in tokens."""
    maps = stages(module, torch.zeros(1, math.prod(module.grid), module.dim))
    height, width = module.grid
    patches = [(height // m.shape[1], width // m.shape[2]) for m in maps]
    return [features.shape[3] for features in maps], patches


#: All groups of features of linear paths.
LINEAR_GROUPS = ("columns", "numbers", "kernels", "competing", "backbone")


def linear_groups(input_shape, output_shape, kind):
    """Return the names of all groups of features that a linear path may read.

    ``kind`` of the targets is "classes", "labels" or "values".
    """
    if len(input_shape) == 1:
        return ("columns",)
    if len(input_shape) == 3 or len(output_shape) > 1:
        return ("numbers",)
    groups = "kernels", "competing", "backbone"
    # Spectra are often nearly linear in what they measure. Classes rarely are.
    return ("numbers", *groups) if kind == "values" else groups


def build_linear_path(architecture, backbone=None):
    """Return an unfitted linear path, with a backbone of its own if it reads one."""
    shape = architecture.input_shape
    if "backbone" in architecture.linear and backbone is None:
        backbone = open_backbone(architecture, False, torch.Generator().manual_seed(0))
    makers = {
        "columns": lambda: ColumnFeatures(architecture.cardinalities),
        "numbers": lambda: PooledNumbers(shape),
        "kernels": lambda: DilatedKernels(*shape, _KERNEL_FEATURES),
        "competing": lambda: CompetingKernels(*shape),
        "backbone": lambda: _frozen(shape, backbone),
    }
    features = {name: makers[name]() for name in architecture.linear}
    return LinearPath(FeatureGroups(features), tuple(architecture.output_shape))


def _frozen(input_shape, backbone):
    channels, length = input_shape
    embed = value_embedder(length, backbone.stem)
    return FrozenFeatures(embed, backbone.module, channels)


def new_linear_path(architecture, pretrained, seed):
    """Return a linear path to be fitted, with all groups of features."""
    backbone, generator = None, torch.Generator().manual_seed(seed)
    if "backbone" in architecture.linear:
        backbone = open_backbone(architecture, pretrained, generator)
    with DrawFrom(torch.Generator()):
        path = build_linear_path(architecture, backbone)
    if backbone is not None:
        path.features["backbone"].start_from(backbone.stem, generator)
    return path


def _pretrained_head(backbone, source, maps):
    """Return the pretraining's head for the classes of the source, or None."""
    own = backbone.source_head
    if own is None or maps is not None or source.dense:
        return None
    if own.n_outputs == source.n_classes:
        return own
    if source.classes is not None and own.n_outputs > max(source.classes):
        return own.subset(source.classes)
    return None


def _new_head(module, source, maps):
    """Return a new head for the source."""
    if maps is not None:
        if source.dense:
            return DenseHead(*maps, source.n_classes)
        return LastStageHead(maps[0][-1], source.n_classes)
    if source.dense:
        return TokenHead(module.feature_dim, source.n_classes, module.grid)
    return PooledHead(module.feature_dim, source.n_classes)


def export_arrays(model):
    """Return the weights as numpy arrays, without those of the source's parts."""
    return {
        name: value.detach().cpu().numpy().copy()
        for name, value in model.state_dict().items()
        if not name.startswith("source_")
    }


def _untrained(architecture):
    """Return a network whose weights are yet to be loaded."""
    if architecture.config is not None:
        # Without its source, a network has no word vectors.
        architecture = architecture._replace(config=without_words(architecture.config))
    generator = torch.Generator().manual_seed(0)
    backbone = open_backbone(architecture, False, generator)
    dense = len(architecture.output_shape) > 1
    with DrawFrom(torch.Generator()):
        maps = _stage_shapes(backbone.module) if dense else None
        embed, head, linear, gate = _parts(architecture, backbone, maps)
    replace = SELECTORS[architecture.selector][1]
    return PaReModel(embed, backbone.module, head, gate, linear=linear, replace=replace)


def outline(architecture):
    """Return the network that `restore` would build, without memory for weights."""
    with torch.device("meta"):
        return _untrained(architecture)


def restore(architecture, arrays):
    """Return the network of arrays from `export_arrays`, on the CPU."""
    model = _untrained(architecture)
    # Copied: arrays may be read-only maps of a file.
    model.load_state_dict({k: torch.tensor(v) for k, v in arrays.items()})
    return model.train(False)
