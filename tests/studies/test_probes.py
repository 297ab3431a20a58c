from unittest import mock

import numpy as np
import pytest
import sklearn
import torch
import torch.nn.functional as F
from sklearn.utils.fixes import parse_version

from sklearn_pare import _base, sources
from sklearn_pare.nn.model import PaReModel
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
        ("pare-light-source-loss", {"source_weight": 0.2}),
        ("pare-no-clipping", {"max_grad_norm": 1e9}),
        ("pare-noisy", {"noise": (1.0, 1.0)}),
        ("pare-quiet", {"noise": (0.1, 0.0)}),
    ],
)
def test_numbers__those_of_the_recipe_alone(method, numbers, wine):
    changed, plain = (
        vars(_before_training(wine, name)[1]) for name in (method, "pare")
    )
    different = {key for key in plain if changed[key] != plain[key]}
    # The losses are methods of a target, another one in each fit.
    assert different - {"loss", "agreement"} == set(numbers)
    assert {key: changed[key] for key in numbers} == numbers


@pytest.mark.parametrize("method", ["nft-smoothing", "pare-smoothing"])
def test_smoothing__a_tenth_of_each_label_is_spread(method, wine, generator):
    loss = _before_training(wine, method)[1].loss
    outputs = torch.randn(4, 3, generator=generator)
    y = torch.tensor([0, 1, 2, 0])
    target = 0.9 * F.one_hot(y, 3) + 0.1 / 3
    expected = -(target * outputs.log_softmax(1)).sum(1)
    torch.testing.assert_close(loss(outputs, y), expected)


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


def test_contrast_gate__what_sticks_out_scores_highest(generator):
    tokens = 0.01 * torch.randn(2, 9, 3, generator=generator)
    tokens[0, 4] += 5
    tokens[1, 7] -= 5
    scores = probes.ContrastGate()(tokens)
    assert scores.argmax(1).tolist() == [4, 7]
    torch.testing.assert_close(scores.mean(1), torch.zeros(2))
    torch.testing.assert_close(scores.std(1, correction=0), torch.ones(2))
    assert torch.equal(probes.ContrastGate()(torch.ones(1, 4, 3)), torch.zeros(1, 4))


def test_contrast__tokens_of_least_contrast_are_replaced(wine, monkeypatch):
    seen = []
    forward = PaReModel.forward

    def spy(self, x, mixing=None, *args, **kwargs):
        outputs = forward(self, x, mixing, *args, **kwargs)
        scores = probes.ContrastGate()(self.embed(x)) + mixing.target_noise
        lowest = scores.argsort(1)[:, : mixing.k].sort(1).values
        seen.append(torch.equal(lowest, outputs.target_index))
        return outputs

    monkeypatch.setattr(PaReModel, "forward", spy)
    _fit(wine, "pare-contrast", max_epochs=3)
    assert seen
    assert all(seen)


def test_joint__tokens_come_nearer_to_the_source(wine, monkeypatch):
    measure = probes.mmd

    def gaps(attached):
        found = []

        def spy(*sides):
            found.append(measure(*sides).item())
            return measure(*sides) if attached else torch.zeros(())

        monkeypatch.setattr(probes, "mmd", spy)
        settings = {"max_epochs": 10, "batch_size": 20, "lr": 2e-2, "source": "noise"}
        _fit(wine, "pare-joint", **settings)
        return np.array(found)

    joint, apart = gaps(True), gaps(False)
    # One distance per step: 10 epochs of 2 batches.
    assert len(joint) == len(apart) == 10 * 2
    assert joint[0] == apart[0]
    assert joint[-5:].mean() < 0.8 * apart[-5:].mean()


@pytest.mark.parametrize(
    ("method", "n_classes"),
    [("pare-shuffled", 2048), ("pare-families", 7), ("pare-digits", 10)],
)
def test_sources__mixed_in_and_gone_afterwards(method, n_classes, wine):
    names = sources.list_sources()
    network, _ = _before_training(wine, method)
    assert network.source.n_classes == n_classes
    assert network.model.source_head.n_outputs == n_classes
    assert _before_training(wine, "pare")[0].source_name == "formula"
    assert sources.list_sources() == names


def test_changed__undone_after_an_error(wine):
    train, opened = _base.train, sources.open_candidates
    with pytest.raises(_Stop), probes.changed("pare-shuffled"):
        raise _Stop
    with pytest.raises(_Stop), probes.changed("pare-quiet"):
        raise _Stop
    assert _base.train is train
    assert sources.open_candidates is opened


def test_shuffled__labels_of_other_draws():
    plain, shuffled = (
        source.sample(200, torch.Generator().manual_seed(0))
        for source in (sources.FormulaSource(), probes.ShuffledSource())
    )
    assert torch.equal(plain[0], shuffled[0])
    assert (plain[1] == shuffled[1]).float().mean() < 0.05


def test_families__the_family_of_each_label():
    plain, families = (
        source.sample(50, torch.Generator().manual_seed(0))[1]
        for source in (sources.FormulaSource(), probes.FamilySource())
    )
    starts = torch.tensor([*probes.FAMILY_STARTS, 2048])
    assert (starts[families] <= plain).all()
    assert (plain < starts[families + 1]).all()


def test_digits__ten_classes_of_standardised_images(generator):
    x, y = probes.digits_source().sample(300, generator)
    assert x.shape == (300, 1, 8, 8)
    assert x.std() == pytest.approx(1, abs=0.05)
    assert torch.unique(y).tolist() == list(range(10))
