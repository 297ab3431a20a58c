import numpy as np
import pytest
import torch
from sklearn.datasets import load_wine

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.exceptions import DataError
from sklearn_pare.inspection import (
    loss_landscape,
)
from sklearn_pare.inspection._landscape import _direction
from tests.common.instances import tiny

RNG = np.random.default_rng(1)


def test_landscape__middle__loss_of_the_fit_which_stays(digits_fit):
    clf, X, y = digits_fit
    before = clf.predict_proba(X)
    display = loss_landscape(clf, X, y, n_points=3, span=0.5, random_state=0)
    expected = -np.log(before[np.arange(len(y)), y]).mean()
    assert display.loss[1, 1] == pytest.approx(expected, rel=1e-4)
    assert display.steps.tolist() == [-0.5, 0.0, 0.5]
    np.testing.assert_array_equal(clf.predict_proba(X), before)


def test_landscape__network_without_a_share__says_so():
    X, y = load_wine(return_X_y=True)
    clf = tiny(PaReClassifier, max_epochs=1).fit(X, y)
    assert clf.network_share_ == 0
    with pytest.raises(DataError, match=r"network_share_ is 0.*linear_path=False"):
        loss_landscape(clf, X, y, n_points=2)


def test_landscape__far_away__loss_is_higher(digits_fit):
    display = loss_landscape(*digits_fit, n_points=3, span=2.0, random_state=0)
    corners = display.loss[[0, 0, 2, 2], [0, 2, 0, 2]]
    assert corners.mean() > display.loss[1, 1]


def test_landscape__directions__rows_as_long_as_the_weights(generator):
    weight = torch.randn(5, 3, 2, generator=generator)
    found = _direction(weight, generator).flatten(1).norm(dim=1)
    torch.testing.assert_close(found, weight.flatten(1).norm(dim=1))
    assert torch.equal(_direction(torch.zeros(2, 3), generator), torch.zeros(2, 3))


def test_landscape__fields(digits_fit):
    X = RNG.normal(size=(20, 1, 8, 8))
    model = tiny(PaReRegressor, max_epochs=1).fit(X, X[:, 0])
    display = loss_landscape(model, X, X[:, 0], n_points=2, random_state=0)
    assert np.isfinite(display.loss).all()
    with pytest.raises(DataError, match="n_points=1"):
        loss_landscape(model, X, X[:, 0], n_points=1)


@pytest.mark.filterwarnings("ignore::sklearn_pare.exceptions.NetworkUnusedWarning")
def test_landscape__linear_path__not_moved(monkeypatch, rng):
    X = rng.normal(size=(60, 1, 40))
    y = X[:, 0].std(1) > 1
    clf = tiny(PaReClassifier, max_epochs=1).fit(X, y)
    assert clf._architecture.linear
    clf.network_share_, before = 1.0, clf._model.linear.state_dict()
    seen = []

    def predict(model, x):
        seen.append(model.linear.state_dict())
        return torch.zeros(len(x), 2)

    monkeypatch.setattr(type(clf._model), "predict", predict)
    loss_landscape(clf, X, y, n_points=2, span=1.0, random_state=0)
    for state in seen:
        for name, value in state.items():
            torch.testing.assert_close(value, before[name], rtol=0, atol=0)
