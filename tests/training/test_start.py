"""Start of a fit: seeds, candidates, and nothing drawn if an argument is wrong."""

import numpy as np
import pytest

from sklearn_pare import PaReClassifier
from sklearn_pare._report import Stopwatch
from sklearn_pare.exceptions import DataError, UnknownNameError
from sklearn_pare.training.start import open_start
from tests.common.instances import tiny

TABLE = np.random.default_rng(0).normal(size=(30, 4))
CLASSES = np.arange(30) % 2


def _start(**settings):
    clf = tiny(PaReClassifier, **settings)
    data = clf._check_data(TABLE, CLASSES, None, None, (None,) * 3, None)
    return open_start(clf, data, Stopwatch())


def test_open_start__int__the_same_four_seeds():
    assert _start(random_state=3).seeds == _start(random_state=3).seeds
    assert _start(random_state=3).seeds != _start(random_state=4).seeds
    assert len(_start(random_state=3).seeds) == 4


def test_open_start__generator__advances_by_four_numbers():
    state, other = np.random.RandomState(3), np.random.RandomState(3)
    first, second = _start(random_state=state).seeds, _start(random_state=state).seeds
    numbers = other.randint(2**31 - 1, size=8).tolist()
    assert (first, second) == (numbers[:4], numbers[4:])


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"source": "corpus"}, UnknownNameError),
        ({"backbone": "nothing"}, UnknownNameError),
        ({"device": "abacus"}, ValueError),
        ({"alignment": "otdd", "source": None}, DataError),
    ],
    ids=str,
)
def test_open_start__wrong_argument__nothing_is_drawn(settings, error):
    state = np.random.RandomState(3)
    before = state.get_state()[1].copy()
    with pytest.raises(error):
        _start(random_state=state, **settings)
    np.testing.assert_array_equal(state.get_state()[1], before)


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, ["formula+self"]),
        ({"source": None}, []),
        ({"source": ["noise", "formula"]}, ["noise", "formula"]),
        # Nothing is mixed.
        ({"mix_start": 0.0, "mix_end": 0.0}, []),
        ({"mix_start": 0.0, "mix_end": 0.1}, ["formula+self"]),
        # The source is needed to align the tokens.
        ({"mix_start": 0.0, "mix_end": 0.0, "alignment": "l2"}, ["formula+self"]),
    ],
    ids=str,
)
def test_open_start__candidates__only_where_a_source_is_needed(settings, names):
    assert list(_start(**settings).candidates) == names


def test_open_start__warm_start__only_after_a_fit():
    clf = tiny(PaReClassifier, warm_start=True, max_epochs=1, linear_path=False)
    data = clf._check_data(TABLE, CLASSES, None, None, (None,) * 3, None)
    assert open_start(clf, data, Stopwatch()).warm is None
    clf.fit(TABLE, CLASSES)
    assert open_start(clf, data, Stopwatch()).warm.history == clf.history_
    clf.set_params(warm_start=False)
    assert open_start(clf, data, Stopwatch()).warm is None


def test_open_start__checkpoint_dir__seeds_of_the_fit_that_is_continued(tmp_path):
    first = _start(random_state=None, checkpoint_dir=tmp_path)
    assert not first.checkpoints.found
    clf = tiny(
        PaReClassifier, random_state=None, checkpoint_dir=tmp_path, max_epochs=1
    ).fit(TABLE, CLASSES)
    again = _start(random_state=None, checkpoint_dir=tmp_path, max_epochs=1)
    assert again.checkpoints.found
    assert again.seeds[0] == clf._init_seed
    assert _start(checkpoint_dir=None).checkpoints is None
