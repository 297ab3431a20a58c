"""Quantiles of held-out scores, by hand and by simulation."""

import numpy as np
import pytest

from sklearn_pare._data.conformal import Conformal
from sklearn_pare.exceptions import DataError


@pytest.mark.parametrize("coverage", [0.05, 0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("shape", [(), (3,), (2, 4)], ids=str)
def test_radius__without_groups__order_statistic(coverage, shape, rng):
    scores = rng.normal(size=(39, *shape))
    found = Conformal(scores, None).radius(coverage)
    # The smallest score that reaches the coverage of 40 samples.
    place = int(np.ceil(round(coverage * 40, 9))) - 1
    np.testing.assert_array_equal(found, np.sort(scores, axis=0)[place])


@pytest.mark.parametrize("coverage", [0.5, 0.75, 0.9])
def test_radius__groups__each_weighs_as_a_new_one(coverage, rng):
    groups = np.repeat(np.arange(10), rng.integers(1, 6, 10))
    scores = rng.normal(size=len(groups))
    found = Conformal(scores, groups).radius(coverage)
    sizes = np.bincount(groups)

    def share(bound):
        return ((scores <= bound) / sizes[groups]).sum() / 11

    assert share(found) >= coverage - 1e-9
    assert share(np.nextafter(found, -np.inf)) < coverage


def test_radius__groups_of_equal_samples__as_one_sample_each(rng):
    one = rng.normal(size=(19, 2))
    groups = np.repeat(np.arange(19), 4)
    several = Conformal(one[groups], groups)
    for coverage in (0.3, 0.6, 0.9):
        np.testing.assert_array_equal(
            several.radius(coverage), Conformal(one, None).radius(coverage)
        )


def test_radius__missing_scores__as_without_them(rng):
    scores = rng.normal(size=(60, 3))
    missing = rng.random((60, 3)) < 0.4
    found = Conformal(np.where(missing, np.nan, scores), None).radius(0.8)
    for k in range(3):
        alone = Conformal(scores[~missing[:, k], k], None).radius(0.8)
        assert found[k] == alone


@pytest.mark.parametrize(
    ("coverage", "least"), [(0.5, 1), (0.8, 4), (0.9, 9), (0.95, 19), (0.99, 99)]
)
def test_radius__too_few_samples__error_names_the_least(coverage, least, rng):
    Conformal(rng.normal(size=least), None).radius(coverage)
    few = Conformal(rng.normal(size=(least - 1, 2)), None)
    if least > 1:
        with pytest.raises(DataError, match=f"needs at least {least} samples.*got"):
            few.radius(coverage)
    # All samples of a few groups are too few as well.
    if least > 2:
        scores, groups = rng.normal(size=600), np.arange(600) % (least - 1)
        with pytest.raises(DataError, match=f"got {least - 1}"):
            Conformal(scores, groups).radius(coverage)


def test_radius__too_few_samples_at_one_place__infinite_there(rng):
    scores = rng.normal(size=(30, 3))
    scores[5:, 1] = scores[:, 2] = np.nan
    found = Conformal(scores, None).radius(0.9)
    assert np.isfinite(found).tolist() == [True, False, False]


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
def test_coverage__many_draws__nominal_or_above(coverage, rng):
    n, n_draws = 45, 4000
    scores = rng.gamma(1, size=(n_draws, n + 1))
    # Each column is a draw of its own.
    bound = Conformal(scores[:, :n].T.copy(), None).radius(coverage)
    inside = scores[:, n] <= bound
    error = np.sqrt(coverage * (1 - coverage) / n_draws)
    assert inside.mean() > coverage - 3 * error
    assert inside.mean() < coverage + 1 / (n + 1) + 3 * error


def test_coverage__new_group__nominal_or_above(rng):
    n_groups, n_draws, coverage = 25, 400, 0.8
    inside = []
    for _ in range(n_draws):
        sizes = rng.integers(1, 9, n_groups + 1)
        groups = np.repeat(np.arange(n_groups + 1), sizes)
        # Samples of a group are nearly the same, and large groups are worse.
        scores = (rng.gamma(1, size=n_groups + 1) * sizes)[groups]
        known = groups < n_groups
        bound = Conformal(scores[known], groups[known]).radius(coverage)
        inside.append((scores[~known] <= bound).mean())
    error = np.std(inside) / np.sqrt(n_draws)
    assert np.mean(inside) > coverage - 3 * error
