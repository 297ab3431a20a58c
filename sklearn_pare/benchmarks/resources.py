"""Versions behind a result, and the time and memory that it took."""

import contextlib
import sys
import time
from importlib import metadata
from pathlib import Path

import torch
from threadpoolctl import threadpool_limits

from sklearn_pare._device import peak_memory, reset_peak_memory
from sklearn_pare._version import __version__

_PACKAGES = ("torch", "timm", "skorch", "scikit-learn", "numpy")


def versions():
    """Return the versions of this package and of those that affect its results.

    Examples
    --------
    >>> from sklearn_pare.benchmarks.resources import versions
    >>> list(versions())
    ['sklearn_pare', 'torch', 'timm', 'skorch', 'scikit-learn', 'numpy']
    """
    own = {"sklearn_pare": __version__}
    return own | {name: metadata.version(name) for name in _PACKAGES}


def forget_peak(device):
    """Reset the peak of memory of this process, where Linux runs, and of a device."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    reset_peak_memory(device)


def peak(device):
    """Return the peak of memory of this process and of a device, in 10^6 bytes.

    "memory_mb" is None on Windows, "device_memory_mb" is None for a CPU.
    """
    return {
        "memory_mb": _megabytes(_resident()),
        "device_memory_mb": _megabytes(peak_memory(device)),
    }


def _megabytes(n_bytes):
    return None if n_bytes is None else round(n_bytes / 1e6)


def _resident():
    """Return the peak of the resident set in bytes, or None on Windows."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def on_one_thread(work):
    """Call a function on one thread of torch and of linear algebra.

    CPU times are comparable only with a fixed number of threads, and results may differ
    in their last bits between numbers of threads.

    Returns
    -------
    result : object
    cpu : float
        Seconds of CPU time.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            start = time.process_time()
            result = work()
            return result, round(time.process_time() - start, 2)
    finally:
        torch.set_num_threads(threads)
