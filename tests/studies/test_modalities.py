import dataclasses
import json

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from sklearn_pare import PaReClassifier
from studies import modalities, peers, suites
from studies.cli import main
from studies.modalities import RULES, Rule
from studies.suites import METRICS, Task
from tests.studies.conftest import TINY


def _waves():
    X = np.random.default_rng(0).normal(size=(20, 1, 16))
    return X, X[:, 0] + 1


@pytest.fixture
def small(monkeypatch, wine, diabetes):
    """A table of classes, one of numbers, and a task whose peers have a time limit."""
    timed = Task(
        "timed", _waves, 12, "relative L2", dict(TINY), {"UNet": "UNet", "FNO": "FNO"}
    )
    tasks = {task.name: task for task in (wine, diabetes, timed)}
    monkeypatch.setattr(modalities, "TASKS", tasks)
    rules = {"wine": (Rule(offset=2.0),), "diabetes": (), "timed": ()}
    monkeypatch.setattr(modalities, "RULES", rules)
    return tasks


def _row(task, method, seed, score, seconds=1.0):
    return {
        "task": task,
        "method": method,
        "seed": seed,
        "score": score,
        "seconds": seconds,
    }


def _cells(task, **scores):
    rows = [
        _row(task, method, seed, score)
        for method, values in scores.items()
        for seed, score in enumerate(values)
    ]
    *_, line = modalities.table(rows).splitlines()
    return line.strip("| ").split(" | ")


def test_rules__of_every_task_name_its_peers():
    assert set(RULES) == set(modalities.TASKS)
    for name, rules in RULES.items():
        for rule in rules:
            assert set(rule.peers) <= set(modalities.TASKS[name].peers)


@pytest.mark.parametrize(
    ("rule", "smaller", "text", "bound"),
    [
        (Rule(offset=0.98), False, ">= 0.98", 0.98),
        (Rule(("a",), factor=1.1), True, "<= 1.1 x a", 0.44),
        (Rule(("a", "b"), factor=1.1), True, "<= 1.1 x best peer", 0.22),
        (Rule(("a", "b"), offset=-0.01), False, ">= best peer - 0.01", 0.39),
        (Rule(("b",), strict=True), False, "> b", 0.2),
    ],
)
def test_rule__text_and_bound(rule, smaller, text, bound):
    assert rule.text(smaller) == text
    assert rule.bound({"a": 0.4, "b": 0.2}, smaller) == pytest.approx(bound)


def test_rule__at_the_bound__strict_or_not():
    for smaller in (True, False):
        assert Rule(("a",)).holds(0.5, 0.5, smaller)
        assert not Rule(("a",), strict=True).holds(0.5, 0.5, smaller)
    assert Rule(("a",)).holds(0.6, 0.5, smaller=False)
    assert not Rule(("a",)).holds(0.6, 0.5, smaller=True)


def test_table__met_and_not_met():
    cells = _cells(
        "darcy-lognormal",
        pare=[0.05, 0.07],
        nft=[0.1, 0.1],
        ridge=[0.08, 0.08],
        UNet=[0.06, 0.06],
    )
    assert cells[:5] == [
        "darcy-lognormal", "relative L2", "0.0600 +- 0.0141", "0.1000 +- 0.0000", "1",
    ]  # fmt: skip
    assert cells[5] == "ridge 0.0800 +- 0.0000, UNet 0.0600 +- 0.0000"
    assert cells[6:] == ["<= 1.1 x UNet, <= 0.7 x ridge", "yes, no (0.0560)"]


def test_table__seeds_of_a_peer_missing__open():
    scores = {"pare": [0.05, 0.07], "ridge": [0.2, 0.2], "UNet": [0.06]}
    assert _cells("darcy-lognormal", **scores)[-1] == "?, yes"
    assert _cells("iris-45", nft=[0.9])[-1] == "?"


def test_macro_ap__lists_of_probabilities():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 3)), rng.integers(2, size=(50, 4))
    forest = RandomForestClassifier(10, random_state=0).fit(X, y)
    assert METRICS["macro AP"].scorer(forest, X, y) > 0.9


def test_pixel_auroc__networks_and_filters():
    X = np.random.default_rng(0).normal(size=(6, 1, 12, 12))
    y = (X[:, 0] > 1).astype(int)
    scorer = METRICS["pixel AUROC"].scorer
    network = PaReClassifier(**TINY, random_state=0).fit(X, y)
    assert 0 < scorer(network, X, y) < 1
    assert scorer(peers.make("median filter", 0).fit(X, y), X, y) > 0.9


def test_command__resumes_and_reports(small, tmp_path, capsys):
    path = tmp_path / "results.jsonl"
    command = ["modalities", "--tasks", "wine,diabetes", "--out", str(path)]
    main([*command, "--seeds", "1"])
    first = capsys.readouterr().out.splitlines()
    assert len(first) == 6 + 4
    assert first[0].startswith("1/6  wine  pare  seed 0  score 0.")
    main([*command, "--seeds", "2"])
    second = capsys.readouterr().out.splitlines()
    assert [line for line in second if "seed 0" in line] == []
    assert len(path.read_text().splitlines()) == 12
    row = json.loads(path.read_text().splitlines()[0])
    assert {"task", "method", "seed", "recipe", "score", "seconds"} <= row.keys()
    main([*command, "--seeds", "2", "--report"])
    assert capsys.readouterr().out.splitlines() == second[-4:]
    assert "| >= 2 | no (2.0000) |" in second[-2]


def test_run__timed_peers__the_seconds_of_pare(small, monkeypatch, capsys):
    limits = []

    def make(name, seed, **settings):
        limits.append(settings)
        return make_peer(name, seed, seconds=1e-6)

    make_peer = peers.make
    monkeypatch.setattr(suites.peers, "make", make)
    monkeypatch.setattr(modalities.importlib.util, "find_spec", lambda name: None)
    rows = modalities.run([small["timed"]], ["pare"], [0])
    assert [row["method"] for row in rows] == ["pare", "UNet"]
    assert limits[0] == {"seconds": rows[0]["cpu"]}
    assert "FNO left out: no package neuralop" in capsys.readouterr().out
    modalities.run([small["timed"]], ["nft"], [0])
    assert "UNet left out: no time of pare" in capsys.readouterr().out


def test_run__other_defaults__fitted_again(small, tmp_path, capsys):
    path = tmp_path / "results.jsonl"
    modalities.run([small["wine"]], ["nft"], [0], out=path)
    other = dataclasses.replace(small["wine"], settings=TINY | {"batch_size": 32})
    capsys.readouterr()
    modalities.run([other], ["nft"], [0], out=path)
    assert [line.split()[2] for line in capsys.readouterr().out.splitlines()] == ["nft"]
