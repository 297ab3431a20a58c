import numpy as np
import pytest
from sklearn.datasets import load_digits

from sklearn_pare import PaReClassifier
from sklearn_pare.benchmarks.__main__ import main
from studies import sources, suites, unlabeled
from tests.common.tiny import NAME

_TINY = {"backbone": NAME, "max_epochs": 1, "input_shape": (1, 8, 8)}


def _digits():
    return load_digits(return_X_y=True)


@pytest.fixture
def suite(monkeypatch):
    task = suites.Task("images", _digits, 60, PaReClassifier, _TINY)
    monkeypatch.setitem(suites.SUITES, "tiny", {"digits": task})
    monkeypatch.setattr(sources, "CANDIDATES", ("formula:heaps", "formula:waves"))


@pytest.fixture
def one_task(monkeypatch):
    task = (PaReClassifier, _digits, 40, 200, _TINY)
    monkeypatch.setattr(unlabeled, "TASKS", {"digits-50": task})


def test_choice__twice__fits_once_and_says_the_place(suite, tmp_path):
    path, said = tmp_path / "rows.jsonl", []
    rows = sources.run("tiny", ["digits"], [0, 1], said.append, path)
    assert len(rows) == len(said) == 4
    again = sources.run("tiny", ["digits"], [0, 1], said.append, path)
    assert again == rows
    assert len(said) == 4
    nearest = min(("heaps", "waves"), key=lambda name: np.mean([
        row["distance"] for row in rows if row["source"] == f"formula:{name}"
    ]))  # fmt: skip
    assert f"digits: formula:{nearest} has error" in sources.table(rows)


def test_choice__other_settings__other_fits(suite, tmp_path, monkeypatch):
    path, said = tmp_path / "rows.jsonl", []
    sources.run("tiny", ["digits"], [0], said.append, path)
    other = suites.Task("images", _digits, 60, PaReClassifier, _TINY | {"lr": 0.1})
    monkeypatch.setitem(suites.SUITES, "tiny", {"digits": other})
    rows = sources.run("tiny", ["digits"], [0], said.append, path)
    assert len(said) == 4
    assert len(rows) == 2


def test_choice__unknown_task__names_those_that_are(capsys):
    with pytest.raises(SystemExit):
        main(["sources", "--tasks", "digits-99"])
    assert (
        "task='digits-99' is unknown. Did you mean 'digits-100'?"
        in capsys.readouterr().err
    )


def test_choice__made_rows__nearest_first_and_its_place():
    rows = [
        {"task": "t", "source": name, "seed": 0, "distance": d, "error": e}
        for name, d, e in (("a", 3.0, 0.1), ("b", 1.0, 0.2), ("c", 2.0, 0.3))
    ]
    lines = sources.table(rows).splitlines()
    assert [line.split(" | ")[1] for line in lines[2:5]] == ["b", "c", "a"]
    assert lines[-1] == (
        "t: b has error 0.2000, place 2 of 3; the median of the candidates is 0.2000"
    )


def test_unlabeled__split__no_row_twice():
    for task in unlabeled.TASKS:
        X, y, more, X_test, y_test = unlabeled.split(task, 0)
        _, _, n_labelled, n_unlabelled, _ = unlabeled.TASKS[task]
        assert (len(X), len(more)) == (len(y), n_unlabelled) == (n_labelled, len(more))
        rows = [row.tobytes() for part in (X, more, X_test) for row in part]
        assert len(set(rows)) == len(rows)
        assert len(X_test) == len(y_test) > 100


def test_unlabeled__command__resumed_table(one_task, tmp_path, capsys):
    path = tmp_path / "rows.jsonl"
    arguments = ["unlabeled", "--seeds", "1", "--out", str(path)]
    main(arguments)
    out = capsys.readouterr().out
    assert out.count("digits-50  ") == 4
    assert "| digits-50 | PaRe, X_unlabeled |" in out
    main(arguments)
    out = capsys.readouterr().out
    assert out.count("digits-50  ") == 0


def test_unlabeled__table__paired_gains():
    rows = [
        {"task": "t", "method": method, "seed": seed, "error": e, "nll": None, "cpu": 1}
        for method, errors in (("PaRe", (0.3, 0.5)), ("PaRe, X_unlabeled", (0.2, 0.1)))
        for seed, e in enumerate(errors)
    ]
    line = unlabeled.table(rows).splitlines()[-1]
    gain = f"{np.mean([0.1, 0.4]):.4f} +- {np.std([0.1, 0.4], ddof=1):.4f}"
    assert line.split(" | ")[4] == gain
