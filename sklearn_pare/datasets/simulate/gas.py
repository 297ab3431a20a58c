"""A compressible gas on a ring and in a periodic square.

The equations are those of PDEBench (M. Takamoto et al., NeurIPS Datasets and Benchmarks
2022). The reconstruction is that of B. van Leer, Journal of Computational Physics 32
(1979).
"""

from functools import partial

import numpy as np
from sklearn.utils import check_random_state

from sklearn_pare.datasets.simulate import _finite_volumes
from sklearn_pare.datasets.simulate._common import (
    FIELD,
    LINE,
    NOT_NEGATIVE,
    POSITIVE,
    validated,
)
from sklearn_pare.datasets.simulate._pde import points, random_waves

_GAMMA = 5 / 3
# Waves of an initial field in the square, with up to three periods along each side.
_N_WAVES, _HIGHEST = 4, 3


@validated(LINE, viscosity=NOT_NEGATIVE)
def make_navier_stokes_1d(
    n_samples=400, *, resolution=128, viscosity=0.002, time=0.3, random_state=None
):
    """Simulate sound, shocks and contacts in a gas: compressible Navier-Stokes.

    For density r, velocity v, pressure p, energy ``E = p / (g - 1) + r v^2 / 2`` and
    stress ``s = viscosity v_x``, periodic on the unit interval, with g = 5/3::

        r_t + (r v)_x = 0
        (r v)_t + (r v^2 + p - s)_x = 0
        E_t + (v (E + p - s))_x = 0

    as in PDEBench. Initially, the logarithms of density and pressure are 0.3 times two
    random sines, and the velocity is 0.5 times two random sines. The solver uses finite
    volumes that conserve mass, momentum and energy: limited linear reconstruction of r,
    v and p, HLL fluxes, and Runge-Kutta steps of order two that preserve stability.

    Parameters
    ----------
    n_samples : int, default=400
    resolution : int, default=128
        Number of cells.
    viscosity : float, default=0.002
        Four thirds of the shear viscosity plus the bulk viscosity; 0 gives the Euler
        equations. Values above 0.01 shorten the time steps.
    time : float, default=0.3
        Sound travels around the ring in about 0.8.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 3, resolution)
        Initial density, velocity and pressure.
    y : ndarray of shape (n_samples, 3, resolution)
        The same at ``time``.
    """
    rng = check_random_state(random_state)
    x = points(resolution)
    density, velocity, pressure = (
        random_waves(n_samples, rng, highest=4)(x) for _ in range(3)
    )
    X = np.stack([np.exp(0.3 * density), 0.5 * velocity, np.exp(0.3 * pressure)], 1)
    return X, _navier_stokes_1d(X, viscosity, time)


@validated(FIELD, viscosity=NOT_NEGATIVE, time=POSITIVE)
def make_navier_stokes_2d(
    n_samples=400, *, size=32, viscosity=0.002, time=0.3, random_state=None
):
    """Simulate sound, shocks and eddies in a gas: compressible Navier-Stokes.

    Equations and finite volumes are those of :func:`make_navier_stokes_1d`, but in the
    periodic unit square, with the stress ``viscosity (grad v + (grad v)^T + div(v) /
    3)``: shear and bulk viscosity are equal, as in the files of PDEBench. Initially,
    the logarithms of density and pressure are 0.3 times, and the components of the
    velocity 0.5 times, a sum of four random waves of unit variance.

    Parameters
    ----------
    n_samples : int, default=400
    size : int, default=32
        Number of cells along each side.
    viscosity : float, default=0.002
        0 gives the Euler equations.
    time : float, default=0.3
        Sound crosses the square in about 0.8.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 4, size, size)
        Initial density, velocity along x and y, and pressure. The last axis is x.
    y : ndarray of shape (n_samples, 4, size, size)
        The same at ``time``.
    """
    fields = _random_fields(n_samples, size, check_random_state(random_state))
    X = fields * np.array([0.3, 0.5, 0.5, 0.3])[:, None, None]
    X[:, [0, 3]] = np.exp(X[:, [0, 3]])
    return X, _navier_stokes_2d(X, viscosity, time)


def _random_fields(n_samples, size, rng):
    """Return sums of plane waves of variance 1, (n, 4, size, size)."""
    shape = (n_samples, 4, _N_WAVES, 1, 1)
    along_y, along_x = rng.randint(-_HIGHEST, _HIGHEST + 1, (2, *shape))
    # A wave without periods would be constant.
    along_x = np.where((along_x == 0) & (along_y == 0), 1, along_x)
    x = points(size)
    phase = along_x * x + along_y * x[:, None] + rng.rand(*shape)
    return np.sin(2 * np.pi * phase).sum(2) * np.sqrt(2 / _N_WAVES)


