"""Water in a square basin, as in PDEBench (M. Takamoto et al., NeurIPS 2022)."""

import numpy as np
from sklearn.utils import check_random_state

from sklearn_pare.datasets.simulate import _finite_volumes
from sklearn_pare.datasets.simulate._common import FIELD, POSITIVE, validated

# Side of the basin.
_SIDE = 5.0


@validated(FIELD, time=POSITIVE)
def make_shallow_water_2d(n_samples=400, *, size=32, time=1.0, random_state=None):
    """Simulate water behind a broken circular dam: the shallow water equations.

    For depth h and velocity (u, v), with gravity 1::

        h_t + (h u)_x + (h v)_y = 0
        (h u)_t + (h u^2 + h^2 / 2)_x + (h u v)_y = 0
        (h v)_t + (h u v)_x + (h v^2 + h^2 / 2)_y = 0

    in the square (-2.5, 2.5)^2 with reflecting walls, as in PDEBench. Initially, the
    water is at rest and 1 deep, but 0.5 to 1.5 deeper in a random circle of radius 0.3
    to 0.7 that does not touch the walls. The finite volumes conserve water; they are
    those of :func:`make_navier_stokes_1d`.

    Parameters
    ----------
    n_samples : int, default=400
    size : int, default=32
        Number of cells along each side.
    time : float, default=1.0
        A wave crosses the basin in about 4.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 1, size, size)
        Initial depth. The last axis is x.
    y : ndarray of shape (n_samples, size, size)
        Depth at ``time``.
    """
    rng = check_random_state(random_state)
    radius = rng.uniform(0.3, 0.7, (n_samples, 1, 1))
    centre = rng.uniform(-1.5, 1.5, (2, n_samples, 1, 1))
    excess = rng.uniform(0.5, 1.5, (n_samples, 1, 1))
    depth = 1 + excess * _discs(centre, radius, size)
    still = np.zeros_like(depth)
    end = _shallow_water(np.stack([depth, still, still], 1), time)
    return depth[:, None], end[:, 0]


def _discs(centre, radius, size):
    """Return the fraction of each cell that is inside a disc, (n, size, size)."""
    width = _SIDE / size
    x = (np.arange(size) + 0.5) * width - _SIDE / 2
    distance = np.hypot(x - centre[0], x[:, None] - centre[1])
    # The border of the disc is nearly straight within a cell.
    return np.clip((radius - distance) / width + 0.5, 0, 1)


def _conserved(primitive):
    momentum = primitive[:, :1] * primitive[:, 1:]
    return np.concatenate([primitive[:, :1], momentum], 1)


def _flux(primitive, state):
    result = state * primitive[:, 1:2]
    result[:, 1] += primitive[:, 0] ** 2 / 2
    return result


def _shallow_water(state, time, courant=0.5):
    """Return depth and the components of momentum (n, 3, size, size) at ``time``."""
    width = _SIDE / state.shape[-1]

    def sound(primitive):
        return np.sqrt(primitive[:, 0])

    def along_x(state):
        """Return the inflow of each cell in x-direction."""
        cells = np.concatenate([state[:, :1], state[:, 1:] / state[:, :1]], 1)
        # The mirror image behind a wall, with the velocity along x reversed.
        mirror = np.array([1, -1, 1])[:, None, None]
        cells = np.concatenate(
            [mirror * cells[..., 1::-1], cells, mirror * cells[..., :-3:-1]], 3
        )
        flux = _finite_volumes.face_flux(cells, _conserved, _flux, sound)
        return -np.diff(flux) / width

    def limit(state):
        depth, momentum = state[:, :1], np.abs(state[:, 1:])
        speed = (momentum / depth + np.sqrt(depth)).sum(1)
        return courant * width / speed.max((1, 2))

    rate = _finite_volumes.both_directions(along_x)
    return _finite_volumes.march(state, rate, limit, time)
