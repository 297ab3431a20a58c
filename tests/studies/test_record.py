import json

import pytest
import torch
from sklearn.linear_model import LogisticRegression

from sklearn_pare.benchmarks.lines import append, read
from sklearn_pare.exceptions import DataError, UnknownNameError
from studies import record


def _run(task, methods, path=None, seeds=(0, 1), **more):
    wanted = record.cells([task], methods, seeds)
    return record.run([task], wanted, out=path, **more)


def test_choose__names_between_commas_without_repetitions():
    known = ("pare", "nft", "scratch")
    assert record.choose("nft, pare,nft", known, known, "method") == ["nft", "pare"]
    assert record.choose(None, known, known[:2], "method") == ["pare", "nft"]
    with pytest.raises(UnknownNameError, match="Did you mean 'scratch'"):
        record.choose("nft,scrach", known, known, "method")


def test_cells__methods_by_task_seed_by_seed(wine, iris):
    found = record.cells([wine, iris], lambda task: [task.name, "nft"], [0, 1])
    assert [tuple(cell.values()) for cell in found[:5]] == [
        ("wine", "wine", 0),
        ("wine", "nft", 0),
        ("iris", "iris", 0),
        ("iris", "nft", 0),
        ("wine", "wine", 1),
    ]


def test_run__twice__fits_once(wine, tmp_path, capsys):
    path = tmp_path / "rows.jsonl"
    rows = _run(wine, ["nft", "linear"], path)
    assert [(row["method"], row["seed"]) for row in rows] == [
        ("nft", 0), ("linear", 0), ("nft", 1), ("linear", 1),
    ]  # fmt: skip
    assert len(capsys.readouterr().out.splitlines()) == 4
    assert _run(wine, ["nft", "linear"], path) == rows == read(path)
    assert capsys.readouterr().out == ""


def test_run__killed_in_the_middle_of_a_line__goes_on(wine, tmp_path, capsys):
    path = tmp_path / "rows.jsonl"
    rows = _run(wine, ["nft"], path)
    text = path.read_text()
    path.write_text(text[: text.rindex('"error"')])
    capsys.readouterr()
    again = _run(wine, ["nft"], path)
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert [row["error"] for row in again] == [row["error"] for row in rows]
    assert len(read(path)) == 2


def test_run__other_setting__another_fit(wine, tmp_path):
    path = tmp_path / "rows.jsonl"
    first = _run(wine, ["nft"], path, seeds=[0])
    wine.settings["lr"] = 3e-3
    assert _run(wine, ["nft"], path, seeds=[0])[0]["recipe"] != first[0]["recipe"]
    assert len(read(path)) == 2


def test_run__two_processes__the_same_errors(wine):
    one, two = (_run(wine, ["linear"], seeds=[0], jobs=jobs) for jobs in (1, 2))
    assert [row["error"] for row in one] == [row["error"] for row in two]


def test_report__any_recipe_the_last_row_of_a_fit_and_no_fit(wine, tmp_path):
    path = tmp_path / "rows.jsonl"
    for error in (0.5, 0.25):
        row = {"task": "wine", "method": "gone", "seed": 0, "recipe": f"{error}"}
        append(row | {"error": error}, path)

    def fail(*arguments):
        raise AssertionError

    rows = _run(wine, ["gone", "nft"], path, report=True, estimator=fail, fit=fail)
    assert [row["error"] for row in rows] == [0.25]
    with pytest.raises(DataError, match="none of these 2 fits"):
        _run(wine, ["nft"], path, report=True)


def test_timed__one_thread_and_epochs_if_there_are(wine):
    seen = []

    class Fitted:
        n_iter_ = 7

        def fit(self, X, y):
            seen.append(torch.get_num_threads())
            return self

    torch.set_num_threads(2)
    try:
        cost = record.timed(Fitted().fit, None, y=None)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert seen == [1]
    assert cost["epochs"] == 7
    assert cost["seconds"] >= 0
    X, _, y, _ = wine.split(0)
    made = record.timed(LogisticRegression(max_iter=5000).fit, X, y)
    assert made["cpu"] > 0


def test_measured__row_is_json(wine):
    cell = {"task": "wine", "method": "nft", "seed": 0}
    estimator = record.plain(wine, cell | {"settings": {"max_epochs": 2}})
    row = record.measured(wine, estimator, cell)
    assert row["epochs"] == 2
    assert list(json.loads(json.dumps(row))) == [
        "error", "nll", "ece", "epochs", "cpu", "seconds",
    ]  # fmt: skip
    assert row["error"] == pytest.approx(
        1 - record.scored(wine, estimator, cell)["score"]
    )
