"""Conservation laws by finite volumes: a gas on a ring, water in a basin."""

from numbers import Real

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, validate_params

from sklearn_pare.datasets.simulate._common import _FIELD
from sklearn_pare.datasets.simulate._pde import _LINE, _POSITIVE, _points, _random_waves


@validate_params(
    _LINE | {"viscosity": [Interval(Real, 0, None, closed="left")]},
    prefer_skip_nested_validation=True,
)
def make_navier_stokes_1d(
    n_samples=400, *, resolution=128, viscosity=0.002, time=0.3, random_state=None
):
    """Sound, shocks and contacts in a gas: compressible Navier-Stokes equations.

    For density r, velocity v, pressure p, energy ``E = p / (g - 1) + r v^2 / 2`` and
    stress ``s = viscosity v_x``, periodic on the unit interval, with g = 5/3::

        r_t + (r v)_x = 0
        (r v)_t + (r v^2 + p - s)_x = 0
        E_t + (v (E + p - s))_x = 0

    as in PDEBench [1]_. The initial logarithms of density and pressure are 0.3, the
    velocity is 0.5 times two random sines. Finite volumes that conserve mass, momentum
    and energy: limited linear reconstruction of r, v and p [2]_, HLL fluxes and
    Runge-Kutta steps of order two that preserve strong stability.

    Parameters
    ----------
    n_samples : int, default=400
    resolution : int, default=128
        Cells of the grid.
    viscosity : float, default=0.002
        Four thirds of the shear viscosity plus the bulk viscosity; 0 gives the Euler
        equations. Above 0.01 it sets the length of a step.
    time : float, default=0.3
        Sound takes about 0.8 to go round.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 3, resolution)
        Initial density, velocity and pressure.
    y : ndarray of shape (n_samples, 3, resolution)
        The same at `time`.

    References
    ----------
    .. [1] M. Takamoto et al. PDEBench: an extensive benchmark for scientific machine
       learning. NeurIPS Datasets and Benchmarks (2022).
    .. [2] B. van Leer. Towards the ultimate conservative difference scheme V. Journal
       of Computational Physics 32 (1979).

    Examples
    --------
    >>> from sklearn_pare.datasets import make_navier_stokes_1d
    >>> X, y = make_navier_stokes_1d(10, resolution=32, random_state=0)
    >>> X.shape, y.shape
    ((10, 3, 32), (10, 3, 32))
    """
    rng = check_random_state(random_state)
    x = _points(resolution)
    density, velocity, pressure = (
        _random_waves(n_samples, rng, highest=4)(x) for _ in range(3)
    )
    X = np.stack([np.exp(0.3 * density), 0.5 * velocity, np.exp(0.3 * pressure)], 1)
    return X, _navier_stokes_1d(X, viscosity, time)


def _navier_stokes_1d(primitive, viscosity, time, gamma=5 / 3, courant=0.5):
    """Density, velocity and pressure (n, 3, L) at `time`, on a ring of length 1."""
    n_cells = primitive.shape[2]

    def conserved(primitive):
        density, velocity, pressure = np.moveaxis(primitive, 1, 0)
        momentum = density * velocity
        energy = pressure / (gamma - 1) + momentum * velocity / 2
        return np.stack([density, momentum, energy], 1)

    def primitives(state):
        density, momentum, energy = np.moveaxis(state, 1, 0)
        velocity = momentum / density
        pressure = (gamma - 1) * (energy - momentum * velocity / 2)
        return np.stack([density, velocity, pressure], 1)

    def sound(primitive):
        return np.sqrt(gamma * primitive[:, 2] / primitive[:, 0])

    def flux(primitive, state):
        velocity, pressure = primitive[:, 1], primitive[:, 2]
        result = state * velocity[:, None]
        result[:, 1] += pressure
        result[:, 2] += pressure * velocity
        return result

    def rate(state):
        ring = np.concatenate([state[..., -2:], state, state[..., :2]], 2)
        cells = primitives(ring)
        sides = _faces(cells)
        states = [conserved(side) for side in sides]
        fluxes = [flux(*pair) for pair in zip(sides, states, strict=True)]
        total = _hll(
            states, fluxes, [side[:, 1] for side in sides], [sound(s) for s in sides]
        )
        if viscosity:
            before, after = cells[:, 1, 1:-2], cells[:, 1, 2:-1]
            stress = viscosity * n_cells * (after - before)
            total[:, 1] -= stress
            total[:, 2] -= stress * (before + after) / 2
        return -n_cells * np.diff(total)

    def limit(state):
        cells = primitives(state)
        fastest = (np.abs(cells[:, 1]) + sound(cells)).max(1)
        thinnest = cells[:, 0].min(1)
        return courant / n_cells / (fastest + 2 * viscosity * n_cells / thinnest)

    return primitives(_march(conserved(primitive), rate, limit, time))


