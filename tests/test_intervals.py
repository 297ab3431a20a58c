"""Intervals and sets of classes: coverage, shapes, copies, errors, calibration."""

import io
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss

import sklearn_pare
from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.exceptions import DataError
from tests.common.instances import tiny

pytestmark = pytest.mark.filterwarnings("ignore:Predictions are those of the linear")

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(900, 3))
NUMBER = TABLE[:, 0] + np.exp(TABLE[:, 1]) * RNG.normal(size=900)
SIGNALS = RNG.normal(size=(300, 2, 8))
NOISE = 0.5 * RNG.normal(size=SIGNALS.shape)
MASKS = np.where((SIGNALS + NOISE)[:, 0] > 0.5, 3, 0)
FIT, HELD_OUT, TEST = slice(60), slice(60, 300, 2), slice(61, 300, 2)
REGRESSIONS = {
    "number": (TABLE, NUMBER, {}),
    "number in kelvin": (TABLE, 300 + 5 * NUMBER, {"loss": "absolute_error"}),
    "numbers": (TABLE, np.c_[NUMBER, 1e4 * TABLE[:, 2]], {}),
    "counts": (TABLE, np.abs(NUMBER).round(), {"loss": "poisson"}),
    "one quantile": (TABLE, NUMBER, {"loss": "quantile", "quantile": 0.9}),
    "quantiles": (TABLE, NUMBER, {"loss": "quantile", "quantile": [0.9, 0.1]}),
    "quantiles of numbers": (
        TABLE, np.c_[NUMBER, NUMBER**2], {"loss": "quantile", "quantile": [0.3, 0.6]},
    ),
    "field": (SIGNALS, (SIGNALS + NOISE)[:, 0], {}),
    "fields": (SIGNALS, SIGNALS + NOISE, {"loss": "huber"}),
    "quantiles of fields": (
        SIGNALS, SIGNALS + NOISE, {"loss": "quantile", "quantile": [0.2, 0.5, 0.8]},
    ),
}  # fmt: skip
CLASSES = {
    "two classes": (TABLE, NUMBER > 0, {}),
    "four classes": (TABLE, np.digitize(NUMBER, [-1, 0, 1]), {}),
    "text": (TABLE, np.where(NUMBER > 0, "up", "down"), {}),
    "labels": (TABLE, np.c_[NUMBER > 0, TABLE[:, 2] > 1].astype(int), {}),
    "masks": (SIGNALS, MASKS, {}),
    "masks with ignored positions": (
        SIGNALS, np.where(SIGNALS[:, 1] > 1, 9, MASKS), {"ignore_index": 9},
    ),
}  # fmt: skip


def _regressor(name):
    X, y, settings = REGRESSIONS[name]
    reg = tiny(PaReRegressor, max_epochs=1, **settings).fit(X[FIT], y[FIT])
    return reg.conformalize(X[HELD_OUT], y[HELD_OUT]), X[TEST], y[TEST]


def _classifier(name):
    X, y, settings = CLASSES[name]
    clf = tiny(PaReClassifier, max_epochs=1, **settings).fit(X[FIT], y[FIT])
    return clf.conformalize(X[HELD_OUT], y[HELD_OUT]), X[TEST], y[TEST]


def _saved(estimator):
    file = io.BytesIO()
    estimator.save(file)
    file.seek(0)
    return sklearn_pare.load(file)


def _copies(estimator):
    return _saved(estimator), pickle.loads(pickle.dumps(estimator))


