"""Registry of source modalities."""

from copy import copy

from sklearn_pare.exceptions import UnknownNameError
from sklearn_pare.sources.controls import MaskTokenSource, NoiseSource, OwnSource
from sklearn_pare.sources.docstrings import DocstringSource
from sklearn_pare.sources.folder import FolderSource
from sklearn_pare.sources.formulas import FormulaSource
from sklearn_pare.sources.openml_data import OpenMLSource
from sklearn_pare.sources.photographs import PhotographSource
from sklearn_pare.sources.text import TextSource
from sklearn_pare.sources.waveforms import WaveformSource

FACTORIES = {
    "docstrings": DocstringSource,
    "formula": FormulaSource,
    "mask-token": MaskTokenSource,
    "noise": NoiseSource,
    "photographs": PhotographSource,
    "self": OwnSource,
    "waveforms": WaveformSource,
}
# End of the names of sources that are followed by the samples of the data.
_LATER = "+self"
_PREFIXES = {
    "folder": FolderSource,
    "formula": FormulaSource.of_family,
    "openml": OpenMLSource,
    "text": TextSource.from_conll,
}


def list_sources():
    """Return the names of all sources.

    Returns
    -------
    names : list of str
        Parts in capital letters stand for a path, a number or a name.

    Examples
    --------
    >>> from sklearn_pare import sources
    >>> sources.list_sources()
    ['NAME+self', 'docstrings', 'folder:PATH', 'formula', 'formula:FAMILY',
     'formula:all', 'mask-token', 'noise', 'openml:ID', 'photographs', 'self',
     'text:FILE', 'waveforms']
    """
    forms = ["folder:PATH", "formula:FAMILY", "formula:all", "openml:ID", "text:FILE"]
    forms.append(f"NAME{_LATER}")
    return sorted([*FACTORIES, *forms])


def register(name, factory):
    """Register a source, so that estimators accept ``source=name``.

    Parameters
    ----------
    name : str
    factory : callable
        ``factory()`` returns a `Source`. It is called in every fit.

    Examples
    --------
    Random bits, whose class is their parity:

    >>> import torch
    >>> from sklearn_pare import sources
    >>> class Parity(sources.Source):
    ...     n_classes, row_shape = 2, (16,)
    ...
    ...     def sample(self, n, generator):
    ...         x = torch.randint(2, (n, 16), generator=generator,
    ...                           device=generator.device)
    ...         return x.float(), x.sum(1) % 2
    >>> sources.register("parity", Parity)  # doctest: +SKIP
    """
    FACTORIES[name] = factory


def get(name):
    """Return the source with a name; its files are read on first use.

    Parameters
    ----------
    name : str
        One of `list_sources`, with the parts in capital letters filled in.

    Returns
    -------
    source : Source

    Raises
    ------
    UnknownNameError
        If no source has this name (ValueError).

    Examples
    --------
    >>> from sklearn_pare import sources
    >>> sources.get("formula").row_shape
    (3, 32, 32)
    """
    if name.endswith(_LATER):
        # A factory may return the same object each time.
        source = copy(get(name.removesuffix(_LATER)))
        if source.has_samples or source.trains:
            source.own_samples = "later"
        return source
    if name in FACTORIES:
        return FACTORIES[name]()
    prefix, _, rest = name.partition(":")
    if prefix in _PREFIXES and rest:
        return _PREFIXES[prefix](rest)
    raise UnknownNameError(
        f"source={name!r} is not known. Use a tuple (X_source, y_source), None, or one "
        f"of {', '.join(map(repr, list_sources()))}. Others can be added with "
        "sklearn_pare.sources.register(name, factory)."
    )
