"""Bodies by name.

``backbones.list()`` names them, ``backbones.get(name)`` builds one with its card, and
``backbones.register(name, factory)`` adds one.
"""

import torch

from sklearn_pare.backbones.bundled import Backbone, load_tiny
from sklearn_pare.backbones.card import BackboneCard
from sklearn_pare.exceptions import UnknownNameError

__all__ = ["Backbone", "BackboneCard", "find", "get", "list", "register"]

_FACTORIES = {"pare-tiny": load_tiny}


def list():
    """Names of all registered bodies.

    Returns
    -------
    names : list of str

    Examples
    --------
    >>> from sklearn_pare import backbones
    >>> "pare-tiny" in backbones.list()
    True
    """
    return sorted(_FACTORIES)


def register(name, factory):
    """Add a body, so that ``backbone=name`` finds it.

    Parameters
    ----------
    name : str
    factory : callable
        ``factory(pretrained, generator)`` returns a `Backbone`; random weights are
        drawn from the `torch.Generator` alone.
    """
    _FACTORIES[name] = factory


def find(name):
    """The factory of a body.

    Parameters
    ----------
    name : str

    Returns
    -------
    factory : callable

    Raises
    ------
    UnknownNameError
        If no body has this name.
    """
    if name not in _FACTORIES:
        raise UnknownNameError(
            f"backbone={name!r} is not known. Bodies that are: "
            f"{', '.join(map(repr, list()))}. Others are added by "
            "sklearn_pare.backbones.register(name, factory)."
        )
    return _FACTORIES[name]


def get(name, *, pretrained=True, generator=None):
    """Build a body.

    Parameters
    ----------
    name : str
        One of `list`.
    pretrained : bool, default=True
        False: fresh Xavier weights.
    generator : torch.Generator, optional
        Source of random weights; by default one with seed 0.

    Returns
    -------
    backbone : Backbone

    Raises
    ------
    UnknownNameError
        If no body has this name.

    Examples
    --------
    >>> from sklearn_pare import backbones
    >>> backbones.get("pare-tiny").card.licence
    'BSD-3-Clause'
    """
    if generator is None:
        generator = torch.Generator().manual_seed(0)
    return find(name)(pretrained, generator)
