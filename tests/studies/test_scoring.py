import pytest

from studies import max_time, scoring
from studies.cli import main
from tests.studies.conftest import TINY


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    for study in (scoring, max_time):
        for task in study.TASKS.values():
            for name, value in (TINY | {"max_epochs": 1}).items():
                monkeypatch.setitem(task.settings, name, value)
    monkeypatch.setattr(max_time, "BUDGETS", (1,))


@pytest.mark.parametrize("name", scoring.TASKS)
def test_task__rare_class_in_both_parts(name):
    for seed in range(5):
        _, _, y, y_test = scoring.TASKS[name].split(seed)
        assert (len(y), y.sum()) == (200, 6)
        assert y_test.mean() == pytest.approx(0.03, abs=0.001)


@pytest.mark.parametrize(("name", "n"), [("scoring", 6), ("max_time", 1)])
def test_command__fits_then_resumed(name, n, tmp_path, capsys):
    words = [name, "--seeds", "1", "--out", str(tmp_path / "rows.jsonl")]
    main(words)
    first = capsys.readouterr().out
    assert first.count("digits-") == 2 * n
    main(words)
    assert first.endswith(capsys.readouterr().out)


def test_table__gains_of_the_same_seed():
    rows = [
        {"task": "t", "method": method, "seed": 0, "score": score, "epochs": 3}
        for method, score in (("accuracy", 0.75), ("roc_auc", 0.875))
    ]
    line = scoring.table(rows).splitlines()[-1].split(" | ")
    assert line[2:4] == ["0.8750", "0.1250"]
