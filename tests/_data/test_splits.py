"""Splits of samples: sizes, classes in proportion, whole groups."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_pare._data.splits import (
    check_groups,
    check_several,
    grouped_folds,
    n_held_out,
    split,
)
from sklearn_pare.exceptions import DataError


def test_split__classes_in_proportion():
    strata = np.repeat([0, 1], [60, 20])
    _, held_out = split(80, 20, strata, None, 0)
    assert np.bincount(strata[held_out]).tolist() == [15, 5]


@pytest.mark.parametrize(
    ("n", "fraction", "count"),
    [(100, 0.1, 10), (101, 0.1, 11), (5, 0.1, 2), (10, 0.2, 2), (30, 0.1, 3)],
)
def test_n_held_out__rounded_up_and_two_at_least(n, fraction, count):
    assert n_held_out(n, fraction) == count


@pytest.mark.parametrize(("n", "fraction"), [(2, 0.1), (10, 0.99), (10, 1.0)])
def test_n_held_out__none_left__error(n, fraction):
    with pytest.raises(DataError) as error:
        n_held_out(n, fraction)
    assert str(error.value) == (
        f"validation_fraction={fraction} of {n} samples leaves none to train on. Give "
        "more samples, a smaller fraction, or X_val and y_val."
    )


@given(
    strata=st.lists(st.integers(0, 3), min_size=8, max_size=40).map(np.array),
    fraction=st.floats(0.05, 0.7),
    seed=st.integers(0, 2**31),
)
def test_split__any_classes__parts_of_the_rows_that_the_seed_fixes(
    strata, fraction, seed
):
    n = len(strata)
    count = n_held_out(n, fraction)
    kept, held_out = split(n, count, strata, None, seed)
    again = split(n, count, strata, None, seed)
    assert sorted([*kept, *held_out]) == list(range(n))
    assert len(held_out) == count
    np.testing.assert_array_equal(kept, again[0])
    np.testing.assert_array_equal(held_out, again[1])


@pytest.mark.parametrize(
    ("sizes", "fraction"), [((2, 2), 0.5), ((5, 5), 0.2), ((4, 4), 0.75)]
)
def test_split__just_enough_rows_of_each_class__every_class_on_both_sides(
    sizes, fraction
):
    strata = np.repeat(range(len(sizes)), sizes)
    n = len(strata)
    for rows in split(n, n_held_out(n, fraction), strata, None, 0):
        assert set(strata[rows]) == {0, 1}


@given(
    groups=st.lists(st.integers(0, 9), min_size=8, max_size=60).map(np.array),
    n_classes=st.integers(1, 4),
    fraction=st.floats(0.05, 0.7),
    seed=st.integers(0, 2**31),
)
def test_split__any_groups__whole_groups_on_both_sides(
    groups, n_classes, fraction, seed
):
    groups[0] = 10  # two groups at least
    n = len(groups)
    strata = np.arange(n) % n_classes if n_classes > 1 else None
    kept, held_out = split(n, n_held_out(n, fraction), strata, groups, seed)
    assert sorted([*kept, *held_out]) == list(range(n))
    assert len(kept)
    assert len(held_out)
    assert not set(groups[kept]) & set(groups[held_out])
    again = split(n, n_held_out(n, fraction), strata, groups, seed)
    np.testing.assert_array_equal(held_out, again[1])


def test_split__groups_of_equal_size__as_many_samples_as_asked_for():
    groups = np.repeat(np.arange(20), 5)
    _, held_out = split(100, 10, None, groups, 0)
    assert len(held_out) == 10
    other = split(100, 10, None, groups, 1)[1]
    assert set(groups[held_out]) != set(groups[other])


def test_grouped_folds__every_sample_held_out_once():
    groups = np.repeat(np.arange(7), 4)
    folds = grouped_folds(np.arange(28) % 3, groups, 5)
    held_out = np.concatenate([fold[1] for fold in folds])
    assert sorted(held_out) == list(range(28))
    assert len(folds) == 5
    assert len(grouped_folds(None, groups[:8], 5)) == 2


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ([1.0, 2.0, np.nan, 1.0, 2.0, 1.0], "no entry for sample 2"),
        (np.array(["a", None, "b", "a", "b", "a"], object), "no entry for sample 1"),
        (np.array(["2020", "NaT"] * 3, "M8[D]"), "no entry for sample 1"),
        (np.array(["a", 1, "b", "a", "b", "a"], object), "several types"),
        ([1, 2, 3], r"shape \(3,\); expected one entry"),
        (np.ones((6, 2)), r"shape \(6, 2\); expected one entry"),
        ("patient", r"shape \(\); expected one entry"),
        ([(1, 2)] * 6, r"shape \(6, 2\); expected one entry"),
        (np.ma.masked_equal([1, 2, 3, 1, 2, 3], 3), "masked value in sample 2"),
    ],
    ids=str,
)
def test_check_groups__unusable__error_says_why(groups, words):
    with pytest.raises(DataError, match=words):
        check_groups(groups, np.zeros((6, 2)))


def test_check_several__one_group__error():
    check_several(None)
    check_several(np.array([0, 1]))
    with pytest.raises(DataError, match="one group only"):
        check_several(np.array([3, 3, 3]))


@pytest.mark.parametrize("seed", range(5))
def test_split__rare_classes__one_sample_of_each_is_kept(seed):
    strata = np.array([2, 1, 1] + [0] * 17)
    kept, held_out = split(20, 8, strata, None, seed)
    assert sorted([*kept, *held_out]) == list(range(20))
    assert set(strata[kept]) == {0, 1, 2}
    # With more classes than samples that can be kept, some are lost.
    kept, held_out = split(20, 18, strata, None, seed)
    assert len(kept) == 2


def test_split__class_in_one_group__group_is_kept():
    groups = np.repeat(np.arange(6), 5)
    strata = np.where(groups == 4, 2, np.arange(30) % 2)
    for seed in range(10):
        kept, _ = split(30, 5, strata, groups, seed)
        assert set(strata[kept]) == {0, 1, 2}


@pytest.mark.parametrize("kind", [list, np.array])
def test_check_groups__numbers_from_0(kind):
    found = check_groups(kind(["p2", "p1", "p2"]), np.zeros((3, 1)))
    assert found.tolist() == [1, 0, 1]
    assert check_groups(None, np.zeros((3, 1))) is None
