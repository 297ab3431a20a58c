"""The source that fits the backbone: "auto"."""

import warnings

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
        self._warning = None
        try:
            self._source = get(self.name)
        except ImportError as error:
            self._replace(error)

    def for_backbone(self, backbone):
        """Return the source, or warn that its package or files are missing."""
        try:
            source = self._source.for_backbone(backbone)
        except MemoryError:
            raise
        # A default fits every backbone. Tokenizers raise errors of any class.
        except Exception as error:
            self._replace(error)
            source = self._source.for_backbone(backbone)
        if self._warning is not None:
            warnings.warn(self._warning, UserWarning, stacklevel=2)
        return source

    def _replace(self, error):
        """Use the source that all backbones read instead."""
        before, self.name = self.name, backbones.GENERAL_SOURCE
        self._source = get(self.name)
        self._warning = (
            f"The default source is {self.name!r} here, since {before!r} cannot be "
            f"used: {error} To choose this source without a warning, set "
            f"source={self.name!r}."
        )
