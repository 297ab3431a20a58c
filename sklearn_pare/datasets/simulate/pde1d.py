"""Partial differential equations on a line: from an initial to a later state.

The equations are those of PDEBench (M. Takamoto et al., NeurIPS Datasets and Benchmarks
2022), with parameters for which the later state is neither equal to the initial
one nor uniform. Samples of periodic problems have values at the points ``j /
resolution`` of the unit interval.
"""

from numbers import Real

import numpy as np
import scipy.fft
import scipy.linalg
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from sklearn_pare.datasets.simulate._common import LINE, POSITIVE, validated
from sklearn_pare.datasets.simulate._pde import points, random_waves, strang


@validated(LINE, speed=[Interval(Real, None, None, closed="neither")])
def make_advection(
    n_samples=400, *, resolution=256, speed=0.4, time=2.0, random_state=None
):
    """Simulate waves that travel along a ring: linear advection.

    ``u_t + speed u_x = 0``, periodic on the unit interval. The solution is exact: the
    initial state, two random sines as in PDEBench, at ``x - speed * time``.

    Parameters
    ----------
    n_samples : int, default=400
    resolution : int, default=256
        Number of grid points.
    speed : float, default=0.4
    time : float, default=2.0
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 1, resolution)
        Initial state.
    y : ndarray of shape (n_samples, resolution)
        State at ``time``.
    """
    waves = random_waves(n_samples, check_random_state(random_state))
    x = points(resolution)
    return waves(x)[:, None], waves(x - speed * time)


@validated(LINE, viscosity=POSITIVE)
def make_burgers(
    n_samples=400, *, resolution=256, viscosity=0.005, time=0.25, random_state=None
):
    """Simulate waves that steepen into shocks: the viscous Burgers equation.

    ``u_t + u u_x = viscosity u_xx``, periodic on the unit interval, starting from two
    random sines as in PDEBench. The solver uses Fourier collocation with the 2/3 rule
    against aliasing, an integrating factor for diffusion, and Runge-Kutta steps of
    order four (A.-K. Kassam, L. N. Trefethen, SIAM Journal on Scientific Computing 26,
    2005), on a grid as fine as the shocks require.

    Parameters
    ----------
    n_samples : int, default=400
    resolution : int, default=256
        Number of grid points.
    viscosity : float, default=0.005
    time : float, default=0.25
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 1, resolution)
        Initial velocity.
    y : ndarray of shape (n_samples, resolution)
        Velocity at ``time``.
    """
    waves = random_waves(n_samples, check_random_state(random_state))
    # A shock of height 2 is 4 * viscosity / 2 wide: it gets five points.
    factor = int(np.ceil(2.5 / viscosity / resolution))
    fine = factor * resolution
    # Two sines never exceed 2: a wave moves at most one cell per step.
    steps = int(np.ceil(2 * time * fine))
    u = _burgers(waves(points(fine)), viscosity, time, steps)
    return waves(points(resolution))[:, None], u[:, ::factor]


