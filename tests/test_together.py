"""Scores, losses, calibration, gaps, other grids and torch modules, used together."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare._data.value_targets import ValueTarget
from sklearn_pare.exceptions import DataError
from sklearn_pare.inspection import permutation_importance
from sklearn_pare.nn import losses
from tests.common.instances import tiny

RNG = np.random.default_rng(1)
SIGNALS = RNG.normal(size=(40, 1, 24))
FIELDS = RNG.normal(size=(30, 1, 8, 8))


def test_scoring__samples_of_weight_zero__targets_stay_with_their_samples():
    y = np.arange(60) % 3
    X = RNG.normal(size=(60, 4)) + 8 * y[:, None]
    seen = []

    def scorer(estimator, X, y):
        seen.append((np.asarray(X), y))
        return 0.0

    clf = tiny(PaReClassifier, max_epochs=1, early_stopping=True, scoring=scorer)
    clf.set_params(class_weight={0: 1, 1: 1, 2: 0}).fit(X, y)
    # Each class has values of its own.
    assert all((np.rint(X.mean(1) / 8) == y).all() for X, y in seen)


@pytest.mark.parametrize("levels", [(0.5,), (0.1, 0.9), (0.9, 0.5, 0.2)], ids=str)
def test_pinball__missing_target__no_gradient(levels):
    outputs = torch.randn(3, 2 * len(levels), requires_grad=True)
    y = torch.randn(3, 2)
    y[1, 0] = torch.nan
    losses.pinball(outputs, y, levels).sum().backward()
    gradient = outputs.grad.unflatten(1, (2, len(levels)))
    assert not gradient[1, 0].any()
    assert gradient[[0, 2]].all()


def test_callable_loss__missing_target__no_gradient():
    def pinball(prediction, target):
        return torch.maximum(target - prediction, 9 * (prediction - target)) + 1

    target = ValueTarget.from_y(np.array([[0.0, 0.0], [1.0, 1.0]]), (), pinball)
    outputs = torch.zeros(2, 2, requires_grad=True)
    target.loss(outputs, torch.tensor([[torch.nan, 1.0], [1.0, 2.0]])).sum().backward()
    assert outputs.grad[0, 0] == 0
    assert outputs.grad[0, 1] != 0


@pytest.mark.parametrize("n_classes", [2, 3])
def test_module__after_conformalize__has_the_temperature(n_classes):
    y = np.arange(40) % n_classes
    clf = tiny(PaReClassifier, max_epochs=1, precision="fp32").fit(SIGNALS, y)
    before = clf.module_(clf.encode(SIGNALS)).detach()
    clf.conformalize(SIGNALS, RNG.permutation(y))
    module = pickle.loads(pickle.dumps(clf.module_))
    found = module(clf.encode(SIGNALS)).detach().numpy()
    np.testing.assert_allclose(found, clf.decision_function(SIGNALS), atol=1e-5)
    assert not np.allclose(found, before)


def test_module__bundled_backbone__pickles():
    clf = PaReClassifier(max_epochs=1, linear_path=False, random_state=0)
    clf.fit(FIELDS, np.arange(30) % 2)
    again = pickle.loads(pickle.dumps(clf.module_))
    x = clf.encode(FIELDS)
    torch.testing.assert_close(again(x), clf.module_(x))


def test_signals_that_end_with_nan__dense_targets__as_without_the_end():
    reg = tiny(PaReRegressor, max_epochs=1).fit(SIGNALS, SIGNALS[:, 0])
    longer = np.concatenate([SIGNALS, np.full((40, 1, 24), np.nan)], 2)
    np.testing.assert_array_equal(reg.predict(longer), reg.predict(SIGNALS))


@pytest.mark.parametrize("radius", [-5.0, -0.1, 0.0, 2.0, np.inf])
def test_interval__shrinks_to_its_middle(radius):
    target = ValueTarget.from_y(np.array([0.0, 1.0]), (), "quantile", [0.1, 0.9])
    outputs = np.array([[0.0, 0.4]], np.float32)
    low, high = target.decode(outputs)[0]
    ends = np.ravel(target.interval(outputs, np.array(radius)))
    middle = (low + high) / 2
    np.testing.assert_allclose(
        ends, [min(low - radius, middle), max(high + radius, middle)]
    )


def _unused(clf):
    clf.conformalize(FIELDS, np.full((30, 8, 8), 255))


def _finer(clf):
    with pytest.warns(UserWarning, match="samples on a grid of"):
        clf.score(np.repeat(np.repeat(FIELDS, 2, 2), 2, 3), FIELDS[:, 0] > 0)


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (_unused, "no position|ignore"),
        (_finer, "16 x 16 positions, and in fit it had 8 x 8"),
    ],
    ids=["nothing known", "another grid"],
)
def test_masks__unusable__error(use, words):
    clf = tiny(PaReClassifier, max_epochs=1, ignore_index=255)
    clf.fit(FIELDS, (FIELDS[:, 0] > 0).astype(int))
    with pytest.raises(DataError, match=words):
        use(clf)


@pytest.mark.parametrize("form", ["flat", "longer"])
def test_permutation_importance__forms_that_predict_takes(form):
    settings = {"input_shape": (1, 24)} if form == "flat" else {}
    X = SIGNALS.reshape(40, 24) if form == "flat" else SIGNALS
    clf = tiny(PaReClassifier, max_epochs=1, **settings).fit(X, np.arange(40) % 2)
    if form == "longer":
        X = np.concatenate([X, np.full((40, 1, 5), np.nan)], 2)
    found = permutation_importance(
        clf, X, np.arange(40) % 2, by="window", n_parts=3, n_repeats=2, random_state=0
    )
    assert found.importances.shape == (3, 2)


def test_permutation_importance__frame__error_names_scikit_learn():
    X = pd.DataFrame(RNG.normal(size=(40, 3)), columns=list("abc"))
    clf = tiny(PaReClassifier, max_epochs=1).fit(X, np.arange(40) % 2)
    with pytest.raises(DataError, match="whose columns may be of any kind"):
        permutation_importance(clf, X, np.arange(40) % 2)


@pytest.mark.parametrize("loss", ["absolute_error", "quantile"])
def test_early_stopping__all_targets_of_an_output_held_out__fits(loss):
    y = RNG.normal(size=(40, 2))
    y[2:, 1] = np.nan
    level = {"quantile": 0.5} if loss == "quantile" else {}
    reg = tiny(PaReRegressor, max_epochs=1, early_stopping=True, loss=loss, **level)
    for seed in range(6):
        reg.set_params(random_state=seed).fit(SIGNALS, y)
        assert np.isfinite(reg.predict(SIGNALS)).all()


def test_score__output_without_targets__left_out():
    y = RNG.normal(size=(40, 2))
    reg = tiny(PaReRegressor, max_epochs=1).fit(SIGNALS, y)
    known = np.where([True, False], y, np.nan)
    assert np.isfinite(reg.score(SIGNALS, known))
    with pytest.raises(DataError, match="y_val holds no target"):
        reg.fit(SIGNALS, y, X_val=SIGNALS, y_val=np.full((40, 2), np.nan))
