"""Estimators on signals and images with missing numbers."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

import sklearn_pare
from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.sources import rank
from tests.common.instances import tiny

N = 24
CLASSES = np.arange(N) % 2
SIGNALS = np.random.default_rng(0).normal(size=(N, 2, 30))
IMAGES = np.random.default_rng(0).normal(size=(N, 2, 12, 12))


def _without(X, *places):
    X = X.copy()
    for place in places:
        X[place] = np.nan
    return X


def _at_random(X, share):
    return np.where(np.random.default_rng(1).random(X.shape) < share, np.nan, X)


GAPS = {
    # name: X
    "tails": _without(SIGNALS, np.s_[:5, :, 10:], np.s_[9, :, 1:]),
    "begins": _without(SIGNALS, np.s_[3:8, :, :12]),
    "inside": _without(SIGNALS, np.s_[::3, :, 12:18]),
    "single numbers": _at_random(SIGNALS, 0.1),
    "most numbers": _at_random(SIGNALS, 0.8),
    "a channel": _without(SIGNALS, np.s_[::2, 1]),
    "both ends of a channel": _without(SIGNALS, np.s_[:9, 0, :4], np.s_[:9, 0, 20:]),
    "half of an image": _without(IMAGES, np.s_[::2, :, :6]),
    "patches": _without(IMAGES, np.s_[:, :, 3:6, 3:6], np.s_[4, :, :9, :9]),
    "pixels": _at_random(IMAGES, 0.2),
    "most pixels": _at_random(IMAGES, 0.9),
    "a channel of images": _without(IMAGES, np.s_[1::2, 0]),
    "columns of images": _without(IMAGES, np.s_[:7, :, :, 9:], np.s_[3, :, :, 2:]),
}
SIGNAL_GAPS = [name for name, X in GAPS.items() if X.ndim == 3]


def _fitted(X, kind=PaReClassifier, **settings):
    y = CLASSES if kind is PaReClassifier else np.linspace(0, 1, N)
    return tiny(kind, **{"max_epochs": 1, "linear_path": False} | settings).fit(X, y)


@pytest.mark.parametrize("name", GAPS)
def test_gaps__every_place__sample_does_not_depend_on_others(name):
    X = GAPS[name]
    # Images have a linear path for numbers alone.
    reg = _fitted(X, PaReRegressor, linear_path=X.ndim == 4)
    together = reg.predict(X)
    assert np.isfinite(together).all()
    alone = [reg.predict(X[i : i + 1])[0] for i in range(0, N, 5)]
    np.testing.assert_array_equal(alone, together[::5])
    assert np.isfinite(reg.transform(X)).all()


@pytest.mark.parametrize("name", ["tails", "most numbers", "a channel"])
def test_gaps__linear_path_of_signals__sample_does_not_depend_on_others(name):
    X = GAPS[name]
    clf = _fitted(X, linear_path=True)
    together = clf.predict_proba(X)
    assert np.isfinite(together).all()
    np.testing.assert_array_equal(clf.predict_proba(X[9:10])[0], together[9])


@pytest.mark.parametrize("name", GAPS)
def test_gaps__in_predict_alone__complete_samples_as_before(name):
    X = GAPS[name]
    plain = SIGNALS if X.ndim == 3 else IMAGES
    clf = _fitted(plain, linear_path=False)
    before = clf.predict_proba(plain)
    mixed = np.where(np.arange(N).reshape(N, *[1] * (X.ndim - 1)) % 2, X, plain)
    complete = ~np.isnan(mixed).reshape(N, -1).any(1)
    np.testing.assert_array_equal(clf.predict_proba(mixed)[complete], before[complete])


@pytest.mark.parametrize("name", ["tails", "inside", "single numbers", "a channel",
                                  "patches", "half of an image"])  # fmt: skip
def test_gaps__unit_of_a_channel__no_effect(name):
    X = GAPS[name]
    scale, shift = (
        np.reshape(a, (1, 2, *[1] * (X.ndim - 2))) for a in ([8, 2], [4, 0])
    )
    one, other = _fitted(X), _fitted(scale * X + shift)
    np.testing.assert_allclose(
        one.predict_proba(X), other.predict_proba(scale * X + shift), atol=1e-3
    )


@pytest.mark.parametrize("name", ["tails", "a channel", "patches"])
@pytest.mark.parametrize("way", ["save", "pickle", "clone"])
def test_gaps__saved__same_predictions(name, way, tmp_path):
    X = GAPS[name]
    clf = _fitted(X, linear_path=way == "save")
    if way == "save":
        clf.save(tmp_path / "model.pare")
        again = sklearn_pare.load(tmp_path / "model.pare")
    elif way == "pickle":
        again = pickle.loads(pickle.dumps(clf))
    else:
        again = clone(clf).fit(X, CLASSES)
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))


MORE = {
    "early stopping": {"early_stopping": True},
    "own samples": {"source": "self", "max_epochs": 4},
    "otdd": {"alignment": "otdd"},
    "mmd": {"alignment": "mmd"},
    "order of the paper": {"selector": "paper"},
    "head alone": {"tune": "head"},
    "batches of one": {"batch_size": 1},
    "pare-tiny": {"backbone": "pare-tiny"},
}


@pytest.mark.parametrize("more", MORE)
@pytest.mark.parametrize("name", ["tails", "patches"])
def test_gaps__every_argument__finite(more, name):
    clf = _fitted(GAPS[name], **MORE[more])
    assert np.isfinite(clf.predict_proba(GAPS[name])).all()
    assert np.isfinite([row["train_loss"] for row in clf.history_]).all()


@pytest.mark.parametrize("name", ["tails", "inside", "patches"])
def test_gaps__dense_targets__finite(name):
    X = GAPS[name]
    y = np.nan_to_num(X[:, 0])
    reg = tiny(PaReRegressor, max_epochs=1).fit(X, y)
    assert np.isfinite(reg.predict(X)).all()


@pytest.mark.parametrize("name", ["tails", "patches"])
def test_gaps__validation_and_unlabeled__read(name):
    X = GAPS[name]
    clf = tiny(PaReClassifier, max_epochs=1, linear_path=False)
    clf.fit(X, CLASSES, X_val=X, y_val=CLASSES, X_unlabeled=X)
    assert np.isfinite(clf.predict_proba(X)).all()


def test_gaps__rank__finite_distances():
    table = rank(GAPS["tails"], CLASSES, ["noise", "formula:heaps"], random_state=0)
    assert all(np.isfinite(own.distance) for own in table)


def test_lists__cross_validation__like_padded():
    rows = [row[:, : 30 - i] for i, row in enumerate(SIGNALS)]
    X = np.full(SIGNALS.shape, np.nan)
    for own, row in zip(X, rows, strict=True):
        own[:, : row.shape[1]] = row
    clf = tiny(PaReClassifier, max_epochs=1, linear_path=False, input_shape=(2, 30))
    scores = [cross_val_score(clf, own, CLASSES, cv=2) for own in (rows, X)]
    np.testing.assert_array_equal(*scores)


@pytest.mark.parametrize("name", SIGNAL_GAPS)
def test_padding__twice_as_long__same_predictions(name):
    X = GAPS[name]
    padded = np.concatenate([X, np.full_like(X, np.nan)], 2)
    settings = {"linear_path": name == "tails"}
    clf, twice = _fitted(X, **settings), _fitted(padded, **settings)
    expected = clf.predict_proba(X)
    for found in (clf.predict_proba(padded), twice.predict_proba(X),
                  twice.predict_proba(padded), clf.predict_proba(list(X))):  # fmt: skip
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
