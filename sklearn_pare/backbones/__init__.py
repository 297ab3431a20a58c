"""Backbones by name.

``backbones.list_backbones()`` names them, ``backbones.get(name)`` builds one with its card,
``backbones.fetch(name)`` puts weights of other projects into the cache beforehand, and
``backbones.register(name, factory)`` adds a backbone.
"""

import torch

from sklearn_pare.backbones import hf_models, timm_models
from sklearn_pare.backbones.backbone import Backbone, BackboneCard, check_fixed
from sklearn_pare.backbones.bundled import load_tiny
from sklearn_pare.exceptions import UnknownNameError

__all__ = [
    "Backbone",
    "BackboneCard",
    "check",
    "fetch",
    "get",
    "list_backbones",
    "register",
]

_FACTORIES = {"pare-tiny": load_tiny}
_FAMILIES = {timm_models.PREFIX: timm_models, hf_models.PREFIX: hf_models}


def list_backbones():
    """Names of all registered backbones, and the forms of names of other projects' backbones.

    Returns
    -------
    names : list of str

    Examples
    --------
    >>> from sklearn_pare import backbones
    >>> {"pare-tiny", "timm:NAME", "hf:NAME-or-folder"} <= set(backbones.list_backbones())
    True
    """
    return sorted([*_FACTORIES, "timm:NAME", "hf:NAME-or-folder"])


def register(name, factory):
    """Add a backbone, so that ``backbone=name`` finds it.

    Parameters
    ----------
    name : str
    factory : callable
        ``factory(pretrained, generator)`` returns a `Backbone`; random weights are
        drawn from the `torch.Generator` alone.
    """
    _FACTORIES[name] = factory


def _family(name):
    """Return the module for names of this form, or None."""
    prefix, colon, _ = name.partition(":")
    return _FAMILIES.get(prefix + colon)


def _split(name):
    """Return the name without "?max_tokens=N", and N or None."""
    bare, mark, option = name.partition("?")
    if not mark or name in _FACTORIES:
        return name, None
    key, _, value = option.partition("=")
    if key != "max_tokens" or not value.isdecimal() or int(value) == 0:
        raise UnknownNameError(
            f"backbone={name!r}: what follows the question mark must be max_tokens=N "
            f"with a positive whole number N, such as {bare + '?max_tokens=64'!r}."
        )
    return bare, int(value)


def check(name):
    """Complain about a name that no backbone has; nothing is built or fetched.

    Parameters
    ----------
    name : str

    Raises
    ------
    UnknownNameError
        If no backbone has this name; a ValueError.
    ImportError
        If the backbone needs an extra that is not installed.
    """
    name, _ = _split(name)
    if name in _FACTORIES:
        return
    family = _family(name)
    if family is None:
        raise UnknownNameError(
            f"backbone={name!r} is not known. Backbones that are: "
            f"{', '.join(map(repr, list_backbones()))}. Others are added by "
            "sklearn_pare.backbones.register(name, factory)."
        )
    family.check(name)


def get(
    name,
    *,
    pretrained=True,
    generator=None,
    input_shape=(3, 224, 224),
    config=None,
):
    """Build a backbone.

    Parameters
    ----------
    name : str
        One of `list_backbones`, "timm:NAME" or "hf:NAME-or-folder". The latter two may
        end in "?max_tokens=N", a bound on the number of tokens, and so on time and
        memory; by default it is what the backbone was pretrained with.
    pretrained : bool, default=True
        False: fresh Xavier weights.
    generator : torch.Generator, optional
        Source of random weights; by default one with seed 0.
    input_shape : tuple of int, default=(3, 224, 224)
        Shape of one row: (F,), (C, L) or (C, H, W). Backbones of timm and transformers
        choose their grid of tokens by it.
    config : dict, optional
        `Backbone.config` of the same backbone, which then needs no file to be built again.

    Returns
    -------
    backbone : Backbone

    Raises
    ------
    UnknownNameError
        If no backbone has this name; a ValueError.
    WeightsError
        If weights are neither in the cache nor to be fetched; a RuntimeError.
    ModelFileError
        If a file of weights is damaged; a ValueError.

    Examples
    --------
    >>> from sklearn_pare import backbones
    >>> backbones.get("pare-tiny").card.licence
    'BSD-3-Clause'
    >>> small = backbones.get(
    ...     "timm:test_vit?max_tokens=64", pretrained=False, input_shape=(1, 16, 52)
    ... )
    >>> small.module.grid
    (4, 16)
    """
    name, max_tokens = _split(name)
    # A backbone that comes with its configuration may have lost its folder since.
    if config is None or _family(name) is not hf_models:
        check(name)
    if generator is None:
        generator = torch.Generator().manual_seed(0)
    if name not in _FACTORIES:
        return _family(name).load(
            name,
            pretrained=pretrained,
            generator=generator,
            input_shape=input_shape,
            max_tokens=max_tokens,
            config=config,
        )
    # Factories read files and look at values, which not every device has.
    with torch.device("cpu"):
        backbone = _FACTORIES[name](pretrained, generator)
    backbone.parts.to(torch.get_default_device())
    check_fixed(name, backbone, max_tokens)
    return backbone


def has_config(name):
    """Return whether a backbone is built from a configuration, not its name alone."""
    name, _ = _split(name)
    return name not in _FACTORIES and _family(name) is hf_models


def is_local(name):
    """Whether a backbone lies in a folder, which this machine alone may have."""
    return has_config(name) and hf_models.is_local(_split(name)[0])


def fetch(name, *, cache_dir=None):
    """Put the files of a backbone into the cache, for use without a network.

    Parameters
    ----------
    name : str
        "timm:NAME" or "hf:NAME".
    cache_dir : str or Path, optional
        By default the folder that the environment variable HF_HUB_CACHE names, else
        that of `huggingface_hub`. What lies in another folder is found when that
        variable names it.

    Returns
    -------
    path : Path or None
        The file of the weights; None for a backbone that needs none.

    Raises
    ------
    UnknownNameError
        If no backbone has this name; a ValueError.
    WeightsError
        If a file cannot be fetched; a RuntimeError.
    ModelFileError
        If a file has other bytes than it should; a ValueError.

    Examples
    --------
    >>> from sklearn_pare import backbones
    >>> backbones.fetch("pare-tiny") is None
    True
    """
    check(name)
    name, _ = _split(name)
    if name in _FACTORIES:
        return None
    return _family(name).fetch(name, cache_dir)
