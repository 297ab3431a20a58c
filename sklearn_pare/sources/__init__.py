"""Source modalities by name.

A `Source` draws as many labelled samples as needed: ``source.sample(n, generator)``
returns samples (n, ...) and classes (n,) on the device of the generator. Its attributes
`row_shape` and `n_classes` describe them.
"""

from sklearn_pare.sources.arrays import ArraySource
from sklearn_pare.sources.base import Source
from sklearn_pare.sources.controls import MaskTokenSource, NoiseSource
from sklearn_pare.sources.docstrings import DocstringSource
from sklearn_pare.sources.folder import FolderSource
from sklearn_pare.sources.formulas import FormulaSource
from sklearn_pare.sources.openml_data import OpenMLSource
from sklearn_pare.sources.photographs import PhotographSource
from sklearn_pare.sources.ranking import Ranked, rank
from sklearn_pare.sources.ranking import open_candidates as open_candidates
from sklearn_pare.sources.registry import get, list_sources, register
from sklearn_pare.sources.text import TextSource
from sklearn_pare.sources.waveforms import WaveformSource

__all__ = [
    "ArraySource",
    "DocstringSource",
    "FolderSource",
    "FormulaSource",
    "MaskTokenSource",
    "NoiseSource",
    "OpenMLSource",
    "PhotographSource",
    "Ranked",
    "Source",
    "TextSource",
    "WaveformSource",
    "get",
    "list_sources",
    "rank",
    "register",
]
