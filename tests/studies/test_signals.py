import dataclasses
import functools

import numpy as np
import pytest

from sklearn_pare import datasets
from sklearn_pare.exceptions import NetworkUnusedWarning
from studies import archive as ucr
from studies import signals
from studies.cli import main


@pytest.fixture
def archive(monkeypatch, tmp_path):
    """A folder in place of the package, with one set of 40 + 30 signals."""
    X, y = datasets.make_gait(70, random_state=0)
    (tmp_path / "data").mkdir()
    table = np.column_stack([y, X[:, 0]])
    for name, part in (("TRAIN", table[:40]), ("TEST", table[40:])):
        np.savetxt(tmp_path / f"data/Gait_{name}.tsv", part, delimiter="\t")
    monkeypatch.setattr(ucr.resources, "files", lambda package: tmp_path)
    load = functools.partial(ucr.load, "Gait")
    task = dataclasses.replace(
        signals.TASKS["FordA"], name="FordA", load=load, settings={"max_epochs": 1}
    )
    monkeypatch.setattr(signals, "TASKS", {"FordA": task})
    # In place of backbones that only `make real` installs.
    backbones = dict.fromkeys(("ViT-S", "MiniLM"), lambda: "pare-tiny")
    monkeypatch.setattr(signals.real, "BACKBONES", backbones)
    return X, y


def test_load__the_parts_as_they_are(archive):
    X, y = archive
    read, test, codes, test_codes = signals.TASKS["FordA"].split(3)
    np.testing.assert_allclose(np.concatenate([read, test])[:, 0], X[:, 0])
    np.testing.assert_array_equal(np.concatenate([codes, test_codes]), y)
    assert len(read) == 40


@pytest.mark.filterwarnings("ignore::sklearn_pare.exceptions.NetworkUnusedWarning")
def test_command__all_methods_side_by_side(archive, capsys):
    methods = ["pare", "scratch", "kernels", "kernels+competing", "MiniRocket + ridge",
               "MiniRocket + calibrated ridge"]  # fmt: skip
    main(["signals", "--tasks", "FordA", "--methods", ",".join(methods)])
    out = capsys.readouterr().out
    lines = [line.strip("| ") for line in out.splitlines()]
    fits = [line.split(" | ") for line in lines if line.startswith("FordA")]
    assert [fit[1] for fit in fits] == methods
    # With few samples the network has no share, so that both scores are the same.
    for _, _, score, nll, ece, share, alone, _ in fits[:4]:
        assert share == "0.0000"
        assert score == alone
        assert float(nll) > 0
        assert 0 <= float(ece) <= 1
    names = {line.split(" | ")[0] for line in lines[lines.index("") :]}
    assert {*methods, "pare, linear path alone"} <= names
    compared = [line.split(" against ")[0] for line in lines if " against " in line]
    assert compared[0] == "pare"
    assert compared[-1] == "NLL of pare"
    assert "MiniRocket + ridge" not in compared


@pytest.mark.parametrize("method", signals.LINEAR)
@pytest.mark.filterwarnings("error")
def test_linear__groups_that_are_named_and_no_network(method, archive):
    task = signals.TASKS["FordA"]
    cell = {"task": "FordA", "method": method, "seed": 0}
    estimator = signals.record.plain(task, cell)
    row = signals._fit(task, estimator, cell)
    assert set(row["groups"].split("+")) <= set(signals.LINEAR[method])
    assert row["share"] == 0
    assert row["epochs"] == 0
    real = method.endswith(("ViT-S", "MiniLM"))
    assert estimator.backbone_ == ("pare-tiny" if real else "pare-signal")
    assert estimator.pretrained == (not method.endswith("random"))
    # The changes end with the fit.
    again = signals.record.plain(task, cell | {"method": "pare"})
    with pytest.warns(NetworkUnusedWarning):
        again.fit(*archive)
    assert again.n_iter_ == 1


@pytest.mark.usefixtures("archive")
def test_per_class__few_of_each_class_and_the_whole_test_part():
    task = signals._few(signals.TASKS["FordA"], 3)
    assert task.name == "FordA, 3 per class"
    X, X_test, labels, y_test = task.split(0)
    assert len(X) == len(labels)
    assert len(X_test) == len(y_test) == 30
    counts = np.unique(labels, return_counts=True)[1]
    np.testing.assert_array_equal(counts, 3)
    assert not np.array_equal(X, task.split(1)[0])


def test_suites__disjoint_and_without_blind_sets():
    names = [name for suite in signals.SUITES.values() for name in suite]
    assert len(names) == len(set(names))
    blind = {"ACSF1", "ArrowHead", "BasicMotions", "GunPoint", "ItalyPowerDemand",
             "JapaneseVowels", "OSULeaf"}  # fmt: skip
    assert not blind & set(names)
    assert len(signals.SUITES["tuning"]) == 10


def test_table__pare_against_kernels_and_against_aeon():
    found = {"pare": (0.9, 0.8, 0.7), "MiniRocket + ridge": (0.8, 0.7, 0.7),
             "aeon MiniRocket": (0.95, 0.7, 0.6)}  # fmt: skip
    rows = [
        {"task": f"set {i}", "method": method, "seed": 0, "score": score, "seconds": 1}
        for method, scores in found.items()
        for i, score in enumerate(scores)
    ]
    lines = signals.table(rows).splitlines()
    compared = [line.split(": mean")[0] for line in lines if " against " in line]
    assert compared == [
        "pare against MiniRocket + ridge, 3 tasks",
        "aeon MiniRocket against MiniRocket + ridge, 3 tasks",
        "pare against aeon MiniRocket, 3 tasks",
    ]
    assert "higher on 2, lower on 1, p " in lines[-1]
    assert lines[-1].endswith("differences from -0.0500 to +0.1000")
    assert " against " not in signals.table([])
