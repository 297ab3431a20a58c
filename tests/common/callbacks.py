"""scikit-learn's callbacks, in tests."""

from importlib.util import find_spec

import pytest

needs_callbacks = pytest.mark.skipif(
    find_spec("sklearn.callback") is None,
    reason="scikit-learn has callbacks from version 1.9",
)


class Callback:
    """A callback that does nothing; subclasses override a method."""

    def setup(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass
