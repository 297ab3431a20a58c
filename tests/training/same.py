"""Comparison of two fits."""

import numpy as np

from sklearn_pare._architecture import export_arrays


def assert_same_fit(one, other):
    """Assert that two fits are equal to the bit, except for their wall times."""
    arrays, others = (export_arrays(e._model) for e in (one, other))
    assert arrays.keys() == others.keys()
    for name in arrays:
        np.testing.assert_array_equal(arrays[name], others[name], err_msg=name)
    history, other_history = (
        [row | {"duration": None} for row in e.history_] for e in (one, other)
    )
    assert history == other_history, (history, other_history)
    for name in ("n_iter_", "network_share_", "alignment_history_", "source_"):
        assert getattr(one, name) == getattr(other, name)