@validate_params(_FIELD | {"time": _POSITIVE}, prefer_skip_nested_validation=True)
def make_shallow_water_2d(n_samples=400, *, size=32, time=1.0, random_state=None):
    """Water that runs from a broken round dam: the shallow water equations.

    For depth h and velocity (u, v), with gravity 1::

        h_t + (h u)_x + (h v)_y = 0
        (h u)_t + (h u^2 + h^2 / 2)_x + (h u v)_y = 0
        (h v)_t + (h u v)_x + (h v^2 + h^2 / 2)_y = 0

    in the square (-2.5, 2.5)^2, as in PDEBench [1]_, within walls that reflect. At rest
    the water is 1 deep, and 0.5 to 1.5 deeper in a circle of radius 0.3 to 0.7 about a
    random centre, which may touch no wall. Finite volumes that conserve water: limited
    linear reconstruction [2]_, HLL fluxes, Runge-Kutta steps of order two that preserve
    strong stability.

    Parameters
    ----------
    n_samples : int, default=400
    size : int, default=32
        Cells along each side.
    time : float, default=1.0
        A wave takes about 4 to cross the basin.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 1, size, size)
        Initial depth. The last axis is x.
    y : ndarray of shape (n_samples, size, size)
        Depth at `time`.

    References
    ----------
    .. [1] M. Takamoto et al. PDEBench: an extensive benchmark for scientific machine
       learning. NeurIPS Datasets and Benchmarks (2022).
    .. [2] B. van Leer. Towards the ultimate conservative difference scheme V. Journal
       of Computational Physics 32 (1979).

    Examples
    --------
    >>> from sklearn_pare.datasets import make_shallow_water_2d
    >>> X, y = make_shallow_water_2d(5, size=16, random_state=0)
    >>> X.shape, y.shape
    ((5, 1, 16, 16), (5, 16, 16))
    """
    rng = check_random_state(random_state)
    radius = rng.uniform(0.3, 0.7, (n_samples, 1, 1))
    centre = rng.uniform(-1.5, 1.5, (2, n_samples, 1, 1))
    excess = rng.uniform(0.5, 1.5, (n_samples, 1, 1))
    depth = 1 + excess * _discs(centre, radius, size)
    still = np.zeros_like(depth)
    end = _shallow_water(np.stack([depth, still, still], 1), time)
    return depth[:, None], end[:, 0]


# Side of the basin.
_SIDE = 5.0


def _discs(centre, radius, size):
    """Share of each cell that lies in a disc, (n, size, size)."""
    width = _SIDE / size
    x = (np.arange(size) + 0.5) * width - _SIDE / 2
    distance = np.hypot(x - centre[0], x[:, None] - centre[1])
    # The border is nearly straight within a cell.
    return np.clip((radius - distance) / width + 0.5, 0, 1)


