"""scikit-learn's callbacks, in tests."""

from importlib.util import find_spec

import pytest

needs_callbacks = pytest.mark.skipif(
    find_spec("sklearn.callback") is None,
    reason="scikit-learn has callbacks from version 1.9",
)
