import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.multioutput import MultiOutputClassifier

from studies.measures import calibration_error, measure


def test_calibration_error__by_definition(rng):
    likely = rng.dirichlet([1, 1, 1], size=200)
    y = rng.integers(3, size=200)
    confidence = likely.max(1)
    right = likely.argmax(1) == y
    expected = 0.0
    for low in np.arange(15) / 15:
        inside = (confidence >= low) & (confidence < low + 1 / 15)
        if inside.any():
            gap = abs(confidence[inside].mean() - right[inside].mean())
            expected += inside.mean() * gap
    assert calibration_error(likely, y) == pytest.approx(expected)


def test_measure__classes__as_scikit_learn(rng):
    X = rng.normal(size=(80, 3))
    y = np.where(X[:, 0] + rng.normal(size=80) > 0, "up", "down")
    model = LogisticRegression().fit(X[:40], y[:40])
    figures = measure(model, X[40:], y[40:])
    assert figures["error"] == pytest.approx(1 - model.score(X[40:], y[40:]))
    expected = log_loss(y[40:], model.predict_proba(X[40:]))
    assert figures["nll"] == pytest.approx(expected)


def test_measure__label_sets__no_calibration(rng):
    X = rng.normal(size=(80, 3))
    y = (X[:, :2] > 0).astype(int)
    model = MultiOutputClassifier(LogisticRegression()).fit(X, y)
    figures = measure(model, X, y)
    assert figures["error"] < 0.05
    assert figures["ece"] is None
    assert figures["nll"] > 0


def test_measure__mean_of_numbers__error_1(rng):
    X, y = rng.normal(size=(50, 2)), rng.normal(size=50)
    figures = measure(DummyRegressor().fit(X, y), X, y)
    assert figures == {"error": pytest.approx(1), "nll": None, "ece": None}


def test_measure__fields_of_zeros__error_1(rng):
    class Zeros:
        def predict(self, X):
            return np.zeros((len(X), 4, 4))

        def __sklearn_tags__(self):
            return DummyRegressor().__sklearn_tags__()

    y = rng.normal(size=(5, 4, 4))
    assert measure(Zeros(), np.zeros((5, 1)), y)["error"] == pytest.approx(1)


def test_measure__shares_of_classes__entropy():
    y = np.repeat([0, 1], [30, 10])
    model = DummyClassifier(strategy="prior").fit(np.zeros((40, 1)), y)
    figures = measure(model, np.zeros((40, 1)), y)
    assert figures["error"] == pytest.approx(0.25)
    assert figures["nll"] == pytest.approx(-0.75 * np.log(0.75) - 0.25 * np.log(0.25))
    assert figures["ece"] == pytest.approx(0)
