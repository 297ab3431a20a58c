import numpy as np
import pytest
import sklearn
import torch
from sklearn.datasets import load_wine
from sklearn.utils.fixes import parse_version

from sklearn_pare import PaReClassifier, sources
from sklearn_pare.benchmarks.methods import PROBES
from sklearn_pare.nn.model import PaReModel
from studies import probes
from tests.common.instances import tiny

RNG = np.random.default_rng(1)


def test_contrast_gate__what_sticks_out_scores_highest(generator):
    tokens = 0.01 * torch.randn(2, 9, 3, generator=generator)
    tokens[0, 4] += 5
    tokens[1, 7] -= 5
    scores = probes.ContrastGate()(tokens)
    assert scores.argmax(1).tolist() == [4, 7]
    torch.testing.assert_close(scores.mean(1), torch.zeros(2))
    torch.testing.assert_close(scores.std(1, correction=0), torch.ones(2))
    assert torch.equal(probes.ContrastGate()(torch.ones(1, 4, 3)), torch.zeros(1, 4))


@pytest.fixture
def wine():
    X, y = load_wine(return_X_y=True)
    return X[::2], y[::2]


def _fit(name, data, **settings):
    settings = {"linear_path": False, "max_epochs": 3} | PROBES[name] | settings
    estimator = tiny(PaReClassifier, **settings)
    return probes.WRAPPERS.get(name, lambda own: own)(estimator).fit(*data)


TEMPERATURE = pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.8"),
    reason="scikit-learn scales temperatures from version 1.8",
)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=TEMPERATURE if "temperature" in name else ())
        for name in PROBES
    ],
)
def test_probe__fits_and_gives_probabilities(name, wine):
    likely = _fit(name, wine).predict_proba(wine[0])
    np.testing.assert_allclose(likely.sum(1), 1, rtol=1e-5)


def test_smoothing__less_sure(wine):
    settings = {"max_epochs": 40}
    smooth = _fit("nft-smoothing", wine, **settings).predict_proba(wine[0])
    plain = _fit("nft-early-stopping", wine, early_stopping=False, **settings)
    assert smooth.max() < 0.99 < plain.predict_proba(wine[0]).max()


@TEMPERATURE
def test_temperature__order_of_classes_stays(wine):
    tempered = _fit("nft-temperature", wine)
    (inner,) = {c.estimator for c in tempered.calibrated_classifiers_}
    np.testing.assert_array_equal(
        tempered.predict_proba(wine[0]).argmax(1),
        inner.predict_proba(wine[0]).argmax(1),
    )


def test_contrast__what_is_replaced_has_the_least(wine, monkeypatch):
    seen = []
    forward = PaReModel.forward

    def spy(self, x, mixing=None, *args, **kwargs):
        outputs = forward(self, x, mixing, *args, **kwargs)
        scores = probes.ContrastGate()(self.embed(x)) + mixing.target_noise
        lowest = scores.argsort(1)[:, : mixing.k].sort(1).values
        seen.append(torch.equal(lowest, outputs.target_index))
        return outputs

    monkeypatch.setattr(PaReModel, "forward", spy)
    _fit("pare-contrast", wine)
    assert seen
    assert all(seen)


def test_quiet__noise_is_a_tenth(wine, monkeypatch):
    largest = {}
    forward = PaReModel.forward

    def spy(self, x, mixing=None, *args, **kwargs):
        largest.setdefault(name, mixing.target_noise.abs().max().item())
        return forward(self, x, mixing, *args, **kwargs)

    monkeypatch.setattr(PaReModel, "forward", spy)
    for name in ("pare-quiet", "pare-noisy"):
        _fit(name, wine, source="noise")
    assert largest["pare-quiet"] == pytest.approx(0.1 * largest["pare-noisy"])


def test_joint__tokens_come_nearer_to_the_source(wine, monkeypatch):
    measure = probes.mmd

    def gaps(attached):
        found = []

        def spy(*sides):
            found.append(measure(*sides).item())
            return measure(*sides) if attached else torch.zeros(())

        monkeypatch.setattr(probes, "mmd", spy)
        _fit("pare-joint", wine, max_epochs=10, source="noise")
        return np.array(found)

    joint, apart = gaps(True), gaps(False)
    assert len(joint) == len(apart) == 10 * 2
    assert joint[0] == apart[0]
    assert joint[-5:].mean() < 0.8 * apart[-5:].mean()


def test_sources_of_probes__unknown_to_others():
    names = sources.list_sources()
    assert not any("shuffled" in name or "digits" in name for name in names)


def test_shuffled__labels_of_other_draws(generator):
    x, y = probes.ShuffledSource().sample(200, generator)
    assert x.shape == (200, 3, 32, 32)
    assert len(torch.unique(y)) > 150


def test_digits__ten_classes(generator):
    x, y = probes.digits_source().sample(300, generator)
    assert x.shape == (300, 1, 8, 8)
    assert torch.unique(y).tolist() == list(range(10))
