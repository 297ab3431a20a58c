import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_pare.datasets import (
    make_ecg,
    make_patterns,
    make_permeability,
    make_vibration,
)
from sklearn_pare.datasets.simulate import media, signals

# Simulator -> shape of a row, number of classes (None: values).
MAKERS = {
    make_ecg: ((1, 256), 5),
    make_vibration: ((2, 400), 4),
    make_permeability: ((1, 32, 32), None),
    make_patterns: ((1, 32, 32), 5),
}


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_make__shapes_classes_and_seed(make):
    shape, n_classes = MAKERS[make]
    X, y = make(20, random_state=3)
    assert X.shape == (20, *shape)
    assert X.dtype == np.float64
    assert np.isfinite(X).all()
    if n_classes is not None:
        assert np.bincount(y).tolist() == [20 // n_classes] * n_classes
    again, y_again = make(20, random_state=np.random.RandomState(3))
    np.testing.assert_array_equal(X, again)
    np.testing.assert_array_equal(y, y_again)
    assert not np.array_equal(X, make(20, random_state=4)[0])


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_make__global_random_state_untouched(make):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    make(3, random_state=0)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize("make", [make_ecg, make_vibration])
def test_make__other_length(make):
    assert make(8, length=200, random_state=0)[0].shape[2] == 200
    with pytest.raises(ValueError, match="'length' parameter"):
        make(8, length=3)


@pytest.mark.parametrize("make", [make_permeability, make_patterns])
def test_make__other_size(make):
    assert make(8, size=12, random_state=0)[0].shape[2:] == (12, 12)
    with pytest.raises(ValueError, match="'size' parameter"):
        make(8, size=3)


def _spectrum(X):
    axes = tuple(range(2, X.ndim))
    return np.log(np.abs(np.fft.fftn(X, axes=axes)) + 1e-3).reshape(len(X), -1)


@pytest.mark.parametrize("make", [make_ecg, make_vibration, make_patterns])
def test_classes__spectrum_tells_something_but_not_all(make):
    X, y = make(random_state=0)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    accuracy = cross_val_score(model, _spectrum(X), y, cv=3).mean()
    # Chance is 0.2 or 0.25; three standard errors of 300 rows are 0.08.
    assert 0.34 < accuracy < 0.9


def test_premature_beat__early_and_then_a_pause():
    rng = np.random.RandomState(0)
    for _ in range(20):
        peaks, early = signals._peaks(2, 4.0, rng)
        steps = np.diff(peaks)
        assert steps[early - 1] < 0.9 * np.median(steps)
        assert steps[early] > 1.1 * np.median(steps)


def test_ringing__one_impact_a_cycle():
    # 20 cycles a second for 1 s; between impacts the housing comes to rest.
    time = np.arange(2000) / 2000
    answer = signals._ringing(20 * time + 0.5, time, np.random.RandomState(0))
    starts = (np.abs(answer[1:]) > 1e-4) & (np.abs(answer[:-1]) < 1e-4)
    loud = np.abs(answer).reshape(20, 100).max(1)
    assert starts.sum() >= 20
    assert (loud > 0.2).all()


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


def test_permeability__between_harmonic_and_arithmetic_mean():
    X, y = make_permeability(40, random_state=0)
    k = 10 ** X[:, 0]
    assert (y > np.log10(1 / (1 / k).mean((1, 2))) - 1e-9).all()
    assert (y < np.log10(k.mean((1, 2))) + 1e-9).all()
    assert y.std() > 0.1


def test_permeability__needs_more_than_the_phase_fraction():
    X, y = make_permeability(random_state=0)
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
    y = np.repeat(np.arange(len(media._REGIMES)), 12)
    v = media._gray_scott(media._seeds(len(y), 32, rng), *media._REGIMES[y].T)
    assert v.std((0, 1)).min() > 0.05
