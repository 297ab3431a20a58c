import numpy as np
import pytest
from scipy.signal import hilbert
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

from sklearn_pare.datasets.simulate import waves
from sklearn_pare.datasets.simulate.waves import make_gait, make_motifs


def _magnitudes(X):
    return np.abs(np.fft.rfft(X)).reshape(len(X), -1)


@pytest.mark.parametrize("exponent", [0, 1, 2])
def test_coloured__unit_variance_and_slope(exponent):
    rng = np.random.RandomState(0)
    noise = waves._coloured((200, 256), np.full(200, exponent), rng)
    np.testing.assert_allclose(noise.std(1), 1)
    power = (np.abs(np.fft.rfft(noise)) ** 2).mean(0)[1:-1]
    slope = np.polyfit(np.log(np.arange(1, 128)), np.log(power), 1)[0]
    assert slope == pytest.approx(-exponent, abs=0.1)


def _frequency(call):
    """Instantaneous frequency at a quarter, half and three quarters of a call."""
    analytic = hilbert(call)
    inside = np.flatnonzero(np.abs(analytic) > 0.15)
    frequency = np.diff(np.unwrap(np.angle(analytic))) / (2 * np.pi)
    points = np.quantile(inside, [0.25, 0.5, 0.75]).astype(int)
    return [np.median(frequency[i - 4 : i + 5]) for i in points]


def test_chirps__frequency_rises_and_falls():
    label = np.repeat(np.arange(5), 60)
    calls = waves._call(label, 512, np.random.RandomState(0))
    assert np.abs(calls).max() <= 1
    first, middle, last = np.array([_frequency(call) for call in calls]).T
    agrees = {
        0: (first < middle) & (middle < last),
        1: (first > middle) & (middle > last),
        2: (first < middle) & (middle > last),
        3: np.maximum(first, last) < 0.08,
        4: np.minimum(first, last) > 0.08,
    }
    for k, right in agrees.items():
        assert right[label == k].mean() > 0.95, k


def test_chirps__two_bursts_have_a_gap():
    calls = waves._call(np.full(100, 5), 512, np.random.RandomState(0))
    for call in calls:
        sounds = np.flatnonzero(call)
        assert np.diff(sounds).max() > 0.08 * (sounds[-1] - sounds[0])


def test_chirps__inside_the_record():
    calls = waves._call(np.arange(120) % 6, 256, np.random.RandomState(1))
    assert np.isin(np.count_nonzero(calls, axis=1), np.arange(20, 130)).all()


def _even_share(channel):
    """Return the even harmonics' share of the power of (n, length), 10 strides."""
    power = np.abs(np.fft.rfft(channel)) ** 2
    harmonics = power[:, 10:90:10].mean(0)
    np.testing.assert_allclose(harmonics.sum() * len(power), power.sum(), rtol=1e-9)
    return harmonics[1::2].sum() / harmonics.sum()


def test_gait__harmonics_of_the_cadence():
    rng = np.random.RandomState(0)
    n = 100
    strides = np.broadcast_to(np.arange(400) / 40, (n, 400))
    share = {}
    for label in range(5):
        decay, asymmetry = np.repeat(waves._STYLES[label, 2:4, None], n, axis=1)
        amplitudes = waves._walkers(np.full(n, label), decay, asymmetry, rng)
        X = waves._steps(strides, amplitudes)
        share[label] = [_even_share(X[:, channel]) for channel in range(6)]
        # Steps move forward and up, strides from side to side.
        assert share[label][0] > 0.6 > 0.4 > share[label][1]
        assert share[label][2] > 0.6 > 0.4 > share[label][3]
    # A limp breaks the symmetry of steps.
    assert share[4][2] < min(share[label][2] for label in range(4)) - 0.1


def test_gait__runners_are_faster_and_gravity_is_there():
    X, y = make_gait(random_state=0)
    length = np.linalg.norm(X[:, :3].mean(2), axis=1)
    assert np.median(length) == pytest.approx(1, abs=0.05)
    # Stairs make the walker lean forward.
    assert np.abs(X[:, 0].mean(1))[y == 2].mean() > np.abs(X[y == 0, 0].mean(1)).mean()
    rng = np.random.RandomState(0)
    rate = 50 * np.diff(waves._strides(np.full(50, 1.3), 256, rng), axis=1)
    assert rate.mean() == pytest.approx(1.3, abs=0.02)
    assert rate.min() > 0


def test_turned__keeps_lengths():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((7, 6, 50))
    turned = waves._turned(X, np.full(7, 0.2), rng)
    for part in (slice(0, 3), slice(3, 6)):
        np.testing.assert_allclose(
            np.linalg.norm(turned[:, part], axis=1), np.linalg.norm(X[:, part], axis=1)
        )
    assert not np.allclose(turned, X)


def test_motifs__mirror_images_and_unlike_at_any_shift():
    s = (np.arange(48) + 0.5) / 48
    motifs = waves._motif(np.arange(8), np.repeat(s[None], 8, axis=0))
    np.testing.assert_allclose(motifs[::2, ::-1], motifs[1::2])
    motifs /= np.linalg.norm(motifs, axis=1, keepdims=True)
    for i in range(8):
        for k in range(i):
            assert np.abs(np.correlate(motifs[i], motifs[k], "full")).max() < 0.75
    outside = waves._motif(np.arange(2), np.array([[-0.1, 1.1]] * 2))
    np.testing.assert_array_equal(outside, 0)


def test_motifs__number_of_labels():
    X, y = make_motifs(800, n_labels=8, random_state=0)
    assert y.shape == (800, 8)
    np.testing.assert_allclose(y.mean(0), 0.3, atol=0.06)
    # Motifs add power to noise of unit variance.
    silent = y.sum(1) == 0
    np.testing.assert_allclose(X[silent].std(2), 1)
    assert X[~silent].std(2).mean() > 1.1


def _matched(X):
    """Return the best match of each sample with each motif, at three scales."""
    matches = []
    for scale in (42, 48, 54):
        s = (np.arange(scale) + 0.5) / scale
        motifs = waves._motif(np.arange(5), np.repeat(s[None], 5, axis=0))
        windows = np.lib.stride_tricks.sliding_window_view(X[:, 0], scale, axis=1)
        matches.append((windows @ motifs.T).max(1) / np.sqrt(scale))
    return np.max(matches, axis=0)


def test_motifs__shape_helps_more_than_spectrum():
    X, y = make_motifs(random_state=0)

    def auc(features):
        model = RandomForestClassifier(50, random_state=0)
        model.fit(features[:200], y[:200])
        probabilities = [p[:, 1] for p in model.predict_proba(features[200:])]
        return roc_auc_score(y[200:], np.stack(probabilities, axis=1))

    spectrum, shape = auc(_magnitudes(X)), auc(_matched(X))
    assert 0.55 < spectrum < 0.85
    assert spectrum + 0.05 < shape < 0.99
