"""The gas on a line and in a square against exact flows, finer grids and each other."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.linalg import expm

from sklearn_pare.datasets import make_navier_stokes_2d
from sklearn_pare.datasets.simulate import gas
from sklearn_pare.datasets.simulate._finite_volumes import hll
from sklearn_pare.datasets.simulate._pde import points
from tests.datasets.simulate.numerics import coarse, error, orders, waves

solve_1d, solve_2d = gas._navier_stokes_1d, gas._navier_stokes_2d


def _line(n_cells):
    """Return smooth states on a line, (6, 3, n_cells)."""
    density, velocity, pressure = (waves(6, 4 * n_cells, s, 2) for s in range(3))
    state = [np.exp(0.3 * density), 0.5 * velocity, np.exp(0.3 * pressure)]
    return coarse(np.stack(state, 1), 4)


def _square(size, n=3):
    """Return smooth states in a square, (n, 4, size, size)."""
    fields = gas._random_fields(n, size, np.random.RandomState(0))
    fields *= np.array([0.2, 0.4, 0.4, 0.2])[:, None, None]
    fields[:, [0, 3]] = np.exp(fields[:, [0, 3]])
    return fields


def _full(*fields):
    return np.stack(np.broadcast_arrays(*fields))[None]


def _totals(primitive):
    density, velocity, pressure = (
        primitive[:, :1],
        primitive[:, 1:-1],
        primitive[:, -1:],
    )
    momentum = density * velocity
    energy = 1.5 * pressure + (momentum * velocity).sum(1, keepdims=True) / 2
    fields = np.concatenate([density, momentum, energy], 1)
    return fields.reshape(*fields.shape[:2], -1).mean(2)


@pytest.mark.parametrize("viscosity", [0.0, 0.01])
@pytest.mark.parametrize(
    ("solve", "state"),
    [(solve_1d, _line(64)), (solve_2d, _square(16))],
    ids=["1d", "2d"],
)
def test_gas__mass_momentum_and_energy_kept(solve, state, viscosity):
    end = solve(state, viscosity, 0.2)
    assert np.abs(end - state).max() > 0.1
    np.testing.assert_allclose(_totals(end), _totals(state), atol=1e-12)


def test_hll__equal_sides__their_flux():
    rng = np.random.RandomState(0)
    state, flux = rng.rand(2, 3, 2, 7)
    speed, sound = rng.randn(3, 7), rng.rand(3, 7)
    found = hll([state] * 2, [flux] * 2, [speed] * 2, [sound] * 2)
    np.testing.assert_allclose(found, flux)


def test_march__sample_alone__the_same():
    state = _line(32)
    both = solve_1d(state, 0.01, 0.2)
    alone = [solve_1d(sample[None], 0.01, 0.2)[0] for sample in state]
    np.testing.assert_allclose(both, alone, atol=1e-12)


# ------------------------------------------------------------------- on a line


def test_1d__density_wave__carried_at_second_order():
    errors = []
    for n_cells in (32, 64, 128):
        density = 1 + 0.3 * np.sin(2 * np.pi * points(n_cells))
        end = solve_1d(_full(density, 1.0, 1.0), 0.0, 1.0)
        np.testing.assert_allclose(end[:, 1:], 1, atol=1e-12)
        errors.append(error(end[0, 0], density))
    assert (orders(errors) > 1.7).all()
    assert errors[-1] < 1e-3


@pytest.mark.parametrize("viscosity", [0.0, 0.05])
def test_1d__sound__speed_and_damping(viscosity):
    x, wave, small, gamma = points(128), 2j * np.pi, 1e-4, 5 / 3
    # Linear acoustics for the amplitudes of exp(2 pi i x) in velocity and pressure.
    matrix = np.array([[viscosity * wave**2, -wave], [-gamma * wave, 0]])
    start = np.array([np.sqrt(gamma), gamma])
    velocity, pressure = (expm(matrix) @ start)[:, None] * np.exp(wave * x)
    pulse = small * np.exp(wave * x).real
    state = np.stack([1 + pulse, start[0] * pulse, 1 + start[1] * pulse])[None]
    end = solve_1d(state, viscosity, 1.0)[0]
    # The limiter flattens crests by about one percent.
    np.testing.assert_allclose(end[1] / small, velocity.real, atol=0.025)
    np.testing.assert_allclose((end[2] - 1) / small, pressure.real, atol=0.025)


# Sod's shock tube: pressure, velocity and densities between the waves.
_SOD_PRESSURE, _SOD_VELOCITY = 0.30313, 0.92745
_SOD_DENSITIES = 0.42632, 0.26557


def test_1d__shock_tube__sods_plateaus_and_speeds():
    # Two mirrored tubes on a ring, before their waves meet.
    n_cells, time = 400, 0.1
    x = (np.arange(n_cells) + 0.5) / n_cells
    high = np.abs(x - 0.5) < 0.25
    state = _full(np.where(high, 1, 0.125), 0.0, np.where(high, 1, 0.1))
    density, velocity, pressure = solve_1d(state, 0.0, time, 1.4)[0]
    np.testing.assert_allclose(density, density[::-1], atol=1e-10)
    # Contact at 0.75 + 0.0927, shock at 0.75 + 0.1752, the rarefaction before them.
    behind = (x > 0.76) & (x < 0.83)
    ahead = (x > 0.86) & (x < 0.91)
    star = behind | ahead
    np.testing.assert_allclose(pressure[star], _SOD_PRESSURE, rtol=0.01)
    np.testing.assert_allclose(velocity[star], _SOD_VELOCITY, rtol=0.01)
    np.testing.assert_allclose(density[behind], _SOD_DENSITIES[0], rtol=0.02)
    np.testing.assert_allclose(density[ahead], _SOD_DENSITIES[1], rtol=0.02)
    right = x > 0.5
    front = x[right][np.argmin(np.diff(pressure[right]))]
    assert front == pytest.approx(0.75 + 1.75216 * time, abs=2 / n_cells)


def test_1d__more_cells__converges_through_steep_fronts():
    ends = [solve_1d(coarse(_line(256), k), 0.005, 0.3) for k in (8, 4, 2, 1)]
    errors = [error(a, coarse(b, 2)) for a, b in pairwise(ends)]
    assert (orders(errors) > 1.4).all()


# ----------------------------------------------------------------- in a square


def test_2d__neither_frozen_nor_uniform():
    X, y = make_navier_stokes_2d(12, size=16, random_state=0)
    assert (y[:, [0, 3]] > 0).all()
    assert (y.std(0).mean((1, 2)) > 0.4 * X.std(0).mean((1, 2))).all()
    assert ((y - X).std((0, 2, 3)) > 0.5 * y.std((0, 2, 3))).all()


def test_2d__random_fields__variance_one():
    fields = gas._random_fields(400, 8, np.random.RandomState(0))
    assert fields.std() == pytest.approx(1, abs=0.05)
    np.testing.assert_allclose(fields.mean((2, 3)), 0, atol=1e-12)


@pytest.mark.parametrize("viscosity", [0.0, 0.01])
def test_2d__x_and_y_exchanged__the_same(viscosity):
    def turned(state):
        return state[:, [0, 2, 1, 3]].swapaxes(2, 3)

    state = _square(16)
    end = solve_2d(state, viscosity, 0.2)
    np.testing.assert_allclose(solve_2d(turned(state), viscosity, 0.2), turned(end))


@pytest.mark.parametrize("viscosity", [0.0, 0.01])
def test_2d__nothing_varies_along_y__the_gas_on_a_line(viscosity):
    line = _square(24, n=1)[:, :, 0]
    plane = np.repeat(line[:, :, None], 24, 2)
    plane[:, 2] = 0
    # The steps of both solvers differ: compare at short steps.
    end = solve_2d(plane, viscosity, 0.1, courant=0.1)
    np.testing.assert_allclose(end[:, 2], 0, atol=1e-12)
    np.testing.assert_allclose(end, np.repeat(end[:, :, :1], 24, 2), atol=1e-12)
    # Along a line, the stress is 2 + 1/3 times the viscosity.
    expected = solve_1d(line[:, [0, 1, 3]], 7 / 3 * viscosity, 0.1, courant=0.1)
    np.testing.assert_allclose(end[:, [0, 1, 3], 0], expected, atol=1e-3)


def test_2d__still_or_carried_evenly__stays_so():
    state = _full(1.3, 0.4, -0.7, 0.9 * np.ones((8, 8)))
    np.testing.assert_allclose(solve_2d(state, 0.01, 0.5), state, atol=1e-12)


def _grid(size):
    return np.meshgrid(points(size), points(size))  # x is the last axis


def test_2d__density_wave__carried_obliquely_at_second_order():
    errors = []
    for size in (16, 32, 64):
        x, y = _grid(size)
        density = 1 + 0.3 * np.sin(2 * np.pi * (x + y))
        end = solve_2d(_full(density, 1.0, 1.0, 1.0), 0.0, 0.5)
        np.testing.assert_allclose(end[:, 1:], 1, atol=1e-12)
        # After half a period along both axes, the wave is at its initial position.
        errors.append(error(end[0, 0], density))
    first, second = orders(errors)
    assert first > 1.4
    assert second > 1.7


def test_2d__shear_wave__decays_by_shear_viscosity():
    x, y = _grid(32)
    viscosity, time, small = 0.02, 0.5, 1e-3
    # A transverse, oblique wave: no sound and no compression.
    wave = np.sin(2 * np.pi * (x + y))
    end = solve_2d(_full(1.0, small * wave, -small * wave, 1.0), viscosity, time)[0]
    left = np.exp(-viscosity * 2 * (2 * np.pi) ** 2 * time)
    np.testing.assert_allclose(end[1] / small, left * wave, atol=0.02)
    np.testing.assert_allclose(end[2], -end[1], atol=1e-7)


def test_2d__more_cells__converges():
    ends = [solve_2d(_square(size, n=1), 0.01, 0.08) for size in (16, 32, 64)]
    # Every second point of a fine grid is a point of the coarse one.
    errors = [error(a, b[..., ::2, ::2]) for a, b in pairwise(ends)]
    assert (orders(errors) > 1.2).all()
