"""The study of backbones, with tiny ones in place of those of packages."""

import pytest

from studies import backbones, real
from studies.cli import main
from studies.suites import SUITES
from tests.common.tiny import NAME


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(real, "BACKBONES", {"one": lambda: NAME, "two": lambda: NAME})
    task = SUITES["small"]["iris-45"]
    settings = {"max_epochs": 1, "batch_size": 45}
    task = backbones.real.Task(task.name, task.load, 45, settings=settings,
                               peers={"RandomForest": "RandomForest"})  # fmt: skip
    monkeypatch.setattr(backbones, "TASKS", {task.name: task})


@pytest.mark.filterwarnings("ignore::sklearn_pare.exceptions.NetworkUnusedWarning")
def test_command__resumed__table_and_comparisons(tiny, tmp_path, capsys):
    words = ["backbones", "--methods", "pare-alone,scratch-alone,RandomForest"]
    words += ["--seeds", "2", "--out", str(tmp_path / "fits.jsonl")]
    main(words)
    first = capsys.readouterr().out
    main(words)
    table = capsys.readouterr().out
    # All fits are read, none is repeated, and a peer has one line for all backbones.
    assert table in first
    lines = [line for line in table.splitlines() if line.startswith("| iris")]
    names = [line.split(" | ")[1] for line in lines]
    assert names == ["RandomForest", "one, pare-alone", "one, scratch-alone",
                     "two, pare-alone", "two, scratch-alone"]  # fmt: skip
    assert "pare-alone against scratch-alone, 2 tasks and backbones" in table


def test_command__unknown_method__named(tiny, capsys):
    with pytest.raises(SystemExit):
        main(["backbones", "--methods", "pare-alon"])
    assert "pare-alon" in capsys.readouterr().err


def test_compared__counts_by_standard_deviation():
    def rows(method, errors):
        return [
            {
                "task": "t",
                "backbone": name,
                "method": method,
                "error": error,
                "seed": seed,
            }
            for name, own in errors.items()
            for seed, error in enumerate(own)
        ]

    fits = rows("a", {"x": [1.0, 1.2], "y": [3.0, 4.0], "z": [2.0]})
    # The last split of "x" has no fit of "a", and does not count.
    fits += rows("b", {"x": [2.0, 2.2, 0.0], "y": [3.2, 4.2], "z": [1.0]})
    (line,) = backbones._compared(fits, "a", "b")
    assert line.startswith("a against b, 3 tasks and backbones, 5 splits with both")
    assert "error lower on 2, higher on 1" in line
    assert line.endswith("standard deviation on 1, higher on 0")
    assert backbones._compared(fits, "a", "c") == []