def _burgers(u, viscosity, time, steps):
    """Return the velocity at ``time`` from the initial velocity u (n, L)."""
    n_points = u.shape[1]
    wave = np.arange(n_points // 2 + 1)
    step = time / steps
    half = np.exp(-viscosity * (2 * np.pi * wave) ** 2 * step / 2)
    whole = half**2
    kept = wave < n_points / 3
    # -(u^2 / 2)_x
    derivative = -1j * np.pi * wave * kept

    def rate(spectrum):
        return derivative * scipy.fft.rfft(scipy.fft.irfft(spectrum, n_points) ** 2)

    spectrum = scipy.fft.rfft(u) * kept
    for _ in range(steps):
        a = rate(spectrum)
        b = rate(half * (spectrum + step / 2 * a))
        c = rate(half * spectrum + step / 2 * b)
        d = rate(whole * spectrum + step * half * c)
        spectrum = whole * (spectrum + step / 6 * a)
        spectrum += step / 6 * (2 * half * (b + c) + d)
    return scipy.fft.irfft(spectrum, n_points)


@validated(LINE, diffusivity=POSITIVE, rate=POSITIVE)
def make_diffusion_reaction_1d(
    n_samples=400,
    *,
    resolution=256,
    diffusivity=0.002,
    rate=5.0,
    time=0.3,
    random_state=None,
):
    """Simulate a species that spreads and grows: diffusion and logistic reaction.

    ``u_t = diffusivity u_xx + rate u (1 - u)``, periodic on the unit interval, starting
    from two random sines scaled to 0 ... 1. Strang splitting combines the exact
    solutions of diffusion and of the reaction. (With PDEBench's diffusivity of 0.5, the
    state at time 1 depends only on the initial mean.)

    Parameters
    ----------
    n_samples : int, default=400
    resolution : int, default=256
        Number of grid points.
    diffusivity : float, default=0.002
    rate : float, default=5.0
        Growth rate of a small population.
    time : float, default=0.3
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 1, resolution)
        Initial concentration.
    y : ndarray of shape (n_samples, resolution)
        Concentration at ``time``.
    """
    waves = random_waves(n_samples, check_random_state(random_state))
    u = _unit(waves(points(resolution)))
    # 50 steps for the time in which a small population grows by a factor of e.
    steps = int(np.ceil(50 * rate * time))
    return u[:, None], _diffusion_reaction_1d(u, diffusivity, rate, time, steps)


def _unit(u):
    """Scale each sample to 0 ... 1."""
    u = u - u.min(1, keepdims=True)
    return u / u.max(1, keepdims=True)


def _diffusion_reaction_1d(u, diffusivity, rate, time, steps):
    """Return the concentration at ``time`` from the initial one, u (n, L)."""
    n_points = u.shape[1]
    wave = 2 * np.pi * np.arange(n_points // 2 + 1)
    decay = np.exp(-diffusivity * wave**2 * time / steps)

    def diffuse(u):
        return scipy.fft.irfft(decay * scipy.fft.rfft(u), n_points)

    def react(u, step):
        return u / (u + (1 - u) * np.exp(-rate * step))

    return strang(u, react, diffuse, time, steps)


# Diffusivity, exponent of Freundlich's isotherm, and its weight from bulk density 2880,
# porosity 0.29 and capacity 3.5e-4, all as in PDEBench.
_DIFFUSIVITY, _FREUNDLICH = 5e-4, 0.874
_CAPACITY = (1 - 0.29) / 0.29 * 2880 * 3.5e-4


@validated(LINE)
def make_diffusion_sorption(
    n_samples=400, *, resolution=256, time=100.0, random_state=None
):
    """Simulate a pollutant that diffuses into soil and adsorbs to its grains.

    ``R(u) u_t = D u_xx`` on the unit interval, with ``u = 1`` on the left, the outflow
    ``u = -D u_x`` on the right, and the retardation ``R(u) = 1 + w n u^(n - 1)`` of
    Freundlich's isotherm; D = 5e-4, n = 0.874 and w = 2.468 are those of PDEBench.
    The initial state is a random level below 0.2 plus up to 0.8 times two random sines
    scaled to 0 ... 1. Because the exponent is close to 1, the map from the initial to
    the final state is almost linear. The solver uses finite volumes that conserve the
    dissolved and the adsorbed amount, ``u + w u^n``, and implicit Runge-Kutta steps of
    order two (R. Alexander, SIAM Journal on Numerical Analysis 14, 1977).

    Parameters
    ----------
    n_samples : int, default=400
    resolution : int, default=256
        Number of cells.
    time : float, default=100.0
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 1, resolution)
        Initial concentration at the centres of the cells.
    y : ndarray of shape (n_samples, resolution)
        Concentration at ``time``.
    """
    rng = check_random_state(random_state)
    waves = random_waves(n_samples, rng, highest=4)
    level, amount = rng.rand(2, n_samples, 1) * [[[0.2]], [[0.8]]]
    u = level + amount * _unit(waves(points(resolution) + 0.5 / resolution))
    # One step for two units of time, but at least fifty.
    steps = max(50, int(np.ceil(time / 2)))
    return u[:, None], _diffusion_sorption(u, time, steps)


def _diffusion_sorption(u, time, steps, exponent=_FREUNDLICH):
    """Return the concentration at ``time`` from u (n, L) at the cell centres."""
    n_cells = u.shape[1]
    # The rate of change of u + w u^n is ``second(u)``, a tridiagonal matrix.
    exchange = _DIFFUSIVITY * n_cells**2
    wall = 2 * _DIFFUSIVITY * n_cells
    diagonal = np.full(n_cells, -2.0 * exchange)
    diagonal[0] = -3 * exchange
    # Diffusion through half a cell and the outflow, in series.
    diagonal[-1] = -exchange - n_cells * wall / (1 + wall)
    source = np.zeros(n_cells)
    source[0] = 2 * exchange

    def second(u):
        result = diagonal * u + source
        result[:, 1:] += exchange * u[:, :-1]
        result[:, :-1] += exchange * u[:, 1:]
        return result

    # All samples form one tridiagonal system without coupling between them.
    inner = np.tile(np.arange(n_cells) > 0, len(u)).astype(float)
    bands = np.zeros((3, u.size))

    def solve(total, step, u):
        """Solve ``u + w u^n - step * second(u) = total`` from a first guess."""
        bands[0] = -step * exchange * inner
        bands[2, :-1] = bands[0, 1:]
        for _ in range(30):
            slope = 1 + _CAPACITY * exponent * u ** (exponent - 1)
            bands[1] = (slope - step * diagonal).ravel()
            residual = total - u - _CAPACITY * u**exponent + step * second(u)
            change = scipy.linalg.solve_banded((1, 1), bands, residual.ravel())
            new = np.maximum(u + change.reshape(u.shape), 1e-12)
            if np.abs(new - u).max() < 1e-11:
                break
            u = new
        return new

    u = np.maximum(u, 1e-12)
    step, gamma = time / steps, 1 - np.sqrt(0.5)
    for _ in range(steps):
        total = u + _CAPACITY * u**exponent
        u = solve(total, gamma * step, u)
        total = total + (1 - gamma) * step * second(u)
        u = solve(total, gamma * step, u)
    return u
