"""Files of fitted estimators.

Weights are arrays, everything else is JSON. Nothing in a file is executed or imported:
all fields are checked, then the arrays are compared with those of such a network, and
only then is the network built.
"""

import json
import math
import platform
import re
import warnings
from typing import NamedTuple

import numpy as np
import sklearn
import torch

from sklearn_pare import _safetensors, backbones
from sklearn_pare._architecture import outline
from sklearn_pare._saving import schema
from sklearn_pare._saving.fields import (
    ANY,
    TEXT,
    Argument,
    Leaf,
    Mapping,
    Record,
    Wrong,
    one_of,
    show,
)
from sklearn_pare._version import __version__
from sklearn_pare.backbones.hub import offline
from sklearn_pare.exceptions import ModelFileError, PaReError, SaveError

SCHEMA = 3
# Characters of JSON; the Python objects take about 20 times as much memory.
_LONGEST = 2**25
# Paths of this machine are not part of a model.
_NEVER = {"checkpoint_dir"}
# Weights of the backbone that are left out are identified by their hashes.
_OMITTED = Mapping(
    Leaf(
        "a sha256",
        lambda value: type(value) is str and re.fullmatch("[0-9a-f]{64}", value),
    )
)
_FILE = Record(
    {
        "schema": ANY,
        "class": one_of(schema.TARGETS),
        "versions": Mapping(TEXT),
        "parameters": Mapping(Argument()),
        "fitted": ANY,
        "omitted": _OMITTED,
    }
)


class Saved(NamedTuple):
    """Content of a file.

    Attributes
    ----------
    kind : str
        Name of the estimator.
    parameters : dict
        Constructor arguments.
    fitted : dict
        Fitted attributes without the network.
    omitted : dict of str to str
        Hashes of the weights that were left out because the published backbone has
        them.
    versions : dict of str to str
        Versions of the packages that wrote the file.
    """

    kind: str
    parameters: dict
    fitted: dict
    omitted: dict
    versions: dict


