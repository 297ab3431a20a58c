import importlib.util
import sys
from types import ModuleType

import numpy as np
import pytest
from sklearn.base import is_classifier
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import RidgeClassifierCV
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline

from sklearn_pare.datasets import make_ecg
from sklearn_pare.metrics import relative_l2
from studies import peers


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.skipif(not importlib.util.find_spec("neuralop"), reason="no neuralop")
@pytest.mark.parametrize("size", [(16,), (12, 8)])
def test_fno__shape_of_y(rng, size):
    X = rng.normal(size=(4, 2, *size))
    model = peers.FNORegressor(seconds=0.01).fit(X, X[:, 0])
    assert model.predict(X).shape == X[:, 0].shape


def test_aeon__zeros_in_place_of_missing_values(rng, monkeypatch):
    """With a classifier in place of those of the package, which may be absent."""
    seen = []

    class Records(DummyClassifier):
        def fit(self, X, y):
            seen.append(X)
            return super().fit(X, y)

    package, module = ModuleType("aeon"), ModuleType("aeon.classification")
    module.convolution_based = ModuleType("aeon.classification.convolution_based")
    module.convolution_based.MiniRocketClassifier = Records
    monkeypatch.setitem(sys.modules, "aeon", package)
    monkeypatch.setitem(sys.modules, "aeon.classification", module)
    X = rng.normal(size=(6, 1, 20))
    X[0, 0, 15:] = np.nan
    model = peers.make("aeon MiniRocket", 3)
    model.fit(X, [0, 1] * 3)
    assert model[-1].random_state == 3
    np.testing.assert_array_equal(seen[0][0, 0, 15:], 0)
    np.testing.assert_array_equal(seen[0][1:], X[1:])


def test_mini_rocket__84_kernels_that_sum_to_zero():
    kernels = peers.MiniRocket._KERNELS
    assert len(set(kernels)) == 84
    weights = np.full((84, 9), -1)
    np.put_along_axis(weights, np.array(kernels), 2, axis=1)
    assert (weights.sum(1) == 0).all()


@pytest.mark.parametrize("dilation", [1, 3])
def test_convolve__as_numpy_does(rng, dilation):
    X = rng.normal(size=(2, 3, 40))
    weights = np.full(9, -1.0)
    weights[[0, 4, 5]] = 2
    dilated = np.zeros(8 * dilation + 1)
    dilated[::dilation] = weights
    rows = X[:, [0, 2]].sum(1)
    for padded, mode in [(True, "same"), (False, "valid")]:
        expected = [np.correlate(row, dilated, mode) for row in rows]
        found = peers._convolve(X, dilation, (0, 4, 5), [0, 2], padded)
        np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("shape", [(6, 1, 9), (6, 1, 100), (6, 12, 50)])
def test_mini_rocket__features_are_shares_and_as_many_as_asked(rng, shape):
    X = rng.normal(size=shape)
    rocket = peers.MiniRocket(1000, random_state=0)
    features = rocket.fit_transform(X)
    assert features.shape == (6, 1000 // 84 * 84)
    assert features.min() >= 0
    assert features.max() <= 1
    dilations = {how[0] for how, _ in rocket.convolutions_}
    assert max(dilations) == (shape[2] - 1) // 8
    np.testing.assert_array_equal(rocket.transform(X[2:3]), features[2:3])


def test_mini_rocket__ecg__far_above_chance():
    X, y = make_ecg(150, random_state=0)
    model = make_pipeline(peers.MiniRocket(2000, random_state=0), RidgeClassifierCV())
    assert model.fit(X[:100], y[:100]).score(X[100:], y[100:]) > 0.7


def test_median_residual__finds_hits_in_noise_of_uneven_strength(rng):
    noise = 1 + 9 * (np.arange(32) > 15)
    X = rng.normal(size=(2, 1, 32, 32)) * noise
    y = np.zeros((2, 32, 32), int)
    y[:, 5:30:6, 5:30:6] = 1
    X[:, 0] += 10 * noise * y
    scores = peers.MedianResidual().fit(X, y).decision_function(X)
    assert roc_auc_score(y.ravel(), scores.ravel()) > 0.99


@pytest.mark.parametrize("name", ["ridge", "KNN", "kernel ridge"])
def test_field_peers__a_linear_map__shape_of_y(rng, name):
    X = rng.normal(size=(40, 2, 3, 4))
    y = X @ rng.normal(size=(4, 5)) + 7
    model = peers.make(name, 0).fit(X[:30], y[:30])
    assert model.predict(X[30:]).shape == (10, 2, 3, 5)
    if name == "ridge":
        assert relative_l2(y[30:], model.predict(X[30:])) < 0.05


def test_flattened__probabilities_where_the_estimator_has_them():
    X, y = np.random.default_rng(0).normal(size=(30, 1, 4)), np.arange(30) % 3
    forest = peers.make("RandomForest", 0).fit(X, y)
    assert forest.predict_proba(X).shape == (30, 3)
    assert forest.classes_.tolist() == [0, 1, 2]
    assert is_classifier(forest)
    assert not hasattr(peers.make("SVC", 0), "predict_proba")
    assert not is_classifier(peers.make("ridge", 0))


def test_spectra__a_wave_has_one_frequency():
    wave = np.sin(2 * np.pi * 3 * np.arange(16) / 16)
    spectra = peers.spectra(np.stack([wave, 2 * wave])[:, None])
    assert spectra.shape == (2, 9)
    np.testing.assert_allclose(spectra[:, 3], [8, 16])
    assert np.delete(spectra, 3, axis=1).max() < 1e-12
