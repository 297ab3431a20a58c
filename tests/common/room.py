"""Memory that this process takes, as Linux counts it."""

import os
from contextlib import contextmanager
from pathlib import Path

import pytest

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")

needs_linux = pytest.mark.skipif(
    not os.access(_RESET, os.W_OK), reason="needs Linux's account of peak memory"
)


def _megabytes(name):
    lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
    return int(lines[name].split()[0]) / 1024


class Peak:
    """Most megabytes in memory at a moment, above those at the beginning."""

    megabytes = None


@contextmanager
def peak():
    """What the block needs at its peak; known when it has ended."""
    found = Peak()
    # 5: begin to count the peak anew.
    _RESET.write_text("5")
    before = _megabytes("VmRSS")
    yield found
    found.megabytes = _megabytes("VmHWM") - before
