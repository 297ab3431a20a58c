import dataclasses
import json
from functools import partial

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_wine
from sklearn.ensemble import RandomForestClassifier

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.benchmarks import METHODS
from sklearn_pare.benchmarks.__main__ import main
from studies import modalities, peers
from studies.modalities import ACCURACY, MACRO_AP, PIXEL_AUROC, RELATIVE_L2, Rule, Task
from tests.common.tiny import NAME

TINY = {"backbone": NAME, "max_epochs": 1}


def _waves():
    X = np.random.default_rng(0).normal(size=(20, 1, 16))
    return X, X[:, 0] + 1


@pytest.fixture
def small(monkeypatch):
    """A table and a task with peers that train for a time, both in milliseconds."""
    wine, diabetes = (
        partial(load, return_X_y=True) for load in (load_wine, load_diabetes)
    )
    tasks = {
        "wine": Task(
            wine, 40, ACCURACY, ("RandomForest",), (Rule(offset=2.0),), settings=TINY
        ),
        "diabetes": Task(
            diabetes, 40, modalities.R2, ("ridge",), (), PaReRegressor, TINY
        ),
        "timed": Task(_waves, 12, RELATIVE_L2, ("UNet", "FNO"), ()),
    }
    monkeypatch.setattr(modalities, "TASKS", tasks)
    return tasks


def _row(task, method, seed, score, seconds=1.0):
    return {
        "task": task,
        "method": method,
        "seed": seed,
        "settings": "{}",
        "score": score,
        "seconds": seconds,
    }


def _rows(task, **scores):
    return [
        _row(task, method, seed, score)
        for method, values in scores.items()
        for seed, score in enumerate(values)
    ]


def _cells(rows):
    *_, line = modalities.table(rows).splitlines()
    return line.strip("| ").split(" | ")


@pytest.mark.parametrize("name", modalities.TASKS)
def test_tasks__rules_name_their_peers(name):
    task = modalities.TASKS[name]
    assert set(METHODS).isdisjoint(task.peers)
    for rule in task.rules:
        assert set(rule.peers) <= set(task.peers)
    assert task.kind(**task.settings).get_params().items() >= task.settings.items()


@pytest.mark.parametrize("name", ["iris-45", "diabetes-150", "ecg-150"])
def test_split__rows(name):
    task = modalities.TASKS[name]
    X, y = task.load()
    X_train, X_test, y_train, _ = task.split(X, y, 0)
    assert len(X_train) == task.n_train
    assert len(X_test) == len(X) - task.n_train
    if task.kind is PaReClassifier:
        counts = np.unique_counts(y_train).counts
        assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize(
    ("rule", "metric", "text", "bound"),
    [
        (Rule(offset=0.98), ACCURACY, ">= 0.98", 0.98),
        (Rule(("a",), factor=1.1), RELATIVE_L2, "<= 1.1 x a", 0.44),
        (Rule(("a", "b"), factor=1.1), RELATIVE_L2, "<= 1.1 x best peer", 0.22),
        (Rule(("a", "b"), offset=-0.01), ACCURACY, ">= best peer - 0.01", 0.39),
        (Rule(("b",), strict=True), ACCURACY, "> b", 0.2),
    ],
)
def test_rule__text_and_bound(rule, metric, text, bound):
    assert rule.text(metric) == text
    assert rule.bound({"a": 0.4, "b": 0.2}, metric) == pytest.approx(bound)


def test_rule__at_the_bound__strict_or_not():
    for metric in (ACCURACY, RELATIVE_L2):
        assert Rule(("a",)).holds(0.5, 0.5, metric)
        assert not Rule(("a",), strict=True).holds(0.5, 0.5, metric)
    assert Rule(("a",)).holds(0.6, 0.5, ACCURACY)
    assert not Rule(("a",)).holds(0.6, 0.5, RELATIVE_L2)


def test_table__met_and_not_met():
    scores = {"pare": [0.05, 0.07], "nft": [0.1, 0.1], "ridge": [0.08, 0.08]}
    cells = _cells(_rows("darcy-lognormal", UNet=[0.06, 0.06], **scores))
    assert cells[:5] == [
        "darcy-lognormal", "relative L2", "0.0600 +- 0.0141", "0.1000 +- 0.0000", "1",
    ]  # fmt: skip
    assert cells[5] == "ridge 0.0800 +- 0.0000, UNet 0.0600 +- 0.0000"
    assert cells[6:] == ["<= 1.1 x UNet, <= 0.7 x ridge", "yes, no (0.0560)"]


