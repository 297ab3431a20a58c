"""Solvers in a square against exact solutions, finer grids and linear theory."""

import numpy as np
import pytest

from sklearn_pare.datasets import make_darcy
from sklearn_pare.datasets.simulate import pde2d
from sklearn_pare.datasets.simulate._pde import flow_matrix
from tests.datasets.simulate.numerics import error, orders


def _cosines(n_cells, seed=0):
    """Return one smooth state of two fields, sampled at any resolution."""
    a = 0.4 * np.random.RandomState(seed).standard_normal((2, 3, 3))
    x = (np.arange(n_cells) + 0.5) / n_cells
    basis = np.cos(np.pi * np.arange(3)[:, None] * x)
    return np.einsum("cij,ix,jy->cxy", a, basis, basis)[None]


def test_fitzhugh_nagumo__shorter_steps__second_order():
    state = _cosines(24)
    ends = [pde2d._fitzhugh_nagumo(state, 2.0, s) for s in (20, 40, 80, 800)]
    errors = [error(end, ends[-1]) for end in ends[:-1]]
    np.testing.assert_allclose(orders(errors), 2, atol=0.2)


def test_fitzhugh_nagumo__three_times_the_cells__the_same():
    # Every third centre of a fine grid is a centre of the coarse grid.
    fine = pde2d._fitzhugh_nagumo(_cosines(72), 1.0, 40)[..., 1::3, 1::3]
    errors = [
        error(pde2d._fitzhugh_nagumo(_cosines(24), 1.0, 40), fine),
        error(pde2d._fitzhugh_nagumo(_cosines(8), 1.0, 40), fine[..., 1::3, 1::3]),
    ]
    assert errors[0] < 1e-5
    assert errors[0] < errors[1] / 100


def test_fitzhugh_nagumo__one_small_cosine__linear_theory():
    # The system is linear near its equilibrium u* = v* = -cbrt(5e-3).
    rest = -np.cbrt(5e-3)
    x = (np.arange(32) + 0.5) / 32
    mode = np.cos(3 * np.pi * x)[:, None] * np.cos(2 * np.pi * x)
    state = rest + 1e-6 * np.stack([mode, -2 * mode])[None]
    square = (3**2 + 2**2) * (np.pi / 2) ** 2
    matrix = np.array([[1 - 3 * rest**2 - 1e-3 * square, -1], [1, -1 - 5e-3 * square]])
    # Splitting moves the equilibrium by the square of a step: compare without the mean.
    values, vectors = np.linalg.eig(matrix)
    growth = (vectors * np.exp(values)) @ np.linalg.solve(vectors, [1, -2])
    found = pde2d._fitzhugh_nagumo(state, 1.0, 400) / 1e-6
    found -= found.mean((2, 3), keepdims=True)
    np.testing.assert_allclose(found[0], growth.real[:, None, None] * mode, atol=2e-4)


def _poisson(size):
    """Return the series solution of -Laplace(u) = 1 at the centres of the cells."""
    x = (np.arange(size) + 0.5) / size
    odd = np.arange(1, 400, 2)
    sine = np.sin(np.pi * odd[:, None] * x)
    weight = 16 / np.pi**4 / np.outer(odd, odd)
    weight /= odd[:, None] ** 2 + odd**2
    return sine.T @ weight @ sine


def test_darcy__uniform__series_at_second_order():
    errors = [error(pde2d._darcy(np.ones((n, n))), _poisson(n)) for n in (8, 16, 32)]
    np.testing.assert_allclose(orders(errors), 2, atol=0.2)
    assert errors[-1] < 1e-4
    found = pde2d._darcy(np.full((16, 16), 7.0))
    np.testing.assert_allclose(found, _poisson(16) / 7, atol=1e-4)


def test_darcy__smooth_medium__second_order():
    def solve(size):
        x = (np.arange(size) + 0.5) / size
        return pde2d._darcy(np.exp(np.sin(3 * x) + np.cos(4 * x[:, None] - 1)))

    coarse, middle, fine = (solve(n) for n in (9, 27, 81))
    first = error(coarse, middle[1::3, 1::3])
    second = error(middle, fine[1::3, 1::3])
    assert np.log(first / second) / np.log(3) == pytest.approx(2, abs=0.3)


def test_darcy__all_water_leaves_through_the_border():
    X, y = make_darcy(5, size=16, medium="two-valued", random_state=0)
    for (k,), pressure in zip(X, y, strict=True):
        edge = k * pressure
        out = edge[0].sum() + edge[-1].sum() + edge[:, 0].sum() + edge[:, -1].sum()
        assert 2 * out == pytest.approx(1, rel=1e-10)
        assert (pressure > 0).all()


def test_flow_matrix__symmetric_and_closed_sides():
    k = np.exp(np.random.RandomState(0).standard_normal((5, 7)))
    outflow = np.zeros_like(k)
    for walls, sides in [(True, np.s_[:, [0, -1]]), (False, np.s_[[0, -1]])]:
        matrix = flow_matrix(k, walls).toarray()
        np.testing.assert_array_equal(matrix, matrix.T)
        outflow[sides] += 2 * k[sides]
        np.testing.assert_allclose(matrix.sum(1), outflow.ravel(), atol=1e-12)


@pytest.mark.parametrize("size", [16, 32])
def test_random_fields__covariance(size):
    spectrum = 1 / (pde2d._wave_squares(size) + 9)
    spectrum[0, 0] = 0
    field = pde2d._random_fields((3000,), spectrum, np.random.RandomState(0))
    np.testing.assert_allclose(field.mean((1, 2)), 0, atol=1e-12)
    assert (field**2).mean() == pytest.approx(1, abs=0.05)
    x = (np.arange(size) + 0.5) / size
    wave = np.arange(size)
    scale = np.where(wave == 0, 1, np.sqrt(2))[:, None]
    basis = np.cos(np.pi * wave[:, None] * x) * scale
    covariance = np.einsum(
        "k,kx,kl,l->x", basis[:, 3], basis, spectrum**2, basis[:, 5] ** 2
    )
    covariance /= (spectrum**2).sum()
    found = (field[:, 3, 5, None] * field[:, :, 5]).mean(0)
    np.testing.assert_allclose(found, covariance, atol=0.15)


def test_darcy__lognormal__field_without_mean():
    field = np.log(make_darcy(100, size=16, random_state=0)[0])
    np.testing.assert_allclose(field.mean((2, 3)), 0, atol=1e-12)
    assert field.var() == pytest.approx(0.5, abs=0.07)


def test_darcy__two_valued__both_values():
    X, _ = make_darcy(20, medium="two-valued", random_state=0)
    assert set(np.unique(X)) == {3.0, 12.0}
    share = (X == 12).mean((1, 2, 3))
    assert 0.4 < share.mean() < 0.6
