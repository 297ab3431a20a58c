"""R2 of fields."""

import numpy as np
import pytest

from sklearn_pare._utils.scores import dense_r2


def test_dense_r2__positions_that_do_not_vary__add_nothing_to_the_spread(rng):
    y = rng.normal(size=(20, 6))
    y[:, 0] = 3.0
    assert dense_r2(y, y) == 1
    assert dense_r2(y, np.broadcast_to(y.mean(0), y.shape)) == pytest.approx(0)
    worse = y.copy()
    worse[:, 0] += 1
    spread = ((y - y.mean(0)) ** 2).sum()
    assert dense_r2(y, worse) == pytest.approx(1 - 20 / spread)
    assert dense_r2(0 * y, 0 * y) == 1
    assert dense_r2(0 * y, y) == 0
