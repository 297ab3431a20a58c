"""What a result was made with, and the memory that it took."""

import contextlib
import sys
from importlib import metadata
from pathlib import Path

import sklearn_pare
from sklearn_pare._device import peak_memory, reset_peak_memory

_PACKAGES = ("torch", "timm", "skorch", "scikit-learn", "numpy")
_MEGA = 1e6


def versions():
    """Versions of this package and of those that its results hang on, by name.

    Examples
    --------
    >>> from sklearn_pare.benchmarks.resources import versions
    >>> list(versions())
    ['sklearn_pare', 'torch', 'timm', 'skorch', 'scikit-learn', 'numpy']
    """
    own = {"sklearn_pare": sklearn_pare.__version__}
    return own | {name: metadata.version(name) for name in _PACKAGES}


def forget_peak(device):
    """Let the next `peak` say what is needed from now on.

    Linux alone can forget the peak of a process; elsewhere it is that since the start.

    Parameters
    ----------
    device : torch.device
    """
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    reset_peak_memory(device)


def peak(device):
    """Most memory that this process had at a time, and most on its device.

    Parameters
    ----------
    device : torch.device

    Returns
    -------
    figures : dict
        "memory_mb", None on Windows, and "device_memory_mb", None on a CPU; in 10^6
        bytes.
    """
    found = {"memory_mb": _resident(), "device_memory_mb": peak_memory(device)}
    return {
        name: None if size is None else round(size / _MEGA)
        for name, size in found.items()
    }


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
