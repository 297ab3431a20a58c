"""Source modalities by name.

A `Source` draws labelled rows without end: ``source.sample(n, generator)`` returns rows
(n, ...) and classes (n,), on the device of the generator; `row_shape` and `n_classes`
say what they are.
"""

from sklearn_pare.exceptions import UnknownNameError
from sklearn_pare.sources.arrays import ArraySource
from sklearn_pare.sources.base import Source
from sklearn_pare.sources.controls import MaskTokenSource, NoiseSource
from sklearn_pare.sources.folder import FolderSource
from sklearn_pare.sources.formula import FormulaSource
from sklearn_pare.sources.openml import OpenMLSource
from sklearn_pare.sources.text import TextSource

__all__ = [
    "ArraySource",
    "FolderSource",
    "FormulaSource",
    "MaskTokenSource",
    "NoiseSource",
    "OpenMLSource",
    "Source",
    "TextSource",
    "get",
    "list",
    "register",
]

_FACTORIES = {
    "formula": FormulaSource,
    "mask-token": MaskTokenSource,
    "noise": NoiseSource,
}
_PREFIXES = {
    "folder": FolderSource,
    "openml": OpenMLSource,
    "text": TextSource.from_conll,
}


def list():
    """Names of all registered sources, and the forms of names with something to add.

    Returns
    -------
    names : list of str

    Examples
    --------
    >>> from sklearn_pare import sources
    >>> sources.list()
    ['folder:PATH', 'formula', 'mask-token', 'noise', 'openml:ID', 'text:FILE']
    """
    return sorted([*_FACTORIES, "folder:PATH", "openml:ID", "text:FILE"])


def register(name, factory):
    """Add a source, so that ``source=name`` finds it.

    Parameters
    ----------
    name : str
    factory : callable
        ``factory()`` returns a `Source`. It is called in every fit.

    Examples
    --------
    Rows of random bits, whose class is their parity:

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
    _FACTORIES[name] = factory


def get(name):
    """Open a source; files are read when it is first used.

    Parameters
    ----------
    name : str
        One of `list`, with a number or path in place of the capital letters.

    Returns
    -------
    source : Source

    Raises
    ------
    UnknownNameError
        If no source has this name; a ValueError.

    Examples
    --------
    >>> from sklearn_pare import sources
    >>> sources.get("formula").row_shape
    (3, 32, 32)
    """
    if name in _FACTORIES:
        return _FACTORIES[name]()
    prefix, _, rest = name.partition(":")
    if prefix in _PREFIXES and rest:
        return _PREFIXES[prefix](rest)
    raise UnknownNameError(
        f"source={name!r} is not known. Sources that are: "
        f"{', '.join(map(repr, list()))}, a tuple (X_source, y_source), or None. "
        "Others are added by sklearn_pare.sources.register(name, factory)."
    )
