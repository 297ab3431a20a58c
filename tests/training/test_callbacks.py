"""Log lines, early stopping, and callbacks of scikit-learn."""

import logging
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.base import clone

from sklearn_pare import PaReClassifier
from sklearn_pare._utils import NoCallbacks
from sklearn_pare.training.callbacks import cost
from sklearn_pare.training.net import PaReNet
from tests.common.callbacks import Callback, needs_callbacks
from tests.common.instances import tiny


def test_verbose__data_stages_cost_epochs_and_report(table, caplog):
    X, y = table
    with caplog.at_level(logging.INFO, logger="sklearn_pare"):
        clf = tiny(PaReClassifier, verbose=1, max_epochs=3, batch_size=8)
        clf.fit(X[:20], y[:20])
    lines = "\n".join(caplog.messages).splitlines()
    expected = [
        r"X: 20 samples of 5 columns \(a table\), y: 2 classes",
        r"checks and encoding +\d+\.\d s",
        r"linear model +\d+\.\d s",
        r"building +\d+\.\d s",
        r"10 samples to train on, 10 held out",
        r"16 tokens per sample, backbone of 0\.0 M parameters, 6 steps of 8 samples, "
        r"about \d+ s for 4 more",
        *(
            rf"epoch {n}/3  clean loss +\d+\.\d{{4}}  mixed loss +\d+\.\d{{4}}  "
            r" +\d+\.\d s +\d+ s left"
            for n in (1, 2, 3)
        ),
        r"training +\d+\.\d s",
        r"share +\d+\.\d s",
        "FitReport",
        *map(re.escape, repr(clf.fit_report_).splitlines()[1:]),
    ]
    assert len(lines) == len(expected)
    for line, pattern in zip(lines, expected, strict=True):
        assert re.fullmatch(pattern, line), (line, pattern)
    assert "predictions are those of the linear model alone" in caplog.messages[-1]


EPOCHS = {
    # name: (arguments, keys of columns in the history)
    "no mixing": (
        {"mix_start": 0.0, "mix_end": 0.0},
        ["target_loss", "mixed_target_loss"],
    ),
    "mixing ends": ({"mix_end": 0.0}, ["target_loss", "mixed_target_loss"]),
    "no linear model": ({"linear_path": False}, ["target_loss", "mixed_target_loss"]),
    "score": (
        {"early_stopping": True, "n_iter_no_change": 20},
        ["target_loss", "mixed_target_loss", "valid_score"],
    ),
    "loss as score": (
        {"early_stopping": True, "n_iter_no_change": 20, "scoring": "loss"},
        ["target_loss", "mixed_target_loss", "valid_loss"],
    ),
}


@pytest.mark.parametrize("name", EPOCHS)
def test_verbose__epochs__columns_of_the_same_width(name, table, caplog):
    arguments, keys = EPOCHS[name]
    with caplog.at_level(logging.INFO, logger="sklearn_pare"):
        clf = tiny(PaReClassifier, verbose=1, max_epochs=11, **arguments).fit(*table)
    lines = [line for line in caplog.messages if line.startswith("epoch ")]
    assert len(lines) == clf.n_iter_
    assert len({len(line) for line in lines}) == 1
    for line, row in zip(lines, clf.history_, strict=True):
        values = re.findall(r"(?:loss|score) +(\S+)", line)
        shown = [None if value == "-" else float(value) for value in values]
        assert shown == [pytest.approx(row[key], abs=1e-4) for key in keys]
    assert lines[0].startswith("epoch  1/11  clean loss ")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.5, "49 s"), (1.2, "118 s"), (1.3, "2 min"), (60, "98 min")]
)
def test_cost__time_of_the_steps_that_are_left(seconds, text):
    recipe = SimpleNamespace(n_steps=100, n_tokens=4, batch_size=3, share_alone=0.0)
    backbone = torch.nn.Linear(1000, 1234, bias=False, device="meta")
    net = SimpleNamespace(
        recipe=recipe, step_=2, module_=SimpleNamespace(backbone=backbone)
    )
    assert cost(net, seconds) == (
        "4 tokens per sample, backbone of 1.2 M parameters, 100 steps of 3 samples, "
        f"about {text} for 98 more"
    )


def test_verbose__zero__silent(table, capfd):
    tiny(PaReClassifier, max_epochs=2).fit(*table)
    assert capfd.readouterr() == ("", "")


# ---- early stopping