def _shallow_water(state, time, courant=0.5):
    """Depth and both components of momentum (n, 3, size, size) at `time`."""
    width = _SIDE / state.shape[-1]

    def conserved(primitive):
        momentum = primitive[:, :1] * primitive[:, 1:]
        return np.concatenate([primitive[:, :1], momentum], 1)

    def flux(primitive, state):
        result = state * primitive[:, 1:2]
        result[:, 1] += primitive[:, 0] ** 2 / 2
        return result

    def along_x(state):
        """What flows in x-direction into each cell."""
        cells = np.concatenate([state[:, :1], state[:, 1:] / state[:, :1]], 1)
        # Behind a wall its mirror image, with the velocity turned round.
        turn = np.array([1, -1, 1])[:, None, None]
        cells = np.concatenate(
            [turn * cells[..., 1::-1], cells, turn * cells[..., :-3:-1]], 3
        )
        sides = _faces(cells)
        states = [conserved(side) for side in sides]
        fluxes = [flux(*pair) for pair in zip(sides, states, strict=True)]
        velocities = [side[:, 1] for side in sides]
        total = _hll(states, fluxes, velocities, [np.sqrt(s[:, 0]) for s in sides])
        return -np.diff(total) / width

    def turned(state):
        """The same with x and y exchanged."""
        return state[:, [0, 2, 1]].swapaxes(2, 3)

    def rate(state):
        return along_x(state) + turned(along_x(turned(state)))

    def limit(state):
        depth, momentum = state[:, :1], np.abs(state[:, 1:])
        speed = (momentum / depth + np.sqrt(depth)).sum(1)
        return courant * width / speed.max((1, 2))

    return _march(state, rate, limit, time)


def _faces(cells):
    """Values left and right of each face, from van Leer's limited slopes [1]_.

    `cells` has two ghost cells at both ends of its last axis; for n cells inside there
    are n + 1 faces.

    References
    ----------
    .. [1] B. van Leer. Towards the ultimate conservative difference scheme V. Journal
       of Computational Physics 32 (1979).
    """
    change = np.diff(cells)
    before, after = change[..., :-1], change[..., 1:]
    product = before * after
    half = np.divide(
        product, before + after, out=np.zeros_like(product), where=product > 0
    )
    inner = cells[..., 1:-1]
    return (inner + half)[..., :-1], (inner - half)[..., 1:]


def _hll(states, fluxes, velocities, sounds):
    """Flux of Harten, Lax and van Leer [1]_ through faces; every pair is (left, right).

    States and fluxes are (n, fields, ..., faces), velocities and speeds of sound lack
    the second axis.

    References
    ----------
    .. [1] A. Harten, P. D. Lax, B. van Leer. On upstream differencing and Godunov-type
       schemes for hyperbolic conservation laws. SIAM Review 25 (1983).
    """
    (u, v), (c, d) = velocities, sounds
    # Held on either side of zero: a supersonic face then takes the upwind flux.
    slow = np.minimum(np.minimum(u - c, v - d), 0)[:, None]
    fast = np.maximum(np.maximum(u + c, v + d), 0)[:, None]
    flux = fast * fluxes[0] - slow * fluxes[1] + slow * fast * (states[1] - states[0])
    return flux / (fast - slow)


def _march(state, rate, limit, time, rows=32):
    """Strong-stability-preserving Runge-Kutta steps of order two up to `time` [1]_.

    ``limit(state)`` is the longest stable step of each row: a row's end does not depend
    on the others.

    References
    ----------
    .. [1] S. Gottlieb, C.-W. Shu, E. Tadmor. Strong stability-preserving high-order
       time discretization methods. SIAM Review 43 (2001).
    """
    ends = []
    # A few rows at a time stay in the cache.
    for start in range(0, len(state), rows):
        part = state[start : start + rows]
        left = np.full((len(part),) + (1,) * (part.ndim - 1), float(time))
        while (left > 0).any():
            step = np.minimum(limit(part).reshape(left.shape), left)
            ahead = part + step * rate(part)
            part = 0.5 * (part + ahead + step * rate(ahead))
            left -= step
        ends.append(part)
    return np.concatenate(ends)
