import json

import numpy as np
import pytest

from sklearn_pare.backbones.bundled import WEIGHTS
from sklearn_pare.exceptions import DataError
from studies import transfer
from studies.cli import main
from tests.common.tiny import NAME

RESULTS = {
    "first": {"a": [0.8, 0.9], "xavier": [0.5, 0.6], "b": [0.5, 0.6]},
    "second": {"a": [0.45, 0.65], "xavier": [0.6, 0.62], "b": [0.30, 0.32]},
    "third": {"a": [0.7, 0.7], "xavier": [0.6, 0.6], "b": [0.61, 0.61]},
}


def _rows(results):
    return [
        {"task": task, "method": name, "seed": seed, "score": score}
        for task, scores in results.items()
        for name, values in scores.items()
        for seed, score in enumerate(values)
    ]


@pytest.fixture
def small(monkeypatch, wine, diabetes):
    """Two tasks and a control that fit in milliseconds."""
    tasks = {task.name: task for task in (wine, diabetes)}
    monkeypatch.setattr(transfer, "TASKS", tasks)
    control = {"backbone": NAME, "pretrained": False}
    monkeypatch.setattr(transfer, "CONTROL_SETTINGS", control)
    return list(tasks.values())


def test_compare__by_hand():
    # a: +0.3 and +0.1 exceed 0.071 and 0; -0.06 does not exceed 0.14.
    assert transfer.compare(_rows(RESULTS), "a") == (2, 0)
    # b: equal, then -0.3, then +0.01 with no spread at all.
    assert transfer.compare(_rows(RESULTS), "b") == (1, 1)


def test_compare__one_seed__nothing_counts():
    rows = _rows({"t": {"a": [1.0], "xavier": [0.0]}})
    assert transfer.compare(rows, "a") == (0, 0)


def test_table__ranks_with_ties_and_mean_difference():
    lines = transfer.table(_rows(RESULTS)).splitlines()
    assert lines[0] == "| task | a | xavier | b |"
    assert lines[2].startswith("| first | 0.8500 +- 0.0707 | 0.5500 +- 0.0707 |")
    # a: 1, 2, 1; xavier: 2.5, 1, 3; b: 2.5, 3, 2
    assert lines[5] == "| average rank | 1.33 | 2.17 | 2.50 |"
    assert lines[7].startswith(
        "a vs xavier: better by more than one std on 2, worse on 0 of 3 tasks; "
        "mean difference +0.1133 (first +0.3000, second -0.0600,"
    )
    assert len(lines) == 9


def test_figures__rounded_and_plain():
    figures = transfer.figures(_rows(RESULTS))
    assert figures["first"]["a"] == [0.85, 0.0707]
    assert json.loads(json.dumps(figures)) == figures
    one = transfer.figures(_rows({"t": {"a": [0.123456]}}))
    assert one == {"t": {"a": [0.1235, None]}}


def test_resolve__control_name_and_file(tmp_path):
    assert transfer.resolve("xavier")[1] == {
        "backbone": "pare-tiny",
        "pretrained": False,
    }
    for suffix in (".safetensors", ".json"):
        source = WEIGHTS.with_suffix(suffix)
        (tmp_path / f"test-copy{suffix}").write_bytes(source.read_bytes())
    name, settings, sha256 = transfer.resolve(str(tmp_path / "test-copy.safetensors"))
    assert (name, settings["backbone"]) == ("test-copy", "test-copy")
    assert sha256 == transfer.resolve("pare-tiny")[2]
    with pytest.raises(DataError, match="another name"):
        transfer.resolve(str(tmp_path / "pare-tiny.safetensors"))


def test_run__candidate_and_control_from_the_same_splits(small):
    rows = transfer.run([NAME], small, [0, 1], "nft")
    assert [row["method"] for row in rows[:2]] == [NAME, "xavier"]
    assert np.isfinite([row["score"] for row in rows]).all()
    # Other weights, as "scratch" must not take away those of a candidate.
    assert rows[0]["recipe"] != rows[1]["recipe"]
    scratch = transfer.run([NAME], small[:1], [0], "scratch")
    assert scratch[0]["recipe"] == rows[0]["recipe"]


def test_run__other_weights_of_the_same_name__fitted_again(
    small, tmp_path, monkeypatch, capsys
):
    path = tmp_path / "fits.jsonl"
    for sha256, method, n_fits in [("1", "nft", 2), ("2", "nft", 2), ("2", "pare", 2),
                                   ("2", "nft", 0)]:  # fmt: skip
        backbone = ({"backbone": NAME}, sha256)
        monkeypatch.setattr(
            transfer, "resolve", lambda name, backbone=backbone: (name, *backbone)
        )
        transfer.run([NAME], small[:1], [0], method, out=path)
        assert len(capsys.readouterr().out.splitlines()) == n_fits


def test_command__records_in_the_card(small, tmp_path, capsys):
    card = tmp_path / "backbone.json"
    card.write_text('{"name": "backbone", "transfer": {"old": 1}}')
    main(["transfer", NAME, "--tasks", "wine", "--seeds", "2", "--record", str(card)])
    out = capsys.readouterr().out
    assert "wine  xavier  seed 1  score" in out
    assert "| average rank |" in out
    described = json.loads(card.read_text())
    assert described["name"] == "backbone"
    transferred = described["transfer"]
    assert transferred["command"] == (
        f"python -m studies transfer {NAME} --tasks wine --seeds 2 --method nft"
    )
    assert (transferred["method"], transferred["seeds"]) == ("nft", 2)
    assert list(transferred["tasks"]["wine"]) == [NAME, "xavier"]
    assert "old" not in transferred
