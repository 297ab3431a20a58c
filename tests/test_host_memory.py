"""Memory that a fit needs besides the array that it gets."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tools.host_memory import CASES

# Peak memory in units of the size of the array, which is included. The encoded samples
# are half the size of an array of float64, and the size of one of float32.
MOST = {np.float64: 2.2, np.float32: 2.7}


@pytest.fixture(scope="module")
def measured():
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("needs Linux's account of memory")
    code = [sys.executable, "-m", "tools.host_memory"]
    done = subprocess.run(code, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", CASES)
def test_fit__large_array__a_little_over_twice_its_size(name, measured):
    peak, size = measured[name]
    assert size > 100 * 2**20
    # The array itself is counted, so the measure works.
    assert 1.0 < peak / size < MOST[CASES[name][1]]
