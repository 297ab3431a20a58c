"""Simulators: heart rhythms, rotating machines, porous media, reaction-diffusion.

Each is cheap, needs no download and is fixed by `random_state`. Noise and nuisance
parameters are strong enough that a few hundred rows do not solve the task.
"""

from numbers import Integral

import numpy as np
import scipy.ndimage
import scipy.sparse
import scipy.sparse.linalg
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, validate_params

_N_SAMPLES = [Interval(Integral, 1, None, closed="left")]
_SIGNAL = {
    "n_samples": _N_SAMPLES,
    # Two seconds of an ECG: shorter ones may hold no beat.
    "length": [Interval(Integral, 128, None, closed="left")],
    "random_state": ["random_state"],
}
_FIELD = {
    "n_samples": _N_SAMPLES,
    "size": [Interval(Integral, 8, None, closed="left")],
    "random_state": ["random_state"],
}


def _balanced(n_samples, n_classes, rng):
    """Labels in random order, each class as often as any other (up to one)."""
    return rng.permutation(np.arange(n_samples) % n_classes)


# Samples a second of an ECG, and of a vibration.
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


@validate_params(_SIGNAL, prefer_skip_nested_validation=True)
def make_ecg(n_samples=400, *, length=256, random_state=None):
    """Electrocardiograms of one lead with five kinds of heart beat.

    A beat is a sum of Gaussian waves (P, Q, R, S, T), as in the dynamical model of
    McSharry et al. [1]_. Rate, amplitudes, baseline wander and noise are random.

    Parameters
    ----------
    n_samples : int, default=400
    length : int, default=256
        Samples a row, 64 a second.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 1, length)
        Voltage in mV.
    y : ndarray of shape (n_samples,)
        0 normal, 1 irregular intervals without P wave, 2 wide premature beats, 3 raised
        ST segment, 4 peaked T wave.

    References
    ----------
    .. [1] P. E. McSharry, G. D. Clifford, L. Tarassenko, L. A. Smith. A dynamical model
       for generating synthetic electrocardiogram signals. IEEE Transactions on
       Biomedical Engineering 50 (2003).

    Examples
    --------
    >>> from sklearn_pare.datasets import make_ecg
    >>> X, y = make_ecg(10, random_state=0)
    >>> X.shape, y.shape
    ((10, 1, 256), (10,))
    """
    rng = check_random_state(random_state)
    y = _balanced(n_samples, 5, rng)
    time = np.arange(length) / _ECG_RATE
    X = np.stack([_ecg(label, time, rng) for label in y])
    return X[:, None], y


def _ecg(label, time, rng):
    """One lead of one patient, (length,)."""
    peaks, early = _peaks(label, time[-1], rng)
    waves = np.repeat(_patient(label, rng)[None], len(peaks), axis=0)
    if early is not None:
        waves[early] = _wide(waves[early])
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
    """Times of the R peaks in s, and which beat is premature (or None)."""
    interval = 60 / rng.uniform(55, 105)
    # Twice the count that fits, so that short intervals never leave an empty end.
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
    """Waves of a patient's beat: `_BEAT` with random amplitudes and a finding."""
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


def _wide(waves):
    """The same beat started in a ventricle: no P, wide QRS, T upside down."""
    waves = waves.copy()
    waves[_P, 0] = 0
    waves[_Q : _S + 1, 1:] *= 2.5
    waves[_T, 0] *= -1
    return waves


@validate_params(_SIGNAL, prefer_skip_nested_validation=True)
def make_vibration(n_samples=400, *, length=400, random_state=None):
    """Vibration of a rotating machine, healthy and with three faults.

    Two accelerometers, at right angles, see the shaft, a pair of gears and a bearing.
    A damaged outer race strikes about 3.6 times a turn and rings the housing; a worn
    gear modulates the mesh frequency with that of the shaft [1]_.

    Parameters
    ----------
    n_samples : int, default=400
    length : int, default=400
        Samples a row, 2000 a second.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 2, length)
        Acceleration in g.
    y : ndarray of shape (n_samples,)
        0 healthy, 1 imbalance, 2 fault of the outer race, 3 worn gear.

    References
    ----------
    .. [1] R. B. Randall, J. Antoni. Rolling element bearing diagnostics: a tutorial.
       Mechanical Systems and Signal Processing 25 (2011).

    Examples
    --------
    >>> from sklearn_pare.datasets import make_vibration
    >>> X, y = make_vibration(10, random_state=0)
    >>> X.shape, y.shape
    ((10, 2, 400), (10,))
    """
    rng = check_random_state(random_state)
    y = _balanced(n_samples, 4, rng)
    time = np.arange(length) / _VIBRATION_RATE
    return np.stack([_vibration(label, time, rng) for label in y]), y


