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
from os import PathLike
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
from sklearn_pare._utils import expand
from sklearn_pare._version import __version__
from sklearn_pare.backbones.hub import offline
from sklearn_pare.exceptions import ModelFileError, PaReError, SaveError

SCHEMA = 7
# Characters of JSON; the Python objects take about 20 times as much memory.
_LONGEST = 2**25
# Places of the backbone in a network: the trained one, and a frozen copy.
_BACKBONES = "backbone.", "linear.features.backbone.module."
# Scores of held-out samples, if there are any.
_SCORES = "conformal.scores"
# Checkpoints of this machine are not part of a model.
_NEVER = {"checkpoint_dir"}
# Values of arguments that cannot be saved, None for all others.
_INSTEAD = {"loss": "auto"}
_HASH = Leaf(
    "a sha256", lambda value: type(value) is str and re.fullmatch("[0-9a-f]{64}", value)
)
_FILE = Record(
    {
        "schema": ANY,
        "class": one_of(schema.TARGETS),
        "versions": Mapping(TEXT),
        "parameters": Mapping(Argument()),
        "fitted": ANY,
        "omitted": Mapping(_HASH),
    }
)


class Saved(NamedTuple):
    """Content of a file, without the arrays."""

    kind: str  # name of the estimator
    parameters: dict  # constructor arguments
    fitted: dict  # attributes
    omitted: dict  # hashes of the weights that only the published backbone has
    versions: dict  # of the packages that wrote the file


def _versions():
    return {
        "sklearn_pare": __version__,
        "sklearn": sklearn.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def place(file, method):
    """Return a path with "~" expanded, or a file object as it is."""
    if isinstance(file, str | PathLike):
        return expand(file)
    if hasattr(file, method):
        return file
    raise TypeError(
        f"Expected a path, or a file object with the method {method!r}, but got "
        f"{type(file).__name__}. Bytes in memory become a file object with io.BytesIO."
    )


# ---- write


def write(path, kind, parameters, fitted, arrays, *, omit_pretrained):
    """Write a fitted estimator, or raise SaveError if it would not be readable.

    ``kind`` is the name of its class, ``parameters`` are its constructor arguments and
    ``fitted`` all its attributes. If ``omit_pretrained`` is True, weights that the
    published backbone has as well are left out.
    """
    path = place(path, "write")
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
        if fitted["_conformal"] is not None:
            arrays[_SCORES] = fitted["_conformal"].scores
    except (Wrong, KeyError, TypeError, ValueError) as error:
        raise SaveError(
            f"This {kind} cannot be saved in a file that sklearn_pare.load could read: "
            f"{error}. Use pickle, which can store any estimator."
        ) from error
    _safetensors.write(path, arrays, text)


def _plain(parameters):
    """Return the arguments as plain values, others for those that cannot be saved."""
    plain, field = {}, Argument()
    for name, value in parameters.items():
        if name in _NEVER:
            continue
        value = str(value) if isinstance(value, torch.device) else value
        try:
            plain[name] = field.dump(value)
            field.load(plain[name])
        except Wrong:
            plain[name] = _INSTEAD.get(name)
        if name == "source":
            names = value if isinstance(value, list) else [value]
            if not all(isinstance(one, str) for one in names):
                plain[name] = None
        if plain[name] == _INSTEAD.get(name) != value:
            warnings.warn(
                f"{name}={type(value).__name__} is not saved: the loaded estimator "
                f"predicts like this one, but has {name}={plain[name]!r}.",
                UserWarning,
                stacklevel=4,
            )
    return plain


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
    name, shape = architecture.backbone, architecture.input_shape
    if backbones.is_local(name):
        raise SaveError(
            f"The weights of backbone={name!r} are in a folder of this machine: a file "
            "without them could not be loaded elsewhere. Use omit_pretrained=False."
        )
    module = backbones.get(name, pretrained=True, input_shape=shape).module
    weights = module.state_dict().items()
    return {
        f"{prefix}{name}": value.numpy()
        for prefix in _BACKBONES
        for name, value in weights
    }


# ---- read


def read(path):
    """Return the checked content of a file, and all weights of the network.

    Raises
    ------
    ModelFileError
        If the file is not a model of this package, is damaged, or needs another version
        of the package.
    UnknownNameError
        If the name of the backbone is not registered here.
    WeightsError
        If weights were left out, and those of the backbone are not available.
    """
    path = place(path, "read")
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
        conformal = saved.fitted["_conformal"]
        if conformal is not None:
            conformal.scores = arrays.pop(_SCORES)
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
    expected, conformal = model.state_dict(), saved.fitted["_conformal"]
    if conformal is not None:
        options = {"dtype": torch.float64, "device": "meta"}
        expected[_SCORES] = torch.empty(conformal.shape, **options)
    here, omitted = arrays.keys(), saved.omitted.keys()
    others = {name for name in omitted if not name.startswith(_BACKBONES)}
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
        own = {name: published[name]} if name in published else {}
        if not own or _safetensors.digest(own) != written:
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
    """Run a backbone once, since some of its settings do not show in its weights."""
    try:
        with torch.no_grad():
            module(torch.zeros(1, math.prod(module.grid), module.dim))
    except Exception as error:
        raise ModelFileError(
            f"{path} describes a backbone that does not work: {error}."
        ) from error


def drift(versions):
    """Return a text that names packages whose major or minor versions differ."""
    here = _versions()
    return ", ".join(
        f"{name} {show(versions.get(name))} (here {here[name]})"
        for name in ("sklearn_pare", "sklearn", "torch")
        if (versions.get(name) or "").split(".")[:2] != here[name].split(".")[:2]
    )
