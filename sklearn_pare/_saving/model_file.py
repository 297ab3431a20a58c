"""Files of fitted estimators: what is in them, and whether to believe it.

Weights are arrays, all else is JSON. Nothing in a file is executed or looked up: what
it says is checked field by field, then its arrays against what such a model has, and
only then is a model built.
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
# Of the text. Python makes of JSON about 20 times as much.
_LONGEST = 2**25
# Where this machine keeps something is no part of a model.
_NEVER = {"checkpoint_dir"}
# A weight of the backbone that is left out is known by its hash.
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
    """What is in a file.

    Attributes
    ----------
    kind : str
        Name of the estimator.
    parameters : dict
        Constructor arguments.
    fitted : dict
        Fitted attributes without the model.
    omitted : dict of str to str
        Hashes of the weights that are not in the file, but those of the backbone as it is
        published.
    versions : dict of str to str
        Of the packages that wrote it.
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
        Name of its class.
    parameters : dict
        Constructor arguments.
    fitted : dict
        All its attributes.
    arrays : dict of str to ndarray
        Weights.
    omit_pretrained : bool
        Whether to leave out weights that are those of the backbone as it is published.

    Raises
    ------
    SaveError
        If the file cannot be written, or could not be read again.
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
        # What comes out of JSON may differ from what went in.
        text = json.dumps(described, allow_nan=False)
        _understand(_parse(path, text))
        _check_finite(arrays)
    except (Wrong, KeyError, TypeError, ValueError) as error:
        raise SaveError(
            f"This {kind} cannot be saved in a file that sklearn_pare.load would take: "
            f"{error}. pickle takes any estimator."
        ) from error
    _safetensors.write(path, arrays, text)


def _plain(parameters):
    """Constructor arguments that a file can hold; the others fall back to None."""
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
                f"predicts as this one does and has {name}=None.",
                UserWarning,
                stacklevel=4,
            )
    return plain


def _is_names(source):
    names = source if isinstance(source, list) else [source]
    return all(isinstance(name, str) for name in names)


def _unchanged(architecture, arrays):
    """Hashes of the weights that are still those of the published backbone."""
    published = _published(architecture)
    hashes = {name: _safetensors.digest({name: published[name]}) for name in published}
    return {
        name: hashes[name]
        for name in arrays
        if _safetensors.digest({name: arrays[name]}) == hashes.get(name)
    }


def _published(architecture):
    """Weights of the backbone as everyone can have them, named as in a model."""
    name = architecture.backbone
    if backbones.is_local(name):
        raise SaveError(
            f"Weights of backbone={name!r} are in a folder of this machine: a file "
            "without them would be of no use elsewhere. Use omit_pretrained=False."
        )
    module = backbones.get(
        name,
        pretrained=True,
        input_shape=architecture.input_shape,
    ).module
    return {f"backbone.{k}": value.numpy() for k, value in module.state_dict().items()}


# ---- read


def read(path):
    """Read what `write` wrote, and check it.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    saved : Saved
    arrays : dict of str to ndarray
        All weights of the model, of the right shapes and dtypes.

    Raises
    ------
    FileNotFoundError
    ModelFileError
        If the file is no model of this package, is damaged, or is of another version.
    UnknownNameError
        If the backbone is of a name that is not registered here.
    WeightsError
        If weights were left out, and those of the backbone are not at hand.
    """
    arrays, text = _safetensors.read(path)
    described = _parse(path, text)
    try:
        saved = _understand(described)
    except (Wrong, RecursionError) as error:
        raise ModelFileError(
            f"{path} is no model that sklearn_pare {__version__} can load: {error}. "
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
    # Sizes that make no sense fail anywhere in torch, timm and transformers.
    except Exception as error:
        raise ModelFileError(
            f"{path} does not hold the weights of the model that it describes: {error}."
        ) from error
    return saved, arrays


def _parse(path, text):
    """A text of JSON, which need not be a description yet."""
    try:
        if len(text) > _LONGEST:
            raise Wrong(f"it has {len(text)} characters, {_LONGEST} at most")
        return json.loads(text, parse_constant=_no_constant)
    except (Wrong, ValueError, RecursionError) as error:
        raise ModelFileError(
            f"{path} does not describe a model of sklearn_pare: {error}."
        ) from error


def _no_constant(name):
    raise Wrong(f"{name} is no number of JSON")


def _understand(described):
    """What a description says, or `Wrong`."""
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
    """Which version wrote what this one does not understand."""
    try:
        version = described["versions"]["sklearn_pare"]
    except (KeyError, TypeError):
        return "It does not say what wrote it."
    return f"It was written by sklearn_pare {show(version)}: load it with that version."


def _expected(saved, arrays):
    """The tensors of the model, by name; their names must be those of the file."""
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
        ((here | omitted) - expected.keys(), "is no part of it"),
        (here & omitted | others, "cannot be left out"),
    ]:
        if names:
            raise Wrong(f"{show(min(names))} {what}")
    return expected


def _left_out(path, saved):
    """Weights that are not in a file, from the backbone as it is published."""
    if not saved.omitted:
        return {}
    architecture = saved.fitted["_architecture"]
    with offline("nothing is fetched while a model is loaded"):
        published = _published(architecture)
    for name, written in saved.omitted.items():
        if (
            name not in published
            or _safetensors.digest({name: published[name]}) != written
        ):
            raise ModelFileError(
                f"{path} leaves out {name}, a weight of backbone="
                f"{architecture.backbone!r} that is another one here than where it was "
                "saved. Get the backbone of then, or save without omit_pretrained."
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
    """Send a row through a backbone: some settings of it show in no weight.

    Parameters
    ----------
    path : str or Path
        For the text of errors.
    backbone : torch.nn.Module

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
    """Packages whose versions differ enough to tell.

    Parameters
    ----------
    versions : dict of str to str
        Of the packages that wrote a file.

    Returns
    -------
    text : str
        Empty if major and minor versions are the same.
    """
    here = _versions()
    return ", ".join(
        f"{name} {show(versions.get(name))} (here {here[name]})"
        for name in ("sklearn_pare", "sklearn", "torch")
        if _minor(versions.get(name)) != _minor(here[name])
    )


def _minor(version):
    return (version or "").split(".")[:2]
