"""Partial differential equations in a square: Darcy flow, reaction and diffusion.

They are those of PDEBench (M. Takamoto et al., NeurIPS 2022) and, for Darcy flow, of Z.
Li et al., Fourier neural operator (ICLR 2021).
"""

import numpy as np
import scipy.fft
import scipy.linalg
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions

from sklearn_pare.datasets.simulate._common import FIELD, POSITIVE, validated
from sklearn_pare.datasets.simulate._pde import pressure, strang


def _wave_squares(size):
    """Return the squared wave numbers of cosines on the unit square, (size, size)."""
    wave = np.pi * np.arange(size)
    return wave[:, None] ** 2 + wave**2


def _random_fields(shape, spectrum, rng):
    """Return Gaussian fields, mean variance 1; cosines have amplitudes ``spectrum``."""
    size = len(spectrum)
    noise = spectrum * rng.standard_normal((*shape, size, size))
    scale = size / np.sqrt((spectrum**2).sum())
    return scale * scipy.fft.idctn(noise, axes=(-2, -1), norm="ortho")


@validated(FIELD, medium=[StrOptions({"lognormal", "two-valued"})])
def make_darcy(n_samples=400, *, size=32, medium="lognormal", random_state=None):
    """Simulate the pressure of a fluid with a uniform source in a porous square.

    ``-div(a grad u) = 1`` in the unit square, with ``u = 0`` on its border. The
    permeability a is a function of a Gaussian field of covariance ``(9 -
    Laplacian)^-2`` minus its mean, as in Li et al. (2021). The solver uses finite
    volumes, with the harmonic mean of two cells at their face.

    Parameters
    ----------
    n_samples : int, default=400
    size : int, default=32
        Number of cells along each side.
    medium : {"lognormal", "two-valued"}, default="lognormal"
        "lognormal" is the exponential of the field scaled to variance 1/2; "two-valued"
        is 12 where the field is positive and 3 elsewhere.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 1, size, size)
        Permeability of each cell.
    y : ndarray of shape (n_samples, size, size)
        Pressure at the centres of the cells.
    """
    rng = check_random_state(random_state)
    spectrum = 1 / (_wave_squares(size) + 9)
    spectrum[0, 0] = 0
    field = _random_fields((n_samples,), spectrum, rng)
    if medium == "lognormal":
        X = np.exp(np.sqrt(0.5) * field)
    else:
        X = np.where(field > 0, 12.0, 3.0)
    return X[:, None], np.stack([_darcy(k) for k in X])


def _darcy(k):
    """Return the pressure (size, size) of a unit source with permeability ``k``."""
    return pressure(k, np.full(k.shape, 1 / k.size))


@validated(FIELD, time=POSITIVE)
def make_diffusion_reaction_2d(n_samples=400, *, size=32, time=5.0, random_state=None):
    """Simulate an activator and an inhibitor: the FitzHugh-Nagumo equations.

    ``u_t = 1e-3 Laplace(u) + u - u^3 - 5e-3 - v`` and ``v_t = 5e-3 Laplace(v) + u - v``
    in the square (-1, 1)^2, without flow through its border, as in PDEBench. The
    initial state of PDEBench is white noise; here it is smoothed over a length of 0.1,
    so that a coarse grid resolves it. Strang splitting separates ``u - u^3`` from the
    linear terms; both are solved exactly.

    Parameters
    ----------
    n_samples : int, default=400
    size : int, default=32
        Number of cells along each side.
    time : float, default=5.0
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 2, size, size)
        Initial activator u and inhibitor v at the centres of the cells.
    y : ndarray of shape (n_samples, 2, size, size)
        The same at ``time``.
    """
    rng = check_random_state(random_state)
    # The side is 2: the wave numbers are half those of the unit square.
    spectrum = np.exp(-0.5 * 0.1**2 * _wave_squares(size) / 4)
    X = _random_fields((n_samples, 2), spectrum, rng)
    return X, _fitzhugh_nagumo(X, time, steps=int(np.ceil(20 * time)))


def _fitzhugh_nagumo(state, time, steps):
    """Return activator and inhibitor (n, 2, size, size) at ``time``."""
    step, squares = time / steps, _wave_squares(state.shape[-1]) / 4
    one = np.ones_like(squares)
    # The matrix of the rates of (u, v) at each wave number.
    linear = np.array([[-1e-3 * squares, -one], [one, -one - 5e-3 * squares]])
    flow = scipy.linalg.expm(step * np.moveaxis(linear, (0, 1), (2, 3)))

    def spread(state):
        # The equilibrium of the linear part is u = v = -5e-3.
        spectrum = scipy.fft.dctn(state + 5e-3, axes=(2, 3))
        spectrum = np.einsum("ijab,nbij->naij", flow, spectrum)
        return scipy.fft.idctn(spectrum, axes=(2, 3)) - 5e-3

    def react(state, step):
        """Solve u_t = u - u^3 exactly."""
        u, v = state[:, 0], state[:, 1]
        u = u * np.exp(step) / np.sqrt(1 + u**2 * np.expm1(2 * step))
        return np.stack([u, v], 1)

    return strang(state, react, spread, time, steps)
