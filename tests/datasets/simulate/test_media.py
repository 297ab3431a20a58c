import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score

from sklearn_pare.datasets import make_permeability
from sklearn_pare.datasets.simulate import media


@pytest.mark.parametrize("value", [1.0, 31.6, 1e-3])
def test_effective_permeability__uniform__its_own(value):
    k = np.full((6, 9), value)
    assert media._effective_permeability(k) == pytest.approx(value, rel=1e-12)


def test_effective_permeability__layers__wiener_bounds():
    layers = np.repeat([[1.0, 10.0, 10.0, 100.0]], 5, axis=0)
    in_series = 1 / np.mean(1 / layers)
    effective = media._effective_permeability
    assert effective(layers) == pytest.approx(in_series, rel=1e-12)
    assert effective(layers.T) == pytest.approx(layers.mean(), rel=1e-12)


@pytest.fixture(scope="module")
def rocks():
    return make_permeability(200, size=24, random_state=0)


def test_permeability__between_harmonic_and_arithmetic_mean(rocks):
    X, y = rocks
    k = 10 ** X[:, 0]
    assert (y > np.log10(1 / (1 / k).mean((1, 2))) - 1e-9).all()
    assert (y < np.log10(k.mean((1, 2))) + 1e-9).all()
    assert y.std() > 0.1


def test_permeability__needs_more_than_the_phase_fraction(rocks):
    X, y = rocks
    score = cross_val_score(Ridge(), X.mean((1, 2, 3))[:, None], y, cv=3).mean()
    assert 0.3 < score < 0.8


def test_gray_scott__without_seeds__stays_at_rest():
    seeds = np.zeros((8, 8, 2), bool)
    v = media._gray_scott(seeds, np.array([0.04, 0.03]), np.array([0.06, 0.06]), 5)
    assert (v == 0).all()


def test_gray_scott__one_step__by_hand():
    rng = np.random.RandomState(0)
    seeds = rng.rand(8, 8, 1) > 0.5
    u, v = 1 - 0.5 * seeds, 0.25 * seeds
    diffusion = sum(np.roll(v, s, a) for s in (-1, 1) for a in (0, 1)) - 4 * v
    expected = v + 0.06 * diffusion + u * v**2 - (0.04 + 0.06) * v
    found = media._gray_scott(seeds, np.array([0.04]), np.array([0.06]), steps=1)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_patterns__no_regime_dies_out():
    rng = np.random.RandomState(0)
    y = np.repeat(np.arange(len(media._REGIMES)), 6)
    v = media._gray_scott(media._seeds(len(y), 32, rng), *media._REGIMES[y].T)
    assert v.std((0, 1)).min() > 0.05