def _vibration(label, time, rng):
    """Both channels of one machine, (2, length)."""
    turns = rng.uniform(25, 45) * time + rng.rand()
    shaft = rng.uniform(0.1, 0.3) + (label == 1) * rng.uniform(0.1, 0.5)
    depth = rng.uniform(0, 0.2) + (label == 3) * rng.uniform(0.3, 0.8)
    strike = (label == 2) * rng.uniform(0.5, 1.5)
    # The second sensor sees the rotation a quarter turn later.
    rotation = shaft * np.sin(2 * np.pi * (turns - np.array([[0], [0.25]])))
    mesh = rng.uniform(0.2, 0.5) * np.sin(2 * np.pi * (17 * turns + rng.rand()))
    modulation = 1 + depth * np.sin(2 * np.pi * (turns + rng.rand()))
    ringing = strike * _ringing(3.6 * turns, time, rng)
    gains = rng.uniform(0.6, 1.4, (2, 2, 1))
    noise = rng.uniform(0.2, 0.4) * rng.standard_normal((2, len(time)))
    return rotation + gains[0] * mesh * modulation + gains[1] * ringing + noise


def _ringing(cycles, time, rng):
    """The housing's answer to one impact a cycle, (length,)."""
    impacts = np.zeros(len(time))
    impacts[1:][np.diff(np.floor(cycles)) > 0] = 1
    # Rolling elements slip: no impact is as strong as the one before.
    impacts *= rng.uniform(0.5, 1.5, len(time))
    response = np.exp(-time / 0.004) * np.sin(2 * np.pi * rng.uniform(550, 850) * time)
    return np.convolve(impacts, response)[: len(time)]


@validate_params(_FIELD, prefer_skip_nested_validation=True)
def make_permeability(n_samples=350, *, size=32, random_state=None):
    """Random media of two phases and their effective permeability.

    Smoothed noise of random correlation length and direction is cut at a random level.
    The effective permeability in x-direction comes from a finite-difference solution
    of Darcy's law: fixed pressures left and right, no flow through top and bottom.

    Parameters
    ----------
    n_samples : int, default=350
    size : int, default=32
        Cells along each side.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 1, size, size)
        log10 of the permeability of each cell, relative to the tight phase: 0 or 1.5.
        The last axis is x.
    y : ndarray of shape (n_samples,)
        log10 of the effective permeability in x-direction, between 0 and 1.5.

    Examples
    --------
    >>> from sklearn_pare.datasets import make_permeability
    >>> X, y = make_permeability(10, random_state=0)
    >>> X.shape, y.shape
    ((10, 1, 32, 32), (10,))
    """
    rng = check_random_state(random_state)
    X = 1.5 * np.stack([_two_phases(size, rng) for _ in range(n_samples)])
    y = np.log10([_effective_permeability(10**field) for field in X])
    return X[:, None], y


def _two_phases(size, rng):
    """Boolean field of one random medium, (size, size)."""
    length, stretch = 2 ** rng.uniform(-0.5, 1.5), 2 ** rng.uniform(-1, 1)
    smooth = scipy.ndimage.gaussian_filter(
        rng.standard_normal((size, size)),
        (length / stretch, length * stretch),
        mode="wrap",
    )
    return smooth > np.quantile(smooth, rng.uniform(0.3, 0.7))


def _effective_permeability(k):
    """Flow in x-direction through cells of permeability `k` (h, w) at unit gradient."""
    height, width = k.shape
    # Two half cells in series: the harmonic mean at each face.
    across = 2 * k[:, 1:] * k[:, :-1] / (k[:, 1:] + k[:, :-1])
    along = 2 * k[1:] * k[:-1] / (k[1:] + k[:-1])
    left, right = 2 * k[:, 0], 2 * k[:, -1]
    diagonal = np.zeros_like(k)
    diagonal[:, 1:] += across
    diagonal[:, :-1] += across
    diagonal[1:] += along
    diagonal[:-1] += along
    diagonal[:, 0] += left
    diagonal[:, -1] += right
    # No face between the end of a row and the start of the next.
    neighbours = np.pad(across, ((0, 0), (0, 1))).ravel()[:-1]
    matrix = scipy.sparse.diags_array(
        [diagonal.ravel(), -neighbours, -neighbours, -along.ravel(), -along.ravel()],
        offsets=[0, 1, -1, width, -width],
    )
    inflow = np.zeros_like(k)
    inflow[:, 0] = left
    pressure = scipy.sparse.linalg.spsolve(
        matrix.tocsc(), inflow.ravel(), permc_spec="MMD_AT_PLUS_A"
    ).reshape(k.shape)
    return (right * pressure[:, -1]).sum() * width / height


