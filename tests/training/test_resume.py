"""Fits that are interrupted at any moment, and continued with the same result."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.random import RandomState

from sklearn_pare import PaReClassifier, PaReRegressor, _safetensors
from sklearn_pare.training import checkpoint
from sklearn_pare.training.guard import Guard
from tests.common.instances import tiny
from tests.training.interrupted import CLASSES, IMAGES, MORE, TABLE, fresh
from tests.training.same import assert_same_fit

PLAIN = {"batch_size": 20, "linear_path": False}
FITS = {
    # name: (estimator, arguments of fit)
    "classes": (tiny(PaReClassifier, batch_size=16, max_epochs=3), (TABLE, CLASSES)),
    "early stopping": (
        tiny(PaReClassifier, early_stopping=True, n_iter_no_change=2, max_epochs=4,
             batch_size=16, linear_path=False),
        (TABLE, CLASSES),
    ),
    "numbers": (
        tiny(PaReRegressor, batch_size=16, max_epochs=3), (TABLE, TABLE[:, 0]),
    ),
    "fields": (tiny(PaReRegressor, max_epochs=2), (IMAGES, IMAGES[:, 0])),
    "alignment": (
        tiny(PaReClassifier, alignment="l2", max_epochs=2, **PLAIN),
        (TABLE, CLASSES),
    ),
    "mask token": (
        tiny(PaReClassifier, source="mask-token", max_epochs=2, **PLAIN),
        (TABLE, CLASSES),
    ),
    "no mixing": (
        tiny(PaReClassifier, mix_start=0.0, mix_end=0.0, max_epochs=2, **PLAIN),
        (TABLE, CLASSES),
    ),
    "bfloat16": (
        tiny(PaReClassifier, precision="bf16", max_epochs=2, **PLAIN),
        (TABLE, CLASSES),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FITS)
def test_fit__cut_off_before_any_step_and_started_again__same_bits(
    name, stop, tmp_path, monkeypatch
):
    estimator, data = FITS[name]
    monkeypatch.setattr(checkpoint, "_MINUTES", 0)
    whole = fresh(estimator, None).fit(*data)
    n_steps = stop.seen
    for step in range(n_steps):
        folder = tmp_path / str(step)
        stop.before(step)
        with pytest.raises(KeyboardInterrupt):
            fresh(estimator, folder).fit(*data)
        stop.before(None)
        again = fresh(estimator, folder).fit(*data)
        assert stop.seen == n_steps - step
        assert_same_fit(again, whole)


@pytest.mark.parametrize("step", [4, 12, 19])
def test_fit__cut_off_before_it_ends_without_a_gain__same_bits(step, stop, tmp_path):
    # With 15 samples to determine the share, it is 0.
    data = TABLE[:30], TABLE[:30, 0]
    reg = tiny(PaReRegressor, max_epochs=24, checkpoint_dir=tmp_path)
    whole = fresh(reg, None).fit(*data)
    assert (whole.n_iter_, whole.fit_report_.ended) == (20, "no gain")
    stop.before(step)
    with pytest.raises(KeyboardInterrupt):
        reg.fit(*data)
    stop.before(None)
    assert_same_fit(reg.fit(*data), whole)
    assert stop.seen == 20 - step
    # It stays ended, for the same reason.
    assert_same_fit(fresh(reg, tmp_path).fit(*data), whole)
    assert stop.seen == 20 - step
    assert reg.fit_report_.ended == "no gain"


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_fit__cut_off_between_the_last_step_of_an_epoch_and_its_end__same_bits(
    epoch, tmp_path, monkeypatch
):
    monkeypatch.setattr(checkpoint, "_MINUTES", 0)
    estimator, data = FITS["classes"]
    whole = fresh(estimator, None).fit(*data)

    def interrupt(guard, own_epoch):
        if own_epoch == epoch:
            raise KeyboardInterrupt
        return 0

    with monkeypatch.context() as patch:
        patch.setattr(Guard, "check", interrupt)
        with pytest.raises(KeyboardInterrupt):
            fresh(estimator, tmp_path).fit(*data)
    assert_same_fit(fresh(estimator, tmp_path).fit(*data), whole)


def test_fit__cut_off_twice_within_an_epoch_of_unlabeled_samples__same_bits(
    stop, tmp_path, monkeypatch
):
    monkeypatch.setattr(checkpoint, "_MINUTES", 0)
    settings = {"batch_size": 8, "max_epochs": 3, "linear_path": False}
    whole = tiny(PaReClassifier, **settings).fit(TABLE, CLASSES, X_unlabeled=MORE)
    clf = tiny(PaReClassifier, checkpoint_dir=tmp_path, **settings)
    for step in (7, 1):
        stop.before(step)
        with pytest.raises(KeyboardInterrupt):
            clf.fit(TABLE, CLASSES, X_unlabeled=MORE)
    stop.before(None)
    assert_same_fit(clf.fit(TABLE, CLASSES, X_unlabeled=MORE), whole)
    assert stop.seen == 15 - 7 - 1


def test_fit__cut_off_in_an_epoch__loses_that_epoch_alone(stop, tmp_path):
    clf = tiny(PaReClassifier, batch_size=16, linear_path=False, max_epochs=4)
    whole = fresh(clf, None).fit(TABLE, CLASSES)
    stop.before(8)
    clf = fresh(clf, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(TABLE, CLASSES)
    assert not hasattr(clf, "history_")
    stop.before(None)
    assert_same_fit(clf.fit(TABLE, CLASSES), whole)
    assert stop.seen == 12 - 6


def test_fit__finished__nothing_is_trained_again(stop, tmp_path):
    clf = tiny(PaReClassifier, checkpoint_dir=str(tmp_path)).fit(TABLE, CLASSES)
    stop.before(0)
    assert_same_fit(fresh(clf, tmp_path).fit(TABLE, CLASSES), clf)


@pytest.mark.parametrize("random_state", [None, RandomState(3)], ids=str)
def test_fit__no_fixed_seed__continues_with_that_of_the_start(
    random_state, stop, tmp_path
):
    state = random_state and random_state.get_state()
    clf = tiny(PaReClassifier, checkpoint_dir=tmp_path, random_state=random_state)
    stop.before(3)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(TABLE, CLASSES)
    stop.before(None)
    if random_state is not None:
        random_state.set_state(state)
    clf.fit(TABLE, CLASSES)
    assert stop.seen == clf.n_iter_ - 3
    assert clf._init_seed == _described(tmp_path)["seeds"][0]


def _described(folder):
    latest = max(folder.glob("*.safetensors"))
    return json.loads(_safetensors.read(latest)[1])


@pytest.mark.parametrize("form", ["list", "tensor", "frame"])
def test_fit__same_data_in_another_form__continues(form, tmp_path, stop):
    settings = {"max_epochs": 2, "linear_path": False}
    clf = tiny(PaReClassifier, checkpoint_dir=tmp_path, **settings)
    y = (TABLE[:, 0] > 0).astype(np.int64)
    clf.fit(TABLE, y)
    stop.before(None)
    given = {
        "list": (TABLE.tolist(), y.tolist()),
        "tensor": (torch.tensor(TABLE), torch.tensor(y)),
        "frame": (pd.DataFrame(TABLE), pd.Series(y)),
    }[form]
    clf.fit(*given)
    assert stop.seen == 0


def test_fit__killed_at_random_moments__same_bits(tmp_path):
    # One process forks all fits and kills them: torch is imported only once.
    command = f"from tests.training.killed import run; run({str(tmp_path)!r}, 20)"
    result = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["same"] == 20
    # Nearly all of them were killed, and at different steps.
    assert report["killed"] >= 15
    assert len(set(report["steps"])) >= 5


_FULL = """
import resource, sys
import numpy as np
from sklearn_pare import PaReClassifier
from tests.common.instances import tiny
clf = tiny(
    PaReClassifier, checkpoint_dir=sys.argv[1], max_epochs=10, linear_path=False
)
X = np.random.default_rng(0).normal(size=(40, 5))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    clf.fit(X, X[:, 0] > 0)
except OSError as error:
    print(type(error).__name__, error)
"""


def test_fit__no_room_for_a_checkpoint__those_before_are_intact(tmp_path):
    pytest.importorskip("resource")
    X = np.random.default_rng(0).normal(size=(40, 5))
    settings = {"max_epochs": 10, "linear_path": False}
    clf = tiny(PaReClassifier, checkpoint_dir=tmp_path, **settings)
    ended = fresh(clf, None).fit(X, X[:, 0] > 0)
    whole = clf.fit(X, X[:, 0] > 0)
    (latest, *_) = tmp_path.glob("*10.safetensors")
    # The first checkpoint has no moments yet, so it has a third of the size.
    limit = str(int(0.6 * latest.stat().st_size))
    command = [sys.executable, "-c", _FULL, tmp_path / "full", limit]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.startswith("SaveError ")
    assert "could not be written" in result.stdout
    assert [p.name for p in (tmp_path / "full").iterdir()] == [
        "checkpoint-00000000.safetensors"
    ]
    clf.set_params(checkpoint_dir=tmp_path / "full").fit(X, X[:, 0] > 0)
    assert_same_fit(clf, ended)
    assert_same_fit(clf, whole)
