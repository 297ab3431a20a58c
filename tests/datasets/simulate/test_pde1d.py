"""Solvers on a line against exact solutions, finer grids and conservation laws."""

import numpy as np
import pytest
from scipy.special import erfc

from sklearn_pare.datasets import (
    make_advection,
    make_burgers,
    make_diffusion_reaction_1d,
)
from sklearn_pare.datasets.simulate import pde1d
from sklearn_pare.datasets.simulate._pde import points, random_waves
from tests.datasets.simulate.numerics import error, orders, waves


def test_waves__two_sines_bounded_and_periodic():
    function = random_waves(400, np.random.RandomState(0))
    x = np.linspace(0, 1, 300)
    np.testing.assert_allclose(function(x), function(x + 3), atol=1e-10)
    assert np.abs(function(x)).max() <= 2
    power = np.abs(np.fft.rfft(function(points(256)))) > 1e-6 * 128
    plain = power.sum(1) <= 2
    # 0.9 * 0.9 of the samples are neither folded nor windowed.
    assert 0.74 < plain.mean() < 0.88
    assert not power[plain, 9:].any()


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


def _cole_hopf(n_points, viscosity, time):
    """Return the exact solution from sin(2 pi x).

    It is u = -2 nu phi_x / phi, where phi solves the heat equation.
    """
    x = points(1024)
    wave = 2j * np.pi * np.arange(513)
    phi = np.fft.rfft(np.exp(np.cos(2 * np.pi * x) / (4 * np.pi * viscosity)))
    phi = phi * np.exp(viscosity * wave**2 * time)
    u = -2 * viscosity * np.fft.irfft(wave * phi, 1024) / np.fft.irfft(phi, 1024)
    return u[:: 1024 // n_points]


def _sine(n_points):
    return np.sin(2 * np.pi * points(n_points))[None]


def test_burgers__one_sine__cole_hopf():
    found = pde1d._burgers(_sine(256), 0.01, 0.5, 256)[0]
    np.testing.assert_allclose(found, _cole_hopf(256, 0.01, 0.5), atol=1e-7)


def test_burgers__more_points__faster_than_any_order():
    errors = [
        error(pde1d._burgers(_sine(n), 0.01, 0.3, 400)[0], _cole_hopf(n, 0.01, 0.3))
        for n in (32, 64, 128)
    ]
    assert orders(errors)[0] > 3
    assert orders(errors)[1] > 6


def test_burgers__shorter_steps__fourth_order():
    expected = _cole_hopf(128, 0.05, 0.3)
    errors = [
        error(pde1d._burgers(_sine(128), 0.05, 0.3, steps)[0], expected)
        for steps in (20, 40, 80)
    ]
    np.testing.assert_allclose(orders(errors), 4, atol=0.4)


def test_burgers__mean_kept_energy_lost_and_maximum_bounded():
    u = waves(30, 256)
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


def test_diffusion_reaction__no_gradient__logistic():
    u = np.array([[0.0], [0.05], [0.5], [1.0]]) * np.ones(32)
    found = pde1d._diffusion_reaction_1d(u, 0.01, 5.0, 0.7, 3)
    growth = u * np.exp(3.5)
    np.testing.assert_allclose(found, growth / (1 - u + growth), atol=1e-12)


def test_diffusion_reaction__hardly_a_reaction__heat_and_mass():
    x = points(64)
    u = 0.5 + 0.3 * np.cos(6 * np.pi * x)[None]
    found = pde1d._diffusion_reaction_1d(u, 0.01, 1e-14, 0.4, 5)
    decay = np.exp(-0.01 * (6 * np.pi) ** 2 * 0.4)
    expected = 0.5 + 0.3 * decay * np.cos(6 * np.pi * x)
    np.testing.assert_allclose(found[0], expected, atol=1e-12)
    assert found.mean() == pytest.approx(0.5, abs=1e-12)


def test_diffusion_reaction__shorter_steps__second_order():
    u = pde1d._unit(waves(10, 128, highest=4))
    ends = [pde1d._diffusion_reaction_1d(u, 0.01, 5, 0.5, s) for s in (20, 40, 80, 800)]
    errors = [error(end, ends[-1]) for end in ends[:-1]]
    np.testing.assert_allclose(orders(errors), 2, atol=0.25)


def test_diffusion_reaction__stays_between_0_and_1():
    _, y = make_diffusion_reaction_1d(200, random_state=0)
    assert y.min() > -2e-3
    assert y.max() < 1 + 1e-3


def test_sorption__linear_isotherm__error_function():
    # With exponent 1, the retardation is constant; the right end is far away.
    errors = []
    for n_cells in (32, 64, 128):
        x = (np.arange(n_cells) + 0.5) / n_cells
        end = pde1d._diffusion_sorption(np.zeros((1, n_cells)), 60.0, 400, exponent=1)
        diffusivity = 5e-4 / (1 + pde1d._CAPACITY)
        expected = erfc(x / np.sqrt(4 * diffusivity * 60))
        errors.append(error(end[0], expected))
    assert errors[-1] < 2e-4
    assert (orders(errors) > 1.8).all()


def _polluted(n_cells):
    x = (np.arange(n_cells) + 0.5) / n_cells
    return (0.3 + 0.2 * np.cos(3 * np.pi * x + [[0.0], [2.0]])).clip(0)


def test_sorption__more_cells__second_order():
    ends = [pde1d._diffusion_sorption(_polluted(n), 20.0, 100) for n in (27, 81, 243)]
    # Every third centre of the finer grid is a centre of the coarser.
    first = error(ends[0], ends[1][:, 1::3])
    second = error(ends[1], ends[2][:, 1::3])
    assert np.log(first / second) / np.log(3) == pytest.approx(2, abs=0.4)


def test_sorption__shorter_steps__second_order():
    ends = [
        pde1d._diffusion_sorption(_polluted(32), 40.0, s) for s in (20, 40, 80, 800)
    ]
    errors = [error(end, ends[-1]) for end in ends[:-1]]
    assert (orders(errors) > 1.6).all()


def test_sorption__total_changes_by_the_flow_through_the_ends():
    def total(u):
        return (u + pde1d._CAPACITY * u**pde1d._FREUNDLICH).mean(1)

    u, n_cells, step = _polluted(64), 64, 1e-3
    ends = [u, *(pde1d._diffusion_sorption(u, t * step, t) for t in (1, 2))]
    wall = 2 * 5e-4 * n_cells
    inflow = [wall * (1 - u[:, 0]) - wall / (1 + wall) * u[:, -1] for u in ends]
    change = (total(ends[2]) - total(ends[0])) / (2 * step)
    np.testing.assert_allclose(change, inflow[1], rtol=1e-4)


def test_sorption__sample_alone__the_same():
    u = _polluted(64)
    both = pde1d._diffusion_sorption(u, 20.0, 20)
    np.testing.assert_allclose(
        both[1:], pde1d._diffusion_sorption(u[1:], 20.0, 20), atol=1e-9
    )
