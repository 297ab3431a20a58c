"""What belongs to the whole process, and so to nobody's fit."""

import contextlib
import hashlib
import locale
import logging
import os
import random
import signal
import sys
import tempfile
import warnings

import numpy as np
import sklearn
import threadpoolctl
import torch


def snapshot():
    """All of it, as name -> value that can be compared."""
    logger = logging.getLogger("sklearn_pare")
    root = logging.getLogger()
    return {
        "torch seed": _digest(torch.random.get_rng_state().tolist()),
        "numpy seed": _digest(_numpy_state()),
        "python seed": _digest(random.getstate()),
        "torch threads": torch.get_num_threads(),
        "torch interop threads": torch.get_num_interop_threads(),
        # Pools that were loaded since then have nothing to be compared with.
        "thread pools": {
            pool["filepath"]: pool["num_threads"]
            for pool in threadpoolctl.threadpool_info()
        },
        "warnings filters": list(warnings.filters),
        "showwarning": warnings.showwarning,
        # Not the values: what fails is printed.
        "environment": {name: _digest(value) for name, value in os.environ.items()},
        "sklearn config": sklearn.get_config(),
        "matplotlib": "matplotlib" in sys.modules,
        "dtype": torch.get_default_dtype(),
        "device": torch.empty(0).device,
        "grad": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "anomaly": torch.is_anomaly_enabled(),
        "autocast": (torch.is_autocast_enabled("cpu"), _autocast_depth()),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "deterministic warnings": torch.is_deterministic_algorithms_warn_only_enabled(),
        "cudnn": (
            torch.backends.cudnn.deterministic,
            torch.backends.cudnn.benchmark,
            torch.backends.cudnn.enabled,
        ),
        "matmul precision": torch.get_float32_matmul_precision(),
        "mkldnn": torch.backends.mkldnn.enabled,
        "cuda": torch.cuda.is_initialized(),
        "loggers": [
            (own.level, list(own.handlers), own.propagate, list(own.filters))
            for own in (logger, root)
        ],
        "logging disabled": logging.root.manager.disable,
        "numpy errors": np.geterr(),
        "numpy printing": repr(np.get_printoptions()),
        "folder": os.getcwd(),  # noqa: PTH109
        "signals": [signal.getsignal(number) for number in signal.valid_signals()],
        # torch 2.6 adds a temporary folder when its compiler is imported.
        "path": [p for p in sys.path if not p.startswith(tempfile.gettempdir())],
        "excepthook": sys.excepthook,
        "streams": (sys.stdout, sys.stderr),
        "recursion": sys.getrecursionlimit(),
        "locale": locale.setlocale(locale.LC_ALL),
    }


def _autocast_depth():
    torch.autocast_increment_nesting()
    return torch.autocast_decrement_nesting()


def _numpy_state():
    state = np.random.get_state()  # noqa: NPY002
    return [own.tolist() if hasattr(own, "tolist") else own for own in state]


def _digest(value):
    return hashlib.sha256(repr(value).encode()).hexdigest()


def differences(before, after):
    """What is not as it was: name -> both values."""
    pools = "thread pools"
    known = {path: n for path, n in after[pools].items() if path in before[pools]}
    after = after | {pools: known}
    return {
        name: _short(value, after[name])
        for name, value in before.items()
        if value != after[name]
    }


def _short(before, after):
    """Of dicts and lists what is in one of both alone."""
    if isinstance(before, dict):
        before, after = list(before.items()), list(after.items())
    if not isinstance(before, list):
        return before, after
    return (
        [one for one in before if one not in after],
        [one for one in after if one not in before],
    )


@contextlib.contextmanager
def unchanged():
    """Whatever happens inside leaves the process as it was."""
    before = snapshot()
    try:
        yield
    finally:
        found = differences(before, snapshot())
        assert not found, found
