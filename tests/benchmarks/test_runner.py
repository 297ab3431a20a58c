import json
import multiprocessing
import signal
import time
from types import SimpleNamespace

import numpy as np
import pytest
from joblib import parallel_config

import sklearn_pare
from sklearn_pare import PaReClassifier
from sklearn_pare.benchmarks import presets, report, runner, splits, tasks
from sklearn_pare.benchmarks.cli import main
from sklearn_pare.benchmarks.lines import append, read
from tests.benchmarks import killed, stand_ins

_COMMAND = ["run", "--suite", "tiny", "--preset", "tiny", "--methods", "pare,nft"]


@pytest.fixture
def tiny(monkeypatch):
    """Register the suite and the preset "tiny" in this process."""
    monkeypatch.setitem(tasks.SUITES, "tiny", stand_ins.TASKS)
    monkeypatch.setitem(presets.PRESETS, "tiny", stand_ins.small)
    stand_ins.LOADED.clear()


def _run(path=None, methods=("pare", "nft"), seeds=(0, 1), chosen=None, **more):
    said = []
    more = {"data_home": "nowhere"} | more
    rows, failures = runner.run(
        chosen or list(stand_ins.TASKS.values()),
        methods,
        seeds,
        "tiny",
        said.append,
        path=path,
        **more,
    )
    return rows, failures, said


def _untimed(rows):
    dull = {"cpu", "wall", "memory_mb"}
    return [{k: v for k, v in row.items() if k not in dull} for row in rows]


def test_run__twice__fits_once(tiny, tmp_path):
    path = tmp_path / "rows.jsonl"
    rows, failures, said = _run(path)
    assert len(rows) == len(said) == 8
    assert failures == []
    assert "ends about" in said[0]
    assert "ends about" not in said[-1]
    stand_ins.LOADED.clear()
    again, _, said = _run(path)
    assert said == stand_ins.LOADED == []
    assert again == rows


def test_run__row__says_what_it_was_made_with(tiny):
    rows, _, _ = _run(seeds=[3])
    for row in rows:
        assert row["versions"]["sklearn_pare"] == sklearn_pare.__version__
        assert set(row["versions"]) >= {"torch", "timm", "skorch", "numpy"}
        assert row["device"] == "cpu" or row["device_memory_mb"] > 0
        assert row["memory_mb"] > 100
        assert 0 < row["cpu"] < 1.5 * row["wall"] + 0.5
        assert row["protocol"] == "ours"
        assert row["settings"]["early_stopping"]
        assert row["simulated"] is False
        json.dumps(row)
    iris, waves = rows[0], rows[2]
    assert iris["rows"] == [40, 15, 30]
    assert waves["rows"] == [20, 15, 20]
    assert iris["error"] == pytest.approx(1 - iris["score"])
    assert waves["error"] == pytest.approx(-waves["score"])
    assert rows[0]["split_hash"] == rows[1]["split_hash"] != waves["split_hash"]
    assert (rows[0]["settings"]["linear_path"], rows[0]["epochs"]) == (False, 2)


def test_run__other_seed__other_rows_to_train_on_the_same_to_test_on(tiny):
    one, other = (
        splits.read(stand_ins.TASKS["iris"], {"train": 40, "test": 20}, seed, ".")
        for seed in (0, 1)
    )
    np.testing.assert_array_equal(one.test.X, other.test.X)
    assert not np.array_equal(one.train.X, other.train.X)
    assert one.hash != other.hash


def test_run__marker__is_another_cell(tiny, tmp_path):
    path = tmp_path / "rows.jsonl"
    _run(path, seeds=[0], data_home=tmp_path)
    (tmp_path / runner.MARKER).write_text("Written by a test.")
    rows, _, said = _run(path, seeds=[0], data_home=tmp_path)
    assert len(said) == len(rows) == 4
    assert all(row["simulated"] for row in rows)
    text = report.table(read(path))
    assert "preset tiny, real data" in text
    assert "preset tiny, simulated data" in text
    assert "mean rank, 4 tasks" in text


def test_run__missing_file__other_tasks_go_on(tiny):
    chosen = [stand_ins.MISSING, *stand_ins.TASKS.values()]
    rows, failures, said = _run(chosen=chosen, seeds=[0])
    assert len(rows) == 4
    assert [cell["task"] for cell in failures] == ["missing"] * 2
    assert "FileNotFoundError: nowhere/nothing.npy is not there" in said[0]


def test_command__failed_cells__exit_status_and_what_to_do(tiny, monkeypatch, capsys):
    monkeypatch.setitem(tasks.SUITES, "tiny", {"missing": stand_ins.MISSING})
    assert main([*_COMMAND, "--data", "nowhere"]) == 1
    out = capsys.readouterr().out
    assert "2 of 2 fits failed" in out
    assert "nothing.npy" in out


def test_fit__error_in_the_middle__cell_says_where(tiny, monkeypatch):
    def broken(estimator, X, y, **more):
        raise ZeroDivisionError("made to fail")

    task = stand_ins.TASKS["iris"]
    monkeypatch.setattr(sklearn_pare.PaReClassifier, "fit", broken)
    rows, failures, _ = _run(chosen=[task], methods=["nft"], seeds=[0])
    assert rows == []
    assert "ZeroDivisionError: made to fail" in failures[0]["failed"]
    assert "in broken" in failures[0]["failed"]


