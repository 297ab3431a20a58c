import json

import numpy as np
import pytest
from sklearn.datasets import load_iris, load_wine

from sklearn_pare import PaReClassifier
from sklearn_pare.benchmarks.__main__ import main
from sklearn_pare.benchmarks.lines import append, read
from studies import compare, suites
from tests.common.tiny import NAME

_TINY = {"backbone": NAME, "max_epochs": 2}


def _load(load):
    return load(return_X_y=True)


@pytest.fixture
def suite(monkeypatch):
    """Two small tables on the tiny backbone, in this process."""
    peers = {"linear": "StandardScaler + LogisticRegression"}
    tasks = {
        load.__name__.removeprefix("load_"): suites.Task(
            "tables", lambda load=load: _load(load), 40, PaReClassifier, _TINY, peers
        )
        for load in (load_iris, load_wine)
    }
    monkeypatch.setitem(suites.SUITES, "tiny", tasks)
    return "tiny"


def _run(suite, methods, path=None, budget="epochs", seeds=(0, 1)):
    said = []
    rows = compare.run(
        suite, ["iris", "wine"], methods, seeds, budget, said.append, path
    )
    return rows, said


def test_run__twice__fits_once(suite, tmp_path):
    path = tmp_path / "rows.jsonl"
    rows, said = _run(suite, ["pare", "nft", "linear"], path)
    assert len(rows) == len(said) == 2 * 3 * 2
    again, said = _run(suite, ["pare", "nft", "linear"], path)
    assert said == []
    assert again == rows == sorted(rows, key=lambda row: row["seed"])
    assert {row["settings"].get("linear_path") for row in rows} == {False, None}


def test_run__killed_in_the_middle_of_a_line__goes_on(suite, tmp_path):
    path = tmp_path / "rows.jsonl"
    rows, _ = _run(suite, ["nft"], path)
    text = path.read_text()
    path.write_text(text[: text.rindex('"error"')])
    again, said = _run(suite, ["nft"], path)
    assert len(said) == 1
    for row, other in zip(rows, again, strict=True):
        assert row | {"cpu": 0} == other | {"cpu": 0}
    assert len(read(path)) == 4


def test_run__other_setting__another_fit(suite, tmp_path, monkeypatch):
    path = tmp_path / "rows.jsonl"
    _run(suite, ["nft"], path)
    monkeypatch.setitem(_TINY, "lr", 3e-3)
    _, said = _run(suite, ["nft"], path)
    assert len(said) == 4


def test_run__time__as_many_epochs_as_pare_takes(suite, tmp_path):
    path = tmp_path / "rows.jsonl"
    with pytest.raises(ValueError, match="--budget epochs first"):
        _run(suite, ["pare", "nft"], path, "time")
    _run(suite, ["pare", "nft"], path)
    rows = read(path)
    path.unlink()
    for row in rows:
        # PaRe is five times as slow: naive fine-tuning may have ten epochs for two.
        append(row | {"cpu": 5.0 if row["method"] == "pare" else 1.0}, path)
    timed, _ = _run(suite, ["pare", "nft"], path, "time")
    assert {row["method"]: row["epochs"] for row in timed} == {"pare": 2, "nft": 10}
    assert [row["budget"] for row in timed if row["method"] == "pare"] == ["epochs"] * 4


def test_run__time__peers_take_what_they_take(suite, tmp_path):
    path = tmp_path / "rows.jsonl"
    rows, _ = _run(suite, ["pare", "linear"], path)
    timed, said = _run(suite, ["pare", "linear"], path, "time")
    assert timed == rows
    assert said == []


def test_table__made_rows__says_who_is_better(suite):
    errors = {"pare": [0.1, 0.2], "nft": [0.2, 0.4], "scratch": [0.1, 0.1]}
    rows = [
        {"task": f"task-{number}", "method": method, "seed": 0, "error": error,
         "nll": None, "ece": None}
        for method, pair in errors.items()
        for number, error in enumerate(pair)
    ]  # fmt: skip
    lines = compare.table(rows).splitlines()
    assert "| task-1 | 0.2000 | 0.4000 | 0.1000 |" in lines
    (nft,) = [line for line in lines if line.startswith("| nft ")]
    assert nft.split(" | ")[1:4] == ["3.00", "0 / 0 / 2", "2.00"]
    (scratch,) = [line for line in lines if line.startswith("| scratch ")]
    assert scratch.split(" | ")[2] == "1 / 1 / 0"
    assert "NLL" not in compare.table(rows)


@pytest.mark.parametrize("name", suites.SUITES["small"])
def test_suite__every_task__rows_to_train_and_to_test(name):
    task = suites.SUITES["small"][name]
    X, X_test, y, y_test = task.split(0)
    assert len(X) == len(y) == task.n_train
    assert 100 <= len(X_test) == len(y_test) <= 500
    assert np.isfinite(X).all()
    X_again = task.split(0)[0]
    np.testing.assert_array_equal(X, X_again)


def test_suites__tuning_and_small__share_no_task():
    # Nor the data behind a task: names begin with what they are made from.
    small, tuning = (set(suites.SUITES[name]) for name in ("small", "tuning"))
    assert not {name.rpartition("-")[0] for name in small} & {
        name.rpartition("-")[0] for name in tuning
    }
    assert len(small) >= 20


def test_command__resumed_from_a_file__table_and_picture(suite, tmp_path, capsys):
    path, png = tmp_path / "rows.jsonl", tmp_path / "ranks.png"
    arguments = ["compare", "--suite", "tiny", "--methods", "nft,linear", "--seeds",
                 "1", "--out", str(path), "--picture", str(png)]  # fmt: skip
    # The choices of --suite were read before.
    main(arguments)
    out = capsys.readouterr().out
    assert "| iris |" in out
    assert png.stat().st_size > 1000
    assert len([json.loads(line) for line in path.read_text().splitlines()]) == 4
