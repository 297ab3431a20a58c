"""Simulated chirps and bursts, gaits, and motifs in noise."""

from numbers import Integral

import numpy as np
from scipy.spatial.transform import Rotation
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from sklearn_pare.datasets.simulate._common import SIGNAL, balanced, validated


def _coloured(shape, exponent, rng):
    """Return noise of variance 1 and power f**-exponent, one exponent per signal."""
    spectrum = np.fft.rfft(rng.standard_normal(shape))
    frequency = np.arange(spectrum.shape[-1])
    frequency[0] = 1
    spectrum *= frequency ** (-0.5 * np.asarray(exponent)[..., None])
    spectrum[..., 0] = 0
    noise = np.fft.irfft(spectrum, shape[-1])
    return noise / noise.std(-1, keepdims=True)


# Frequency as a polynomial (1, s, s**2) of the position s in a call, from 0 at its
# start to 1 at its end; 0 is the low and 1 the high carrier.
_SWEEPS = np.array(
    [[0, 1, 0], [1, -1, 0], [0, 4, -4], [0, 0, 0], [1, 0, 0], [0, 0, 0], [1, 0, 0]],
    dtype=np.float64,
)
_LOW_PAIR, _HIGH_PAIR = 5, 6


@validated(SIGNAL)
def make_chirps(n_samples=400, *, length=256, random_state=None):
    """Simulate chirps and bursts: six kinds of short call in coloured noise.

    The frequency of a call is a polynomial of order two in time, its amplitude one
    smooth window, or two with a gap. Onset, duration, both carriers, amplitude and the
    colour of the noise are random.

    Parameters
    ----------
    n_samples : int, default=400
    length : int, default=256
        Number of values.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 1, length)
        Sound pressure; the noise has unit variance.
    y : ndarray of shape (n_samples,)
        0 rising chirp, 1 falling chirp, 2 chirp that rises and falls, 3 burst of a low
        carrier, 4 burst of a high carrier, 5 two bursts of the same carrier.
    """
    rng = check_random_state(random_state)
    y = balanced(n_samples, 6, rng)
    call = _call(y, length, rng)
    noise = _coloured((n_samples, length), rng.uniform(0, 1, n_samples), rng)
    X = rng.uniform(1.2, 3, (n_samples, 1)) * call + noise
    return X[:, None], y


def _call(label, length, rng):
    """Return calls without noise, (n, length), of amplitude 1."""
    n = len(label)
    kind = np.where(label == _LOW_PAIR, rng.choice([_LOW_PAIR, _HIGH_PAIR], n), label)
    low, high = rng.uniform(0.02, 0.07, n), rng.uniform(0.09, 0.2, n)
    duration = length * rng.uniform(0.2, 0.5, n)
    onset = rng.uniform(0, length - duration)
    s = (np.arange(length) - onset[:, None]) / duration[:, None]
    sweep = (high - low)[:, None] * _SWEEPS[kind]
    sweep[:, 0] += low
    powers = np.stack([s, s**2 / 2, s**3 / 3])
    turns = duration[:, None] * np.einsum("np,pnt->nt", sweep, powers)
    # Two bursts start and end where a single one would, with a gap in the middle.
    share = np.where(kind >= _LOW_PAIR, rng.uniform(0.25, 0.45, n), 1)[:, None]
    window = np.maximum(_hann(s / share), _hann((1 - s) / share))
    return window * np.sin(2 * np.pi * (turns + rng.rand(n, 1)))


def _hann(s):
    """Return a smooth window on 0 to 1, zero outside."""
    return np.where((s > 0) & (s < 1), np.sin(np.pi * s) ** 2, 0)


# Values per second of a gait.
_GAIT_RATE = 50

# Walk, run, stairs up, stairs down, limp: least and most strides per second, decay of
# the harmonics, amplitude of harmonics that a symmetric gait lacks, lean in rad.
_STYLES = np.array(
    [
        [0.75, 1.10, 0.45, 0.15, 0.00],
        [0.95, 1.45, 0.40, 0.15, 0.15],
        [0.60, 0.95, 0.35, 0.20, 0.25],
        [0.65, 1.05, 0.60, 0.20, -0.05],
        [0.65, 1.00, 0.50, 0.55, 0.05],
    ]
)
# Amplitudes in g (forward, sideways, up) and rad/s (roll, pitch, yaw) of each gait.
_GAINS = np.array(
    [
        [0.16, 0.12, 0.25, 0.35, 0.35, 0.50],
        [0.24, 0.17, 0.50, 0.50, 0.60, 0.60],
        [0.17, 0.14, 0.18, 0.50, 0.60, 0.40],
        [0.13, 0.13, 0.32, 0.40, 0.45, 0.35],
        [0.14, 0.17, 0.22, 0.50, 0.40, 0.45],
    ]
)
# Lag of each channel behind the heel strike, as a fraction of a stride.
_LAGS = np.array(
    [
        [0.10, 0.30, 0.00, 0.35, 0.15, 0.45],
        [0.15, 0.25, 0.08, 0.30, 0.05, 0.40],
        [0.00, 0.35, 0.10, 0.45, 0.25, 0.50],
        [0.20, 0.30, 0.03, 0.30, 0.05, 0.35],
        [0.10, 0.40, 0.00, 0.40, 0.15, 0.50],
    ]
)
# Forward, up and pitch repeat with each step, the others with each stride of two steps.
_EACH_STEP = np.array([True, False, True, False, True, False])
_HARMONICS = np.arange(1, 9)


