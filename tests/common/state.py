"""What a process has that belongs to all of it, and not to a library."""

import gc
import locale
import logging
import multiprocessing
import os
import random
import signal
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import sklearn
import torch
from threadpoolctl import threadpool_info

_FILES = Path("/proc/self/fd")


def _logger(name):
    logger = logging.getLogger(name)
    return logger.level, list(logger.handlers), logger.disabled, logger.propagate


def _handlers():
    return {number: signal.getsignal(number) for number in signal.valid_signals()}


def _open_files():
    return len(list(_FILES.iterdir())) if _FILES.is_dir() else None


def snapshot():
    """Name -> its state, in values that compare."""
    backends = torch.backends
    return {
        "random of Python": random.getstate(),
        "random of numpy": repr(np.random.get_state()),  # noqa: NPY002
        "random of torch": torch.get_rng_state().numpy().tobytes(),
        "threads of torch": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "threads of libraries": {
            library["filepath"]: library["num_threads"] for library in threadpool_info()
        },
        "threads of Python": threading.active_count(),
        "warnings": list(warnings.filters),
        "environment": dict(os.environ),
        "configuration of scikit-learn": sklearn.get_config(),
        "matplotlib": "matplotlib" in sys.modules,
        "dtype and device of torch": (
            torch.get_default_dtype(),
            torch.get_default_device(),
            torch.get_float32_matmul_precision(),
        ),
        "gradients": (
            torch.is_grad_enabled(),
            torch.is_inference_mode_enabled(),
            torch.is_anomaly_enabled(),
        ),
        "determinism": (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
            torch.utils.deterministic.fill_uninitialized_memory,
            backends.cudnn.deterministic,
            backends.cudnn.benchmark,
            backends.cuda.matmul.allow_tf32,
        ),
        "autocast": [
            (torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind))
            for kind in ("cpu", "cuda")
        ],
        "CUDA": torch.cuda.is_initialized(),
        "loggers": [_logger(name) for name in (None, "sklearn_pare", "torch", "timm")],
        "numpy": (np.geterr(), np.get_printoptions()),
        "locale": locale.setlocale(locale.LC_ALL),
        "folder": str(Path.cwd()),
        "signals": _handlers(),
        "garbage": (gc.isenabled(), gc.get_threshold(), gc.get_debug()),
        "Python": (list(sys.path), sys.getrecursionlimit(), sys.excepthook, sys.stdout),
        "way to start processes": multiprocessing.get_start_method(allow_none=True),
        "open files": _open_files(),
    }


def differences(before):
    """Names of what is other than in a snapshot."""
    after = snapshot()
    # What has been loaded since has no threads to compare with.
    pools = "threads of libraries"
    after[pools] = {path: after[pools].get(path) for path in before[pools]}
    return [name for name in before if before[name] != after[name]]
