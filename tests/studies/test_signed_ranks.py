import numpy as np
import pytest
from scipy.stats import wilcoxon

from studies import signed_ranks


def test_relative_difference__units__cancel(rng):
    own, other = rng.uniform(0.1, 1, (2, 7))
    found = signed_ranks.relative_difference(own, other)
    np.testing.assert_allclose(
        signed_ranks.relative_difference(50 * own, 50 * other), found
    )
    assert signed_ranks.relative_difference(np.zeros(1), np.zeros(1)) == 0


def test_signed_rank_p__holm__by_hand(rng):
    own = rng.uniform(0.1, 0.3, 12)
    others = own[:, None] * np.array([1.0, 1.5, 1.1]) + 0.01 * rng.normal(size=(12, 3))
    others[:, 0] = own
    found = signed_ranks.signed_rank_p(own, others)
    raw = [wilcoxon((own - other) / (own + other)).pvalue for other in others.T[1:]]
    assert found[0] == 1
    # The smaller of the two is multiplied by 3, the other by 2 and at least as large.
    smaller, larger = np.argsort(raw, kind="stable")
    assert found[1 + smaller] == pytest.approx(3 * raw[smaller])
    expected = min(max(2 * raw[larger], 3 * raw[smaller]), 1)
    assert found[1 + larger] == pytest.approx(expected)