def _versions():
    return {
        "sklearn_pare": __version__,
        "sklearn": sklearn.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


# ---- write


def write(path, kind, parameters, fitted, arrays, *, omit_pretrained):
    """Write a fitted estimator.

    Parameters
    ----------
    path : str or Path
    kind : str
        Name of the class.
    parameters : dict
        Constructor arguments.
    fitted : dict
        All attributes of the estimator.
    arrays : dict of str to ndarray
        Weights.
    omit_pretrained : bool
        Whether to leave out weights that the published backbone has.

    Raises
    ------
    SaveError
        If the file cannot be written, or would not be readable.
    """
    omitted = _unchanged(fitted["_architecture"], arrays) if omit_pretrained else {}
    arrays = {name: arrays[name] for name in arrays.keys() - omitted}
    parameters = _plain(parameters)
    try:
        described = {
            "schema": SCHEMA,
            "class": one_of(schema.TARGETS).load(kind),
            "versions": _versions(),
            "parameters": parameters,
            "fitted": schema.dump(fitted),
            "omitted": omitted,
        }
        # Values may change on their way through JSON.
        text = json.dumps(described, allow_nan=False)
        _understand(_parse(path, text))
        _check_finite(arrays)
    except (Wrong, KeyError, TypeError, ValueError) as error:
        raise SaveError(
            f"This {kind} cannot be saved in a file that sklearn_pare.load could read: "
            f"{error}. Use pickle, which can store any estimator."
        ) from error
    _safetensors.write(path, arrays, text)


def _plain(parameters):
    """Return the arguments as plain values; those that cannot be saved become None."""
    plain, field = {}, Argument()
    for name, value in parameters.items():
        if name in _NEVER:
            continue
        try:
            plain[name] = field.dump(value)
            field.load(plain[name])
        except Wrong:
            plain[name] = None
        if name == "source" and not _is_names(value):
            plain[name] = None
        if plain[name] is None and value is not None:
            warnings.warn(
                f"{name}={type(value).__name__} is not saved: the loaded estimator "
                f"predicts like this one, but has {name}=None.",
                UserWarning,
                stacklevel=4,
            )
    return plain


def _is_names(source):
    names = source if isinstance(source, list) else [source]
    return all(isinstance(name, str) for name in names)


def _unchanged(architecture, arrays):
    """Return the hashes of the weights that the published backbone has as well."""
    published = _published(architecture)
    hashes = {name: _safetensors.digest({name: published[name]}) for name in published}
    return {
        name: hashes[name]
        for name in arrays
        if _safetensors.digest({name: arrays[name]}) == hashes.get(name)
    }


def _published(architecture):
    """Return the weights of the published backbone, named as in a network."""
    name = architecture.backbone
    if backbones.is_local(name):
        raise SaveError(
            f"The weights of backbone={name!r} are in a folder of this machine: a file "
            "without them could not be loaded elsewhere. Use omit_pretrained=False."
        )
    module = backbones.get(
        name,
        pretrained=True,
        input_shape=architecture.input_shape,
    ).module
    return {f"backbone.{k}": value.numpy() for k, value in module.state_dict().items()}


# ---- read


def read(path):
    """Read a file that `write` wrote, and check it.

    Returns
    -------
    saved : Saved
    arrays : dict of str to ndarray
        All weights of the network, with the right shapes and dtypes.

    Raises
    ------
    FileNotFoundError
    ModelFileError
        If the file is not a model of this package, is damaged, or needs another version
        of the package.
    UnknownNameError
        If the name of the backbone is not registered here.
    WeightsError
        If weights were left out, and those of the backbone are not available.
    """
    arrays, text = _safetensors.read(path)
    described = _parse(path, text)
    try:
        saved = _understand(described)
    except (Wrong, RecursionError) as error:
        raise ModelFileError(
            f"{path} is not a model that sklearn_pare {__version__} can load: {error}. "
            f"{_advice(described)}"
        ) from error
    try:
        expected = _expected(saved, arrays)
        arrays = arrays | _left_out(path, saved)
        for name, array in arrays.items():
            _check_form(name, array, expected[name])
        _check_finite(arrays)
    except (PaReError, ImportError):
        raise
    # Absurd sizes can fail anywhere in torch, timm and transformers.
    except Exception as error:
        raise ModelFileError(
            f"{path} does not hold the weights of the model that it describes: {error}."
        ) from error
    return saved, arrays


def _parse(path, text):
    """Return the value of a JSON text."""
    try:
        if len(text) > _LONGEST:
            raise Wrong(f"it has {len(text)} characters, {_LONGEST} at most")
        return json.loads(text, parse_constant=_no_constant)
    except (Wrong, ValueError, RecursionError) as error:
        raise ModelFileError(
            f"{path} does not describe a model of sklearn_pare: {error}."
        ) from error


def _no_constant(name):
    raise Wrong(f"{name} is not a JSON number")


def _understand(described):
    """Return the content of a description, or raise `Wrong`."""
    found = described.get("schema") if type(described) is dict else None
    if found != SCHEMA:
        raise Wrong(f"it has schema {show(found)}, this version reads {SCHEMA}")
    described = _FILE.load(described)
    kind, parameters = described["class"], described["parameters"]
    unwanted = parameters.keys() & _NEVER
    if unwanted:
        raise Wrong(f"the argument {min(unwanted)} is never saved")
    fitted = schema.load(kind, described["fitted"], parameters.get("batch_size"))
    return Saved(kind, parameters, fitted, described["omitted"], described["versions"])


def _advice(described):
    """Return which version wrote a description that this one cannot read."""
    try:
        version = described["versions"]["sklearn_pare"]
    except (KeyError, TypeError):
        return "It does not state which version wrote it."
    return f"It was written by sklearn_pare {show(version)}: load it with that version."


def _expected(saved, arrays):
    """Return the tensors of the network, whose names must be those in the file."""
    model = outline(saved.fitted["_architecture"])
    n_tokens = math.prod(model.backbone.grid)
    if saved.fitted["n_tokens_"] != n_tokens:
        raise Wrong(
            f"n_tokens_={saved.fitted['n_tokens_']}, the backbone has {n_tokens}"
        )
    expected = model.state_dict()
    here, omitted = arrays.keys(), saved.omitted.keys()
    others = {name for name in omitted if not name.startswith("backbone.")}
    for names, what in [
        (expected.keys() - here - omitted, "is missing"),
        ((here | omitted) - expected.keys(), "is not part of it"),
        (here & omitted | others, "cannot be left out"),
    ]:
        if names:
            raise Wrong(f"{show(min(names))} {what}")
    return expected


def _left_out(path, saved):
    """Return the weights that were left out, from the published backbone."""
    if not saved.omitted:
        return {}
    architecture = saved.fitted["_architecture"]
    with offline("nothing is downloaded while a model is loaded"):
        published = _published(architecture)
    for name, written in saved.omitted.items():
        if (
            name not in published
            or _safetensors.digest({name: published[name]}) != written
        ):
            raise ModelFileError(
                f"{path} leaves out {name}, a weight of backbone="
                f"{architecture.backbone!r} that differs from the one here. Use the "
                "version of the backbone that the file was saved with, or save the "
                "estimator again without omit_pretrained."
            )
    return {name: published[name] for name in saved.omitted}


def _check_form(name, array, expected):
    shape, dtype = tuple(expected.shape), str(expected.dtype).removeprefix("torch.")
    if (array.shape, array.dtype.name) != (shape, dtype):
        raise Wrong(
            f"{name} is {array.dtype.name} of shape {array.shape}, not {dtype} of "
            f"shape {shape}"
        )


def _check_finite(arrays):
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise Wrong(f"{name} holds a number that is not finite")


def check_backbone(path, module):
    """Run a backbone once, since some of its settings do not show in its weights.

    Parameters
    ----------
    path : str or Path
        Path of the file, for the error message.
    module : torch.nn.Module

    Raises
    ------
    ModelFileError
    """
    try:
        with torch.no_grad():
            module(torch.zeros(1, math.prod(module.grid), module.dim))
    except Exception as error:
        raise ModelFileError(
            f"{path} describes a backbone that does not work: {error}."
        ) from error


def drift(versions):
    """Return the packages whose major or minor versions differ from those of a file.

    Parameters
    ----------
    versions : dict of str to str
        Versions of the packages that wrote the file.

    Returns
    -------
    text : str
        Empty if there is no difference.
    """
    here = _versions()
    return ", ".join(
        f"{name} {show(versions.get(name))} (here {here[name]})"
        for name in ("sklearn_pare", "sklearn", "torch")
        if _minor(versions.get(name)) != _minor(here[name])
    )


def _minor(version):
    return (version or "").split(".")[:2]
