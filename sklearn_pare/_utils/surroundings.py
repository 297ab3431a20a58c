"""Settings of the process that no fit and no prediction may depend on."""

import threading
from contextlib import contextmanager

import numpy as np
import torch
from sklearn import config_context, get_config
from torch.overrides import _len_torch_function_stack, _pop_mode, _push_mode

# Settings that change results or errors. Others concern speed, memory and display, and
# remain those of the user.
_SKLEARN = {
    "array_api_dispatch": False,
    "assume_finite": False,
    "enable_metadata_routing": False,
    "sparse_interface": "spmatrix",
    "transform_output": "default",
}
_NUMPY = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
_AUTOCAST = ("cpu", "cuda", "xpu", "mps")


@contextmanager
def pinned():
    """Compute with the default settings of scikit-learn, numpy and torch.

    The settings of the user are restored at the end, also after an error. These are
    scikit-learn's configuration, numpy's handling of floating-point errors, and
    torch's grad and inference mode, autocast, default dtype and default device.
    """
    known = get_config()
    with (
        config_context(**{name: _SKLEARN[name] for name in _SKLEARN if name in known}),
        np.errstate(**_NUMPY),
        torch.inference_mode(False),
        torch.enable_grad(),
        _FLOAT32,
        _without_autocast(),
        _without_modes(),
    ):
        yield


class _Float32:
    """Default dtype float32.

    All threads share torch's default dtype: the first one sets it, and the last one
    restores it.
    """

    def __init__(self):
        self._lock, self._n_threads = threading.Lock(), 0

    def __enter__(self):
        with self._lock:
            if self._n_threads == 0:
                self._before = torch.get_default_dtype()
                torch.set_default_dtype(torch.float32)
            self._n_threads += 1

    def __exit__(self, *error):
        with self._lock:
            self._n_threads -= 1
            if self._n_threads == 0:
                torch.set_default_dtype(self._before)


_FLOAT32 = _Float32()


@contextmanager
def _without_autocast():
    """Leave all contexts of autocast.

    Turning autocast off is not enough: torch keeps the cast weights until the outermost
    context ends, and a fit inside of it would not see how its weights change.
    """
    enabled = [kind for kind in _AUTOCAST if torch.is_autocast_enabled(kind)]
    depth = 0
    while torch.autocast_decrement_nesting() >= 0:
        depth += 1
    torch.autocast_increment_nesting()
    for kind in enabled:
        torch.set_autocast_enabled(kind, False)
    try:
        yield
    finally:
        for kind in enabled:
            torch.set_autocast_enabled(kind, True)
        for _ in range(depth):
            torch.autocast_increment_nesting()


@contextmanager
def _without_modes():
    """Leave all modes of torch functions, such as a default device.

    A context for the CPU inside of them is not enough: modules do not use their fast
    paths within a mode, which changes the last bits.
    """
    modes = [_pop_mode() for _ in range(_len_torch_function_stack())]
    try:
        yield
    finally:
        for mode in reversed(modes):
            _push_mode(mode)
