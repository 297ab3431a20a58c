import json
from functools import partial

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_wine

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.backbones.bundled import WEIGHTS
from studies import evaluate, transfer
from tests.common.tiny import NAME

RESULTS = {
    "first": {"a": [0.8, 0.9], "xavier": [0.5, 0.6], "b": [0.5, 0.6]},
    "second": {"a": [0.45, 0.65], "xavier": [0.6, 0.62], "b": [0.30, 0.32]},
    "third": {"a": [0.7, 0.7], "xavier": [0.6, 0.6], "b": [0.61, 0.61]},
}


@pytest.fixture
def small(monkeypatch):
    """Two tasks and a control that fit in milliseconds."""
    one = {"max_epochs": 1}
    wine, diabetes = (
        partial(load, return_X_y=True) for load in (load_wine, load_diabetes)
    )
    tasks = {
        "wine": ("tables", wine, 40, PaReClassifier, one),
        "diabetes": ("tables", diabetes, 40, PaReRegressor, one),
    }
    monkeypatch.setattr(transfer, "TASKS", tasks)
    control = {"backbone": NAME, "pretrained": False}
    monkeypatch.setattr(transfer, "CONTROL_SETTINGS", control)


@pytest.mark.parametrize("name", transfer.TASKS)
def test_tasks__split__train_rows_all_classes_and_at_most_500_to_test(name):
    _, load, n_train, kind, settings = transfer.TASKS[name]
    X, y = load()
    kind(**settings)
    stratify = kind is PaReClassifier
    X_train, X_test, y_train, _ = transfer.split(X, y, n_train, stratify, 0)
    assert len(X_train) == n_train
    assert len(X_test) == min(500, len(X) - n_train)
    if stratify:
        assert set(y_train) == set(y)


def test_compare__by_hand():
    # a: +0.3 and +0.1 are more than 0.071 and 0; -0.06 is less than 0.14.
    assert transfer.compare(RESULTS, "a") == (2, 0)
    # b: equal, then -0.3, then +0.01 with no spread at all.
    assert transfer.compare(RESULTS, "b") == (1, 1)


def test_compare__one_seed__nothing_counts():
    assert transfer.compare({"t": {"a": [1.0], "xavier": [0.0]}}, "a") == (0, 0)


def test_table__ranks_with_ties_and_mean_difference():
    lines = transfer.table(RESULTS).splitlines()
    assert lines[0] == "| task | a | xavier | b |"
    assert lines[2].startswith("| first | 0.8500 +- 0.0707 | 0.5500 +- 0.0707 |")
    # a: 1, 2, 1; xavier: 2.5, 1, 3; b: 2.5, 3, 2
    assert lines[5] == "| average rank | 1.33 | 2.17 | 2.50 |"
    assert lines[7].startswith(
        "a vs xavier: better by more than one std on 2, worse on 0 of 3 tasks; "
        "mean difference +0.1133 (first +0.3000, second -0.0600,"
    )
    assert len(lines) == 9


def test_to_figures__rounded_and_plain():
    figures = transfer.to_figures(RESULTS)
    assert figures["first"]["a"] == [0.85, 0.0707]
    assert json.loads(json.dumps(figures)) == figures
    assert transfer.to_figures({"t": {"a": [0.123456]}}) == {"t": {"a": [0.1235, None]}}


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
    with pytest.raises(ValueError, match="another name"):
        transfer.resolve(str(tmp_path / "pare-tiny.safetensors"))


def test_run__resumes(small, tmp_path):
    path, lines = tmp_path / "fits.jsonl", []
    go = partial(transfer.run, [NAME], ["wine", "diabetes"], method="nft", path=path)
    first = go(seeds=[0], log=lines.append)
    assert len(lines) == 4
    assert lines[0].startswith(f"wine  seed 0  {NAME}  score 0.")
    assert list(first["wine"]) == [NAME, "xavier"]
    both = go(seeds=[0, 1], log=lines.append)
    assert len(lines) == 8
    assert both["wine"][NAME][:1] == first["wine"][NAME]
    assert np.isfinite(both["diabetes"]["xavier"]).all()


def test_run__other_weights_of_the_same_name__fitted_again(
    small, tmp_path, monkeypatch
):
    path, lines = tmp_path / "fits.jsonl", []
    for sha256, method, n_fits in [("1", "nft", 2), ("2", "nft", 4), ("2", "pare", 6)]:
        backbone = ({"backbone": NAME}, sha256)
        monkeypatch.setattr(
            transfer, "resolve", lambda name, backbone=backbone: (name, *backbone)
        )
        transfer.run([NAME], ["wine"], [0], method, lines.append, path)
        assert len(lines) == n_fits


def test_evaluate__records_in_the_card(small, tmp_path, capsys):
    card = tmp_path / "backbone.json"
    card.write_text('{"name": "backbone", "transfer": {"old": 1}}')
    evaluate.main(
        [NAME, "--tasks", "wine", "--seeds", "2", "--method", "nft",
         "--record", str(card)]
    )  # fmt: skip
    out = capsys.readouterr().out
    assert "wine  seed 1  xavier  score" in out
    assert "| average rank |" in out
    described = json.loads(card.read_text())
    assert described["name"] == "backbone"
    transferred = described["transfer"]
    assert transferred["command"] == (
        f"python -m studies.evaluate {NAME} --tasks wine --seeds 2 --method nft"
    )
    assert (transferred["method"], transferred["seeds"]) == ("nft", 2)
    assert list(transferred["tasks"]["wine"]) == [NAME, "xavier"]
    assert "old" not in transferred


def test_evaluate__help_and_unknown_task(capsys):
    with pytest.raises(SystemExit):
        evaluate.main(["--help"])
    assert len(capsys.readouterr().out.splitlines()) < 30
    with pytest.raises(SystemExit):
        evaluate.main(["--tasks", "chess"])
    assert "chess" in capsys.readouterr().err
