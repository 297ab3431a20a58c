"""Source modalities by name.

A source draws labelled rows without end: ``source.sample(n, generator)`` returns rows
(n, ...) and classes (n,), on the device of the generator; `row_shape` and `n_classes`
say what they are.
"""

from sklearn_pare.exceptions import UnknownNameError
from sklearn_pare.sources.arrays import ArraySource, NoiseSource
from sklearn_pare.sources.formula import FormulaSource

__all__ = ["ArraySource", "FormulaSource", "NoiseSource", "get", "list", "register"]

_FACTORIES = {"formula": FormulaSource, "noise": NoiseSource}


def list():
    """Names of all registered sources.

    Returns
    -------
    names : list of str

    Examples
    --------
    >>> from sklearn_pare import sources
    >>> sources.list()
    ['formula', 'noise']
    """
    return sorted(_FACTORIES)


def register(name, factory):
    """Add a source, so that ``source=name`` finds it.

    Parameters
    ----------
    name : str
    factory : callable
        ``factory()`` returns an object with `sample`, `row_shape` and `n_classes`.
    """
    _FACTORIES[name] = factory


def get(name):
    """Open a source.

    Parameters
    ----------
    name : str
        One of `list`.

    Returns
    -------
    source : object with `sample`, `row_shape` and `n_classes`

    Raises
    ------
    UnknownNameError
        If no source has this name.
    """
    if name not in _FACTORIES:
        raise UnknownNameError(
            f"source={name!r} is not known. Sources that are: "
            f"{', '.join(map(repr, list()))}, a tuple (X_source, y_source), or None. "
            "Others are added by sklearn_pare.sources.register(name, factory)."
        )
    return _FACTORIES[name]()
