"""Fits that two processes share."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from sklearn_pare._architecture import export_arrays
from sklearn_pare.exceptions import DataError, OutOfMemoryError, ProcessError
from sklearn_pare.training import distributed
from tests.training import several
from tests.training.same import assert_same_fit
from tests.training.several import EQUAL, ROOT, exact, outcomes, run, start
from tests.training.test_out_of_memory import assert_same

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="signals, and host names, differ elsewhere"
)


def _assert_close(one, other):
    """Assert that weights and histories of two fits agree to 1e-4."""
    arrays, others = (export_arrays(e._model) for e in (one, other))
    for name, value in arrays.items():
        difference = abs(value.astype(float) - others[name])
        if name.endswith("in_proj_bias"):
            # The exact gradient of the biases of keys is 0: Adam makes whole steps out
            # of rounding errors.
            difference = np.delete(difference.reshape(3, -1), 1, axis=0)
        assert difference.max(initial=0) < 1e-4, name
    for row, other_row in zip(one.history_, other.history_, strict=True):
        assert row.keys() == other_row.keys()
        for name in row.keys() - {"duration"}:
            expected = row[name] and pytest.approx(row[name], abs=1e-4)
            assert other_row[name] == expected, name
    assert one.network_share_ == other.network_share_
    assert one.source_distances_ == pytest.approx(other.source_distances_)
    assert one.fit_report_.ended == other.fit_report_.ended


def test_fit__two_processes__weights_and_history_of_one(tmp_path):
    (first, second), outputs = run(tmp_path, *EQUAL)
    assert first.keys() == second.keys() == EQUAL.keys(), outputs
    alone = {name: case(tmp_path) for name, case in EQUAL.items()}
    for name, expected in alone.items():
        assert_same_fit(first[name], second[name])
        _assert_close(expected, first[name])
    # The cases are what their names say.
    assert alone["early stopping"].fit_report_.n_validation
    assert alone["unlabelled"].history_[0]["unlabeled_loss"]
    assert len(alone["alignment"].alignment_history_) == 20
    assert len(alone["sources"].source_distances_) == 2
    assert any(row["own_readable"] for row in alone["linear path"].history_)


def test_train__float64__equal(tmp_path):
    (first, second), _ = run(tmp_path, "exact")
    for alone, one, other in zip(exact(None), *first.values(), *second.values(),
                                 strict=True):  # fmt: skip
        assert_same(one, alone)
        for name, value in one[0].items():
            torch.testing.assert_close(other[0][name], value, rtol=0, atol=0)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Outcomes of two processes that go on after each error, and what they printed."""
    names = ["data", "random", "time", "no memory", "waits", "scorer", "interrupted"]
    names += ["kept", "thread", "group", "prints", "repeated", "initialised"]
    outcomes, outputs = run(tmp_path_factory.mktemp("found"), *names)
    assert outcomes[0].keys() == outcomes[1].keys() == set(names), outputs
    return {name: [own[name] for own in outcomes] for name in names}, outputs


def test_fit__other_data__error_in_each_process(found):
    for error in found[0]["data"]:
        assert isinstance(error, DataError)
        assert "differ in X. Call fit with the same arguments" in str(error)


@pytest.mark.parametrize("name", ["random", "time", "kept"])
def test_fit__what_differs_between_processes__is_that_of_one(name, found):
    assert_same_fit(*found[0][name])


def test_fit__deterministic__same_bits_again(found):
    for first, second in found[0]["repeated"]:
        assert_same_fit(first, second)


def test_fit__no_memory_in_one__error_in_both(found):
    first, second = found[0]["no memory"]
    assert isinstance(first, ProcessError)
    assert isinstance(second, OutOfMemoryError)


def test_fit__error_in_one_that_goes_on__other_notices_at_once(found):
    (first, seconds), (second, _) = found[0]["waits"]
    assert isinstance(first, ProcessError)
    assert "checkpoint_dir" in str(first)
    assert seconds < 4
    assert isinstance(second, ZeroDivisionError)