@pytest.mark.parametrize("name", REGRESSIONS)
def test_predict_interval__each_output__covered(name):
    reg, X, y = _regressor(name)
    widths = []
    for coverage in (0.5, 0.8, 0.95):
        lower, upper = reg.predict_interval(X, coverage)
        assert lower.shape == upper.shape == y.shape
        assert (lower <= upper).all()
        inside = (lower <= y) & (y <= upper)
        # Every output or position: by 120 held-out and as many samples or more.
        error = np.sqrt(coverage * (1 - coverage) * (1 / 120 + 1 / len(y)))
        assert (inside.mean(0) > coverage - 4 * error).all()
        widths.append((upper - lower).mean())
        for copy in _copies(reg):
            for own, other in zip(copy.predict_interval(X, coverage), (lower, upper),
                                  strict=True):  # fmt: skip
                np.testing.assert_array_equal(own, other)
    assert widths == sorted(widths)
    if name == "counts":
        assert (lower >= 0).all()


def test_predict_interval__quantiles__width_follows_the_spread():
    X, y, _ = REGRESSIONS["number"]
    levels = {"loss": "quantile", "quantile": [0.1, 0.9], "linear_path": False}
    reg = tiny(PaReRegressor, max_epochs=40, **levels).fit(X[:400], y[:400])
    lower, upper = reg.conformalize(X[400:600], y[400:600]).predict_interval(X[600:])
    width = upper - lower
    assert width[X[600:, 1] > 0.5].mean() > 1.5 * width[X[600:, 1] < -0.5].mean()


def test_predict_interval__offset_and_unit_of_y__move_with_it():
    reg, X, _ = _regressor("number")
    table, y, _ = REGRESSIONS["number"]
    other = tiny(PaReRegressor, max_epochs=1).fit(table[FIT], 10 * y[FIT] - 7)
    other.conformalize(table[HELD_OUT], 10 * y[HELD_OUT] - 7)
    for own, wide in zip(reg.predict_interval(X), other.predict_interval(X),
                         strict=True):  # fmt: skip
        np.testing.assert_allclose(wide, 10 * own - 7, atol=1e-2)


@pytest.mark.parametrize("name", CLASSES)
def test_predict_set__each_sample_or_position__covered(name):
    clf, X, y = _classifier(name)
    sizes = []
    ignored = y == CLASSES[name][2].get("ignore_index", object())
    codes = np.searchsorted(clf.classes_, np.where(ignored, clf.classes_[0], y))
    codes = y if name == "labels" else codes
    for coverage in (0.6, 0.8, 0.95):
        sets = clf.predict_set(X, coverage)
        n_classes = 2 if name == "labels" else len(clf.classes_)
        assert sets.shape == (len(y), n_classes, *y.shape[1:])
        assert sets.dtype == bool
        # The most likely class is always in the set.
        assert sets.any(1).all()
        inside = np.take_along_axis(sets, codes[:, None], 1)[:, 0]
        inside = np.where(ignored, np.nan, inside)
        error = np.sqrt(coverage * (1 - coverage) * (1 / 90 + 1 / 100))
        assert (np.nanmean(inside, axis=0) > coverage - 4 * error).all()
        sizes.append(sets.sum())
        for copy in _copies(clf):
            np.testing.assert_array_equal(copy.predict_set(X, coverage), sets)
    assert sizes == sorted(sizes)


@pytest.mark.parametrize("name", CLASSES)
def test_conformalize__probabilities__calibrated_and_same_classes(name):
    clf, X, _ = _classifier(name)
    own = clone(clf).fit(*(part[FIT] for part in CLASSES[name][:2]))
    np.testing.assert_array_equal(own.predict(X), clf.predict(X))
    assert not np.array_equal(own.predict_proba(X), clf.predict_proba(X))
    for estimator in (own, clf, _saved(clf)):
        logs = estimator.predict_log_proba(X)
        assert np.isfinite(logs).all()
        np.testing.assert_allclose(np.exp(logs), estimator.predict_proba(X), rtol=1e-9)
    np.testing.assert_array_equal(logs, clf.predict_log_proba(X))


def test_conformalize__overconfident_network__higher_likelihood():
    X, y, _ = CLASSES["four classes"]
    clf = tiny(PaReClassifier, max_epochs=60, linear_path=False, mix_start=0.0,
               mix_end=0.0).fit(X[:60], y[:60])  # fmt: skip
    before = log_loss(y[300:], clf.predict_proba(X[300:]))
    clf.conformalize(X[60:300], y[60:300])
    assert log_loss(y[300:], clf.predict_proba(X[300:])) < 0.8 * before


