"""Backbones: a module from tokens to features, and the parts around it."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from torch import nn

from sklearn_pare.exceptions import DataError
from sklearn_pare.nn.heads import DenseHead, PooledHead

# A token of a signal covers at least this many positions.
_POSITIONS = 4


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
        Hash of the weights file, if there is one.
    origin : str or None
        Where the weights file is from: its path as given, or repository and file name.
    seed : int or None
        Seed of the pretraining.
    command : str or None
        Command that created the weights.
    figures : dict
        Results that this command printed.
    transfer : dict
        Results of ``python -m studies transfer``.
    """

    name: str
    description: str
    licence: str
    sha256: str | None = None
    origin: str | None = None
    seed: int | None = None
    command: str | None = None
    figures: dict = field(default_factory=dict)
    transfer: dict = field(default_factory=dict)

    def to_dict(self) -> dict:
        """Return the card as a plain dict, ready for JSON."""
        return asdict(self)


@dataclass
class Backbone:
    """A backbone and the parts around it.

    Attributes
    ----------
    module : torch.nn.Module
        Tokens (B, N, D) -> features (B, M, E). Its attributes are `grid`, the height
        and width of the token grid, `dim` (D) and `feature_dim` (E). `has_blocks` is
        True if it has numbered blocks, such as "layers.3", one after another, whose
        outputs are (B, M, E) or (B, h, w, E), also as the first of a tuple.
    stem : ImageEmbed, WordEmbed or WaveEmbed
        The backbone's own embedder, of images (B, 3, H, W), words (B, N) or signals
        (B, 1, L).
    card : BackboneCard
    source_head : PooledHead or None
        Head of the pretraining for classes; used if the source has the same classes.
    dense_head : DenseHead or None
        Head of the pretraining for pixels.
    config : dict or None
        Configuration that replaces files when the backbone is built again.
    tokenize : callable or None
        List of texts -> list of lists of word indices; None for images.
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
        """All modules, with the names that they have in the weights file."""
        parts = {
            "stem": self.stem,
            "backbone": self.module,
            "source_head": self.source_head,
            "dense_head": self.dense_head,
        }
        return nn.ModuleDict({k: v for k, v in parts.items() if v is not None})


def choose_grid(input_shape, budget, multiple, max_tokens):
    """Choose the token grid of a backbone for samples (F,), (C, L) or (C, H, W).

    Height and width are multiples of ``multiple``, as near to the aspect ratio of the
    samples as possible. There are at most ``budget`` tokens, one per column of a table,
    per 4 positions of a signal or per pixel, and ``max_tokens``, if the user set this
    limit. Raises DataError if the smallest grid exceeds it.
    """
    if max_tokens is not None:
        if max_tokens < multiple**2:
            raise DataError(
                f"max_tokens={max_tokens} is too small: the smallest grid of this "
                f"backbone is {multiple} x {multiple}. End the name in "
                f"?max_tokens={multiple**2} or more."
            )
        budget = min(budget, max_tokens)
    useful, aspect = input_shape[-1], 1.0
    if len(input_shape) == 2:
        useful = math.ceil(useful / _POSITIONS)
    elif len(input_shape) == 3:
        useful, aspect = math.prod(input_shape[1:]), input_shape[1] / input_shape[2]
    wanted = min(budget, max(useful, multiple**2)) / multiple**2
    height = max(1, min(round(math.sqrt(wanted * aspect)), budget // multiple**2))
    width = max(1, round(wanted / height))
    while height * width * multiple**2 > budget:
        width -= 1
    return height * multiple, width * multiple


def n_weights(module):
    """Return the number of weights in the linear layers of a module."""
    layers = (m for m in module.modules() if isinstance(m, nn.Linear))
    return sum(layer.weight.numel() for layer in layers)


def check_fixed(name, backbone, max_tokens):
    """Raise DataError if a backbone with a fixed grid has too many tokens."""
    n_tokens = math.prod(backbone.module.grid)
    if max_tokens is not None and n_tokens > max_tokens:
        raise DataError(
            f"max_tokens={max_tokens}, but backbone={name!r} always has {n_tokens} "
            f"tokens. Use backbone={name!r} without it, or a backbone with a variable "
            f"grid, such as 'timm:vit_tiny_patch16_224?max_tokens={max_tokens}'."
        )
