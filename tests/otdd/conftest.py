import pytest

from sklearn_pare.otdd import _solvers


@pytest.fixture
def entropic(monkeypatch):
    """Use the solver of large data for small data."""
    monkeypatch.setattr(_solvers, "EXACT_LIMIT", 0)
