"""Put body, embedders, heads and gate together, fresh or from saved arrays."""

from typing import NamedTuple

import torch

from sklearn_pare import backbones
from sklearn_pare.nn.embed import embedder
from sklearn_pare.nn.gate import Gate, RandomGate
from sklearn_pare.nn.heads import PooledHead
from sklearn_pare.nn.init import DrawFrom, xavier_
from sklearn_pare.nn.model import PaReModel


class Architecture(NamedTuple):
    """All it takes to build a fitted model again, in plain values.

    Attributes
    ----------
    backbone : str
    input_shape : tuple of int
        Shape of one row.
    n_outputs : int
    selector : {"gate", "random"}
    """

    backbone: str
    input_shape: tuple
    n_outputs: int
    selector: str


def build(architecture, generator, *, pretrained, source=None):
    """A model ready for training.

    Parameters
    ----------
    architecture : Architecture
    generator : torch.Generator
        Every random weight is drawn from it.
    pretrained : bool
        Whether the body starts from its pretrained weights.
    source : object with `row_shape` and `n_classes`, optional
        Without it the model has no source embedder and no source head.

    Returns
    -------
    model : PaReModel
    """
    backbone = backbones.get(
        architecture.backbone, pretrained=pretrained, generator=generator
    )
    body, stem = backbone.body, backbone.stem
    with DrawFrom(torch.Generator()):
        embed = embedder(architecture.input_shape, body.grid, body.dim)
        head = PooledHead(body.feature_dim, architecture.n_outputs)
        gate = Gate(body.dim) if architecture.selector == "gate" else RandomGate()
        fresh = [embed, head, gate]
        source_embed = source_head = None
        if source is not None:
            source_embed = embedder(source.row_shape, body.grid, body.dim)
            fresh.append(source_embed)
            source_head = backbone.source_head
            if source_head is None or source_head.n_outputs != source.n_classes:
                source_head = PooledHead(body.feature_dim, source.n_classes)
                fresh.append(source_head)
        for module in fresh:
            xavier_(module, generator)
    for module in filter(None, (embed, source_embed)):
        module.start_from(stem)
    return PaReModel(embed, body, head, gate, source_embed, source_head)


def export_arrays(model):
    """Weights as numpy arrays, without what only the source needed."""
    return {
        name: value.detach().cpu().numpy().copy()
        for name, value in model.state_dict().items()
        if not name.startswith("source_")
    }


def restore(architecture, arrays):
    """The model that `export_arrays` was called on, on the CPU."""
    model = build(architecture, torch.Generator().manual_seed(0), pretrained=False)
    # Copied: arrays may be read-only maps of a file.
    model.load_state_dict({k: torch.tensor(v) for k, v in arrays.items()})
    return model.train(False)
