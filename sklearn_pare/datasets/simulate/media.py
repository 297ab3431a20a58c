"""Flow through porous rock, and patterns of reaction and diffusion."""

import numpy as np
import scipy.ndimage
from sklearn.utils import check_random_state

from sklearn_pare.datasets.simulate._common import FIELD, balanced, validated
from sklearn_pare.datasets.simulate._pde import pressure


@validated(FIELD)
def make_permeability(n_samples=350, *, size=32, random_state=None):
    """Simulate random media of two phases and their effective permeability.

    Smoothed noise of random correlation length and direction is thresholded at a random
    level. Finite volumes solve Darcy's law, with fixed pressures on the left and right
    and no flow through top and bottom.

    Parameters
    ----------
    n_samples : int, default=350
    size : int, default=32
        Number of cells along each side.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 1, size, size)
        log10 of the permeability of each cell, relative to the tight phase: 0 or 1.5.
        The last axis is x.
    y : ndarray of shape (n_samples,)
        log10 of the effective permeability in x-direction, between 0 and 1.5.
    """
    rng = check_random_state(random_state)
    X = 1.5 * np.stack([_two_phases(size, rng) for _ in range(n_samples)])
    y = np.log10([_effective_permeability(10**field) for field in X])
    return X[:, None], y


def _two_phases(size, rng):
    """Return the boolean field of one random medium, (size, size)."""
    length, stretch = 2 ** rng.uniform(-0.5, 1.5), 2 ** rng.uniform(-1, 1)
    smooth = scipy.ndimage.gaussian_filter(
        rng.standard_normal((size, size)),
        (length / stretch, length * stretch),
        mode="wrap",
    )
    return smooth > np.quantile(smooth, rng.uniform(0.3, 0.7))


def _effective_permeability(k):
    """Return the flow in x-direction at unit gradient with permeability k (h, w)."""
    inflow = np.zeros_like(k)
    inflow[:, 0] = 2 * k[:, 0]
    outflow = 2 * k[:, -1] * pressure(k, inflow, walls=True)[:, -1]
    return outflow.sum() * k.shape[1] / k.shape[0]


# Feed and kill rates: dividing spots, labyrinth, holes, worms, spots and worms. These
# patterns persist on a small grid, where turbulence would die out.
_REGIMES = np.array(
    [[0.035, 0.065], [0.037, 0.060], [0.039, 0.0587], [0.054, 0.063], [0.036, 0.062]]
)


@validated(FIELD)
def make_patterns(n_samples=300, *, size=32, random_state=None):
    """Simulate patterns of the Gray-Scott reaction-diffusion system in five regimes.

    Two substances diffuse and react on a periodic grid, with random patches of the
    second one at first; the feed and kill rates determine whether spots, stripes or
    holes develop (J. E. Pearson, Science 261, 1993).

    Parameters
    ----------
    n_samples : int, default=300
    size : int, default=32
        Number of grid points along each side.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 1, size, size)
        Concentration of the second substance minus its mean over the sample, with
        noise; the feed has concentration 1.
    y : ndarray of shape (n_samples,)
        0 dividing spots, 1 labyrinth, 2 holes, 3 worms, 4 spots and worms.
    """
    rng = check_random_state(random_state)
    y = balanced(n_samples, len(_REGIMES), rng)
    feed, kill = (_REGIMES[y] * rng.normal(1, 0.004, (n_samples, 2))).T
    second = _gray_scott(_seeds(n_samples, size, rng), feed, kill)
    X = np.moveaxis(second, 2, 0).astype(np.float64)
    X -= X.mean((1, 2), keepdims=True)
    X += 0.12 * rng.standard_normal(X.shape)
    return X[:, None], y


def _seeds(n_samples, size, rng):
    """Return the initial positions of the second substance, (size, size, n_samples)."""
    noise = rng.standard_normal((n_samples, size, size))
    smooth = scipy.ndimage.gaussian_filter(noise, (0, 1.5, 1.5), mode="wrap")
    level = np.quantile(smooth, 0.75, axis=(1, 2), keepdims=True)
    return np.moveaxis(smooth > level, 0, 2)


def _gray_scott(seeds, feed, kill, steps=1500):
    """Return the second substance after unit steps, (size, size, n_samples)."""
    feed, kill = np.float32(feed), np.float32(kill)
    # A ring of cells around the grid repeats the opposite side. Samples are on the last
    # axis, so that every slice below consists of long contiguous runs.
    ring = ((1, 1), (1, 1), (0, 0))
    u, v = (np.pad(np.float32(x), ring) for x in (1 - 0.5 * seeds, 0.25 * seeds))
    inner = (slice(1, -1), slice(1, -1))
    for _ in range(steps):
        change_u, change_v = _laplacian(u), _laplacian(v)
        reaction = u[inner] * v[inner] * v[inner]
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
    """Return the five-point Laplacian inside ``x`` after updating its ring."""
    x[0], x[-1] = x[-2], x[1]
    x[:, 0], x[:, -1] = x[:, -2], x[:, 1]
    result = x[1:-1, 1:-1] * np.float32(-4)
    result += x[:-2, 1:-1]
    result += x[2:, 1:-1]
    result += x[1:-1, :-2]
    result += x[1:-1, 2:]
    return result
