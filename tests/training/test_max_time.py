"""A time budget, to which all schedules bend; the clock of these tests is made."""

import itertools
import math

import numpy as np
import pytest

import sklearn_pare
from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare._report import Stopwatch
from sklearn_pare.exceptions import CheckpointError
from sklearn_pare.training.net import PaReNet
from tests.common.instances import tiny
from tests.training.interrupted import CLASSES, IMAGES, TABLE, edit_checkpoints, fresh
from tests.training.same import assert_same_fit

NUMBERS = TABLE[:, 0]
MASKS = (IMAGES[:, 0] > 0).astype(int)
# Batches of 8 of the 40 samples: 5 steps per epoch, without end.
LONG = {"max_epochs": 10_000, "batch_size": 8, "linear_path": False}


class Clock:
    """A clock that only steps of the training advance, by their given times."""

    def __init__(self, monkeypatch):
        self.now, self.steps, self.rates, self.mixed = (
            0.0,
            itertools.repeat(1.0),
            [],
            [],
        )
        self.stop_at = None
        monkeypatch.setattr(Stopwatch, "elapsed", lambda stopwatch: self.now)
        step = PaReNet.train_step_single

        def timed(net, batch, **kwargs):
            if len(self.rates) == self.stop_at:
                raise KeyboardInterrupt
            result = step(net, batch, **kwargs)
            self.now += next(self.steps)
            groups = net.optimizer_.param_groups
            self.rates.append(max(g["lr"] / g["scale"] for g in groups))
            self.mixed.append(result["fraction"])
            return result

        monkeypatch.setattr(PaReNet, "train_step_single", timed)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def _passes(estimator):
    """Return the time that the passes after the last step are expected to take."""
    report, size = estimator.fit_report_, estimator.batch_size
    return ((report.n_validation + report.n_share) / size + 1) / 3


