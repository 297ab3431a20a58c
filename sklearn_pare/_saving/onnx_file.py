"""Networks as ONNX files."""

import warnings

import numpy as np
import torch

from sklearn_pare import _safetensors
from sklearn_pare._saving.model_file import place
from sklearn_pare._utils import without_traces
from sklearn_pare.exceptions import SaveError

# Most that the predictions of onnxruntime and torch differ, relative to the largest.
_TOLERANCE = 1e-4
_ADVICE = (
    "Use torch 2.9 or newer, or the torch module, estimator.module_, or fit with "
    "another backbone, such as backbone='pare-tiny'."
)


def random_samples(input_shape, cardinalities):
    """Return encoded samples; in a table, the values of the first one are missing."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(5, *input_shape, generator=generator)
    if cardinalities:
        x[:, torch.tensor(cardinalities) > 0] = 0.0
        x[0] = torch.nan
    return x


def write(path, module, x, backbone):
    """Write a `FittedModule` to an ONNX file, and check it with encoded samples x."""
    path = place(path, "write")
    try:
        content = _export(module, x[:2])
    # The exporter's own errors are of this class.
    except RuntimeError as error:
        part = _failing_part(module.network, x[:2])
        raise SaveError(
            f"The part {part!r} of the network with backbone={backbone!r} cannot be "
            f"written as ONNX: {str(error).partition(chr(27))[0].strip()} {_ADVICE}"
        ) from error
    _check(content, module, x, backbone)
    _safetensors.write_bytes(path, content)


def _export(module, x):
    """Return an ONNX file for a module, from example inputs, as bytes."""
    with warnings.catch_warnings(), without_traces():
        # The exporter and its packages warn of their own code.
        warnings.simplefilter("ignore")
        try:
            import onnxscript  # noqa: F401
        except ImportError as error:
            raise ImportError(
                "to_onnx needs the packages onnx and onnxscript: pip install "
                "'sklearn-pare[onnx]'."
            ) from error
        program = torch.onnx.export(
            module,
            (x,),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim.DYNAMIC},),
            input_names=["samples"],
            output_names=["predictions"],
            external_data=False,
            verbose=False,
        )
        return program.model_proto.SerializeToString()


def _failing_part(network, x):
    """Return the name of the first part of a network that cannot be exported."""
    parts = {"linear": x, "embed": x, "backbone": network.embed(x).detach()}
    for name, inputs in parts.items():
        try:
            if getattr(network, name) is not None:
                _export(getattr(network, name), inputs)
        except RuntimeError:
            return name
    return "head"


def _check(content, module, x, backbone):
    """Raise SaveError if onnxruntime, where it is installed, predicts otherwise."""
    try:
        import onnxruntime
    except ImportError:
        return
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    with torch.no_grad():
        expected = module(x).numpy()
    # The number of samples is not that of the example.
    runs = [session.run(None, {"samples": rows.numpy()}) for rows in (x[:1], x[1:])]
    found = np.concatenate([predictions for (predictions,) in runs])
    error = np.abs(found - expected).max() / (np.abs(expected).max() or 1.0)
    if not error <= _TOLERANCE:
        raise SaveError(
            f"With backbone={backbone!r}, the predictions of onnxruntime differ from "
            f"those of torch by {error:.2g} of the largest. {_ADVICE}"
        )