def test_run__limit_of_steps__fewer_epochs(tiny, monkeypatch):
    def one_epoch(task, data_home):
        return stand_ins.small(task, data_home)._replace(steps=3)

    monkeypatch.setitem(presets.PRESETS, "tiny", one_epoch)
    # Three steps of 16 samples are an epoch of 40 samples.
    rows, _, _ = _run(chosen=[stand_ins.TASKS["iris"]], methods=["nft"], seeds=[0])
    assert rows[0]["epochs"] == 1


def test_run__openml__means_of_official_folds(monkeypatch, tmp_path):
    fitted = []

    def run_task(estimator, task_id):
        fitted.append((type(estimator), estimator.random_state, estimator.max_epochs))
        return f"a run of task {task_id}"

    def fold_scores(run):
        assert run == "a run of task 9946"
        return {"auroc": np.array([0.8, np.nan]), "accuracy": np.array([0.5, 0.7])}

    def load_task(task_id):
        folds = SimpleNamespace(
            get_train_test_split_indices=lambda: (range(512), range(57))
        )
        return folds, None, None

    for function in (run_task, fold_scores, load_task):
        monkeypatch.setattr(runner, function.__name__, function)
    (tmp_path / runner.MARKER).touch()
    chosen = tasks.choose(["openml-cc18"], ["9946"])
    rows, failures = runner.run(
        chosen, ["pare"], [5], "small", print, data_home=tmp_path
    )
    assert failures == []
    # 200 steps of 16 samples are six epochs of 512 samples.
    assert fitted == [(PaReClassifier, 5, 6)]
    (row,) = rows
    assert (row["score"], row["error"]) == (0.8, pytest.approx(0.2))
    assert row["accuracy"] == pytest.approx(0.6)
    assert (row["protocol"], row["simulated"]) == ("official folds", False)
    assert "| wdbc | 1 - AUROC" in report.table(rows)


def test_run__backend_that_gives_all_at_once__same_rows(tiny, tmp_path):
    rows, _, _ = _run(seeds=[0])
    with parallel_config("multiprocessing", n_jobs=2):
        again, _, said = _run(seeds=[0])
    assert len(said) == 4
    assert _untimed(again) == _untimed(rows)


def test_run__two_processes__same_rows(tiny):
    rows, _, _ = _run(methods=["nft"], seeds=[0])
    again, _, _ = _run(methods=["nft"], seeds=[0], jobs=2)
    assert _untimed(again) == _untimed(rows)


def _process(path):
    # Fork from a server that has imported the modules: starting is fast.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.benchmarks.killed"])
    process = context.Process(target=killed.run, args=(path,))
    process.start()
    return process


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs signals of Unix")
def test_run__sigkill_at_random_moments__same_table(tiny, tmp_path):
    whole, _, _ = _run(tmp_path / "whole.jsonl", seeds=range(2))
    path, rng, n_kills = tmp_path / "killed.jsonl", np.random.default_rng(), 0
    for _ in range(3):
        process = _process(path)
        # Wait for a new row, and a little longer: the next cell is running.
        n_before = len(read(path))
        while len(read(path)) == n_before and process.is_alive():
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.2))
        process.kill()
        process.join()
        n_kills += process.exitcode == -signal.SIGKILL
    assert n_kills
    assert 0 < len(read(path)) <= 8
    rows, failures, _ = _run(path, seeds=range(2))
    assert failures == []
    assert report.table(rows) == report.table(whole)
    assert _untimed(rows) == _untimed(whole)
    # There is one line per cell: none is missing and none was repeated.
    assert len(read(path)) == 8
    assert _run(path, seeds=range(2))[2] == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--tasks", "iriss"], "task='iriss' is unknown. Did you mean 'iris'?"),
        (["--methods", "prae"], "method='prae' is unknown. Did you mean 'pare'?"),
        (["--suite", "tyny"], "suite='tyny' is unknown. Did you mean 'tiny'?"),
        (["--preset", "papr"], "preset='papr' is unknown. Did you mean 'paper'?"),
    ],
)
def test_command__unknown_name__nearest(tiny, capsys, words, told):
    with pytest.raises(SystemExit) as stop:
        main([*_COMMAND, "--data", "nowhere", *words])
    assert stop.value.code == 2
    assert told in capsys.readouterr().err


def test_append__line_cut_short__takes_its_place(tmp_path):
    path = tmp_path / "rows.jsonl"
    append({"a": 1}, path)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"a": 2, "b"')
    assert read(path) == [{"a": 1}]
    assert path.read_bytes() != whole
    append({"a": 3}, path)
    assert path.read_bytes() == whole + b'{"a": 3}\n'


def test_read__line_that_is_no_json__is_named(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1}\nnonsense\n{"a": 2}\n')
    with pytest.raises(ValueError, match=r"rows\.jsonl, line 2: .*one JSON object"):
        read(path)