# Feed and kill rate: dividing spots, labyrinth, holes, worms, spots and worms. All
# survive on a small grid, where turbulence would die out.
_REGIMES = np.array(
    [[0.035, 0.065], [0.037, 0.060], [0.039, 0.0587], [0.054, 0.063], [0.036, 0.062]]
)


@validate_params(_FIELD, prefer_skip_nested_validation=True)
def make_patterns(n_samples=300, *, size=32, random_state=None):
    """Patterns of the Gray-Scott reaction-diffusion system in five regimes.

    Two substances diffuse and react on a periodic grid from random seeds; the rates of
    feed and kill choose between spots, stripes and holes [1]_.

    Parameters
    ----------
    n_samples : int, default=300
    size : int, default=32
        Grid points along each side.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 1, size, size)
        Concentration of the second substance about its mean over the row, with noise;
        the feed has concentration 1.
    y : ndarray of shape (n_samples,)
        0 dividing spots, 1 labyrinth, 2 holes, 3 worms, 4 spots and worms.

    References
    ----------
    .. [1] J. E. Pearson. Complex patterns in a simple system. Science 261 (1993).

    Examples
    --------
    >>> from sklearn_pare.datasets import make_patterns
    >>> X, y = make_patterns(5, size=16, random_state=0)
    >>> X.shape, y.shape
    ((5, 1, 16, 16), (5,))
    """
    rng = check_random_state(random_state)
    y = _balanced(n_samples, len(_REGIMES), rng)
    feed, kill = (_REGIMES[y] * rng.normal(1, 0.004, (n_samples, 2))).T
    second = _gray_scott(_seeds(n_samples, size, rng), feed, kill)
    X = np.moveaxis(second, 2, 0).astype(np.float64)
    X -= X.mean((1, 2), keepdims=True)
    X += 0.12 * rng.standard_normal(X.shape)
    return X[:, None], y


def _seeds(n_samples, size, rng):
    """Where the second substance is at the start, (size, size, n_samples)."""
    noise = rng.standard_normal((n_samples, size, size))
    smooth = scipy.ndimage.gaussian_filter(noise, (0, 1.5, 1.5), mode="wrap")
    level = np.quantile(smooth, 0.75, axis=(1, 2), keepdims=True)
    return np.moveaxis(smooth > level, 0, 2)


def _gray_scott(seeds, feed, kill, steps=1500):
    """The second substance after `steps` unit steps, (size, size, n_samples)."""
    feed, kill = np.float32(feed), np.float32(kill)
    # One ring of cells around the grid repeats the other side; rows go last, so that
    # every slice below is made of long contiguous runs.
    u, v = (
        np.pad(x, ((1, 1), (1, 1), (0, 0))) for x in (1 - 0.5 * seeds, 0.25 * seeds)
    )
    u, v = u.astype(np.float32), v.astype(np.float32)
    inner = (slice(1, -1), slice(1, -1))
    for _ in range(steps):
        change_u, change_v = _laplacian(u), _laplacian(v)
        reaction = u[inner] * v[inner]
        reaction *= v[inner]
        change_u *= np.float32(0.12)
        change_v *= np.float32(0.06)
        change_u -= reaction
        change_v += reaction
        change_u += feed
        u[inner] *= 1 - feed
        v[inner] *= 1 - feed - kill
        u[inner] += change_u
        v[inner] += change_v
    return v[inner]


def _laplacian(x):
    """Five-point Laplacian of the inside of `x`, after its ring is refreshed."""
    x[0], x[-1] = x[-2], x[1]
    x[:, 0], x[:, -1] = x[:, -2], x[:, 1]
    result = x[1:-1, 1:-1] * np.float32(-4)
    result += x[:-2, 1:-1]
    result += x[2:, 1:-1]
    result += x[1:-1, :-2]
    result += x[1:-1, 2:]
    return result
