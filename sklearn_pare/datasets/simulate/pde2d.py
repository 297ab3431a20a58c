"""Partial differential equations in a square: Darcy flow and reactions."""

import numpy as np
import scipy.fft
import scipy.linalg
import scipy.sparse.linalg
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions, validate_params

from sklearn_pare.datasets.simulate._common import _FIELD
from sklearn_pare.datasets.simulate._pde import _POSITIVE, _flow_matrix, _strang


def _wave_squares(size):
    """Squared wave numbers of the cosines on the unit square, (size, size)."""
    wave = np.pi * np.arange(size)
    return wave[:, None] ** 2 + wave**2


def _random_fields(shape, spectrum, rng):
    """Gaussian fields of variance 1 with the cosines' amplitudes `spectrum`.

    No gradient at the borders, where the variance is larger than inside: it is 1 on
    average. `shape` are the leading axes.
    """
    size = len(spectrum)
    noise = spectrum * rng.standard_normal((*shape, size, size))
    scale = size / np.sqrt((spectrum**2).sum())
    return scale * scipy.fft.idctn(noise, axes=(-2, -1), norm="ortho")


@validate_params(
    _FIELD | {"medium": [StrOptions({"lognormal", "two-valued"})]},
    prefer_skip_nested_validation=True,
)
def make_darcy(n_samples=400, *, size=32, medium="lognormal", random_state=None):
    """Pressure of a fluid that wells up in a porous square.

    ``-div(a grad u) = 1`` in the unit square, ``u = 0`` on its border. The permeability
    a comes from a Gaussian field of covariance ``(9 - Laplacian)^-2`` without its mean,
    as in Li et al. [1]_. Finite volumes, with the harmonic mean of two cells at their
    face, and a sparse direct solver.

    Parameters
    ----------
    n_samples : int, default=400
    size : int, default=32
        Cells along each side.
    medium : {"lognormal", "two-valued"}, default="lognormal"
        The permeability is the exponential of the field, scaled to variance 1/2, or 12
        where the field is positive and 3 elsewhere.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 1, size, size)
        Permeability of each cell.
    y : ndarray of shape (n_samples, size, size)
        Pressure at the centres of the cells.

    References
    ----------
    .. [1] Z. Li et al. Fourier neural operator for parametric partial differential
       equations. ICLR (2021).

    Examples
    --------
    >>> from sklearn_pare.datasets import make_darcy
    >>> X, y = make_darcy(5, size=16, random_state=0)
    >>> X.shape, y.shape
    ((5, 1, 16, 16), (5, 16, 16))
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
    """Pressure (size, size) of a unit source in cells of permeability `k`."""
    matrix = _flow_matrix(k, ["left", "right", "top", "bottom"])
    source = np.full(k.size, 1 / k.size)
    return scipy.sparse.linalg.spsolve(
        matrix, source, permc_spec="MMD_AT_PLUS_A"
    ).reshape(k.shape)


@validate_params(_FIELD | {"time": _POSITIVE}, prefer_skip_nested_validation=True)
def make_diffusion_reaction_2d(n_samples=400, *, size=32, time=5.0, random_state=None):
    """An activator and an inhibitor: the FitzHugh-Nagumo equations.

    ``u_t = 1e-3 Laplace(u) + u - u^3 - 5e-3 - v`` and
    ``v_t = 5e-3 Laplace(v) + u - v`` in the square (-1, 1)^2, with no flow through its
    border: PDEBench's equations [1]_. Its initial state is white noise; here the noise
    is smoothed over a length of 0.1, so that a coarse grid resolves it.

    Strang splitting of ``u - u^3``, in closed form, from all that is linear, which a
    matrix exponential solves for each cosine.

    Parameters
    ----------
    n_samples : int, default=400
    size : int, default=32
        Cells along each side.
    time : float, default=5.0
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 2, size, size)
        Initial activator u and inhibitor v at the centres of the cells.
    y : ndarray of shape (n_samples, 2, size, size)
        The same at `time`.

    References
    ----------
    .. [1] M. Takamoto et al. PDEBench: an extensive benchmark for scientific machine
       learning. NeurIPS Datasets and Benchmarks (2022).

    Examples
    --------
    >>> from sklearn_pare.datasets import make_diffusion_reaction_2d
    >>> X, y = make_diffusion_reaction_2d(5, size=16, random_state=0)
    >>> X.shape, y.shape
    ((5, 2, 16, 16), (5, 2, 16, 16))
    """
    rng = check_random_state(random_state)
    # The side is 2: half the unit square's wave numbers.
    spectrum = np.exp(-0.5 * 0.1**2 * _wave_squares(size) / 4)
    X = _random_fields((n_samples, 2), spectrum, rng)
    return X, _fitzhugh_nagumo(X, time, steps=int(np.ceil(20 * time)))


def _fitzhugh_nagumo(state, time, steps):
    """Activator and inhibitor (n, 2, size, size) at `time`."""
    step, squares = time / steps, _wave_squares(state.shape[-1]) / 4
    one = np.ones_like(squares)
    # Rates of (u, v), last axes, at each wave number.
    linear = np.array([[-1e-3 * squares, -one], [one, -one - 5e-3 * squares]])
    flow = scipy.linalg.expm(step * np.moveaxis(linear, (0, 1), (2, 3)))

    def spread(state):
        # The linear part rests at u = v = -5e-3.
        spectrum = scipy.fft.dctn(state + 5e-3, axes=(2, 3))
        spectrum = np.einsum("ijab,nbij->naij", flow, spectrum)
        return scipy.fft.idctn(spectrum, axes=(2, 3)) - 5e-3

    def react(state, step):
        """u_t = u - u^3, for any step."""
        u, v = state[:, 0], state[:, 1]
        u = u * np.exp(step) / np.sqrt(1 + u**2 * np.expm1(2 * step))
        return np.stack([u, v], 1)

    return _strang(state, react, spread, time, steps)
