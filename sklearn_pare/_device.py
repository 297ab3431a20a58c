"""Where to compute, and in which precision.

The only module that asks torch which devices there are.
"""

import torch

_PREFERENCE = ("cuda", "xpu", "mps")


def _count(kind):
    """Devices of this kind that can be used here."""
    backend = getattr(torch, kind, None)
    if backend is None or not backend.is_available():
        return 0
    return backend.device_count()


def resolve_device(device):
    """Device to compute on.

    Parameters
    ----------
    device : str
        "auto" takes the first of cuda, xpu, mps that is there, else the CPU; any
        other name is given to `torch.device`.

    Returns
    -------
    device : torch.device
    """
    if device == "auto":
        device = next((kind for kind in _PREFERENCE if _count(kind)), "cpu")
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        raise ValueError(
            f"device={device!r} is not a device of torch. Use 'auto', 'cpu', 'cuda', "
            "'cuda:1', 'xpu' or 'mps'."
        ) from error
    if resolved.type not in ("cpu", *_PREFERENCE):
        raise ValueError(
            f"device={device!r}: {resolved.type} is not supported. Use 'auto', 'cpu', "
            "'cuda', 'xpu' or 'mps'."
        )
    if resolved.type != "cpu" and (resolved.index or 0) >= _count(resolved.type):
        raise ValueError(
            f"device={device!r} was asked for, but torch {torch.__version__} finds "
            f"{_count(resolved.type)} {resolved.type} devices here. Use device='auto' "
            "or device='cpu'."
        )
    return resolved


def _fast_in_bfloat16(device):
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        return torch.cpu._is_avx512_bf16_supported()
    return device.type == "xpu"


def resolve_precision(precision, device):
    """Whether to run the body under bfloat16 autocast.

    Parameters
    ----------
    precision : {"auto", "fp32", "bf16"}
        "auto" is bfloat16 where the device has instructions for it.
    device : torch.device

    Returns
    -------
    bfloat16 : bool
    """
    if precision == "auto":
        return _fast_in_bfloat16(device)
    return precision == "bf16"


def reset_peak_memory(device):
    """Let the next `peak_memory` say what is needed from now on."""
    if device.type != "cpu":
        torch.accelerator.reset_peak_memory_stats(device)


def peak_memory(device):
    """Most bytes of tensors that were on a device at a time; None on a CPU."""
    if device.type == "cpu":
        return None
    return torch.accelerator.max_memory_allocated(device)


def is_out_of_memory(error):
    return isinstance(error, torch.OutOfMemoryError)


def free_cache(device):
    if device.type != "cpu":
        torch.accelerator.empty_cache()
