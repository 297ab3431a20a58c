"""Batches: order, sizes, and passes that are continued."""

import itertools

import pytest
import torch

from sklearn_pare.training.batches import Batches, Rows, endless


def _rows(n=10):
    return Rows(torch.arange(n), torch.arange(n), torch.ones(n))


def _seen(batches):
    return [x.tolist() for x, *_ in batches]


def test_batches__shuffled__every_sample_once_and_new_order(generator):
    batches = Batches(_rows(), 4, generator)
    first, second = _seen(batches), _seen(batches)
    assert [len(x) for x in first] == [4, 4, 2]
    assert sorted(itertools.chain(*first)) == list(range(10))
    assert [*itertools.chain(*first)] != [*itertools.chain(*second)]


def test_batches__no_generator__in_order():
    assert _seen(Batches(_rows(), 4)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


@pytest.mark.parametrize("n_seen", [0, 1, 3])
def test_batches__interrupted__rest_of_the_pass_from_state_and_position(n_seen):
    def make():
        return Batches(_rows(), 3, torch.Generator().manual_seed(5))

    whole = _seen(make())
    batches = make()
    iterator = iter(batches)
    for _ in range(n_seen):
        next(iterator)
    assert batches.position == n_seen
    other = Batches(_rows(), 3, torch.Generator())
    other.generator.set_state(batches.state())
    other.position = batches.position
    assert _seen(other) == whole[n_seen:]
    # The next pass starts at the beginning, in the next order.
    first = make()
    _seen(first)
    assert _seen(other) == _seen(first)


def test_endless__pass_after_pass_in_new_order(generator):
    batches = endless(Batches(_rows(), 4, generator))
    seen = [*itertools.chain(*_seen(itertools.islice(batches, 6)))]
    assert len(seen) == 20
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    assert seen[:10] != seen[10:]
