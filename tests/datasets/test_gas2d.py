"""The gas in a square against exact flows, finer grids and the gas on a line."""

from itertools import pairwise

import numpy as np
import pytest
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_pare.datasets import make_navier_stokes_2d
from sklearn_pare.datasets.simulate import conservation, gas2d

solve = gas2d._navier_stokes_2d


def _state(size, n=3, seed=0):
    """A smooth state, seen on a grid of `size`."""
    fields = gas2d._random_fields(n, size, np.random.RandomState(seed))
    fields *= np.array([0.2, 0.4, 0.4, 0.2])[:, None, None]
    fields[:, [0, 3]] = np.exp(fields[:, [0, 3]])
    return fields


def _grid(size):
    x = np.arange(size) / size
    return np.meshgrid(x, x)  # x runs along the last axis


def _full(*fields):
    return np.stack(np.broadcast_arrays(*fields))[None]


def _orders(errors):
    return np.log2(np.array(errors[:-1]) / errors[1:])


def test_make__shapes_seed_and_global_state():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    X, y = make_navier_stokes_2d(3, size=12, random_state=3)
    assert X.shape == y.shape == (3, 4, 12, 12)
    assert X.dtype == y.dtype == np.float64
    again, _ = make_navier_stokes_2d(
        3, size=12, time=1e-3, random_state=np.random.RandomState(3)
    )
    np.testing.assert_array_equal(X, again)
    assert (y[:, [0, 3]] > 0).all()
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_make__neither_frozen_nor_washed_out():
    X, y = make_navier_stokes_2d(12, size=16, random_state=0)
    assert (y.std(0).mean((1, 2)) > 0.4 * X.std(0).mean((1, 2))).all()
    assert ((y - X).std((0, 2, 3)) > 0.5 * y.std((0, 2, 3))).all()


@pytest.mark.parametrize(
    "parameters",
    [{"n_samples": 0}, {"size": 4}, {"viscosity": -1}, {"time": 0}],
    ids=lambda p: next(iter(p)),
)
def test_make__bad_parameters__invalid(parameters):
    with pytest.raises(InvalidParameterError, match=next(iter(parameters))):
        make_navier_stokes_2d(**parameters)


def test_fields__variance_one():
    fields = gas2d._random_fields(400, 8, np.random.RandomState(0))
    assert fields.std() == pytest.approx(1, abs=0.05)
    np.testing.assert_allclose(fields.mean((2, 3)), 0, atol=1e-12)


@pytest.mark.parametrize("viscosity", [0.0, 0.01])
def test_gas__mass_momentum_and_energy_kept(viscosity):
    def totals(primitive):
        density, u, v, pressure = np.moveaxis(primitive, 1, 0)
        energy = 1.5 * pressure + density * (u**2 + v**2) / 2
        return np.stack([density, density * u, density * v, energy]).mean((2, 3))

    state = _state(16)
    end = solve(state, viscosity, 0.2)
    assert np.abs(end - state).max() > 0.1
    np.testing.assert_allclose(totals(end), totals(state), atol=1e-12)


@pytest.mark.parametrize("viscosity", [0.0, 0.01])
def test_gas__x_and_y_exchanged__the_same(viscosity):
    def turned(state):
        return state[:, [0, 2, 1, 3]].swapaxes(2, 3)

    state = _state(16)
    end = solve(state, viscosity, 0.2)
    np.testing.assert_allclose(solve(turned(state), viscosity, 0.2), turned(end))


@pytest.mark.parametrize("viscosity", [0.0, 0.01])
def test_gas__nothing_varies_along_y__the_gas_on_a_line(viscosity):
    line = _state(32)[:, :, 0]
    plane = np.repeat(line[:, :, None], 32, 2)
    plane[:, 2] = 0
    # Short steps, as those of both are not the same.
    end = solve(plane, viscosity, 0.1, courant=0.05)
    np.testing.assert_allclose(end[:, 2], 0, atol=1e-12)
    np.testing.assert_allclose(end, np.repeat(end[:, :, :1], 32, 2), atol=1e-12)
    # Along a line the stress is 2 + 1/3 times the viscosity.
    expected = conservation._navier_stokes_1d(
        line[:, [0, 1, 3]], 7 / 3 * viscosity, 0.1, courant=0.05
    )
    np.testing.assert_allclose(end[:, [0, 1, 3], 0], expected, atol=1e-3)


def test_gas__still_or_carried_evenly__stays_so():
    state = _full(1.3, 0.4, -0.7, 0.9 * np.ones((8, 8)))
    np.testing.assert_allclose(solve(state, 0.01, 0.5), state, atol=1e-12)


def test_gas__density_wave__carried_obliquely_at_second_order():
    errors = []
    for size in (16, 32, 64):
        x, y = _grid(size)
        density = 1 + 0.3 * np.sin(2 * np.pi * (x + y))
        end = solve(_full(density, 1.0, 1.0, 1.0), 0.0, 0.5)
        np.testing.assert_allclose(end[:, 1:], 1, atol=1e-12)
        # Half a period along both axes: where it was.
        errors.append(np.abs(end[0, 0] - density).mean())
    first, second = _orders(errors)
    assert first > 1.4
    assert second > 1.7


def test_gas__shear_wave__decays_by_shear_viscosity():
    x, y = _grid(32)
    viscosity, time, small = 0.02, 0.5, 1e-3
    # Transverse to its direction, oblique: no sound, no compression.
    wave = np.sin(2 * np.pi * (x + y))
    end = solve(_full(1.0, small * wave, -small * wave, 1.0), viscosity, time)[0]
    left = np.exp(-viscosity * 2 * (2 * np.pi) ** 2 * time)
    np.testing.assert_allclose(end[1] / small, left * wave, atol=0.02)
    np.testing.assert_allclose(end[2], -end[1], atol=1e-7)


def test_gas__more_cells__converges():
    ends = [solve(_state(size, n=2), 0.01, 0.15) for size in (16, 32, 64)]
    # Points of a coarse grid are every other of a fine one.
    errors = [np.abs(a - b[..., ::2, ::2]).mean() for a, b in pairwise(ends)]
    assert (_orders(errors) > 1.2).all()
