import dataclasses

import pytest

from studies import accuracy
from studies.cli import main


@pytest.fixture
def small(monkeypatch, wine):
    task = dataclasses.replace(wine, peers=accuracy.TASKS["wine"].peers)
    monkeypatch.setattr(accuracy, "TASKS", {"wine": task})


def test_command__methods_and_all_peers(small, capsys):
    main(["accuracy", "wine", "--methods", "nft", "--seeds", "2"])
    lines = capsys.readouterr().out.splitlines()[-8:]
    cells = {line.split(" | ")[0].strip("| "): line.split(" | ") for line in lines}
    assert list(cells)[2:] == ["nft", *accuracy.PEERS]
    accuracy_of_forest, nll = cells["RandomForest"][1:3]
    assert float(accuracy_of_forest.split()[0]) > 0.9
    assert 0 < float(nll.split()[0]) < 0.5
    # Without probabilities there is no likelihood.
    assert cells["SVC"][2] == "-"


def test_tasks__the_whole_remainder_is_for_the_test():
    X, X_test, _, _ = accuracy.TASKS["digits"].split(0)
    assert (len(X), len(X_test)) == (300, 1497)


def test_command__unknown_method__nearest(capsys):
    with pytest.raises(SystemExit):
        main(["accuracy", "wine", "--methods", "scrach"])
    assert "Did you mean 'scratch'" in capsys.readouterr().err
