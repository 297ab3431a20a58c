from unittest import mock

import numpy as np
import pytest
import sklearn
import torch
from sklearn.utils.fixes import parse_version

from sklearn_pare import _base, sources
from sklearn_pare.nn import replace_in_order, replace_tokens
from studies import probes


class _Stop(Exception):
    """Raised in place of training."""


def _before_training(task, method):
    """Return model and recipe of a fit of a method, just before it is trained."""
    found = []

    def train(network, start, recipe, *arguments):
        found.append((network, recipe))
        raise _Stop

    X, _, y, _ = task.split(0)
    with (
        mock.patch.object(_base, "train", train),
        probes.changed(method),
        pytest.raises(_Stop),
    ):
        task.estimator(method, 0).fit(X, y)
    return found[0]


def _fit(task, method, **settings):
    X, _, y, _ = task.split(0)
    with probes.changed(method):
        return task.estimator(method, 0, **settings).fit(X, y), X, y


@pytest.mark.parametrize("method", probes.CHOICES)
def test_choices__arguments_of_the_estimator(method, wine):
    arguments = probes.CHOICES[method]
    estimator = wine.estimator(method, 0)
    inner = getattr(estimator, "estimator", estimator)
    assert inner.get_params().items() >= arguments.items()


@pytest.mark.parametrize(
    ("method", "numbers"),
    [
        ("pare-no-source-loss", {"source_weight": 0.0}),
        ("pare-three-quarters", {"mixed_share": 0.75, "clean_share": 0.25}),
        ("pare-twice", {"mixed_share": 1.0, "clean_share": 1.0}),
    ],
)
def test_numbers__those_of_the_recipe_alone(method, numbers, wine):
    changed, plain = (
        vars(_before_training(wine, name)[1]) for name in (method, "pare")
    )
    different = {key for key in plain if changed[key] != plain[key]}
    # The losses are methods of a target, another one in each fit.
    assert different - {"loss", "train_loss", "agreement"} == set(numbers)
    assert {key: changed[key] for key in numbers} == numbers


@pytest.mark.parametrize("selector", ["gate", "random"])
def test_crossed__pairing_and_source_of_the_name(selector, wine):
    ordered, own = (
        _before_training(wine, f"{pairing}/self/{selector}")[0]
        for pairing in ("order", "same")
    )
    assert ordered.model.replace is replace_in_order
    assert own.model.replace is replace_tokens
    assert ordered.source.own_samples == own.source.own_samples == "always"
    assert type(ordered.model.gate) is type(own.model.gate)


@pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.8"),
    reason="scikit-learn has no temperature scaling",
)
def test_temperature__order_of_classes_stays(wine):
    tempered, X, _ = _fit(wine, "nft-temperature")
    (inner,) = {c.estimator for c in tempered.calibrated_classifiers_}
    np.testing.assert_array_equal(
        tempered.predict_proba(X).argmax(1), inner.predict_proba(X).argmax(1)
    )
    assert not np.allclose(tempered.predict_proba(X), inner.predict_proba(X))


@pytest.mark.parametrize(
    ("method", "n_classes"),
    [("pare-shuffled", 10), ("pare-digits", 10)],
)
def test_sources__mixed_in_and_gone_afterwards(method, n_classes, wine):
    names = sources.list_sources()
    network, _ = _before_training(wine, method)
    assert network.source.n_classes == n_classes
    assert network.model.source_head.n_outputs == n_classes
    assert _before_training(wine, "pare")[0].source_name == "formula+self"
    assert sources.list_sources() == names


def test_changed__undone_after_an_error(wine):
    train, opened = _base.train, sources.open_candidates
    with pytest.raises(_Stop), probes.changed("pare-shuffled"):
        raise _Stop
    with pytest.raises(_Stop), probes.changed("pare-quarter"):
        raise _Stop
    assert _base.train is train
    assert sources.open_candidates is opened


def test_shuffled__labels_of_other_draws():
    plain, shuffled = (
        source.sample(200, torch.Generator().manual_seed(0))
        for source in (sources.FormulaSource(), probes.ShuffledSource())
    )
    assert torch.equal(plain[0], shuffled[0])
    assert (plain[1] == shuffled[1]).float().mean() < 0.2


def test_digits__ten_classes_of_standardised_images(generator):
    x, y = probes.digits_source().sample(300, generator)
    assert x.shape == (300, 1, 8, 8)
    assert x.std() == pytest.approx(1, abs=0.05)
    assert torch.unique(y).tolist() == list(range(10))
