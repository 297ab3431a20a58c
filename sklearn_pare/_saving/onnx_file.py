"""Networks as ONNX files."""

import warnings

import numpy as np
import torch

from sklearn_pare import _safetensors
from sklearn_pare._saving.model_file import place
from sklearn_pare._utils import without_traces
from sklearn_pare.exceptions import SaveError

# Largest difference between the predictions of onnxruntime and of torch.
_TOLERANCE = 1e-4
# Largest file that the format allows, in bytes.
_MOST = 2**31
_SAMPLES, _EXAMPLE = 5, 2
_ADVICE = (
    "Use the torch module, estimator.module_, or fit with another backbone, such as "
    "backbone='pare-tiny'."
)


def random_samples(input_shape, cardinalities=()):
    """Return encoded samples; in a table, the values of the first one are missing.

    For each column of a table, `cardinalities` holds the number of categories, or 0.
    """
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(_SAMPLES, *input_shape, generator=generator)
    for column, size in enumerate(cardinalities):
        if size:
            x[:, column] = torch.randint(size, (_SAMPLES,), generator=generator)
    if len(input_shape) == 1:
        x[0] = torch.nan
    return x


def write(path, module, x, unit, backbone):
    """Write a `FittedModule` to an ONNX file, and check it with encoded samples x.

    `unit` is the unit of its predictions, and `backbone` a name for errors.
    """
    path = place(path, "write")
    size = sum(value.nbytes for value in module.state_dict().values())
    if size >= _MOST:
        raise SaveError(
            f"backbone={backbone!r} has weights of {size / 2**30:.1f} GB. An ONNX file "
            "holds less than 2 GB: fit with a smaller backbone."
        )
    try:
        content = _export(module, x[:_EXAMPLE])
    # The exporter's own errors are of this class.
    except RuntimeError as error:
        part = _failing_part(module.network, x[:_EXAMPLE])
        raise SaveError(
            f"The part {part!r} of the network with backbone={backbone!r} cannot be "
            f"written as ONNX: {str(error).strip().splitlines()[0]} {_ADVICE}"
        ) from error
    _check(content, module, x, unit, backbone)
    _safetensors.write_bytes(path, content)


def _export(module, x):
    """Return an ONNX file for a module, from example inputs, as bytes."""
    try:
        with without_traces():
            import onnxscript  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "to_onnx needs the packages onnx and onnxscript: pip install "
            "'sklearn-pare[onnx]'."
        ) from error
    with warnings.catch_warnings():
        # The exporter and its packages warn of their own code.
        warnings.simplefilter("ignore")
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
        part = getattr(network, name)
        try:
            if part is not None:
                _export(part, inputs)
        except RuntimeError:
            return name
    return "head"


def _check(content, module, x, unit, backbone):
    """Raise SaveError if onnxruntime, where it is installed, predicts otherwise."""
    try:
        import onnxruntime
    except ImportError:
        return
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    with torch.no_grad():
        expected = module(x).numpy()
    # The number of samples is not that of the example.
    found = np.concatenate(
        [session.run(None, {"samples": rows.numpy()})[0] for rows in (x[:1], x[1:])]
    )
    error = np.max(np.abs(found - expected)) / unit
    if not error <= _TOLERANCE:
        raise SaveError(
            f"With backbone={backbone!r}, the predictions of onnxruntime differ from "
            f"those of torch by {error:.2g}, more than {_TOLERANCE:g}. {_ADVICE}"
        )
