"""What is known of a pretrained body: where it comes from and how good it is."""

from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class BackboneCard:
    """Origin, licence and size of a body.

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
        What ``python -m sklearn_pare.backbones.evaluate`` measured.
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
