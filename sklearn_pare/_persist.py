"""Save fitted estimators to one safetensors file, and load them.

Weights are tensors; all else is JSON in the metadata. Nothing in a file is executed:
loading builds from a list of known classes only.
"""

import json
import platform
import warnings
from pathlib import Path

import numpy as np
import sklearn
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from sklearn_pare._assembly import Architecture
from sklearn_pare._tables import TableEncoder
from sklearn_pare._targets import ClassTarget, LabelTarget, MaskTarget, ValueTarget
from sklearn_pare._validation import ChannelScaler
from sklearn_pare._version import __version__
from sklearn_pare.exceptions import ModelFileError, PaReError

SCHEMA = 1
_BUILT = {
    kind.__name__: kind
    for kind in (
        ClassTarget,
        LabelTarget,
        MaskTarget,
        ValueTarget,
        ChannelScaler,
        TableEncoder,
    )
}


def _to_json(value):
    """What the json module does not know: arrays, numpy numbers, our own objects."""
    if isinstance(value, np.ndarray):
        return {"array": value.tolist(), "dtype": value.dtype.str}
    if isinstance(value, np.generic):
        return value.item()
    if type(value).__name__ in _BUILT:
        return {"object": type(value).__name__, "fields": vars(value)}
    raise TypeError(f"{value!r} cannot be saved")


def _from_json(value):
    if value.keys() == {"array", "dtype"}:
        return np.array(value["array"], dtype=value["dtype"])
    if value.keys() == {"pairs"}:
        return dict(value["pairs"])
    if value.keys() == {"object", "fields"}:
        kind = _BUILT[value["object"]]
        built = kind.__new__(kind)
        vars(built).update(value["fields"])
        return built
    return value


def _json_parameters(parameters):
    """Constructor arguments that JSON can hold; the others fall back with a warning."""
    kept = {}
    for name, value in parameters.items():
        if isinstance(value, dict):
            # JSON would turn the keys, classes, into text.
            value = {"pairs": list(value.items())}
        try:
            json.dumps(value, default=_to_json)
        except TypeError:
            value = None
        names = value if isinstance(value, list) else [value]
        if name == "source" and not all(isinstance(own, str) for own in names):
            value = None
        if value is None and parameters[name] is not None:
            warnings.warn(
                f"{name}={type(parameters[name]).__name__} is not saved: the loaded "
                f"estimator predicts as this one does and has {name}=None.",
                UserWarning,
                stacklevel=4,
            )
        kept[name] = value
    return kept


def write(path, class_name, parameters, arrays, state):
    """Write a fitted estimator.

    Parameters
    ----------
    path : str or Path
    class_name : str
    parameters : dict
        Constructor arguments.
    arrays : dict of str to ndarray
        Weights.
    state : dict
        Other fitted attributes.
    """
    described = {
        "schema": SCHEMA,
        "class": class_name,
        "parameters": _json_parameters(parameters),
        "state": state,
        "versions": {
            "sklearn_pare": __version__,
            "sklearn": sklearn.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }
    metadata = {"sklearn_pare": json.dumps(described, default=_to_json)}
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    try:
        save_file(arrays, partial, metadata=metadata)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read(path, build):
    """Read what `write` wrote and build an estimator from it.

    Parameters
    ----------
    path : str or Path
    build : callable
        ``build(class_name, parameters, arrays, state)`` returns the estimator.

    Returns
    -------
    estimator : object

    Raises
    ------
    ModelFileError
        If the file is no model of this package, or of a newer one.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        described = json.loads(metadata["sklearn_pare"], object_hook=_from_json)
        schema = described["schema"]
        if schema != SCHEMA:
            raise ModelFileError(
                f"{path} has schema {schema}; this version, {__version__}, reads "
                f"schema {SCHEMA}. It was written by sklearn_pare "
                f"{described['versions']['sklearn_pare']}: use that version."
            )
        state = described["state"]
        state["_architecture"] = Architecture(*state["_architecture"])
        state["input_shape_"] = tuple(state["input_shape_"])
        return build(described["class"], described["parameters"], arrays, state)
    except PaReError:
        raise
    except (
        SafetensorError,
        AttributeError,
        KeyError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        raise ModelFileError(
            f"{path} is not a model saved by sklearn_pare, or is damaged: {error!r}."
        ) from error