# Primitive fields are density, velocity (one or two components) and pressure; conserved
# ones are density, momentum and energy.


def _conserved(primitive, gamma=_GAMMA):
    density, velocity = primitive[:, :1], primitive[:, 1:-1]
    momentum = density * velocity
    kinetic = (momentum * velocity).sum(1, keepdims=True) / 2
    energy = primitive[:, -1:] / (gamma - 1) + kinetic
    return np.concatenate([density, momentum, energy], 1)


def _primitives(state, gamma=_GAMMA):
    density, momentum, energy = state[:, :1], state[:, 1:-1], state[:, -1:]
    velocity = momentum / density
    kinetic = (momentum * velocity).sum(1, keepdims=True) / 2
    return np.concatenate([density, velocity, (gamma - 1) * (energy - kinetic)], 1)


def _sound(primitive, gamma=_GAMMA):
    return np.sqrt(gamma * primitive[:, -1] / primitive[:, 0])


def _flux(primitive, state):
    result = state * primitive[:, 1:2]
    result[:, 1] += primitive[:, -1]
    result[:, -1] += primitive[:, -1] * primitive[:, 1]
    return result


def _ring(state):
    """Append two ghost cells to both ends of the last axis, which is periodic."""
    return np.concatenate([state[..., -2:], state, state[..., :2]], -1)


def _navier_stokes_1d(primitive, viscosity, time, gamma=_GAMMA, courant=0.5):
    """Return density, velocity and pressure (n, 3, L) at ``time``."""
    n_cells = primitive.shape[2]
    conserved, sound = (partial(f, gamma=gamma) for f in (_conserved, _sound))

    def rate(state):
        cells = _primitives(_ring(state), gamma)
        total = _finite_volumes.face_flux(cells, conserved, _flux, sound)
        if viscosity:
            before, after = cells[:, 1, 1:-2], cells[:, 1, 2:-1]
            stress = viscosity * n_cells * (after - before)
            total[:, 1] -= stress
            total[:, 2] -= stress * (before + after) / 2
        return -n_cells * np.diff(total)

    def limit(state):
        cells = _primitives(state, gamma)
        fastest = (np.abs(cells[:, 1]) + sound(cells)).max(1)
        thinnest = cells[:, 0].min(1)
        return courant / n_cells / (fastest + 2 * viscosity * n_cells / thinnest)

    end = _finite_volumes.march(conserved(primitive), rate, limit, time)
    return _primitives(end, gamma)


def _stress_flux(cells, viscosity, n_cells):
    """Return the viscous flux of momentum and energy through the faces along x."""
    velocity = cells[:, 1:3]
    # Change along y at the centres, averaged to the faces.
    slope = np.roll(velocity, -1, 2) - np.roll(velocity, 1, 2)
    across = n_cells * (slope[..., 1:-2] + slope[..., 2:-1]) / 4
    along = n_cells * (velocity[..., 2:-1] - velocity[..., 1:-2])
    mean = (velocity[..., 2:-1] + velocity[..., 1:-2]) / 2
    stress = viscosity * np.stack(
        [7 / 3 * along[:, 0] + across[:, 1] / 3, across[:, 0] + along[:, 1]], 1
    )
    return stress, (stress * mean).sum(1)


def _navier_stokes_2d(primitive, viscosity, time, courant=0.5):
    """Return density, velocity and pressure (n, 4, size, size) at ``time``."""
    n_cells = primitive.shape[-1]

    def along_x(state):
        """Return the inflow of each cell in x-direction."""
        cells = _primitives(_ring(state))
        total = _finite_volumes.face_flux(cells, _conserved, _flux, _sound)
        if viscosity:
            stress, work = _stress_flux(cells, viscosity, n_cells)
            total[:, 1:3] -= stress
            total[:, 3] -= work
        return -n_cells * np.diff(total)

    def limit(state):
        cells = _primitives(state)
        fastest = (np.abs(cells[:, 1:3]).sum(1) + 2 * _sound(cells)).max((1, 2))
        # The largest eigenvalue of the stress is 7/3 + 1 viscosities.
        stiff = 20 / 3 * viscosity * n_cells / cells[:, 0].min((1, 2))
        return courant / n_cells / (fastest + stiff)

    rate = _finite_volumes.both_directions(along_x)
    return _primitives(_finite_volumes.march(_conserved(primitive), rate, limit, time))
