"""A gas in a periodic square, by the finite volumes of the conservation laws."""

from numbers import Real

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, validate_params

from sklearn_pare.datasets.simulate._common import _FIELD
from sklearn_pare.datasets.simulate._pde import _POSITIVE, _points
from sklearn_pare.datasets.simulate.conservation import _faces, _hll, _march

_GAMMA = 5 / 3
# Waves of an initial field, up to three periods along each side.
_N_WAVES, _HIGHEST = 4, 3


@validate_params(
    _FIELD | {"viscosity": [Interval(Real, 0, None, closed="left")], "time": _POSITIVE},
    prefer_skip_nested_validation=True,
)
def make_navier_stokes_2d(
    n_samples=400, *, size=32, viscosity=0.002, time=0.3, random_state=None
):
    """Sound, shocks and eddies in a gas: compressible Navier-Stokes equations.

    For density r, velocity v, pressure p, energy ``E = p / (g - 1) + r v.v / 2`` and
    the stress s, periodic in the unit square, with g = 5/3::

        r_t + div(r v) = 0
        (r v)_t + div(r v v + p - s) = 0
        E_t + div((E + p) v - s v) = 0
        s = viscosity (grad v + (grad v)^T + div(v) / 3)

    so that shear and bulk viscosity are equal, as in the files of PDEBench [1]_. The
    initial logarithms of density and pressure are 0.3, the components of the velocity
    0.5 times four random waves of unit variance in sum. Finite volumes that conserve
    mass, momentum and energy, as in `make_navier_stokes_1d`; the stress is taken from
    central differences.

    Parameters
    ----------
    n_samples : int, default=400
    size : int, default=32
        Cells along each side.
    viscosity : float, default=0.002
        0 gives the Euler equations.
    time : float, default=0.3
        Sound takes about 0.8 to cross the square.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 4, size, size)
        Initial density, velocity along x and y, and pressure. The last axis is x.
    y : ndarray of shape (n_samples, 4, size, size)
        The same at `time`.

    References
    ----------
    .. [1] M. Takamoto et al. PDEBench: an extensive benchmark for scientific machine
       learning. NeurIPS Datasets and Benchmarks (2022).

    Examples
    --------
    >>> from sklearn_pare.datasets import make_navier_stokes_2d
    >>> X, y = make_navier_stokes_2d(5, size=16, random_state=0)
    >>> X.shape, y.shape
    ((5, 4, 16, 16), (5, 4, 16, 16))
    """
    fields = _random_fields(n_samples, size, check_random_state(random_state))
    X = fields * np.array([0.3, 0.5, 0.5, 0.3])[:, None, None]
    X[:, [0, 3]] = np.exp(X[:, [0, 3]])
    return X, _navier_stokes_2d(X, viscosity, time)


def _random_fields(n_samples, size, rng):
    """Sums of plane waves of variance 1, (n, 4, size, size)."""
    shape = (n_samples, 4, _N_WAVES, 1, 1)
    along_y, along_x = rng.randint(-_HIGHEST, _HIGHEST + 1, (2, *shape))
    # A wave without periods would be a constant.
    along_x = np.where((along_x == 0) & (along_y == 0), 1, along_x)
    x = _points(size)
    phase = along_x * x + along_y * x[:, None] + rng.rand(*shape)
    return np.sin(2 * np.pi * phase).sum(2) * np.sqrt(2 / _N_WAVES)


def _conserved(primitive):
    density, velocity, pressure = primitive[:, :1], primitive[:, 1:3], primitive[:, 3:]
    momentum = density * velocity
    energy = pressure / (_GAMMA - 1) + (momentum * velocity).sum(1, keepdims=True) / 2
    return np.concatenate([density, momentum, energy], 1)


def _primitives(state):
    density, momentum, energy = state[:, :1], state[:, 1:3], state[:, 3:]
    velocity = momentum / density
    kinetic = (momentum * velocity).sum(1, keepdims=True) / 2
    return np.concatenate([density, velocity, (_GAMMA - 1) * (energy - kinetic)], 1)


def _sound(primitive):
    return np.sqrt(_GAMMA * primitive[:, 3] / primitive[:, 0])


def _flux(primitive, state):
    """What the gas carries in x-direction."""
    result = state * primitive[:, 1:2]
    result[:, 1] += primitive[:, 3]
    result[:, 3] += primitive[:, 3] * primitive[:, 1]
    return result


def _stress_flux(cells, viscosity, n_cells):
    """What viscosity carries through the faces in x-direction; ghosts as `_faces`."""
    velocity = cells[:, 1:3]
    # Change along y at the centres, brought to the faces as a mean.
    slope = np.roll(velocity, -1, 2) - np.roll(velocity, 1, 2)
    across = n_cells * (slope[..., 1:-2] + slope[..., 2:-1]) / 4
    along = n_cells * (velocity[..., 2:-1] - velocity[..., 1:-2])
    mean = (velocity[..., 2:-1] + velocity[..., 1:-2]) / 2
    stress = viscosity * np.stack(
        [7 / 3 * along[:, 0] + across[:, 1] / 3, across[:, 0] + along[:, 1]], 1
    )
    return stress, (stress * mean).sum(1)


def _navier_stokes_2d(primitive, viscosity, time, courant=0.5):
    """Density, velocity and pressure (n, 4, size, size) at `time`."""
    n_cells = primitive.shape[-1]

    def along_x(state):
        """What flows in x-direction into each cell."""
        ring = np.concatenate([state[..., -2:], state, state[..., :2]], 3)
        cells = _primitives(ring)
        sides = _faces(cells)
        states = [_conserved(side) for side in sides]
        fluxes = [_flux(*pair) for pair in zip(sides, states, strict=True)]
        velocities = [side[:, 1] for side in sides]
        total = _hll(states, fluxes, velocities, [_sound(side) for side in sides])
        if viscosity:
            stress, work = _stress_flux(cells, viscosity, n_cells)
            total[:, 1:3] -= stress
            total[:, 3] -= work
        return -n_cells * np.diff(total)

    def turned(state):
        """The same with x and y exchanged."""
        return state[:, [0, 2, 1, 3]].swapaxes(2, 3)

    def rate(state):
        return along_x(state) + turned(along_x(turned(state)))

    def limit(state):
        cells = _primitives(state)
        fastest = (np.abs(cells[:, 1:3]).sum(1) + 2 * _sound(cells)).max((1, 2))
        # The largest eigenvalue of the stress is 7/3 + 1 viscosities.
        stiff = 20 / 3 * viscosity * n_cells / cells[:, 0].min((1, 2))
        return courant / n_cells / (fastest + stiff)

    return _primitives(_march(_conserved(primitive), rate, limit, time))
