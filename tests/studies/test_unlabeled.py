import numpy as np
import pytest

from studies import unlabeled
from studies.cli import main
from tests.studies.conftest import TINY


@pytest.fixture
def small(monkeypatch):
    task = unlabeled.TASKS["digits-50"]
    monkeypatch.setitem(task.settings, "backbone", TINY["backbone"])
    monkeypatch.setitem(task.settings, "max_epochs", 1)
    monkeypatch.setattr(unlabeled, "TASKS", {"digits-50": task})


@pytest.mark.parametrize("name", unlabeled.TASKS)
def test_split__no_sample_twice(name):
    task = unlabeled.TASKS[name]
    X, y, more, X_test, y_test = unlabeled.split(task, 0)
    assert len(X) == len(y) == task.n_train
    assert len(more) == unlabeled.N_UNLABELED[name]
    assert len(X_test) == len(y_test) > 100
    rows = [row.tobytes() for part in (X, more, X_test) for row in part]
    assert len(set(rows)) == len(rows) == len(task.load()[0])


def test_command__four_methods_then_resumed(small, tmp_path, capsys):
    words = ["unlabeled", "--seeds", "1", "--out", str(tmp_path / "rows.jsonl")]
    main(words)
    first = capsys.readouterr().out
    assert first.count("digits-50  ") == 4
    table = [line.split(" | ") for line in first.splitlines()[-4:]]
    # The unlabelled samples change the fit, and peers learn from the labelled ones.
    assert table[0][2] != table[1][2]
    assert all(float(line[2]) < 0.5 for line in table[2:])
    main(words)
    assert first.endswith(capsys.readouterr().out)


def test_table__gains_of_the_same_seed():
    rows = [
        {"task": "t", "method": method, "seed": seed, "error": e, "nll": None, "cpu": 1}
        for method, errors in (
            ("PaRe", {0: 0.3, 1: 0.5, 2: 0.9}),
            ("PaRe, X_unlabeled", {1: 0.1, 0: 0.2}),
        )
        for seed, e in errors.items()
    ]
    line = unlabeled.table(rows).splitlines()[-1].split(" | ")
    gains = np.array([0.5 - 0.1, 0.3 - 0.2])
    assert line[3] == "-"
    assert line[4] == f"{gains.mean():.4f} +- {gains.std(ddof=1):.4f}"
