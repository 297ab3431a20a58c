"""Devices: selection, precision, memory.

This is the only module that queries torch for devices.
"""

import contextlib
import multiprocessing
import os
import sys

import torch

from sklearn_pare.exceptions import DeviceError, OutOfMemoryError

_PREFERENCE = ("cuda", "xpu", "mps")
# Settings under which cuBLAS is deterministic.
_WORKSPACES = (":4096:8", ":16:8")


def _count(kind):
    """Return the number of usable devices of a kind."""
    backend = getattr(torch, kind, None)
    # After a fork CUDA reports that it is not available, but still counts devices.
    if backend is None or not (_is_forked(kind) or backend.is_available()):
        return 0
    return backend.device_count()


def _is_forked(kind):
    """Return whether CUDA was initialised before this process was forked."""
    return kind == "cuda" and torch.cuda._is_in_bad_fork()


def _process_number():
    """Return the number of this process among those of a computation, or None.

    These are the processes of torchrun on one machine, or workers of Dask, joblib and
    multiprocessing.
    """
    if "LOCAL_RANK" in os.environ and os.environ.get("WORLD_SIZE", "1") != "1":
        return int(os.environ["LOCAL_RANK"])
    if "dask_cuda" in sys.modules:
        # It makes another device the first one of each worker.
        return None
    with contextlib.suppress(KeyError, ValueError):
        # If Dask restarts a worker, its name remains: "3" or "gpu-3", or an address.
        name = sys.modules["distributed"].get_worker().name
        return int(str(name).rpartition("-")[2])
    # Joblib has no other number for its workers.
    counts = multiprocessing.current_process()._identity
    return counts[-1] - 1 if counts else None


def resolve_device(device):
    """Return the device to compute on.

    Parameters
    ----------
    device : str, int or torch.device
        "auto" is the first available of cuda, xpu and mps, else the CPU; anything else
        is passed to `torch.device`. In processes of torchrun, and in workers of Dask,
        joblib and multiprocessing, a device without a number is chosen round robin.

    Raises
    ------
    DeviceError
        If the device is not available, or CUDA was in use before this process was
        forked.
    """
    device = asked = str(device) if isinstance(device, torch.device) else device
    if device == "auto":
        device = next((kind for kind in _PREFERENCE if _count(kind)), "cpu")
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise DeviceError(
            f"device={device!r} is not a device of torch. Use 'auto', 'cpu', 'cuda', "
            "'cuda:1', 'xpu' or 'mps'."
        ) from error
    if resolved.type not in ("cpu", *_PREFERENCE):
        raise DeviceError(
            f"device={device!r}: {resolved.type} is not supported. Use 'auto', 'cpu', "
            "'cuda', 'xpu' or 'mps'."
        )
    if _is_forked(resolved.type) and _count("cuda"):
        raise DeviceError(
            f"device={asked!r} is cuda, which cannot be used after a fork: this "
            "process was forked from one that had used it. Start workers with loky, "
            "the default of joblib, or with multiprocessing.get_context('spawn'), or "
            "use device='cpu'."
        )
    if resolved.type != "cpu" and resolved.index is None:
        number = _process_number()
        if number is not None:
            # A process may see no device but its own.
            index = number % max(_count(resolved.type), 1)
            resolved = torch.device(resolved.type, index)
    if resolved.type != "cpu" and (resolved.index or 0) >= _count(resolved.type):
        raise DeviceError(
            f"device={device!r} is not available: torch {torch.__version__} finds "
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
    """Return whether to run the backbone under bfloat16 autocast.

    Parameters
    ----------
    precision : {"auto", "fp32", "bf16"}
        "auto" is bfloat16 if the device has instructions for it.
    device : torch.device
    """
    if precision == "auto":
        return _fast_in_bfloat16(device)
    return precision == "bf16"


def check_deterministic(device):
    """Raise DeviceError if torch is set to deterministic algorithms but CUDA is not.

    Notes
    -----
    On a CPU the same seed always gives the same model. On CUDA that takes
    `torch.use_deterministic_algorithms` and an environment variable of cuBLAS.
    """
    workspace = os.environ.get("CUBLAS_WORKSPACE_CONFIG")
    strict = torch.are_deterministic_algorithms_enabled()
    strict &= not torch.is_deterministic_algorithms_warn_only_enabled()
    if strict and device.type == "cuda" and workspace not in _WORKSPACES:
        raise DeviceError(
            f"torch.use_deterministic_algorithms(True) on {str(device)!r} requires the "
            "environment variable CUBLAS_WORKSPACE_CONFIG to be "
            f"{' or '.join(_WORKSPACES)}; it is {workspace!r}. Set it before Python "
            f"starts, for example with export CUBLAS_WORKSPACE_CONFIG={_WORKSPACES[0]}."
        )


def reset_peak_memory(device):
    """Start a new measurement of `peak_memory`."""
    if device.type != "cpu":
        # CUDA has no allocator before it is first used.
        torch.empty(0, device=device)
        torch.get_device_module(device).reset_peak_memory_stats(device)


def peak_memory(device):
    """Return the largest number of bytes allocated at a time, or None on a CPU."""
    if device.type == "cpu":
        return None
    return torch.get_device_module(device).max_memory_allocated(device)


# Messages of allocators that do not raise torch.OutOfMemoryError.
_MESSAGES = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    # CUDA libraries that allocate memory themselves.
    "alloc_failed",
)


def is_out_of_memory(error):
    """Return whether an error means that a device or the host is out of memory."""
    if isinstance(error, OutOfMemoryError):
        # Raised by this package after all retries.
        return False
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(c in text for c in _MESSAGES)


def free_cache(device):
    """Release the memory that torch holds in reserve on a device."""
    if device.type != "cpu":
        torch.get_device_module(device).empty_cache()


def memory(device):
    """Return free and total bytes of a device, or None if they are not known."""
    if device.type == "cpu":
        try:
            pages = os.sysconf("SC_AVPHYS_PAGES"), os.sysconf("SC_PHYS_PAGES")
        except (AttributeError, ValueError, OSError):
            return None
        return tuple(os.sysconf("SC_PAGE_SIZE") * n for n in pages)
    try:
        return torch.get_device_module(device).mem_get_info(device)
    # Some devices cannot tell; builds of torch without CUDA raise AssertionError.
    except (AssertionError, AttributeError, RuntimeError, ValueError):
        return None


def out_of_memory(device, what, remedies):
    """Return the error for a device with too little memory for the smallest batch.

    Parameters
    ----------
    device : torch.device
    what : str
        What did not fit, with its size.
    remedies : sequence of str
        Advice, at least two pieces.
    """
    known = memory(device)
    state = ""
    if known is not None:
        free, total = (size / 2**30 for size in known)
        state = f" ({free:.2f} of {total:.2f} GiB are free)"
    return OutOfMemoryError(
        f"There is not enough memory for {what} on {str(device)!r}{state}. Try "
        f"{', '.join(remedies[:-1])}, or {remedies[-1]}."
    )
