import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.stats import rankdata, wilcoxon

from sklearn_pare.benchmarks import ranks


def test_mean_ranks__one_method_always_best__rank_1(rng):
    errors = rng.uniform(0.2, 1, (9, 4))
    errors[:, 2] = 0.1
    found = ranks.mean_ranks(errors)
    assert found[2] == 1
    assert found.sum() == pytest.approx(1 + 2 + 3 + 4)


def test_critical_difference__table_of_demsar():
    # Table 5 of the paper: q at 0.05 for 2, 5 and 10 methods.
    for n_methods, q in ((2, 1.960), (5, 2.728), (10, 3.164)):
        expected = q * np.sqrt(n_methods * (n_methods + 1) / (6 * 14))
        found = ranks.critical_difference(14, n_methods)
        assert found == pytest.approx(expected, abs=2e-3)


def test_relative_difference__units__cancel(rng):
    own, other = rng.uniform(0.1, 1, (2, 7))
    found = ranks.relative_difference(own, other)
    np.testing.assert_allclose(ranks.relative_difference(50 * own, 50 * other), found)
    assert ranks.relative_difference(np.zeros(1), np.zeros(1)) == 0


def test_signed_rank_p__holm__by_hand(rng):
    own = rng.uniform(0.1, 0.3, 12)
    others = own[:, None] * np.array([1.0, 1.5, 1.1]) + 0.01 * rng.normal(size=(12, 3))
    others[:, 0] = own
    found = ranks.signed_rank_p(own, others)
    raw = [wilcoxon((own - other) / (own + other)).pvalue for other in others.T[1:]]
    assert found[0] == 1
    # The smaller of the two is multiplied by 3, the other by 2 and at least as large.
    smaller, larger = np.argsort(raw, kind="stable")
    assert found[1 + smaller] == pytest.approx(3 * raw[smaller])
    expected = min(max(2 * raw[larger], 3 * raw[smaller]), 1)
    assert found[1 + larger] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("positions", "expected"),
    [
        ([1, 2, 3], [(0, 1), (1, 2)]),
        ([1, 1.5, 2, 4], [(0, 2)]),
        ([1, 3, 5], []),
        ([1, 1.5, 2, 2.4, 2.6], [(0, 2), (1, 3), (2, 4)]),
    ],
)
def test_groups__longest_runs_within_one(positions, expected):
    assert ranks.groups(np.array(positions), 1.0) == expected


def test_plot__every_method_with_its_rank(rng):
    errors = rng.uniform(size=(6, 5))
    names = [f"m{i}" for i in range(5)]
    fig, ax = plt.subplots()
    ranks.plot_critical_difference(names, errors, ax)
    texts = " ".join(text.get_text() for text in ax.texts)
    for name, rank in zip(names, rankdata(errors, axis=1).mean(0), strict=True):
        assert f"{name} ({rank:.2f})" in texts
    assert f"{ranks.critical_difference(6, 5):.2f}" in texts
    plt.close(fig)