def test_conformalize__all_correct__no_probability_of_one():
    X = np.where(np.arange(80) % 2, 3.0, -3.0)[:, None] + TABLE[:80]
    y = np.arange(80) % 2
    clf = tiny(PaReClassifier, max_epochs=1).fit(X[:40], y[:40])
    clf.conformalize(X[40:], y[40:])
    assert clf.predict_proba(X).max() < 1


def test_predict_log_proba__certain__finite():
    X, y, _ = CLASSES["two classes"]
    clf = tiny(PaReClassifier, max_epochs=1).fit(X[FIT], y[FIT])
    outputs = np.array([[0.0, 4000.0], [3e4, -3e4]], np.float32)
    logs = clf._target.log_probabilities(outputs)
    np.testing.assert_allclose(logs, [[-4000, 0], [0, -6e4]])


@pytest.mark.parametrize("kind", [PaReClassifier, PaReRegressor])
def test_predict_interval_or_set__without_conformalize__error_names_it(kind):
    estimator, predict = tiny(kind, max_epochs=1), "predict_interval"
    X, y = TABLE[:60], NUMBER[:60]
    if kind is PaReClassifier:
        y, predict = y > 0, "predict_set"
    for call in (lambda: estimator.conformalize(X, y), getattr(estimator, predict)):
        with pytest.raises(NotFittedError, match="not fitted"):
            call(X) if call == getattr(estimator, predict) else call()
    estimator.fit(X, y)
    with pytest.raises(NotFittedError, match=r"conformalize\(X, y\)"):
        getattr(estimator, predict)(X)
    estimator.conformalize(X, y)
    getattr(estimator, predict)(X)
    # Another fit is another model.
    estimator.fit(X, y)
    with pytest.raises(NotFittedError, match=r"conformalize\(X, y\)"):
        getattr(estimator, predict)(X)


@pytest.mark.parametrize("coverage", [0, 1, 1.2, -0.5, "high", None, [0.8, 0.9]])
def test_predict_interval__coverage_that_is_none__error_names_it(coverage):
    reg = tiny(PaReRegressor, max_epochs=1).fit(TABLE[:60], NUMBER[:60])
    reg.conformalize(TABLE[60:90], NUMBER[60:90])
    with pytest.raises(DataError, match=r"coverage is .*between 0 and 1"):
        reg.predict_interval(TABLE[:3], coverage)


@pytest.mark.parametrize(
    ("y", "groups", "words"),
    [
        (NUMBER[60:89], None, "inconsistent numbers"),
        (np.c_[NUMBER, NUMBER][60:90], None, "as in y of fit"),
        (np.full(30, np.nan), None, "NaN"),
        (NUMBER[60:90], np.zeros(29), "groups has shape"),
        (["high"] * 30, None, "holds text"),
    ],
    ids=["length", "shape", "missing", "groups", "text"],
)
def test_conformalize__wrong_targets__error(y, groups, words):
    reg = tiny(PaReRegressor, max_epochs=1).fit(TABLE[:60], NUMBER[:60])
    with pytest.raises(ValueError, match=words):
        reg.conformalize(TABLE[60:90], y, groups=groups)


def test_conformalize__groups__each_counts_once():
    X, y, _ = REGRESSIONS["number"]
    reg = tiny(PaReRegressor, max_epochs=1).fit(X[FIT], y[FIT])
    groups = [f"patient {number}" for number in np.arange(120) % 8]
    reg.conformalize(X[HELD_OUT], y[HELD_OUT], groups=groups)
    reg.predict_interval(X[TEST], 0.85)
    with pytest.raises(DataError, match="at least 9 samples, or groups"):
        reg.predict_interval(X[TEST], 0.9)
