import numpy as np
import pytest

from studies import missing
from studies.cli import main
from tests.studies.conftest import TINY


def test_friedman__first_target_is_that_of_scikit_learn():
    _, y = missing.friedman(200)
    _, own = missing.make_friedman1(200, random_state=0)
    assert y.shape == (200, 4)
    assert np.std(y[:, 0] - own) == pytest.approx(1, abs=0.15)
    # Each target depends on other columns.
    assert np.abs(np.corrcoef(y.T) - np.eye(4)).max() < 0.6


def test_missing__as_many_values_as_samples(rng):
    X, y = missing.friedman(1000)
    same, values = missing.some_values(X, y, rng)
    assert same is X
    assert np.isnan(values).mean() == pytest.approx(0.3, abs=0.02)
    np.testing.assert_array_equal(values[~np.isnan(values)], y[~np.isnan(values)])
    fewer, samples = missing.some_samples(X, y, rng)
    assert fewer.shape == (700, 10)
    assert samples.shape == (700, 4)
    assert not np.isnan(samples).any()


@pytest.mark.filterwarnings("ignore::sklearn_pare.exceptions.NetworkUnusedWarning")
def test_command__three_fits_then_resumed(tmp_path, capsys, monkeypatch):
    for name, value in TINY.items():
        monkeypatch.setitem(missing.TASKS["darcy-120"].settings, name, value)
    words = ["missing", "--tasks", "darcy-120", "--seeds", "1"]
    words += ["--out", str(tmp_path / "rows.jsonl")]
    main(words)
    first = capsys.readouterr().out
    lines = first.splitlines()[-3:]
    assert [line.split(" | ")[1] for line in lines] == [*missing.METHODS]
    assert " | 1.00 | " in lines[-1]
    main(words)
    assert first.endswith(capsys.readouterr().out)
