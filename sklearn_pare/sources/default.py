"""The source that fits the backbone: "auto"."""

from sklearn_pare import backbones
from sklearn_pare.sources.base import Source
from sklearn_pare.sources.registry import get


class DefaultSource(Source):
    """The source that fits a backbone, or "formula+self" if it cannot be used.

    Parameters
    ----------
    backbone : str
        Name of the backbone.

    Attributes
    ----------
    name : str
        Name of the source in use, which is final after `for_backbone`.
    """

    own_samples = "later"

    def __init__(self, backbone):
        self.name = backbones.default_source(backbone)

    def for_backbone(self, backbone):
        """Return the source, whose package or files may be missing."""
        try:
            return get(self.name).for_backbone(backbone)
        # A default fits every backbone. Tokenizers raise errors of any class.
        except Exception:
            self.name = backbones.GENERAL_SOURCE
            return get(self.name).for_backbone(backbone)
