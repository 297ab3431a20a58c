"""One fit of each real backbone on each modality: predict, save, load."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits
from sklearn.model_selection import train_test_split

import sklearn_pare
from sklearn_pare import PaReClassifier, PaReRegressor, backbones, datasets

# The network alone: the linear path would hide what it does.
SETTINGS = {"linear_path": False, "random_state": 0}


def _digits():
    X, y = load_digits(return_X_y=True)
    return X.reshape(-1, 1, 8, 8), y


# Modality -> estimator, and a function that returns samples and targets.
DATA = {
    "images": (PaReClassifier, _digits),
    "signals": (PaReClassifier, lambda: datasets.make_gait(60, random_state=0)),
    "tables": (PaReRegressor, lambda: load_diabetes(return_X_y=True)),
    "fields": (PaReRegressor, lambda: datasets.make_darcy(60, size=16, random_state=0)),
}


@pytest.mark.parametrize("modality", DATA)
def test_fit__every_modality__saved_and_loaded(backbone, modality, tmp_path):
    kind, load = DATA[modality]
    X, y = (part[:60] for part in load())
    settings = {"max_epochs": 2, "batch_size": 16}
    model = kind(backbone=backbone, **SETTINGS, **settings).fit(X, y)
    predicted = model.predict(X)
    assert predicted.shape == y.shape
    if kind is PaReRegressor:
        assert np.isfinite(predicted).all()
    losses = [row["train_loss"] for row in model.history_]
    assert np.isfinite(losses).all()
    model.save(tmp_path / "model.safetensors")
    loaded = sklearn_pare.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.predict(X), predicted)


def test_defaults__better_than_random_weights(backbone):
    X, X_test, y, y_test = train_test_split(
        *_digits(), train_size=200, test_size=200, random_state=0
    )
    settings = SETTINGS | {"max_epochs": 15, "batch_size": 32}
    scores = [
        PaReClassifier(backbone=backbone, pretrained=pretrained, **settings)
        .fit(X, y)
        .score(X_test, y_test)
        for pretrained in (True, False)
    ]
    assert scores[0] > max(scores[1], 0.7)


def test_card__states_the_file(backbone):
    card = backbones.get(backbone, input_shape=(1, 8, 8)).card
    assert len(card.sha256) == 64
    assert card.origin is not None
