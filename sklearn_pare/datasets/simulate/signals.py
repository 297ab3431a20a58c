"""Simulated signals of hearts and rotating machines."""

import numpy as np
from sklearn.utils import check_random_state

from sklearn_pare.datasets.simulate._common import SIGNAL, balanced, validated

# Values per second of an ECG and of a vibration.
_ECG_RATE, _VIBRATION_RATE = 64, 2000

# Waves of one heart beat: amplitude in mV, time after the R peak and width in s.
_P, _Q, _R, _S, _ST, _T = range(6)
_BEAT = np.array(
    [
        [0.15, -0.17, 0.025],
        [-0.12, -0.045, 0.014],
        [1.00, 0.0, 0.018],
        [-0.25, 0.045, 0.014],
        [0.0, 0.14, 0.05],
        [0.30, 0.29, 0.05],
    ]
)


@validated(SIGNAL)
def make_ecg(n_samples=400, *, length=256, random_state=None):
    """Simulate electrocardiograms of one lead with five kinds of heart beat.

    A beat is a sum of Gaussian waves (P, Q, R, S, T), as in the dynamical model of
    McSharry et al. (IEEE Transactions on Biomedical Engineering 50, 2003). Rate,
    amplitudes, baseline wander and noise are random.

    Parameters
    ----------
    n_samples : int, default=400
    length : int, default=256
        Number of values, 64 per second.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 1, length)
        Voltage in mV.
    y : ndarray of shape (n_samples,)
        0 normal, 1 irregular intervals without P wave, 2 wide premature beats, 3 raised
        ST segment, 4 peaked T wave.
    """
    rng = check_random_state(random_state)
    y = balanced(n_samples, 5, rng)
    time = np.arange(length) / _ECG_RATE
    X = np.stack([_ecg(label, time, rng) for label in y])
    return X[:, None], y


def _ecg(label, time, rng):
    """Return one lead of one patient, (length,)."""
    peaks, early = _peaks(label, time[-1], rng)
    waves = np.repeat(_patient(label, rng)[None], len(peaks), axis=0)
    if early is not None:
        # A beat that starts in a ventricle: no P, wide QRS, inverted T.
        waves[early, _P, 0] = 0
        waves[early, _Q : _S + 1, 1:] *= 2.5
        waves[early, _T, 0] *= -1
    amplitude, delay, width = np.moveaxis(waves, 2, 0)[..., None]
    phase = (time - peaks[:, None, None] - delay) / width
    signal = (amplitude * np.exp(-0.5 * phase**2)).sum((0, 1))
    if label == 1:
        signal += 0.06 * np.sin(2 * np.pi * (rng.uniform(5, 7) * time + rng.rand()))
    wander = sum(
        rng.uniform(0, 0.15)
        * np.sin(2 * np.pi * (rng.uniform(0.1, 0.6) * time + rng.rand()))
        for _ in range(2)
    )
    noise = rng.uniform(0.03, 0.12) * rng.standard_normal(len(time))
    return rng.uniform(0.7, 1.3) * signal + wander + noise


def _peaks(label, end, rng):
    """Return the times of the R peaks in s and the index of a premature one or None."""
    interval = 60 / rng.uniform(55, 105)
    # Twice the number that fits, so that short intervals never leave the end empty.
    n_beats = 2 * int(end / interval) + 4
    spread = 0.25 if label == 1 else 0.04
    steps = interval * np.clip(1 + spread * rng.standard_normal(n_beats), 0.45, 1.8)
    peaks = np.cumsum(steps) - interval * (1 + rng.rand())
    if label != 2:
        return peaks, None
    inside = np.flatnonzero((peaks > 0.2) & (peaks < end - 0.2))
    early = rng.choice(inside)
    peaks[early] -= rng.uniform(0.2, 0.4) * interval
    return peaks, early


def _patient(label, rng):
    """Return ``_BEAT`` with random amplitudes and the features of the class."""
    waves = _BEAT.copy()
    waves[:, 0] *= rng.lognormal(0, 0.2, len(waves))
    waves[:, 2] *= rng.lognormal(0, 0.1, len(waves))
    if label == 1:
        waves[_P, 0] = 0
    elif label == 3:
        waves[_ST, 0] = rng.uniform(0.2, 0.4)
    elif label == 4:
        waves[_T] *= [rng.uniform(1.8, 3.0), 1, 0.6]
    return waves


@validated(SIGNAL)
def make_vibration(n_samples=400, *, length=400, random_state=None):
    """Simulate the vibration of a rotating machine, healthy and with three faults.

    Two accelerometers at right angles measure a shaft, a pair of gears and a bearing. A
    damaged outer race causes about 3.6 impacts per turn, after which the housing rings;
    a worn gear modulates the mesh frequency with that of the shaft (R. B. Randall, J.
    Antoni, Mechanical Systems and Signal Processing 25, 2011).

    Parameters
    ----------
    n_samples : int, default=400
    length : int, default=400
        Number of values, 2000 per second.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 2, length)
        Acceleration in g.
    y : ndarray of shape (n_samples,)
        0 healthy, 1 imbalance, 2 fault of the outer race, 3 worn gear.
    """
    rng = check_random_state(random_state)
    y = balanced(n_samples, 4, rng)
    time = np.arange(length) / _VIBRATION_RATE
    return np.stack([_vibration(label, time, rng) for label in y]), y


def _vibration(label, time, rng):
    """Return both channels of one machine, (2, length)."""
    turns = rng.uniform(25, 45) * time + rng.rand()
    shaft = rng.uniform(0.1, 0.3) + (label == 1) * rng.uniform(0.1, 0.5)
    depth = rng.uniform(0, 0.2) + (label == 3) * rng.uniform(0.3, 0.8)
    strike = (label == 2) * rng.uniform(0.5, 1.5)
    # The second sensor measures the rotation a quarter turn later.
    rotation = shaft * np.sin(2 * np.pi * (turns - np.array([[0], [0.25]])))
    mesh = rng.uniform(0.2, 0.5) * np.sin(2 * np.pi * (17 * turns + rng.rand()))
    modulation = 1 + depth * np.sin(2 * np.pi * (turns + rng.rand()))
    ringing = strike * _ringing(3.6 * turns, time, rng)
    gains = rng.uniform(0.6, 1.4, (2, 2, 1))
    noise = rng.uniform(0.2, 0.4) * rng.standard_normal((2, len(time)))
    return rotation + gains[0] * mesh * modulation + gains[1] * ringing + noise


def _ringing(cycles, time, rng):
    """Return the response of the housing to one impact per cycle, (length,)."""
    impacts = np.zeros(len(time))
    impacts[1:][np.diff(np.floor(cycles)) > 0] = 1
    # Rolling elements slip, so that the strength of the impacts varies.
    impacts *= rng.uniform(0.5, 1.5, len(time))
    response = np.exp(-time / 0.004) * np.sin(2 * np.pi * rng.uniform(550, 850) * time)
    return np.convolve(impacts, response)[: len(time)]
