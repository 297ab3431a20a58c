"""Solvers against analytic solutions, finer grids and what they must conserve."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.special import erfc
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_pare.datasets import (
    make_advection,
    make_burgers,
    make_darcy,
    make_diffusion_reaction_1d,
    make_diffusion_reaction_2d,
    make_diffusion_sorption,
    make_navier_stokes_1d,
    make_shallow_water_2d,
)
from sklearn_pare.datasets.simulate import _pde, conservation, media, pde1d, pde2d

LINES = [
    make_advection,
    make_burgers,
    make_diffusion_reaction_1d,
    make_diffusion_sorption,
    make_navier_stokes_1d,
]
SQUARES = [make_darcy, make_diffusion_reaction_2d, make_shallow_water_2d]
# Simulator -> shapes of a row of X and y on a grid of 32.
SHAPES = {
    make_advection: ((1, 32), (32,)),
    make_burgers: ((1, 32), (32,)),
    make_diffusion_reaction_1d: ((1, 32), (32,)),
    make_diffusion_sorption: ((1, 32), (32,)),
    make_navier_stokes_1d: ((3, 32), (3, 32)),
    make_darcy: ((1, 32, 32), (32, 32)),
    make_diffusion_reaction_2d: ((2, 32, 32), (2, 32, 32)),
    make_shallow_water_2d: ((1, 32, 32), (32, 32)),
}


def _small(make, n_samples, **parameters):
    grid = {"resolution": 32} if make in LINES else {"size": 32}
    return make(n_samples, **(grid | parameters))


def _waves(n_samples, n_points, seed=0, highest=8):
    rng = np.random.RandomState(seed)
    return _pde._random_waves(n_samples, rng, highest)(_pde._points(n_points))


def _error(found, expected):
    return np.abs(found - expected).mean()


def _orders(errors):
    """Observed orders between grids or steps that halve."""
    return np.log2(np.array(errors[:-1]) / errors[1:])


def _coarse(u, factor):
    """Means over `factor` cells of the last axis."""
    return u.reshape(*u.shape[:-1], -1, factor).mean(-1)


every = pytest.mark.parametrize("make", SHAPES, ids=lambda make: make.__name__)


@every
def test_make__shapes_and_seed(make):
    X, y = _small(make, 5, random_state=3)
    assert (X.shape[1:], y.shape[1:]) == SHAPES[make]
    assert len(X) == len(y) == 5
    assert X.dtype == y.dtype == np.float64
    assert np.isfinite(X).all()
    assert np.isfinite(y).all()
    again, y_again = _small(make, 5, random_state=np.random.RandomState(3))
    np.testing.assert_array_equal(X, again)
    np.testing.assert_array_equal(y, y_again)
    assert not np.array_equal(X, _small(make, 5, random_state=4)[0])


@every
def test_make__neither_frozen_nor_washed_out(make):
    X, y = make(40, random_state=0)
    # Rows differ at a point, and by more than their common mean's shape.
    assert y.std(0).mean() > 0.4 * y.std()
    assert y.std() > 0.1 * np.abs(y).mean()
    if X[:, 0].shape == y.shape or X.shape == y.shape:
        change = y - X.reshape(y.shape)
        assert change.std() > 0.5 * y.std(0).mean()


@every
def test_make__global_random_state_untouched(make):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    _small(make, 2, random_state=0)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@every
def test_make__bad_parameters__invalid(make):
    grid = "resolution" if make in LINES else "size"
    bad = [{"n_samples": 0}, {"random_state": "seed"}, {grid: 3}, {grid: 32.5}]
    if make is not make_darcy:
        bad += [{"time": 0}, {"time": -1.0}]
    for parameters in bad:
        with pytest.raises(InvalidParameterError, match=next(iter(parameters))):
            make(**parameters)


@pytest.mark.parametrize(
    ("make", "parameters"),
    [
        (make_advection, {"speed": "fast"}),
        (make_burgers, {"viscosity": 0}),
        (make_diffusion_reaction_1d, {"diffusivity": -0.1}),
        (make_diffusion_reaction_1d, {"rate": 0}),
        (make_navier_stokes_1d, {"viscosity": -0.1}),
        (make_darcy, {"medium": "sand"}),
    ],
)
def test_make__bad_constants__invalid(make, parameters):
    with pytest.raises(InvalidParameterError, match=next(iter(parameters))):
        make(2, **parameters)


def test_waves__two_sines_bounded_and_periodic():
    waves = _pde._random_waves(400, np.random.RandomState(0))
    x = np.linspace(0, 1, 300)
    np.testing.assert_allclose(waves(x), waves(x + 3), atol=1e-10)
    assert np.abs(waves(x)).max() <= 2
    power = np.abs(np.fft.rfft(waves(_pde._points(256)))) > 1e-6 * 128
    plain = power.sum(1) <= 2
    # 0.9 * 0.9 of the rows are neither folded nor windowed.
    assert 0.74 < plain.mean() < 0.88
    assert not power[plain, 9:].any()


# ---------------------------------------------------------------- advection


def test_advection__whole_cells__rolled():
    X, y = make_advection(30, resolution=64, speed=-0.5, time=0.25, random_state=0)
    np.testing.assert_allclose(y, np.roll(X[:, 0], -8, axis=1), atol=1e-10)


def test_advection__any_shift__fourier_shift():
    X, y = make_advection(30, resolution=64, speed=0.3, time=0.7, random_state=0)
    spectrum = np.fft.rfft(X[:, 0])
    wave = np.arange(33)
    shifted = np.fft.irfft(spectrum * np.exp(-2j * np.pi * wave * 0.21), 64)
    plain = (np.abs(spectrum[:, 9:]) < 1e-9).all(1)
    assert plain.sum() > 15
    np.testing.assert_allclose(y[plain], shifted[plain], atol=1e-10)


# ------------------------------------------------------------------ Burgers


def _cole_hopf(n_points, viscosity, time):
    """The exact end of sin(2 pi x): u = -2 nu phi_x / phi, phi solves the heat eq."""
    x = _pde._points(1024)
    wave = 2j * np.pi * np.arange(513)
    phi = np.fft.rfft(np.exp(np.cos(2 * np.pi * x) / (4 * np.pi * viscosity)))
    phi = phi * np.exp(viscosity * wave**2 * time)
    u = -2 * viscosity * np.fft.irfft(wave * phi, 1024) / np.fft.irfft(phi, 1024)
    return u[:: 1024 // n_points]


def test_burgers__one_sine__cole_hopf():
    u = np.sin(2 * np.pi * _pde._points(256))[None]
    found = pde1d._burgers(u, 0.01, 0.5, 256)[0]
    np.testing.assert_allclose(found, _cole_hopf(256, 0.01, 0.5), atol=1e-7)


def test_burgers__more_points__faster_than_any_order():
    errors = []
    for n_points in (32, 64, 128):
        u = np.sin(2 * np.pi * _pde._points(n_points))[None]
        found = pde1d._burgers(u, 0.01, 0.3, 400)[0]
        errors.append(_error(found, _cole_hopf(n_points, 0.01, 0.3)))
    assert _orders(errors)[0] > 3
    assert _orders(errors)[1] > 6


def test_burgers__shorter_steps__fourth_order():
    u = np.sin(2 * np.pi * _pde._points(128))[None]
    expected = _cole_hopf(128, 0.05, 0.3)
    errors = [
        _error(pde1d._burgers(u, 0.05, 0.3, s)[0], expected) for s in (20, 40, 80)
    ]
    np.testing.assert_allclose(_orders(errors), 4, atol=0.4)


def test_burgers__mean_kept_energy_lost_and_maximum_bounded():
    u = _waves(30, 256)
    end = pde1d._burgers(u, 0.01, 0.3, 300)
    np.testing.assert_allclose(end.mean(1), u.mean(1), atol=1e-12)
    assert ((end**2).mean(1) < (u**2).mean(1)).all()
    assert (end.max(1) <= u.max(1) + 1e-3).all()


def test_burgers__coarse_grid__the_points_of_a_fine_one():
    _, fine = make_burgers(8, resolution=512, random_state=0)
    _, coarse = make_burgers(8, resolution=64, random_state=0)
    np.testing.assert_allclose(coarse, fine[:, ::8], atol=1e-10)
    _, finer = make_burgers(8, resolution=1024, random_state=0)
    np.testing.assert_allclose(fine, finer[:, ::2], atol=5e-3)


# --------------------------------------------------- diffusion and reaction


def test_diffusion_reaction_1d__no_gradient__logistic():
    u = np.array([[0.0], [0.05], [0.5], [1.0]]) * np.ones(32)
    found = pde1d._diffusion_reaction_1d(u, 0.01, 5.0, 0.7, 3)
    growth = u * np.exp(3.5)
    np.testing.assert_allclose(found, growth / (1 - u + growth), atol=1e-12)


def test_diffusion_reaction_1d__hardly_a_reaction__heat_and_mass():
    x = _pde._points(64)
    u = 0.5 + 0.3 * np.cos(6 * np.pi * x)[None]
    found = pde1d._diffusion_reaction_1d(u, 0.01, 1e-14, 0.4, 5)
    decay = np.exp(-0.01 * (6 * np.pi) ** 2 * 0.4)
    expected = 0.5 + 0.3 * decay * np.cos(6 * np.pi * x)
    np.testing.assert_allclose(found[0], expected, atol=1e-12)
    assert found.mean() == pytest.approx(0.5, abs=1e-12)


def test_diffusion_reaction_1d__shorter_steps__second_order():
    u = pde1d._unit(_waves(10, 128, highest=4))
    ends = [pde1d._diffusion_reaction_1d(u, 0.01, 5, 0.5, s) for s in (20, 40, 80, 800)]
    errors = [_error(end, ends[-1]) for end in ends[:-1]]
    np.testing.assert_allclose(_orders(errors), 2, atol=0.25)


def test_diffusion_reaction_1d__stays_between_0_and_1():
    _, y = make_diffusion_reaction_1d(200, random_state=0)
    assert y.min() > -2e-3
    assert y.max() < 1 + 1e-3


def _cosines(n_cells, seed=0):
    """One smooth state of the two-dimensional system, sampled at any resolution."""
    a = 0.4 * np.random.RandomState(seed).standard_normal((2, 3, 3))
    x = (np.arange(n_cells) + 0.5) / n_cells
    basis = np.cos(np.pi * np.arange(3)[:, None] * x)
    return np.einsum("cij,ix,jy->cxy", a, basis, basis)[None]


def test_fitzhugh_nagumo__shorter_steps__second_order():
    state = _cosines(24)
    ends = [pde2d._fitzhugh_nagumo(state, 2.0, s) for s in (20, 40, 80, 800)]
    errors = [_error(end, ends[-1]) for end in ends[:-1]]
    np.testing.assert_allclose(_orders(errors), 2, atol=0.2)


def test_fitzhugh_nagumo__three_times_the_cells__the_same():
    # A third of a cell's width: every third centre is a centre of the coarse grid.
    fine = pde2d._fitzhugh_nagumo(_cosines(72), 1.0, 40)[..., 1::3, 1::3]
    errors = [
        _error(pde2d._fitzhugh_nagumo(_cosines(24), 1.0, 40), fine),
        _error(pde2d._fitzhugh_nagumo(_cosines(8), 1.0, 40), fine[..., 1::3, 1::3]),
    ]
    assert errors[0] < 1e-5
    assert errors[0] < errors[1] / 100


def test_fitzhugh_nagumo__one_small_cosine__linear_theory():
    # About the rest state u* = v* = -cbrt(5e-3) the system is linear.
    rest = -np.cbrt(5e-3)
    x = (np.arange(32) + 0.5) / 32
    mode = np.cos(3 * np.pi * x)[:, None] * np.cos(2 * np.pi * x)
    state = rest + 1e-6 * np.stack([mode, -2 * mode])[None]
    square = (3**2 + 2**2) * (np.pi / 2) ** 2
    matrix = np.array([[1 - 3 * rest**2 - 1e-3 * square, -1], [1, -1 - 5e-3 * square]])
    # Splitting moves the rest state by the square of a step: compare without the mean.
    values, vectors = np.linalg.eig(matrix)
    growth = (vectors * np.exp(values)) @ np.linalg.solve(vectors, [1, -2])
    found = pde2d._fitzhugh_nagumo(state, 1.0, 400) / 1e-6
    found -= found.mean((2, 3), keepdims=True)
    np.testing.assert_allclose(found[0], growth.real[:, None, None] * mode, atol=2e-4)


# ----------------------------------------------------------------- sorption


def test_sorption__linear_isotherm__error_function():
    # exponent 1: a constant retardation, and the right end is far away.
    errors = []
    for n_cells in (32, 64, 128):
        x = (np.arange(n_cells) + 0.5) / n_cells
        end = pde1d._diffusion_sorption(np.zeros((1, n_cells)), 60.0, 400, exponent=1)
        diffusivity = 5e-4 / (1 + pde1d._CAPACITY)
        expected = erfc(x / np.sqrt(4 * diffusivity * 60))
        errors.append(_error(end[0], expected))
    assert errors[-1] < 2e-4
    assert (_orders(errors) > 1.8).all()


def _polluted(n_cells):
    x = (np.arange(n_cells) + 0.5) / n_cells
    return (0.3 + 0.2 * np.cos(3 * np.pi * x + [[0.0], [2.0]])).clip(0)


def test_sorption__more_cells__second_order():
    ends = [pde1d._diffusion_sorption(_polluted(n), 20.0, 100) for n in (27, 81, 243)]
    # Every third centre of the finer grid is a centre of the coarser.
    first = _error(ends[0], ends[1][:, 1::3])
    second = _error(ends[1], ends[2][:, 1::3])
    assert np.log(first / second) / np.log(3) == pytest.approx(2, abs=0.4)


def test_sorption__shorter_steps__second_order():
    ends = [
        pde1d._diffusion_sorption(_polluted(32), 40.0, s) for s in (20, 40, 80, 800)
    ]
    errors = [_error(end, ends[-1]) for end in ends[:-1]]
    assert (_orders(errors) > 1.6).all()


def test_sorption__total_changes_by_what_crosses_the_ends():
    def total(u):
        return (u + pde1d._CAPACITY * u**pde1d._FREUNDLICH).mean(1)

    u, n_cells, step = _polluted(64), 64, 1e-3
    ends = [u, *(pde1d._diffusion_sorption(u, t * step, t) for t in (1, 2))]
    wall = 2 * 5e-4 * n_cells
    inflow = [wall * (1 - u[:, 0]) - wall / (1 + wall) * u[:, -1] for u in ends]
    change = (total(ends[2]) - total(ends[0])) / (2 * step)
    np.testing.assert_allclose(change, inflow[1], rtol=1e-4)


def test_sorption__row_alone__the_same():
    u = _polluted(64)
    both = pde1d._diffusion_sorption(u, 20.0, 20)
    np.testing.assert_allclose(
        both[1:], pde1d._diffusion_sorption(u[1:], 20.0, 20), atol=1e-9
    )


# ------------------------------------------------------------------- a gas


def _gas(n_cells):
    density, velocity, pressure = (_waves(6, 4 * n_cells, s, 2) for s in range(3))
    state = [np.exp(0.3 * density), 0.5 * velocity, np.exp(0.3 * pressure)]
    return _coarse(np.stack(state, 1), 4)


@pytest.mark.parametrize("viscosity", [0.0, 0.01])
def test_gas__mass_momentum_and_energy_kept(viscosity):
    def totals(primitive):
        density, velocity, pressure = np.moveaxis(primitive, 1, 0)
        energy = 1.5 * pressure + density * velocity**2 / 2
        return np.stack([density, density * velocity, energy]).mean(2)

    state = _gas(64)
    end = conservation._navier_stokes_1d(state, viscosity, 0.3)
    assert np.abs(end - state).max() > 0.1
    np.testing.assert_allclose(totals(end), totals(state), atol=1e-12)


def test_gas__density_wave__carried_at_second_order():
    errors = []
    for n_cells in (32, 64, 128):
        x = _pde._points(n_cells)
        density = 1 + 0.3 * np.sin(2 * np.pi * x)
        state = np.stack([density, np.ones_like(x), np.ones_like(x)])[None]
        end = conservation._navier_stokes_1d(state, 0.0, 1.0)
        np.testing.assert_allclose(end[:, 1:], 1, atol=1e-12)
        errors.append(_error(end[0, 0], density))
    assert (_orders(errors) > 1.7).all()
    assert errors[-1] < 1e-3


@pytest.mark.parametrize("viscosity", [0.0, 0.05])
def test_gas__sound__speed_and_damping(viscosity):
    x, wave, small, gamma = _pde._points(128), 2j * np.pi, 1e-4, 5 / 3
    # Linear acoustics for the amplitudes of exp(2 pi i x) in velocity and pressure.
    matrix = np.array([[viscosity * wave**2, -wave], [-gamma * wave, 0]])
    start = np.array([np.sqrt(gamma), gamma])
    velocity, pressure = (expm(matrix) @ start)[:, None] * np.exp(wave * x)
    pulse = small * np.exp(wave * x).real
    state = np.stack([1 + pulse, start[0] * pulse, 1 + start[1] * pulse])[None]
    end = conservation._navier_stokes_1d(state, viscosity, 1.0)[0]
    # The limiter flattens crests, by about one percent.
    np.testing.assert_allclose(end[1] / small, velocity.real, atol=0.025)
    np.testing.assert_allclose((end[2] - 1) / small, pressure.real, atol=0.025)


# Sod's shock tube: density and pressure on both sides, and between the waves.
_SOD_PRESSURE, _SOD_VELOCITY = 0.30313, 0.92745
_SOD_DENSITIES = 0.42632, 0.26557


def test_gas__shock_tube__sods_plateaus_and_speeds():
    # Two tubes, mirrored, on a ring; before they meet each is alone.
    n_cells, time = 400, 0.1
    x = (np.arange(n_cells) + 0.5) / n_cells
    high = np.abs(x - 0.5) < 0.25
    state = np.stack([np.where(high, 1, 0.125), 0 * x, np.where(high, 1, 0.1)])[None]
    density, velocity, pressure = conservation._navier_stokes_1d(state, 0.0, time, 1.4)[
        0
    ]
    np.testing.assert_allclose(density, density[::-1], atol=1e-10)
    # Contact at 0.75 + 0.0927, shock at 0.75 + 0.1752, tail of the rarefaction before.
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


def test_gas__more_cells__converges_through_steep_fronts():
    factors = 8, 4, 2, 1
    ends = [
        conservation._navier_stokes_1d(_coarse(_gas(256), k), 0.005, 0.3)
        for k in factors
    ]
    errors = [_error(a, _coarse(b, 2)) for a, b in pairwise(ends)]
    assert (_orders(errors) > 1.4).all()


def test_march__row_alone__the_same():
    state = _gas(32)
    both = conservation._navier_stokes_1d(state, 0.01, 0.2)
    alone = [conservation._navier_stokes_1d(row[None], 0.01, 0.2)[0] for row in state]
    np.testing.assert_allclose(both, alone, atol=1e-12)


def test_hll__equal_sides__their_flux():
    rng = np.random.RandomState(0)
    state, flux = rng.rand(2, 3, 2, 7)
    speed, sound = rng.randn(3, 7), rng.rand(3, 7)
    found = conservation._hll([state] * 2, [flux] * 2, [speed] * 2, [sound] * 2)
    np.testing.assert_allclose(found, flux)


# ------------------------------------------------------------ shallow water


def _basin(depth):
    return np.stack([depth, 0 * depth, 0 * depth], 1)


def test_shallow_water__volume_kept_and_a_still_basin_still():
    X, _ = make_shallow_water_2d(6, random_state=0)
    # Long enough to meet every wall.
    end = conservation._shallow_water(_basin(X[:, 0]), 4.0)
    np.testing.assert_allclose(end[:, 0].mean((1, 2)), X.mean((1, 2, 3)), rtol=1e-12)
    assert end[:, 0].min() > 0
    still = conservation._shallow_water(_basin(np.full((1, 8, 8), 1.7)), 2.0)
    np.testing.assert_allclose(still, _basin(np.full((1, 8, 8), 1.7)), atol=1e-12)


def test_shallow_water__dam_in_the_middle__symmetric():
    depth = 1 + conservation._discs(np.zeros((2, 1, 1, 1)), 0.5, 24)
    end, along_x, along_y = conservation._shallow_water(_basin(depth), 1.5)[0]
    np.testing.assert_allclose(end, end[::-1], atol=1e-12)
    np.testing.assert_allclose(end, end[:, ::-1], atol=1e-12)
    np.testing.assert_allclose(end, end.T, atol=1e-12)
    np.testing.assert_allclose(along_x, along_y.T, atol=1e-12)
    np.testing.assert_allclose(along_x, -along_x[:, ::-1], atol=1e-12)


def test_shallow_water__straight_dam__stokers_solution():
    # Depths 2 and 1: between the waves sqrt(h) solves one equation for both.
    size, time = 128, 0.8
    x = (np.arange(size) + 0.5) * 5 / size - 2.5
    depth = np.tile(np.where(x < 0, 2.0, 1.0), (1, size, 1))
    end = conservation._shallow_water(_basin(depth), time)[0]
    heights = np.linspace(1, 2, 200001)
    left = 2 * (np.sqrt(2) - np.sqrt(heights))
    right = (heights - 1) * np.sqrt((heights + 1) / (2 * heights))
    middle = heights[np.argmin(np.abs(left - right))]
    speed = 2 * (np.sqrt(2) - np.sqrt(middle))
    shock = middle * speed / (middle - 1)
    fan = (2 * np.sqrt(2) - x / time) ** 2 / 9
    expected = np.where(
        x < -np.sqrt(2) * time,
        2.0,
        np.where(
            x < (speed - np.sqrt(middle)) * time,
            fan,
            np.where(x < shock * time, middle, 1.0),
        ),
    )
    np.testing.assert_allclose(end[0], end[0, :1].repeat(size, 0), atol=1e-12)
    assert _error(end[0, 0], expected) < 6e-3
    plateau = (x > (speed - np.sqrt(middle)) * time + 0.2) & (x < shock * time - 0.2)
    np.testing.assert_allclose(end[0, 0, plateau], middle, rtol=5e-3)
    np.testing.assert_allclose(end[1, 0, plateau], middle * speed, rtol=5e-3)


def _hump(size):
    x = (np.arange(size) + 0.5) * 5 / size - 2.5
    return 1 + 0.3 * np.exp(-(x**2) - (x[:, None] - 0.4) ** 2)[None]


def test_shallow_water__more_cells__second_order():
    ends = [
        conservation._shallow_water(_basin(_hump(n)), 0.8)[0, 0]
        for n in (12, 24, 48, 96)
    ]
    errors = [_error(a, _coarse(_coarse(b, 2).T, 2).T) for a, b in pairwise(ends)]
    assert (_orders(errors) > 1.7).all()


# -------------------------------------------------------------------- Darcy


def _poisson(size):
    """Series of -Laplace(u) = 1 at the centres of the cells."""
    x = (np.arange(size) + 0.5) / size
    odd = np.arange(1, 400, 2)
    sine = np.sin(np.pi * odd[:, None] * x)
    weight = 16 / np.pi**4 / np.outer(odd, odd)
    weight /= odd[:, None] ** 2 + odd**2
    return sine.T @ weight @ sine


def test_darcy__uniform__series_at_second_order():
    errors = [_error(pde2d._darcy(np.ones((n, n))), _poisson(n)) for n in (8, 16, 32)]
    np.testing.assert_allclose(_orders(errors), 2, atol=0.2)
    assert errors[-1] < 1e-4
    expected = _poisson(16) / 7
    np.testing.assert_allclose(
        pde2d._darcy(np.full((16, 16), 7.0)), expected, atol=1e-4
    )


def test_darcy__smooth_medium__second_order():
    def solve(size):
        x = (np.arange(size) + 0.5) / size
        return pde2d._darcy(np.exp(np.sin(3 * x) + np.cos(4 * x[:, None] - 1)))

    coarse, middle, fine = (solve(n) for n in (9, 27, 81))
    first = _error(coarse, middle[1::3, 1::3])
    second = _error(middle, fine[1::3, 1::3])
    assert np.log(first / second) / np.log(3) == pytest.approx(2, abs=0.3)


def test_darcy__all_water_leaves_through_the_border():
    X, y = make_darcy(5, size=16, medium="two-valued", random_state=0)
    for (k,), pressure in zip(X, y, strict=True):
        edge = k * pressure
        out = edge[0].sum() + edge[-1].sum() + edge[:, 0].sum() + edge[:, -1].sum()
        assert 2 * out == pytest.approx(1, rel=1e-10)
        assert (pressure > 0).all()


def test_darcy__flow_matrix__symmetric_and_closed_sides():
    k = np.exp(np.random.RandomState(0).standard_normal((5, 7)))
    matrix = _pde._flow_matrix(k, []).toarray()
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_allclose(matrix.sum(1), 0, atol=1e-12)
    assert media._effective_permeability(np.ones((5, 7))) == pytest.approx(1)


@pytest.mark.parametrize("size", [16, 32])
def test_random_fields__covariance(size):
    spectrum = 1 / (pde2d._wave_squares(size) + 9)
    spectrum[0, 0] = 0
    field = pde2d._random_fields((3000,), spectrum, np.random.RandomState(0))
    np.testing.assert_allclose(field.mean((1, 2)), 0, atol=1e-12)
    assert (field**2).mean() == pytest.approx(1, abs=0.05)
    x = (np.arange(size) + 0.5) / size
    wave = np.arange(size)
    basis = (
        np.cos(np.pi * wave[:, None] * x) * np.where(wave == 0, 1, np.sqrt(2))[:, None]
    )
    row = basis[:, 3]
    covariance = np.einsum(
        "k,kx,kl,l->x", row, basis, spectrum**2, row**0 * basis[:, 5] ** 2
    )
    covariance /= (spectrum**2).sum()
    found = (field[:, 3, 5, None] * field[:, :, 5]).mean(0)
    np.testing.assert_allclose(found, covariance, atol=0.15)


def test_darcy__lognormal__field_without_mean():
    field = np.log(make_darcy(100, random_state=0)[0])
    np.testing.assert_allclose(field.mean((2, 3)), 0, atol=1e-12)
    assert field.var() == pytest.approx(0.5, abs=0.07)


def test_darcy__two_valued__both_values():
    X, _ = make_darcy(20, medium="two-valued", random_state=0)
    assert set(np.unique(X)) == {3.0, 12.0}
    share = (X == 12).mean((1, 2, 3))
    assert 0.4 < share.mean() < 0.6