def test_early_stopping__stops_and_keeps_the_best_weights(table):
    X, y = table
    rng = np.random.default_rng(1)
    X_val, noise = rng.normal(size=(200, 5)), rng.choice(["up", "down"], size=200)
    clf = tiny(
        PaReClassifier,
        early_stopping=True,
        n_iter_no_change=3,
        max_epochs=200,
        linear_path=False,
    ).fit(X, y, X_val=X_val, y_val=noise)
    scores = [row["valid_score"] for row in clf.history_]
    assert clf.n_iter_ == len(scores) < 200
    # The initial weights count too: the kept score may exceed those of all epochs.
    assert clf.score(X_val, noise) >= max(scores) - 1e-12


def test_early_stopping__holds_samples_out(table, monkeypatch):
    sizes = []
    step = PaReNet.train_step_single

    def spy(net, batch, **kwargs):
        sizes.append(len(batch[1]))
        return step(net, batch, **kwargs)

    monkeypatch.setattr(PaReNet, "train_step_single", spy)
    settings = {"validation_fraction": 0.25, "max_epochs": 1, "linear_path": False}
    clf = tiny(PaReClassifier, early_stopping=True, **settings).fit(*table)
    assert sizes == [45]
    # The score of 15 samples.
    score = 15 * clf.history_[0]["valid_score"]
    assert score == pytest.approx(round(score))
    assert clf.history_[0]["valid_loss"] > 0


def test_fit__validation_samples_without_early_stopping__scored_only(table):
    X, y = table
    clf = tiny(PaReClassifier, linear_path=False)
    plain = clone(clf).fit(X, y)
    watched = clone(clf).fit(X, y, X_val=X[:20], y_val=y[:20])
    np.testing.assert_array_equal(plain.predict_proba(X), watched.predict_proba(X))
    last = watched.history_[-1]
    assert last["valid_score"] == pytest.approx(watched.score(X[:20], y[:20]))


# ---- callbacks of scikit-learn


@needs_callbacks
def test_fit__keyboard_interrupt__raises(table):
    class Interrupt(Callback):
        def on_fit_task_begin(self, estimator, context):
            if context.task_name == "epoch" and context.task_id == 1:
                raise KeyboardInterrupt

    clf = tiny(PaReClassifier).set_callbacks(Interrupt())
    with pytest.raises(KeyboardInterrupt):
        clf.fit(*table)
    assert not hasattr(clf, "history_")


def test_fit__scikit_learn_without_callbacks__same_bits(table, monkeypatch):
    expected = tiny(PaReClassifier, max_epochs=2).fit(*table)
    monkeypatch.setattr(
        PaReClassifier, "_init_callback_context", lambda self, **_: NoCallbacks()
    )
    found = tiny(PaReClassifier, max_epochs=2).fit(*table)
    assert found.n_iter_ == 2
    np.testing.assert_array_equal(
        found.predict_proba(table[0]), expected.predict_proba(table[0])
    )


@needs_callbacks
def test_callbacks__progress_and_scores(table, capsys):
    from sklearn.callback import ProgressBar, ScoringMonitor

    monitor = ScoringMonitor(scoring="accuracy")
    clf = tiny(PaReClassifier, max_epochs=3).set_callbacks(ProgressBar(), monitor)
    clf.fit(*table)
    assert "PaReClassifier" in capsys.readouterr().out
    rows = monitor.get_logs().data
    epochs = [row["accuracy"] for row in rows if row["task_name"] == "epoch"]
    assert len(epochs) == 3
    assert epochs[-1] == pytest.approx(clf.score(*table))


@needs_callbacks
def test_callbacks__early_stop__still_see_the_last_epoch(table):
    from sklearn.callback import ScoringMonitor

    X, y = table
    monitor = ScoringMonitor(scoring="accuracy")
    clf = tiny(PaReClassifier, early_stopping=True, n_iter_no_change=1, lr=1e-30)
    clf.set_callbacks(monitor).fit(X, y)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(rows) == clf.n_iter_ == 1


@needs_callbacks
def test_callbacks__fitted_estimator__is_a_snapshot(table):
    X, y = table
    kept = []

    class Keep(Callback):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            kept.append((fitted_estimator, fitted_estimator.predict_proba(X)))

    clf = tiny(PaReClassifier, max_epochs=4).set_callbacks(Keep()).fit(X, y)
    for estimator, probabilities in kept:
        np.testing.assert_array_equal(estimator.predict_proba(X), probabilities)
    assert not np.array_equal(kept[0][1], kept[-1][1])
    np.testing.assert_array_equal(kept[-1][1], clf.predict_proba(X))


@needs_callbacks
def test_callbacks__true__stops(table):
    class StopAfterTwo(Callback):
        def on_fit_task_end(self, estimator, context):
            return context.task_id == 1

    clf = tiny(PaReClassifier, max_epochs=50).set_callbacks(StopAfterTwo())
    assert clf.fit(*table).n_iter_ == 2
