import functools

import numpy as np
import pytest

from sklearn_pare import datasets
from studies import fields
from studies.cli import main
from tests.common.tiny import NAME


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    load = functools.partial(datasets.make_darcy, size=8)

    def tasks(n):
        return {"darcy": fields.FieldTask("darcy", load, n, "relative L2")}

    monkeypatch.setattr(fields, "_N_TEST", 10)
    monkeypatch.setattr(fields, "_N_TRAIN", 30)
    monkeypatch.setattr(fields, "_tasks", tasks)
    monkeypatch.setattr(fields, "TASKS", tasks(30))
    monkeypatch.setattr(fields, "_DRAWN", ["darcy"])
    own = {"backbone": NAME, "max_epochs": 1}
    monkeypatch.setattr(
        fields, "METHODS", {name: own | fields.METHODS[name] for name in fields.METHODS}
    )


def test_split__first_samples_and_the_same_test():
    X, X_test, y, y_test = fields._tasks(30)["darcy"].split(3)
    fewer, same_test, y_fewer, _ = fields._tasks(10)["darcy"].split(3)
    assert (X.shape, y_test.shape) == ((30, 1, 8, 8), (10, 8, 8))
    np.testing.assert_array_equal(fewer, X[:10])
    np.testing.assert_array_equal(y_fewer, y[:10])
    np.testing.assert_array_equal(same_test, X_test)
    other, *_ = fields._tasks(30)["darcy"].split(4)
    assert not np.isin(other, X).any()


def test_file__first_samples_and_own_test(monkeypatch):
    def load(part="train"):
        n = {"train": 40, "test": 7}[part]
        return np.arange(n), -np.arange(n)

    task = fields.FileTask("file", load, 20, "relative L2")
    X, X_test, y, y_test = task.split(3)
    assert [len(part) for part in (X, X_test, y, y_test)] == [20, 7, 20, 7]
    np.testing.assert_array_equal(y, -X)


def test_command__peers_get_the_time_of_pare(tmp_path, capsys, monkeypatch):
    seconds = []
    make = fields.peers.make

    def make_and_keep(name, seed, **settings):
        seconds.append(settings["seconds"])
        return make(name, seed, **settings)

    monkeypatch.setattr(fields.peers, "make", make_and_keep)
    words = ["fields", "--seeds", "1", "--first", "5", "--methods", "pare,UNet"]
    words += ["--out", str(tmp_path / "rows.jsonl")]
    main(words)
    first = capsys.readouterr().out
    *_, line, _, met = first.strip().splitlines()
    assert line.startswith("| darcy | 0.")
    assert met.startswith("At most 1.0: ")
    row = fields.record.lines.read(tmp_path / "rows.jsonl")[0]
    assert (row["method"], row["n"], row["budget"]) == ("pare", 30, 1.0)
    assert set(seconds) == {row["cpu"]}
    main(words)
    assert first.endswith(capsys.readouterr().out)


def test_table__ratio_over_the_best_peer():
    rows = [
        {"task": task, "method": method, "seed": seed, "score": score, "cpu": 3.0}
        for task, scores in {"a": (0.1, 0.2, 0.4), "b": (0.3, 0.25, 0.5)}.items()
        for method, score in zip(("pare", "UNet", "FNO"), scores, strict=True)
        for seed in range(2)
    ]
    *_, a, b, _, met = fields.table(rows).splitlines()
    assert a.endswith("| 0.50 | 3 |")
    assert b.endswith("| 1.20 | 3 |")
    assert met == "At most 1.0: 1 of 2; at most 1.15: 1."


def test_contrast__of_two_standard_deviations():
    X, y = fields.make_contrast(40, random_state=0, size=16)
    spread = np.log(X).std()
    assert np.exp(4 * spread) == pytest.approx(100, rel=0.35)
    assert y.shape == (40, 16, 16)
    assert (y > 0).all()


def test_budget__multiplies_the_default_epochs():
    cell = {"task": "darcy", "n": 30, "budget": 3.0, "seed": 0}
    assert fields._with_epochs(cell)["settings"]["max_epochs"] == 3 * 300
    assert fields._with_epochs(cell | {"budget": 1}) == cell | {"budget": 1}


def test_tasks__six_of_the_benchmark_and_two_harder(monkeypatch):
    monkeypatch.undo()
    assert len(fields._DRAWN) == 8
    assert {"burgers-shocks", "darcy-100"} < set(fields._DRAWN) < set(fields.TASKS)
    assert all(task.n_train == 300 for task in fields.TASKS.values())
