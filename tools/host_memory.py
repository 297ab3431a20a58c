"""Measure the host memory that fits of large arrays take.

``python -m tools.host_memory`` prints JSON. For each case it gives two numbers of
bytes: the peak of resident memory above that of the process before the array was made,
and the size of the array.
"""

import ctypes
import gc
import itertools
import json
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import torch

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.training.batches import Batches
from tests.common.instances import tiny

_IMAGES = (5_000, 3, 32, 32)
# Shape, dtype, whether every seventh sample has weight 0, and arguments.
CASES = {
    "table": ((1_000_000, 16), np.float64, False, {}),
    "table, early stopping": ((90_000, 200), np.float64, False,
                              {"early_stopping": True}),
    "table, samples of weight 0": ((600_000, 32), np.float64, True, {}),
    "table, float32": ((900_000, 40), np.float32, False, {}),
    "signals": ((45_000, 3, 128), np.float64, False, {}),
    "images": (_IMAGES, np.float64, False, {}),
    "images, all at once": (_IMAGES, np.float64, True, {"early_stopping": True}),
    "images, float32": ((10_000, 3, 32, 32), np.float32, False, {}),
    "flattened images": ((5_000, 3 * 32 * 32), np.float64, False,
                         {"input_shape": (3, 32, 32), "early_stopping": True}),
}  # fmt: skip
_STATUS = Path("/proc/self/status")
_M_MMAP_THRESHOLD = -3


class TwoBatches(Batches):
    """The first two batches of an epoch: more steps need no more memory."""

    def __iter__(self):
        return itertools.islice(super().__iter__(), 2)


def _resident(name):
    """Return resident memory in bytes: VmRSS is the current value, VmHWM the peak."""
    (line,) = (one for one in _STATUS.read_text().splitlines() if one.startswith(name))
    return int(line.split()[1]) * 1024


def measure(shape, dtype, weighted, settings, kind=PaReClassifier):
    """Return the bytes that a fit adds at its peak, and the bytes of the array."""
    gc.collect()
    # Memory that the last fit left in the heap would be reused and not counted.
    ctypes.CDLL(None).malloc_trim(0)
    before = _resident("VmRSS")
    X = np.random.default_rng(0).standard_normal(shape, dtype=dtype)
    numbers = X.reshape(len(X), -1)[:, 0]
    y = numbers > 0 if kind is PaReClassifier else numbers.copy()
    weight = (np.arange(len(X)) % 7 > 0).astype(float) if weighted else None
    Path("/proc/self/clear_refs").write_text("5")
    with mock.patch("sklearn_pare.training.train.Batches", TwoBatches):
        tiny(kind, max_epochs=1, **settings).fit(X, y, weight)
    return _resident("VmHWM") - before, X.nbytes


def main():
    """Measure all cases."""
    torch.set_num_threads(1)
    # Blocks of 128 kB or more go back to the system when they are freed. By default,
    # glibc raises this limit up to 32 MB, and then fragments of the heap count or do
    # not count, depending on the addresses that a process gets.
    ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, 128 * 1024)
    # Modules imported at first use must not count.
    for kind in (PaReClassifier, PaReRegressor):
        measure((100, 5), np.float64, False, {"early_stopping": True}, kind)
    measured = {name: measure(*case) for name, case in CASES.items()}
    sys.stdout.write(json.dumps(measured))


if __name__ == "__main__":
    main()
