"""Backbones by name.

``backbones.list_backbones()`` lists the names, ``backbones.get(name)`` builds a
backbone, ``backbones.fetch(name)`` downloads its files in advance, and
``backbones.register(name, factory)`` adds a backbone.
"""

import math
import re

import torch

from sklearn_pare.backbones import hf_models, timm_models
from sklearn_pare.backbones.backbone import Backbone, BackboneCard, check_fixed
from sklearn_pare.backbones.bundled import load_tiny
from sklearn_pare.backbones.bundled_signal import load_signal
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

# Multiplications by weights per sample that two cores of a processor can afford: a
# default fit of 300 samples then takes about five minutes. Fewer tokens than _FEWEST
# are never the default.
_AFFORDABLE, _FEWEST = 6.8e8, 16

#: Default source of "pare-tiny" and of registered backbones. Every backbone reads it.
GENERAL_SOURCE = "formula+self"
_SIGNAL_SOURCE = "waveforms+self"

_AUTO = "auto"
_FACTORIES = {"pare-signal": load_signal, "pare-tiny": load_tiny}
_FAMILIES = {timm_models.PREFIX: timm_models, hf_models.PREFIX: hf_models}


def list_backbones():
    """Return the names of all backbones.

    Returns
    -------
    names : list of str
        Parts in capital letters stand for the name of a model, a file or a folder.

    Examples
    --------
    >>> from sklearn_pare import backbones
    >>> [name for name in backbones.list_backbones() if ":" in name]
    ['hf:NAME-or-folder', 'timm:NAME', 'timm:NAME@FILE']
    """
    forms = ["timm:NAME", "timm:NAME@FILE", "hf:NAME-or-folder"]
    return sorted([*_FACTORIES, *forms])


def register(name, factory):
    """Register a backbone, so that estimators accept ``backbone=name``.

    Parameters
    ----------
    name : str
    factory : callable
        ``factory(pretrained, generator)`` returns a `Backbone`. All random weights must
        be drawn from the `torch.Generator`.
    """
    if name == _AUTO:
        raise UnknownNameError(f"name={name!r} stands for a bundled backbone.")
    _FACTORIES[name] = factory


def _family(name):
    """Return the module for names with this prefix, or None."""
    prefix, colon, _ = name.partition(":")
    return _FAMILIES.get(prefix + colon)


def _known_family(name):
    family = _family(name)
    if family is None:
        raise UnknownNameError(
            f"backbone={name!r} is not known. Use one of "
            f"{', '.join(map(repr, list_backbones()))}. Others can be added with "
            "sklearn_pare.backbones.register(name, factory)."
        )
    return family


def split(name):
    """Split "NAME?max_tokens=N" into the name and N, which is None by default."""
    # Paths may contain question marks.
    in_file = name.startswith(timm_models.PREFIX) and timm_models.is_local(name)
    bare, mark, option = name.rpartition("?") if in_file else name.partition("?")
    path_alone = in_file and not option.startswith("max_tokens=")
    if not mark or path_alone or name in _FACTORIES:
        return name, None
    found = re.fullmatch("max_tokens=([1-9][0-9]{0,8})", option)
    if not found:
        raise UnknownNameError(
            f"backbone={name!r}: only max_tokens=N, with an integer N from 1 to "
            f"999999999, may follow the question mark: {bare + '?max_tokens=64'!r}."
        )
    return bare, int(found[1])


def choose(name, input_shape, output_shape):
    """Return the name of the backbone that "auto" stands for, or any other name.

    Parameters
    ----------
    name : str
    input_shape : tuple of int
        Shape of one sample: (F,), (C, L) or (C, H, W).
    output_shape : tuple of int
        Shape of the outputs for one sample: (K,), (C, L) or (C, H, W).
    """
    if name != _AUTO:
        return name
    # Dense targets need the stages of an image backbone.
    signals = len(input_shape) == 2 and len(output_shape) == 1
    return "pare-signal" if signals else "pare-tiny"


def check(name):
    """Check that there is a backbone with a name, without loading anything.

    Parameters
    ----------
    name : str

    Raises
    ------
    UnknownNameError
        If no backbone has this name (ValueError).
    ModelFileError
        If a file that the name contains does not exist (ValueError).
    ImportError
        If the backbone needs an extra that is not installed.
    """
    name, _ = split(name)
    if name not in _FACTORIES:
        _known_family(name).check(name)