@validated(SIGNAL)
def make_gait(n_samples=400, *, length=256, random_state=None):
    """Simulate five gaits as measured by a sensor at the hip.

    Each channel is a sum of eight harmonics of the stride frequency. In a symmetric
    gait, acceleration forward and up has the even harmonics (steps), and acceleration
    sideways the odd ones (strides); the others measure asymmetry (H. B. Menz et al.,
    Gait & Posture 18, 2003). Amplitudes, phases, asymmetry and lean depend on the gait;
    the walker, the rate, the orientation of the sensor, drift and noise are random.

    Parameters
    ----------
    n_samples : int, default=400
    length : int, default=256
        Number of values, 50 per second.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 6, length)
        Acceleration forward, sideways and up in g, including gravity, and rates of
        roll, pitch and yaw in rad/s, along the axes of a slightly tilted sensor.
    y : ndarray of shape (n_samples,)
        0 walk, 1 run, 2 stairs up, 3 stairs down, 4 limp.
    """
    rng = check_random_state(random_state)
    y = balanced(n_samples, len(_STYLES), rng)
    slow, fast, decay, asymmetry, lean = _STYLES[y].T
    asymmetry = asymmetry * rng.lognormal(0, 0.3, n_samples)
    strides = _strides(rng.uniform(slow, fast), length, rng)
    steps = _steps(strides, _walkers(y, decay, asymmetry, rng))
    steps[:, 2] += 1  # gravity
    X = _turned(steps, lean, rng)
    # Twice as much drift and noise in the rates of rotation.
    units = np.repeat([1.0, 2.0], 3)[:, None]
    drift = units * rng.uniform(0, 0.1, (n_samples, 6, 1))
    noise = units * rng.uniform(0.1, 0.25, (n_samples, 1, 1))
    X += drift * _coloured(X.shape, 2.5, rng) + noise * rng.standard_normal(X.shape)
    return X, y


def _strides(rate, length, rng):
    """Return the strides so far at a varying ``rate`` per second, (n, length)."""
    n = len(rate)
    wavering = 1 + 0.05 * _coloured((n, length), 2, rng)
    return rng.rand(n, 1) + np.cumsum(rate[:, None] * wavering, axis=1) / _GAIT_RATE


def _walkers(label, decay, asymmetry, rng):
    """Return the complex amplitudes of the harmonics of each channel, (n, 6, 8)."""
    even = _HARMONICS % 2 == 0
    fall = decay[:, None] ** ((_HARMONICS - 1) // 2)
    share = np.where(_EACH_STEP[:, None] == even, 1, asymmetry[:, None, None])
    phase = _HARMONICS * _LAGS[label][..., None]
    size = _GAINS[label][..., None] * fall[:, None] * share
    size *= rng.lognormal(0, 0.35, size.shape)
    # The overall amplitude differs between walkers.
    size *= rng.lognormal(0, 0.25, (len(label), 1, 1))
    return size * np.exp(-2j * np.pi * (phase + rng.normal(0, 0.06, phase.shape)))


def _steps(strides, amplitudes):
    """Return the channels (n, 6, length) of walkers after ``strides`` (n, length)."""
    turns = np.exp(2j * np.pi * _HARMONICS[:, None] * strides[:, None])
    return (amplitudes @ turns).real


def _turned(X, lean, rng):
    """Return the channels as measured by a sensor that leans and is mounted askew."""
    askew = Rotation.from_rotvec(rng.normal(0, 0.2, (len(X), 3)))
    pitch = Rotation.from_rotvec(np.outer(lean, [0, 1, 0]))
    axes = (askew * pitch).as_matrix()
    return np.concatenate([axes @ X[:, :3], axes @ X[:, 3:]], axis=1)


# Signs of the twelve pulses of a motif. Each code is also used reversed: these two
# motifs have the same spectrum. No shifted pair of the eight agrees by more than half.
_CODES = np.array(
    [
        [1 if sign == "+" else -1 for sign in code[::step]]
        for code in ("++----+-+++-", "++++--+-+---", "+-++-+++----", "+-++-+--++--")
        for step in (1, -1)
    ]
)


@validated(SIGNAL, n_labels=[Interval(Integral, 2, len(_CODES), closed="both")])
def make_motifs(n_samples=400, *, length=256, n_labels=5, random_state=None):
    """Simulate signals with several short waveforms, called motifs, in noise.

    A motif is a sequence of twelve smooth pulses whose signs follow a code. Motifs 2 i
    and 2 i + 1 are mirror images with the same spectrum. A signal contains each motif
    with probability 0.3, once or twice, at random times, amplitudes and scales.

    Parameters
    ----------
    n_samples : int, default=400
    length : int, default=256
        Number of values; a motif has 40 to 56.
    n_labels : int, default=5
        Number of motifs, at most 8. Motif k does not depend on this number.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 1, length)
        Signal; the noise has unit variance.
    y : ndarray of shape (n_samples, n_labels)
        1 if the signal contains the motif, else 0.
    """
    rng = check_random_state(random_state)
    y = (rng.rand(n_samples, n_labels) < 0.3).astype(int)
    X = _coloured((n_samples, length), rng.uniform(0, 1.5, n_samples), rng)
    # Some motifs occur twice.
    for present in (y, y * (rng.rand(n_samples, n_labels) < 0.3)):
        row, motif = np.nonzero(present)
        scale = rng.uniform(40, 56, (len(row), 1))
        start = rng.uniform(0, length - scale)
        waves = _motif(motif, (np.arange(length) - start) / scale)
        np.add.at(X, row, rng.uniform(1, 2, (len(row), 1)) * waves)
    return X[:, None], y


def _motif(k, s):
    """Return motif k[i] at the points s[i] from 0 to 1; zero outside."""
    pulse = (12 * s - 0.5)[..., None] - np.arange(12)
    pulse = np.where(np.abs(pulse) < 1, np.cos(np.pi / 2 * pulse) ** 2, 0)
    return (pulse @ _CODES[k][..., None])[..., 0]
