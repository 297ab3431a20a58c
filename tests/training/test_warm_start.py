"""Training that continues from the last fit."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import sklearn_pare
from sklearn_pare import PaReClassifier, PaReRegressor, backbones
from sklearn_pare._architecture import export_arrays
from sklearn_pare.exceptions import CheckpointError, DataError
from sklearn_pare.training import net
from tests.common.instances import tiny
from tests.training.same import assert_same_fit

X = np.random.default_rng(0).normal(size=(40, 5))
Y = np.where(X[:, 0] > 0, "up", "down")
IMAGES = np.random.default_rng(1).normal(size=(12, 1, 8, 8))


def _network(estimator):
    arrays = export_arrays(estimator._model)
    return {k: v for k, v in arrays.items() if not k.startswith("linear.")}


@pytest.mark.parametrize("linear_path", [False, True])
def test_fit__warm__starts_from_the_weights_of_the_last(linear_path):
    clf = tiny(PaReClassifier, warm_start=True, linear_path=linear_path).fit(X, Y)
    before = _network(clf)
    clf.set_params(lr=1e-30, weight_decay=0.0, linear_path=linear_path).fit(X, Y)
    share = clf.network_share_
    for name, array in _network(clf).items():
        if not name.startswith("head."):
            np.testing.assert_allclose(array, before[name], atol=1e-20, err_msg=name)
        elif not linear_path:
            np.testing.assert_allclose(array, before[name], atol=1e-20)
    assert 0 <= share <= 1


def test_fit__warm__loss_falls_further_and_history_continues():
    settings = {"max_epochs": 6, "linear_path": False, "mix_start": 0.0, "mix_end": 0.0}
    clf = tiny(PaReClassifier, warm_start=True, lr=3e-3, **settings).fit(X, Y)
    first = clf.history_
    clf.fit(X, Y)
    assert clf.n_iter_ == 12
    assert clf.history_[:6] == first
    assert [row["epoch"] for row in clf.history_] == [*range(1, 13)]
    assert clf.history_[6]["train_loss"] < first[0]["train_loss"]
    assert clf.history_[-1]["train_loss"] < first[-1]["train_loss"]


def test_fit__cold__starts_again():
    clf = tiny(PaReClassifier).fit(X, Y)
    expected = clf.predict_proba(X)
    np.testing.assert_array_equal(clf.fit(X, Y).predict_proba(X), expected)
    assert clf.n_iter_ == 6


def test_fit__warm_but_never_fitted__as_cold():
    cold = tiny(PaReClassifier).fit(X, Y)
    assert_same_fit(tiny(PaReClassifier, warm_start=True).fit(X, Y), cold)
    fitted = tiny(PaReClassifier, warm_start=True).fit(X, Y)
    assert_same_fit(clone(fitted).fit(X, Y), cold)


def test_fit__warm_after_loading__same_as_without(tmp_path):
    clf = tiny(PaReClassifier, warm_start=True).fit(X, Y)
    clf.save(tmp_path / "x.pare")
    loaded = sklearn_pare.load(tmp_path / "x.pare")
    assert_same_fit(loaded.fit(X, Y), clf.fit(X, Y))


def test_fit__warm_with_other_samples_and_lr__continues():
    clf = tiny(PaReClassifier, warm_start=True, max_epochs=2).fit(X[:30], Y[:30])
    clf.set_params(lr=1e-3, tune="norm", max_epochs=3).fit(X[10:], Y[10:])
    assert clf.n_iter_ == 5


def test_fit__warm_and_aligned__aligned_once(monkeypatch):
    clf = tiny(PaReClassifier, warm_start=True, alignment="l2", max_epochs=1)
    losses = clf.fit(X, Y).alignment_history_
    monkeypatch.setattr("sklearn_pare.training.network.align", None)
    assert clf.fit(X, Y).alignment_history_ == losses


@pytest.mark.parametrize("shape", [(), (8, 8)], ids=str)
def test_fit__warm_regressor__continues(shape):
    y = IMAGES[:, 0] if shape else IMAGES[:, 0, 0, 0]
    reg = tiny(PaReRegressor, warm_start=True, max_epochs=1).fit(IMAGES, y)
    assert reg.fit(IMAGES, y).n_iter_ == 2


FRAME = pd.DataFrame({"a": X[:, 0], "b": ["x", "y"] * 20})


@pytest.mark.parametrize(
    ("settings", "data", "words"),
    [
        ({}, (X, np.where(X[:, 0] > 0, "up", "flat")), r"classes was \['down', 'up'\]"),
        ({}, (X[:, :3], Y), r"input_shape was \[5\] and is now \[3\]"),
        (
            {"backbone": "pare-tiny"},
            (X, Y),
            "backbone was 'test-tiny' and is now 'p",
        ),
        ({"selector": "gate"}, (X, Y), "selector was 'random'"),
        ({}, (FRAME, Y), "input_shape was"),
    ],
    ids=["classes", "columns", "backbone", "selector", "frame"],
)
def test_fit__warm_with_another_network__error_names_it(settings, data, words):
    clf = tiny(PaReClassifier, warm_start=True, max_epochs=1).fit(X, Y)
    expected = clf.predict_proba(X)
    with pytest.raises(DataError, match=f"(?s)last fit, but {words}.*warm_start=False"):
        clf.set_params(**settings).fit(*data)
    assert clf.n_iter_ == 1
    assert expected.shape == (40, 2)


def test_fit__warm_with_other_categories__error():
    clf = tiny(PaReClassifier, warm_start=True, max_epochs=1).fit(FRAME, Y)
    other = FRAME.assign(b=FRAME["b"].replace("x", "z"))
    with pytest.raises(DataError, match=r"categories was .*'x'.* and is now .*'z'"):
        clf.fit(other, Y)


def test_fit__warm_with_the_checkpoints_of_the_first__refused(tmp_path):
    clf = tiny(PaReClassifier, warm_start=True, max_epochs=1, checkpoint_dir=tmp_path)
    clf.fit(X, Y)
    with pytest.raises(CheckpointError, match="the model it starts from is"):
        clf.fit(X, Y)
    assert clf.set_params(checkpoint_dir=tmp_path / "2").fit(X, Y).n_iter_ == 2


def test_warm_start__on_a_device_that_affords_more_tokens__those_of_the_last_fit(
    monkeypatch,
):
    X = np.random.default_rng(0).normal(size=(20, 1, 16, 16))
    settings = {"backbone": "timm:test_vit", "pretrained": False, "warm_start": True}
    clf = tiny(PaReClassifier, max_epochs=1, **settings)
    with monkeypatch.context() as patch:
        patch.setattr(backbones, "_AFFORDABLE", 1.0)
        clf.fit(X, X[:, 0, 0, 0] > 0)
    assert clf.fit(X, X[:, 0, 0, 0] > 0).n_tokens_ == 16
    assert clf.n_iter_ == 2
    clf.set_params(backbone="timm:test_vit?max_tokens=9")
    with pytest.raises(DataError, match="backbone was"):
        clf.fit(X, X[:, 0, 0, 0] > 0)


def test_fit__warm_fields__the_backbone_stays_where_its_share_was_learned(monkeypatch):
    seen = []

    def backward(model, step, recipe, n_parts, own, alone):
        seen.append(bool(alone))
        return original(model, step, recipe, n_parts, own, alone)

    original = net.backward
    monkeypatch.setattr(net, "backward", backward)
    x = np.random.default_rng(0).normal(size=(40, 1, 16)).cumsum(-1)
    reg = tiny(PaReRegressor, max_epochs=4, linear_path=False, warm_start=True)
    reg.fit(x, x[:, 0] ** 2)
    n_steps = len(seen)
    assert 0 < sum(seen) < n_steps
    reg.fit(x, x[:, 0] ** 2)
    assert len(seen) == 2 * n_steps
    assert not any(seen[n_steps:])
