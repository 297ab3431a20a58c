import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_pare.nn.schedule import learning_rate_factor, mix_fraction, n_replaced


def test_mix_fraction__ends_exact_and_linear_between():
    assert mix_fraction(0, 0.6, 0.1) == 0.6
    assert mix_fraction(1, 0.6, 0.1) == 0.1
    assert mix_fraction(0.25, 0.8, 0.0) == pytest.approx(0.6)


def test_mix_fraction__falls_all_the_way():
    values = [mix_fraction(i / 50, 0.6, 0.1) for i in range(51)]
    assert all(a > b for a, b in itertools.pairwise(values))


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


@given(progress=SHARES, later=SHARES, ends=st.tuples(SHARES, SHARES))
def test_mix_fraction__any_ends__between_them_and_monotone(progress, later, ends):
    ends = sorted(ends, reverse=True)
    first, second = (mix_fraction(p, *ends) for p in sorted((progress, later)))
    assert ends[0] + 1e-12 >= first >= second - 1e-12 >= ends[1] - 2e-12


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
