"""The alignment stage before fine-tuning."""

import itertools

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, load_wine

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.exceptions import DataError
from sklearn_pare.otdd import coarse_classes, dataset_distance
from sklearn_pare.training import network
from sklearn_pare.training.align import mmd, paired
from tests.common.instances import tiny

NO_MIXING = {"mix_start": 0.0, "mix_end": 0.0}
METHODS = ("otdd", "mmd", "l2")


def _wine():
    X, y = load_wine(return_X_y=True)
    return X[::3], y[::3]


def _align(method, **settings):
    settings = {"linear_path": False, "max_epochs": 1, "alignment": method} | settings
    return tiny(PaReClassifier, **settings)


def test_mmd__by_definition(rng):
    x, y = (torch.from_numpy(rng.normal(size=(n, 4))) for n in (7, 9))
    z = torch.cat([x, y])
    base = torch.stack([(a - b).square().sum() for a in z for b in z]).mean() / 4
    expected = 0.0
    for i in range(5):
        for a, b, sign in ((x, x, 1), (y, y, 1), (x, y, -2)):
            pairs = itertools.product(a, b)
            kernel = [(-(p - q).square().sum() / (base * 2**i)).exp() for p, q in pairs]
            expected += sign * torch.stack(kernel).mean().item()
    assert mmd(x, y).item() == pytest.approx(expected)
    assert mmd(x, x).item() == pytest.approx(0, abs=1e-12)


def test_mmd__equal_points__zero_and_no_nan():
    x = torch.ones(3, 2, requires_grad=True)
    value = mmd(x, torch.ones(4, 2))
    value.backward()
    assert value.item() == pytest.approx(0)
    assert x.grad.isfinite().all()


def test_paired__mean_length():
    assert paired(torch.zeros(2, 2), torch.tensor([[3.0, 4.0], [0.0, 1.0]])) == 3


@pytest.mark.parametrize("method", METHODS)
def test_align__tokens_come_nearer_to_the_source(method):
    X, y = _wine()
    clf = _align(method).fit(X, y)
    history = clf.alignment_history_
    assert len(history) == 20
    assert np.mean(history[-3:]) < np.mean(history[:2])


def test_align__otdd_of_the_tokens_themselves_falls(monkeypatch):
    # Measured by the exact distance, before and after the stage.
    X, y = _wine()
    distances = []
    align = network.align

    def spy(model, rows, source, *others):
        generator = torch.Generator().manual_seed(3)
        x, _ = source.sample(100, generator)

        def distance():
            with torch.no_grad():
                own, other = model.embed(rows.x), model.source_embed(x)
            return dataset_distance(own.mean(1).numpy(), y, other.mean(1).numpy(), None)

        distances.append(distance())
        losses = align(model, rows, source, *others)
        distances.append(distance())
        return losses

    monkeypatch.setattr(network, "align", spy)
    # At the lr of the other tests the distance falls for some seeds only.
    _align("otdd", lr=1e-3).fit(X, y)
    assert distances[1] < 0.95 * distances[0]


def test_align__backbone_stays_as_it_was():
    X, y = _wine()
    settings = {"tune": "none", "max_epochs": 1, "batch_size": 60}
    plain, aligned = (
        _align(method, **settings).fit(X, y)._model.state_dict()
        for method in (None, "mmd")
    )
    for name, value in plain.items():
        if name.startswith("backbone."):
            assert torch.equal(value, aligned[name]), name
    assert not torch.equal(plain["embed.norm.weight"], aligned["embed.norm.weight"])


@pytest.mark.parametrize("mixing", [{}, NO_MIXING])
def test_align__composes_with_mixing(mixing):
    X, y = _wine()
    clf = _align("mmd", **mixing).fit(X, y)
    assert (clf.history_[0]["mixed_source_loss"] is None) == bool(mixing)
    assert len(clf.alignment_history_) == 20


def test_align__same_seed__same_model():
    X, y = _wine()
    first, second = (_align("otdd").fit(X, y) for _ in "ab")
    assert first.alignment_history_ == second.alignment_history_
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))


def test_align__global_state__untouched():
    state = torch.get_rng_state()
    _align("l2").fit(*_wine())
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["numbers", "labels", "masks", "fields"])
def test_align__every_target(method, kind, rng):
    X = rng.normal(size=(24, 1, 8, 8))
    y = {
        "numbers": X[:, 0, 0, 0],
        "labels": (X[:, 0, 0, :3] > 0).astype(int),
        "masks": (X[:, 0] > 0).astype(int),
        "fields": X[:, 0],
    }[kind]
    estimator = PaReRegressor if kind in ("numbers", "fields") else PaReClassifier
    model = tiny(estimator, alignment=method, max_epochs=1).fit(X, y)
    assert np.isfinite(model.alignment_history_).all()
    assert model.predict(X).shape == y.shape


def test_align__class_of_one_sample__is_left_out():
    X, y = _wine()
    y = y.copy()
    y[0] = 7
    clf = _align("otdd").fit(X, y)
    assert np.isfinite(clf.alignment_history_).all()


def test_align__no_two_samples_of_a_class__all_form_one():
    X, _ = _wine()
    model = tiny(PaReRegressor, alignment="l2", max_epochs=1).fit(X[:18], np.arange(18))
    assert min(model.alignment_history_) > 0


def test_align__embedder_that_is_fixed__error_names_the_remedy():
    with pytest.raises(DataError, match=r"alignment='otdd'.*tune='head'.*tune='none'"):
        _align("otdd", tune="head").fit(*_wine())


def test_align__source_without_spread__finite():
    X, y = _wine()
    source = np.ones((20, 1, 8, 8)), np.zeros(20)
    clf = _align("otdd", source=source).fit(X, y)
    assert np.isfinite(clf.alignment_history_).all()


def test_align__none__no_history():
    assert _align(None).fit(*_wine()).alignment_history_ == []


def test_tune_head__only_the_head_learns():
    X, y = load_digits(return_X_y=True)
    settings = NO_MIXING | {"input_shape": (1, 8, 8)}
    few, many = (
        _align(None, tune="head", max_epochs=n, **settings).fit(X[:80], y[:80])
        for n in (1, 3)
    )
    before, after = few._model.state_dict(), many._model.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == {"head.linear.weight", "head.linear.bias"}


def test_coarse_classes__few_samples_per_class__clusters(rng):
    centres = np.repeat([[0.0, 0.0], [9.0, 9.0]], 50, axis=0)
    X = centres + 0.1 * rng.normal(size=centres.shape)
    many = np.arange(100) % 60
    found = coarse_classes(X, many, seed=0)
    assert len(np.unique(found)) == 10
    # No cluster holds samples of both clouds.
    assert not set(found[:50]) & set(found[50:])
    few = np.arange(100) % 10
    np.testing.assert_array_equal(coarse_classes(X, few, seed=0), few)
