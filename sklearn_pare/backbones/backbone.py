"""What every backbone offers: tokens in, features out, and what surrounds it."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from torch import nn

from sklearn_pare.exceptions import DataError
from sklearn_pare.nn.heads import DenseHead, PooledHead


@dataclass(frozen=True)
class BackboneCard:
    """Origin, licence and size of a backbone.

    Attributes
    ----------
    name : str
        The string to pass as ``backbone``.
    description : str
    licence : str
        SPDX name of the licence of the weights.
    sha256 : str or None
        Hash of the weights file; None where there is no file.
    seed : int or None
        Seed of the pretraining.
    command : str or None
        The command that made the weights.
    figures : dict
        What that command measured.
    transfer : dict
        What ``python -m studies.evaluate`` measured.
    """

    name: str
    description: str
    licence: str
    sha256: str | None = None
    seed: int | None = None
    command: str | None = None
    figures: dict = field(default_factory=dict)
    transfer: dict = field(default_factory=dict)

    def to_dict(self) -> dict:
        """Plain dict, ready for JSON."""
        return asdict(self)


# A token of a signal stands for at least this many samples.
_SAMPLES = 4


@dataclass
class Backbone:
    """A backbone with what surrounds it.

    Attributes
    ----------
    backbone : torch.nn.Module
        Tokens (B, N, D) -> features (B, M, E). Its attributes `grid`, `dim` and
        `feature_dim` say how tokens lie, D, and E.
    stem : ImageEmbed or WordEmbed
        The backbone's own embedder, of images (B, 3, H, W) or of words (B, N).
    card : BackboneCard
    source_head : PooledHead or None
        The read-out of the pretraining, if it fits the classes of a source.
    dense_head : DenseHead or None
        The read-out of the pretraining for pixels.
    config : dict or None
        What it takes, beside the name, to build the backbone again without files.
    tokenize : callable or None
        List of texts -> list of lists of word numbers; None in a backbone of images.
    """

    module: nn.Module
    stem: nn.Module
    card: BackboneCard
    source_head: PooledHead | None = None
    dense_head: DenseHead | None = None
    config: dict | None = None
    tokenize: Callable | None = None

    @property
    def parts(self) -> nn.ModuleDict:
        """All modules under one roof, named as in the weights file."""
        parts = {
            "stem": self.stem,
            "backbone": self.module,
            "source_head": self.source_head,
            "dense_head": self.dense_head,
        }
        return nn.ModuleDict({k: v for k, v in parts.items() if v is not None})


def choose_grid(input_shape, budget, multiple, max_tokens):
    """Token grid of a backbone for rows of one shape.

    Parameters
    ----------
    input_shape : tuple of int
        (F,), (C, L) or (C, H, W).
    budget : int
        Tokens that the backbone was pretrained with, or can take.
    multiple : int
        Both sides of the grid are multiples of this.
    max_tokens : int or None
        The user's own bound.

    Returns
    -------
    grid : tuple of int
        As near to the aspect of the rows as whole tokens allow: one token for a column
        of a table, for 4 samples of a signal or for a pixel of an image at most.

    Raises
    ------
    DataError
        If not even the smallest grid is within `max_tokens`.
    """
    if max_tokens is not None:
        if max_tokens < multiple**2:
            raise DataError(
                f"max_tokens={max_tokens} is too few: this backbone takes grids of at "
                f"least {multiple} x {multiple} tokens. Use max_tokens={multiple**2} "
                "or more."
            )
        budget = min(budget, max_tokens)
    kind, *size = len(input_shape), *input_shape[1:]
    if kind == 3:
        useful, aspect = math.prod(size), size[0] / size[1]
    elif kind == 2:
        useful, aspect = math.ceil(size[0] / _SAMPLES), 1.0
    else:
        useful, aspect = input_shape[0], 1.0
    wanted = min(budget, max(useful, multiple**2)) / multiple**2
    height = max(1, min(round(math.sqrt(wanted * aspect)), budget // multiple**2))
    width = max(1, round(wanted / height))
    while height * width * multiple**2 > budget:
        width -= 1
    return height * multiple, width * multiple


def check_fixed(name, backbone, max_tokens):
    """Complain where a backbone of one grid has more tokens than the user allows."""
    n_tokens = math.prod(backbone.module.grid)
    if max_tokens is not None and n_tokens > max_tokens:
        raise DataError(
            f"max_tokens={max_tokens}, but backbone={name!r} always has {n_tokens} "
            f"tokens. Use backbone={name!r} alone, or a backbone of another family, such "
            "as 'timm:vit_tiny_patch16_224', whose grid is chosen."
        )