KINDS = {
    "classes": (PaReClassifier, TABLE, CLASSES, {}),
    "numbers": (PaReRegressor, TABLE, NUMBERS, {}),
    "masks": (PaReClassifier, IMAGES, MASKS, {}),
    "early stopping": (PaReClassifier, TABLE, CLASSES,
                       {"early_stopping": True, "n_iter_no_change": 999}),
    "no mixing": (PaReClassifier, TABLE, CLASSES, {"mix_start": 0.0, "mix_end": 0.0}),
    "share": (PaReRegressor, TABLE, NUMBERS, {"linear_path": True}),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*linear model alone")
@pytest.mark.parametrize("name", KINDS)
def test_max_time__ends_in_time_at_the_end_of_the_schedules(name, clock):
    kind, X, y, settings = KINDS[name]
    estimator = tiny(kind, max_time=30, **LONG | settings).fit(X, y)
    report = estimator.fit_report_
    if report.ended == "no gain":
        return
    assert report.ended == "max_time"
    n = len(clock.rates)
    assert 30 - _passes(estimator) - 1 <= n <= 30
    # As in a fit of n steps: half a cosine after a warm-up.
    progress = (n - 0.5) / n
    expected = 0.02 * 0.5 * (1 + math.cos(math.pi * (progress - 0.1) / 0.9))
    assert clock.rates[-1] == pytest.approx(expected)
    assert max(clock.rates) > 0.018
    peak = int(np.argmax(clock.rates))
    assert peak <= 10
    assert np.all(np.diff(clock.rates[peak:]) <= 0)
    assert np.all(np.diff(clock.mixed) <= 0)
    if name != "no mixing":
        assert clock.mixed[-1] == pytest.approx(0.125)
    assert (
        report.n_epochs
        == len(estimator.history_)
        == math.ceil(n / math.ceil(report.n_training / 8))
    )


SPEEDS = {
    "steady": itertools.repeat(1.0),
    "slow first step": itertools.chain([9.0], itertools.repeat(1.0)),
    "slower": itertools.chain([1.0] * 15, itertools.repeat(2.0)),
    "faster": itertools.chain([3.0] * 10, itertools.repeat(0.5)),
    "uneven": itertools.cycle([0.5, 2.0, 1.0]),
    "pause": itertools.chain([1.0] * 15, [9.0], itertools.repeat(1.0)),
}


@pytest.mark.parametrize("name", SPEEDS)
def test_max_time__speed_changes__corrected(name, clock):
    clock.steps = itertools.chain(SPEEDS[name])
    clf = tiny(PaReClassifier, max_time=40, **LONG).fit(TABLE, CLASSES)
    assert clf.fit_report_.ended == "max_time"
    assert 0.9 * 40 <= clock.now <= 1.1 * 40
    assert clock.rates[-1] < 0.02 * 0.02
    assert clock.mixed[-1] == pytest.approx(0.125)
    assert np.all(np.diff(clock.mixed) <= 0)


@pytest.mark.parametrize("max_time", [1e-9, 0.5, 1, 2, 3.5])
def test_max_time__hardly_any__a_few_steps(max_time, clock):
    clf = tiny(PaReClassifier, max_time=max_time, **LONG).fit(TABLE, CLASSES)
    assert 1 <= len(clock.rates) <= max(1, math.ceil(max_time))
    assert clf.n_iter_ == 1
    assert clf.predict(TABLE).shape == (40,)


@pytest.mark.parametrize("max_time", [None, 1e9])
def test_max_time__longer_than_all_epochs__bits_as_without(max_time, clock):
    settings = {"max_epochs": 4, "batch_size": 8, "linear_path": False}
    clf = tiny(PaReClassifier, max_time=max_time, **settings).fit(TABLE, CLASSES)
    assert clf.fit_report_.ended == "completed"
    assert_same_fit(clf, tiny(PaReClassifier, **settings).fit(TABLE, CLASSES))


@pytest.mark.parametrize("max_time", [0, -1, "10", [10], math.nan])
def test_max_time__out_of_range__error(max_time):
    with pytest.raises(ValueError, match="'max_time' parameter"):
        tiny(PaReClassifier, max_time=max_time).fit(TABLE, CLASSES)


@pytest.mark.parametrize(("at", "early"), [(5, False), (12, True), (22, False)])
def test_max_time__resumed__the_time_that_is_left(at, early, clock, tmp_path):
    settings = {"early_stopping": early, "n_iter_no_change": 999} if early else {}
    clf = tiny(PaReClassifier, max_time=30, checkpoint_dir=tmp_path, **LONG | settings)
    clock.stop_at = at
    with pytest.raises(KeyboardInterrupt):
        clf.fit(TABLE, CLASSES)
    done = at - at % 5
    with pytest.raises(CheckpointError, match="max_time is 50, but was 30 there"):
        fresh(clf, tmp_path).set_params(max_time=50).fit(TABLE, CLASSES)
    # Another process, which needs two seconds until the training.
    clock.now, clock.stop_at, clock.rates = 2.0, None, []
    clf = fresh(clf, tmp_path).fit(TABLE, CLASSES)
    assert 28 - done - _passes(clf) - 1 <= len(clock.rates) <= 28 - done
    assert clock.rates[-1] < 0.02 * 0.02
    assert clf.fit_report_.ended == "max_time"
    # What is finished is not trained again.
    clock.now, clock.rates = 0.0, []
    again = fresh(clf, tmp_path).fit(TABLE, CLASSES)
    assert clock.rates == []
    assert_same_fit(again, clf)
    assert again.fit_report_.ended == "max_time"


@pytest.mark.parametrize(
    "pace", [[-1.0, 9], [math.nan, 9], [math.inf, 9], ["a", 9], [1.0, 10**9], [1.0], 3]
)
def test_max_time__wrong_checkpoint__typed_error(pace, clock, tmp_path):
    clf = tiny(PaReClassifier, max_time=30, checkpoint_dir=tmp_path, **LONG)
    clock.stop_at = 1
    with pytest.raises(KeyboardInterrupt):
        clf.fit(TABLE, CLASSES)
    edit_checkpoints(tmp_path, lambda d, a: d["values"].update(pace=pace))
    with pytest.raises(CheckpointError, match="cannot be continued"):
        fresh(clf, tmp_path).fit(TABLE, CLASSES)


def test_max_time__own_samples__asked_once_in_the_middle(clock):
    clock.steps = itertools.chain([1.0] * 14, itertools.repeat(1.4))
    clf = tiny(PaReClassifier, max_time=40, source="formula+self", **LONG)
    answers = [row["own_readable"] for row in clf.fit(TABLE, CLASSES).history_]
    asked = [i for i, answer in enumerate(answers) if answer is not None]
    assert len(asked) == 1
    assert 0.3 < asked[0] / len(answers) < 0.7


def test_max_time__verbose_report_and_file(clock, caplog, tmp_path):
    clf = tiny(PaReClassifier, max_time=30, verbose=1, **LONG)
    with caplog.at_level("INFO", logger="sklearn_pare"):
        clf.fit(TABLE, CLASSES)
    epochs = [line for line in caplog.messages if line.startswith("epoch ")]
    assert epochs[-1].startswith("epoch 6/6  ")
    assert epochs[-1].endswith(" 0 s left")
    assert "6 of 10000 epochs: the time was over" in repr(clf.fit_report_)
    clf.save(tmp_path / "m.pare")
    again = sklearn_pare.load(tmp_path / "m.pare")
    assert (again.max_time, again.on_interrupt) == (30, "raise")
    assert again.fit_report_ == clf.fit_report_


# ---- Ctrl-C


ENDS = {
    # name: settings, step of the interruption, number of finished epochs
    "in the second epoch": ({}, 8, 1),
    "at its first step": ({}, 5, 1),
    "later": ({}, 29, 5),
    "early stopping": ({"early_stopping": True, "n_iter_no_change": 99}, 23, 4),
    "linear model": ({"linear_path": True}, 10, 3),
    "time": ({"max_time": 60}, 9, 1),
}


@pytest.mark.filterwarnings("ignore:.*linear model alone")
@pytest.mark.parametrize("name", ENDS)
def test_on_interrupt__keep__fitted_with_a_warning(name, clock):
    settings, at, n_epochs = ENDS[name]
    clock.stop_at = at
    clf = tiny(PaReClassifier, on_interrupt="keep", **LONG | settings)
    words = f"interrupted after {n_epochs} of 10000 epochs"
    with pytest.warns(UserWarning, match=words) as caught:
        clf.fit(TABLE, CLASSES)
    assert caught[0].filename == __file__
    report = clf.fit_report_
    assert (report.ended, clf.n_iter_) == ("interrupted", n_epochs)
    assert "it was interrupted" in repr(report)
    assert clf.predict_proba(TABLE).shape == (40, 2)


def test_on_interrupt__keep__weights_of_the_last_finished_epoch(clock):
    settings = LONG | {"max_epochs": 6}
    whole = tiny(PaReClassifier, **settings, early_stopping=False)
    clock.stop_at = 13
    kept = tiny(PaReClassifier, **settings, on_interrupt="keep")
    with pytest.warns(UserWarning, match="interrupted after 2 of 6"):
        kept.fit(TABLE, CLASSES)
    clock.stop_at, clock.rates = None, []
    whole.fit(TABLE, CLASSES)
    assert [row | {"duration": 0} for row in kept.history_] == [
        row | {"duration": 0} for row in whole.history_[:2]
    ]
    assert np.any(kept.predict_proba(TABLE) != whole.predict_proba(TABLE))


@pytest.mark.parametrize("mode", ["raise", "keep"])
@pytest.mark.parametrize("at", [0, 3, 7])
def test_on_interrupt__raise_or_before_an_epoch_ended__raised(mode, at, clock):
    clf = tiny(PaReClassifier, on_interrupt=mode, **LONG)
    clock.stop_at = at
    if mode == "keep" and at == 7:
        with pytest.warns(UserWarning, match="interrupted after 1"):
            clf.fit(TABLE, CLASSES)
        return
    with pytest.raises(KeyboardInterrupt):
        clf.fit(TABLE, CLASSES)
    assert not hasattr(clf, "history_")


@pytest.mark.parametrize(
    "place", ["_add", "evaluate", "epochs", "set_rate", "outputs_are_finite"]
)
def test_on_interrupt__keep__anywhere_in_the_third_epoch(place, monkeypatch):
    run = getattr(PaReNet, place)
    calls = {"n": 0}

    def interrupted(net, *args, **kwargs):
        calls["n"] += len(net.history) == 3
        if calls["n"] == 1:
            calls["n"] += 1
            raise KeyboardInterrupt
        return run(net, *args, **kwargs)

    monkeypatch.setattr(PaReNet, place, interrupted)
    clf = tiny(PaReClassifier, on_interrupt="keep", max_epochs=3, batch_size=8)
    clf.set_params(early_stopping=True, linear_path=False)
    with pytest.warns(UserWarning, match=r"interrupted after [23] of 3 epochs"):
        clf.fit(TABLE, CLASSES)
    assert len(clf.history_) == clf.n_iter_
    assert all("duration" in row for row in clf.history_)
    assert np.isfinite(clf.predict_proba(TABLE)).all()


def test_on_interrupt__keep__checkpoints_go_on_to_the_same_bits(clock, tmp_path):
    settings = LONG | {"max_epochs": 5}
    clf = tiny(PaReClassifier, on_interrupt="keep", checkpoint_dir=tmp_path, **settings)
    clock.stop_at = 13
    with pytest.warns(UserWarning, match="interrupted after 2 of 5"):
        clf.fit(TABLE, CLASSES)
    clock.stop_at = None
    again = fresh(clf, tmp_path).set_params(on_interrupt="raise").fit(TABLE, CLASSES)
    assert again.fit_report_.ended == "completed"
    assert_same_fit(again, tiny(PaReClassifier, **settings).fit(TABLE, CLASSES))


@pytest.mark.parametrize("value", ["stop", None, True, 1])
def test_on_interrupt__unknown__error(value):
    with pytest.raises(ValueError, match="'on_interrupt' parameter"):
        tiny(PaReClassifier, on_interrupt=value).fit(TABLE, CLASSES)