def test_fit__error_in_the_first__told_to_the_others(found):
    first, second = found[0]["scorer"]
    assert isinstance(first, ZeroDivisionError)
    assert isinstance(second, ProcessError)
    assert "ZeroDivisionError('of the scorer')" in str(second)


def test_fit__interrupt_of_one__ends_both_in_the_same_step(found):
    assert [type(e) for e in found[0]["interrupted"]] == [KeyboardInterrupt] * 2
    for kept in found[0]["kept"]:
        assert kept.fit_report_.ended == "interrupted"
        assert kept.n_iter_ == 1


def test_fit__thread__alone(found):
    none, (fit,) = found[0]["thread"]
    assert none == []
    assert fit.fit_report_.ended == "completed"


def test_fit__group_of_the_program__is_used_and_stays(found):
    (first, total), (second, _) = found[0]["group"]
    assert total == 2
    for one, other in zip(first, second, strict=True):
        assert_same_fit(one, other)


def test_fit__first_process_alone__logs_warns_and_calls(found):
    (report, warned, called), (other, not_warned, not_called) = found[0]["prints"]
    lines = [output.count("samples to train on") for output in found[1]]
    assert lines == [1, 0]
    assert report.ended == other.ended == "callback"
    assert report.n_epochs == other.n_epochs == 2
    assert [text for text in warned if "n_iter_no_change" in text]
    assert not_warned == not_called == []
    assert called[0] == "begin"


def test_fit__end__no_group_left(found):
    assert found[0]["initialised"] == [False, False]


def test_fit__workers_of_joblib__alone(tmp_path):
    alone, (found, _) = several.classes(), run(tmp_path, "workers")
    for outcome in found:
        for fit in outcome["workers"]:
            assert_same_fit(fit, alone)


@pytest.mark.parametrize("missing", distributed._VARIABLES)
def test_join__not_all_variables__alone(missing, monkeypatch):
    values = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "x", "MASTER_PORT": "1"}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    assert distributed._is_shared()
    monkeypatch.delenv(missing)
    with distributed.join() as processes:
        assert processes is distributed.ALONE


def test_join__one_process__alone(monkeypatch):
    values = {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "x", "MASTER_PORT": "1"}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    with distributed.join() as processes:
        assert processes is distributed.ALONE


# ---- a process that is killed


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A fit of two processes with checkpoints."""
    (first, second), _ = run(tmp_path_factory.mktemp("whole"), "checkpoints")
    assert_same_fit(first["checkpoints"], second["checkpoints"])
    return first["checkpoints"]


@pytest.mark.parametrize("name", ["killed first", "killed second"])
def test_fit__killed_process__other_stops_and_both_continue(name, tmp_path, whole):
    processes = start(tmp_path, name)
    killed = name == "killed second"
    processes[killed].communicate(timeout=120)
    begin = time.monotonic()
    processes[not killed].communicate(timeout=120)
    assert time.monotonic() - begin < 60
    assert processes[killed].returncode == -signal.SIGKILL
    error = outcomes(tmp_path, int(not killed))[name]
    assert isinstance(error, ProcessError)
    assert "another of its processes ended" in str(error)
    files = sorted(p.name for p in (tmp_path / "checkpoints").iterdir())
    assert files[-1] == "checkpoint-00000006.safetensors"
    for outcome in run(tmp_path, "checkpoints")[0]:
        assert_same_fit(outcome["checkpoints"], whole)


def test_torchrun__killed_process__starts_again_and_continues(tmp_path, whole):
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
               "--max-restarts=1", "-m", "tests.training.several"]  # fmt: skip
    done = subprocess.run(
        [sys.executable, *command, str(tmp_path), "once"],
        cwd=ROOT, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "SIGKILL" in done.stderr or "exitcode: -9" in done.stderr
    for rank in range(2):
        assert_same_fit(outcomes(tmp_path, rank)["once"], whole)
