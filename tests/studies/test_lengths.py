import numpy as np
import pytest

from sklearn_pare import PaReClassifier
from studies import lengths
from studies.cli import main
from tests.studies.conftest import TINY


def test_utterances__of_all_lengths_and_speakers():
    X, y = lengths.utterances(300)
    assert {len(x) for x in X} == {12}
    assert {x.shape[1] for x in X} == set(range(7, 30))
    np.testing.assert_array_equal(np.bincount(y)[:3], 34)


def test_changes__zeros_at_the_end_and_first_frames():
    X, _ = lengths.utterances(5)
    filled, truncated = lengths.filled(X), lengths.truncated(X)
    assert filled.shape == (5, 12, 29)
    assert truncated.shape == (5, 12, 7)
    for x, own, first in zip(X, filled, truncated, strict=True):
        np.testing.assert_array_equal(own[:, : x.shape[1]], x)
        assert not own[:, x.shape[1] :].any()
        np.testing.assert_array_equal(first, x[:, :7])


@pytest.mark.filterwarnings("ignore::sklearn_pare.exceptions.NetworkUnusedWarning")
def test_command__methods_side_by_side_and_effect_of_padding(capsys, monkeypatch):
    def tiny(**settings):
        return PaReClassifier(**TINY | settings)

    monkeypatch.setattr(lengths, "PaReClassifier", tiny)
    main(["lengths", "--methods", "as they are", "--seeds", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3].startswith("| as they are | 0.")
    assert lines[-1] == "padding twice as long changes probabilities by 0"
