"""What belongs to the process is as it was, whatever has been done or has failed."""

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
import sklearn
import torch

import sklearn_pare
from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.exceptions import (
    CheckpointError,
    DataError,
    DivergenceError,
    OutOfMemoryError,
    UnknownNameError,
)
from sklearn_pare.nn.model import PaReModel
from tests.common.instances import tiny
from tests.common.state import differences, snapshot

RNG = np.random.default_rng(0)
SIGNALS = RNG.normal(size=(40, 2, 16))
Y = SIGNALS[:, 0, 0] > 0


class Interrupt:
    """A callback that does what Ctrl-C does."""

    def setup(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, **given):
        raise KeyboardInterrupt

    def teardown(self, estimator, context):
        pass


def _clf(**settings):
    return tiny(PaReClassifier, **({"max_epochs": 2, "batch_size": 16} | settings))


def _fails(error, act):
    with pytest.raises(error):
        act()


def _interrupted():
    clf = _clf()
    clf.set_callbacks(Interrupt())
    _fails(KeyboardInterrupt, lambda: clf.fit(SIGNALS, Y))


def _checkpoints(folder):
    _clf(checkpoint_dir=folder / "run").fit(SIGNALS, Y)
    _clf(checkpoint_dir=folder / "run").fit(SIGNALS, Y)
    other = _clf(checkpoint_dir=folder / "run", lr=1e-3)
    _fails(CheckpointError, lambda: other.fit(SIGNALS, Y))


def _no_room(monkeypatch, method, act):
    def raised(*args, **kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(PaReModel, method, raised)
        _fails(OutOfMemoryError, act)


def _predict(clf):
    clf.predict(SIGNALS), clf.predict_proba(SIGNALS), clf.transform(SIGNALS)
    clf.score(SIGNALS, Y)


def _save(clf, folder):
    clf.save(folder / "a.pare")
    sklearn_pare.load(folder / "a.pare").predict(SIGNALS)
    pickle.loads(pickle.dumps(clf)).predict(SIGNALS)


# What is done with a fitted classifier, a folder, and a way to break things.
ACTIONS = {
    "fit": lambda clf, folder, patch: _clf().fit(SIGNALS, Y),
    "early stopping": lambda clf, folder, patch: _clf(
        early_stopping=True, verbose=1
    ).fit(SIGNALS, Y),
    "alignment": lambda clf, folder, patch: _clf(alignment="l2").fit(SIGNALS, Y),
    "transport": lambda clf, folder, patch: _clf(alignment="otdd").fit(SIGNALS, Y),
    "two sources": lambda clf, folder, patch: _clf(source=["formula", "noise"]).fit(
        SIGNALS, Y
    ),
    "deterministic": lambda clf, folder, patch: _predict(
        _clf(deterministic=True).fit(SIGNALS, Y)
    ),
    "deterministic divergence": lambda clf, folder, patch: _fails(
        DivergenceError, lambda: _clf(deterministic=True, lr=1e30).fit(SIGNALS, Y)
    ),
    "bfloat16": lambda clf, folder, patch: _clf(precision="bf16").fit(SIGNALS, Y),
    "numbers": lambda clf, folder, patch: tiny(PaReRegressor).fit(
        SIGNALS, SIGNALS[:, 0]
    ),
    "fit again": lambda clf, folder, patch: (
        _clf(warm_start=True).fit(SIGNALS, Y).fit(SIGNALS, Y)
    ),
    "checkpoints": lambda clf, folder, patch: _checkpoints(folder),
    "predict": lambda clf, folder, patch: _predict(clf),
    "save and load": lambda clf, folder, patch: _save(clf, folder),
    "bad data": lambda clf, folder, patch: _fails(
        DataError, lambda: _clf().fit(SIGNALS * np.nan, Y)
    ),
    "bad name": lambda clf, folder, patch: _fails(
        UnknownNameError, lambda: _clf(backbone="none").fit(SIGNALS, Y)
    ),
    "divergence": lambda clf, folder, patch: _fails(
        DivergenceError, lambda: _clf(lr=1e30).fit(SIGNALS, Y)
    ),
    "interrupt": lambda clf, folder, patch: _interrupted(),
    "no room to train": lambda clf, folder, patch: _no_room(
        patch, "forward", lambda: _clf().fit(SIGNALS, Y)
    ),
    "no room to predict": lambda clf, folder, patch: _no_room(
        patch, "predict", lambda: clf.predict(SIGNALS)
    ),
}


@pytest.fixture(scope="module")
def clf():
    return _clf().fit(SIGNALS, Y)


@pytest.mark.parametrize("name", ACTIONS)
def test_action__process_as_before(name, clf, tmp_path, monkeypatch, capsys):
    before = snapshot()
    ACTIONS[name](clf, tmp_path, monkeypatch)
    assert differences(before) == []


def test_fit__any_state_of_the_process__same_bits(clf):
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002
    usual = sklearn.config_context(assume_finite=True), np.errstate(all="raise")
    with usual[0], usual[1], torch.no_grad():
        other = _clf().fit(SIGNALS, Y)
    np.testing.assert_array_equal(other._outputs(SIGNALS), clf._outputs(SIGNALS))


# In a process of its own: what is imported at first use is part of it.
_FIRST = """
import json, sys
import numpy as np
import sklearn.callback, skorch, torch
from tests.common.state import differences, snapshot
before = snapshot()
import sklearn_pare
found = {"import": differences(before)}
X = np.random.default_rng(0).normal(size=(20, 2, 16))
clf = sklearn_pare.PaReClassifier(max_steps=2, random_state=0)
found["constructor"] = differences(before)
clf.fit(X, X[:, 0, 0] > 0)
found["first fit"] = differences(before)
clf.predict(X)
found["first prediction"] = differences(before)
clf.save(sys.argv[1])
found["first file"] = differences(before)
needless = {"matplotlib", "transformers", "openml", "ot"}
found["modules"] = sorted(needless & {*sys.modules})
print(json.dumps(found))
"""


def test_import_and_first_use__process_as_before(tmp_path):
    answer = subprocess.run(
        [sys.executable, "-c", _FIRST, str(tmp_path / "a.pare")],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(answer.stdout.splitlines()[-1])
    assert {name: changed for name, changed in found.items() if changed} == {}


def test_snapshot__any_change__is_seen(monkeypatch):
    before = snapshot()
    with torch.no_grad():
        assert differences(before) == ["gradients"]
    with np.errstate(over="raise"):
        assert differences(before) == ["numpy"]
    with monkeypatch.context() as patch:
        patch.setenv("A_NEW_NAME", "1")
        assert differences(before) == ["environment"]
    state = torch.get_rng_state()
    torch.rand(1)
    assert differences(before) == ["random of torch"]
    torch.set_rng_state(state)
    assert differences(before) == []