def test_table__seeds_of_a_peer_missing__open():
    rows = _rows("darcy-lognormal", pare=[0.05, 0.07], ridge=[0.2, 0.2], UNet=[0.06])
    assert _cells(rows)[-1] == "?, yes"
    assert _cells(_rows("iris-45", nft=[0.9]))[-1] == "?"


def test_table__the_last_fit_of_a_seed_counts():
    rows = [_row("digits-300", "pare", 0, score) for score in (0.5, 0.99)]
    assert _cells(rows)[2] == "0.9900"


def test_macro_ap__lists_of_probabilities():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 3)), rng.integers(2, size=(50, 4))
    forest = RandomForestClassifier(10, random_state=0).fit(X, y)
    probabilities = MACRO_AP.predict(forest, X)
    assert probabilities.shape == (50, 4)
    assert MACRO_AP.measure(y, probabilities) > 0.9


def test_pixel_auroc__networks_and_filters():
    X = np.random.default_rng(0).normal(size=(6, 1, 12, 12))
    y = (X[:, 0] > 1).astype(int)
    network = PaReClassifier(**TINY, random_state=0).fit(X, y)
    scores = PIXEL_AUROC.predict(network, X)
    np.testing.assert_array_equal(scores, network.predict_proba(X)[:, 1])
    assert 0 < PIXEL_AUROC.measure(y, scores) < 1
    scores = PIXEL_AUROC.predict(peers.make("median filter", 0), X)
    assert PIXEL_AUROC.measure(y, scores) > 0.9


def test_run__resumes_and_reports(small, tmp_path, capsys):
    path = tmp_path / "results.jsonl"
    command = ["modalities", "--tasks", "wine,diabetes", "--methods", "pare,nft"]
    command += ["--out", str(path)]
    main([*command, "--seeds", "1"])
    first = capsys.readouterr().out.splitlines()
    assert len(first) == 6 + 4
    assert first[0].startswith("wine  seed 0  pare  accuracy 0.")
    main([*command, "--seeds", "2"])
    second = capsys.readouterr().out.splitlines()
    assert [line for line in second if "seed 0" in line] == []
    assert len(path.read_text().splitlines()) == 12
    row = json.loads(path.read_text().splitlines()[0])
    assert list(row) == ["task", "method", "seed", "settings", "score", "seconds"]
    main(["modalities", "--report", "--out", str(path)])
    assert capsys.readouterr().out.splitlines() == second[-4:]
    assert "| >= 2 | no (2.0000) |" in second[-2]


def test_run__a_default_changes__fitted_again(small, tmp_path):
    lines, path = [], tmp_path / "results.jsonl"
    go = partial(modalities.run, ["wine"], ["nft"], [0], lines.append, path)
    go()
    small["wine"].settings.update(batch_size=32)
    go()
    assert [line.split()[3] for line in lines] == ["nft", "RandomForest", "nft"]


def test_run__timed_peers__the_seconds_of_pare(small, monkeypatch):
    class Quick:
        def __init__(self, **settings):
            self.settings = settings

        def get_params(self, deep):
            return self.settings

        def fit(self, X, y):
            self.shape = y.shape[1:]

        def predict(self, X):
            return np.ones((len(X), *self.shape))

    class Absent(Quick):
        def fit(self, X, y):
            raise ModuleNotFoundError("No module named 'neuralop'")

    lines = []
    small["timed"] = dataclasses.replace(small["timed"], kind=Quick)
    monkeypatch.setattr(modalities.peers, "TIMED", {"UNet": Quick, "FNO": Absent})
    rows = modalities.run(["timed"], ["pare"], [0], lines.append)
    assert [row["method"] for row in rows] == ["pare", "UNet"]
    assert json.loads(rows[1]["settings"])["seconds"] == rows[0]["seconds"]
    assert lines[-1] == ("timed  seed 0  FNO left out: No module named 'neuralop'")
    modalities.run(["timed"], ["nft"], [0], lines.append)
    assert lines[-1] == "timed  seed 0  FNO left out: no time of pare"


def test_command__unknown_task_and_report_without_file(capsys):
    for words, told in [
        (["--tasks", "wine-50,chess"], "task='chess' is unknown"),
        (["--report"], "--out results.jsonl"),
    ]:
        with pytest.raises(SystemExit):
            main(["modalities", *words])
        assert told in capsys.readouterr().err