def get(
    name, *, pretrained=True, generator=None, input_shape=(3, 224, 224), config=None
):
    """Build a backbone.

    Parameters
    ----------
    name : str
        One of `list_backbones`. "?max_tokens=N" at its end limits the number of tokens,
        and so time and memory; the default limit is that of the pretraining.
    pretrained : bool, default=True
        If False, the weights are new Xavier weights.
    generator : torch.Generator, optional
        Source of random weights; by default one with seed 0.
    input_shape : tuple of int, default=(3, 224, 224)
        Shape of one sample: (F,), (C, L) or (C, H, W). Backbones of timm and
        transformers choose their token grid for it.
    config : dict, optional
        `Backbone.config` of the same backbone, which is then built without files.

    Returns
    -------
    backbone : Backbone

    Raises
    ------
    UnknownNameError
        If no backbone has this name (ValueError).
    DataError
        If the backbone cannot have as few tokens as required (ValueError).
    WeightsError
        If weights are not in the cache and cannot be downloaded (RuntimeError).
    ModelFileError
        If a weights file is damaged or belongs to another model (ValueError).

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
    name, max_tokens = split(name)
    if generator is None:
        generator = torch.Generator().manual_seed(0)
    if name not in _FACTORIES:
        return _known_family(name).load(
            name,
            pretrained=pretrained,
            generator=generator,
            input_shape=input_shape,
            max_tokens=max_tokens,
            config=config,
        )
    # Factories read files and look at values, which not every device supports.
    with torch.device("cpu"):
        backbone = _FACTORIES[name](pretrained, generator)
    # get_default_device() of torch 2.6 ignores "with torch.device(...)".
    backbone.parts.to(torch.empty(0).device)
    check_fixed(name, backbone, max_tokens)
    return backbone


def affordable(name, input_shape, device):
    """Return the name of a backbone with as many tokens as a device can afford.

    Parameters
    ----------
    name : str
        A name that limits the number of tokens is returned as it is.
    input_shape : tuple of int
        Shape of one sample.
    device : torch.device
        Devices other than a CPU can afford all tokens.

    Returns
    -------
    name : str
        With a limit if the default number of tokens costs too much.
    """
    bare, max_tokens = split(name)
    if bare in _FACTORIES or max_tokens is not None or device.type != "cpu":
        return name
    with torch.device("meta"):
        module = get(name, pretrained=False, input_shape=input_shape).module
    limit = max(int(_AFFORDABLE / module.n_products()), _FEWEST, module.n_fewest)
    return name if math.prod(module.grid) <= limit else f"{name}?max_tokens={limit}"


def has_config(name):
    """Return True if a backbone is built from its name and a configuration."""
    name, _ = split(name)
    return name not in _FACTORIES and _family(name) is hf_models


def default_source(name):
    """Return the name of the source that fits a backbone best."""
    name, _ = split(name)
    if name == "pare-signal":
        return _SIGNAL_SOURCE
    family = None if name in _FACTORIES else _family(name)
    return GENERAL_SOURCE if family is None else family.DEFAULT_SOURCE


def is_local(name):
    """Return True if a backbone is in files that other machines may not have."""
    name, _ = split(name)
    family = None if name in _FACTORIES else _family(name)
    return family is not None and family.is_local(name)


def fetch(name, *, cache_dir=None):
    """Download the files of a backbone into the cache, for use without a network.

    Parameters
    ----------
    name : str
        "timm:NAME" or "hf:NAME". A backbone without files, or with files on this
        machine, is accepted as well.
    cache_dir : str or Path, optional
        By default the environment variable HF_HUB_CACHE, or the cache of
        `huggingface_hub`. Files in another folder are only found while HF_HUB_CACHE
        is set to it.

    Returns
    -------
    path : Path or None
        The weights file; None for a backbone without files.

    Raises
    ------
    UnknownNameError
        If no backbone has this name (ValueError).
    WeightsError
        If a file cannot be downloaded (RuntimeError).
    ModelFileError
        If the content of a file does not match its hash, or if a file that the name
        contains does not exist (ValueError).

    Examples
    --------
    >>> from sklearn_pare import backbones
    >>> backbones.fetch("pare-tiny") is None
    True
    """
    check(name)
    name, _ = split(name)
    return None if name in _FACTORIES else _family(name).fetch(name, cache_dir)
