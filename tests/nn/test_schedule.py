import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_pare.nn.schedule import (
    gap_fraction,
    learning_rate_factor,
    mix_fraction,
    n_replaced,
)


def test_mix_fraction__ends_exact_and_linear_between():
    assert mix_fraction(0, 0.6, 0.1) == 0.6
    assert mix_fraction(1, 0.6, 0.1) == 0.1
    assert mix_fraction(0.25, 0.8, 0.0) == pytest.approx(0.6)


def test_mix_fraction__falls_all_the_way():
    values = [mix_fraction(i / 50, 0.6, 0.1) for i in range(51)]
    assert all(a > b for a, b in itertools.pairwise(values))


def test_mix_fraction__cosine__same_ends_and_middle_but_slow_at_the_ends():
    linear, cosine = (
        [mix_fraction(p, 0.6, 0.1, schedule) for p in (0, 0.1, 0.5, 0.9, 1)]
        for schedule in ("linear", "cosine")
    )
    assert [cosine[i] for i in (0, 2, 4)] == pytest.approx([0.6, 0.35, 0.1])
    assert cosine[1] > linear[1]
    assert cosine[3] < linear[3]


def test_mix_fraction__unknown_schedule__says_which_are():
    with pytest.raises(ValueError, match=r"'cosin' is unknown.*'linear' or 'cosine'"):
        mix_fraction(0.5, 0.6, 0.1, "cosin")


def test_gap_fraction__follows_the_ratio_of_losses():
    assert gap_fraction(1.0, 0.6, 0.1) == 0.6
    assert gap_fraction(7.0, 0.6, 0.1) == 0.6
    assert gap_fraction(0.0, 0.6, 0.1) == pytest.approx(0.1)
    assert gap_fraction(0.5, 0.6, 0.1) == pytest.approx(0.35)


@pytest.mark.parametrize(
    ("fraction", "n_target", "n_source", "k"),
    [(0.6, 64, 64, 38), (0.0, 64, 64, 0), (1.0, 64, 64, 64), (1.0, 64, 10, 10)],
)
def test_n_replaced__rounded_and_capped(fraction, n_target, n_source, k):
    assert n_replaced(fraction, n_target, n_source) == k


def test_learning_rate_factor__rises_then_falls_to_zero():
    assert learning_rate_factor(0.05) == pytest.approx(0.5)
    assert learning_rate_factor(0.1) == pytest.approx(1)
    assert learning_rate_factor(0.55) == pytest.approx(0.5)
    assert learning_rate_factor(1) == pytest.approx(0)


SHARES = st.floats(0, 1)


@given(
    progress=SHARES,
    later=SHARES,
    ends=st.tuples(SHARES, SHARES),
    schedule=st.sampled_from(["linear", "cosine"]),
)
def test_mix_fraction__any_ends__between_them_and_monotone(
    progress, later, ends, schedule
):
    ends = sorted(ends, reverse=True)
    first, second = (
        mix_fraction(p, *ends, schedule) for p in sorted((progress, later))
    )
    assert ends[0] + 1e-12 >= first >= second - 1e-12 >= ends[1] - 2e-12


@given(ratio=st.floats(0, 10), start=SHARES, end=SHARES)
def test_gap_fraction__any_ratio__between_the_ends(ratio, start, end):
    low, high = sorted((start, end))
    assert low - 1e-12 <= gap_fraction(ratio, start, end) <= high + 1e-12


@given(fraction=SHARES, n_target=st.integers(1, 4000), n_source=st.integers(0, 4000))
def test_n_replaced__any_sizes__nearest_that_both_have(fraction, n_target, n_source):
    k = n_replaced(fraction, n_target, n_source)
    assert 0 <= k <= min(n_target, n_source)
    assert k == n_source or abs(k - fraction * n_target) <= 0.5


@given(progress=SHARES, warmup=st.floats(0.01, 0.9))
def test_learning_rate_factor__any_progress__a_share_of_the_peak(progress, warmup):
    factor = learning_rate_factor(progress, warmup)
    assert 0 <= factor <= 1
    nearer = (progress + warmup) / 2
    assert learning_rate_factor(nearer, warmup) >= factor
    assert learning_rate_factor(warmup, warmup) == pytest.approx(1)
