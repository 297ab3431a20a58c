import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.stats import rankdata

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
