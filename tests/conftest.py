import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings
from sklearn.datasets import load_digits

import tests.common.tiny  # noqa: F401  registers the tiny backbone

# The examples are the same on every machine, so that failures can be repeated.
settings.register_profile(
    "tests",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("tests")


def pytest_configure():
    """Keep to the CPU on a Mac, examples in docstrings included.

    MPS has no float64, and the Macs of GitHub list an MPS device without memory.
    """
    torch.mps.is_available = lambda: False


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    """Use one thread: tiny networks are much faster so on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def _numbers_of_its_own(request):
    """Reset a generator of the module: a test draws the same numbers in any order."""
    rng = getattr(request.module, "RNG", None)
    if rng is not None:
        rng.bit_generator.state = np.random.default_rng(1).bit_generator.state


@pytest.fixture
def rng():
    """A numpy generator with a fixed seed, new for each test."""
    return np.random.default_rng(1)


@pytest.fixture
def generator():
    """A torch generator with a fixed seed, new for each test."""
    return torch.Generator().manual_seed(0)


@pytest.fixture
def deterministic():
    """`torch.use_deterministic_algorithms`, whose setting is restored afterwards."""
    before = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    yield torch.use_deterministic_algorithms
    torch.use_deterministic_algorithms(before, warn_only=warn_only)


@pytest.fixture(scope="session")
def digits():
    """120 digits as flat samples of 64 pixels."""
    X, y = load_digits(return_X_y=True)
    return X[:120], y[:120]


@pytest.fixture
def table():
    """A table of two classes, with one informative column of five."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5))
    return X, np.where(X[:, 0] > 0, "up", "down")
