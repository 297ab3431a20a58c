"""Work that is done ahead of time."""

import threading
import time

import numpy as np
import pytest

from sklearn_pare._utils.ahead import ahead


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_ahead__results_in_order(n):
    assert list(ahead(lambda x: 2 * x, range(n))) == [2 * i for i in range(n)]


def test_ahead__next_one_is_computed_while_the_caller_works():
    begun = [threading.Event() for _ in range(5)]

    def begin(i):
        begun[i].set()
        return threading.current_thread()

    for i, thread in enumerate(ahead(begin, range(5))):
        assert thread is not threading.current_thread()
        assert begun[min(i + 1, 4)].wait(10)
        # No more than one.
        assert not any(event.is_set() for event in begun[i + 2 :])


def test_ahead__error__raised_in_place_of_its_result():
    results = ahead(lambda x: 1 / x, [1, 2, 0, 4])
    assert [next(results), next(results)] == [1, 0.5]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert list(results) == []


def test_ahead__closed__nothing_is_left_running():
    n_threads, done = threading.active_count(), []

    def slow(i):
        time.sleep(0.05)
        done.append(i)

    results = ahead(slow, range(5))
    next(results)
    results.close()
    assert done == [0, 1]
    assert threading.active_count() == n_threads


def test_ahead__settings_of_numpy__those_of_the_caller():
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        list(ahead(lambda x: np.float64(x) / 0, [1.0]))
