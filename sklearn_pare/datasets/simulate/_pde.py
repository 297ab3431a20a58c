"""Tools shared by the solvers of partial differential equations."""

from numbers import Integral, Real

import numpy as np
import scipy.sparse
from sklearn.utils._param_validation import Interval

from sklearn_pare.datasets.simulate._common import _N_SAMPLES

_POSITIVE = [Interval(Real, 0, None, closed="neither")]
_LINE = {
    "n_samples": _N_SAMPLES,
    # Initial states have up to eight waves: at least four points per wave.
    "resolution": [Interval(Integral, 32, None, closed="left")],
    "time": _POSITIVE,
    "random_state": ["random_state"],
}


def _flow_matrix(k, sides):
    """Return finite volumes of -div(k grad p) on square cells of permeability k (h, w).

    The pressure is prescribed on the borders in ``sides`` ("left", "right", "top",
    "bottom"), half a cell from the nearest centre; nothing flows through the others.
    """
    # Two half cells in series: the harmonic mean at each face.
    across = 2 * k[:, 1:] * k[:, :-1] / (k[:, 1:] + k[:, :-1])
    along = 2 * k[1:] * k[:-1] / (k[1:] + k[:-1])
    diagonal = np.zeros_like(k)
    diagonal[:, 1:] += across
    diagonal[:, :-1] += across
    diagonal[1:] += along
    diagonal[:-1] += along
    border = {
        "left": np.s_[:, 0],
        "right": np.s_[:, -1],
        "top": np.s_[0],
        "bottom": np.s_[-1],
    }
    for side in sides:
        diagonal[border[side]] += 2 * k[border[side]]
    # There is no face between the end of a row and the start of the next.
    neighbours = np.pad(across, ((0, 0), (0, 1))).ravel()[:-1]
    width = k.shape[1]
    return scipy.sparse.diags_array(
        [diagonal.ravel(), -neighbours, -neighbours, -along.ravel(), -along.ravel()],
        offsets=[0, 1, -1, width, -width],
    ).tocsc()


def _strang(u, react, diffuse, time, steps):
    """Advance ``u`` by Strang splitting, which is of second order in the step.

    G. Strang, SIAM Journal on Numerical Analysis 5 (1968). ``react(u, step)`` and
    ``diffuse(u)`` advance one process each, the latter by ``time / steps``.
    """
    step = time / steps
    u = react(u, step / 2)
    for _ in range(steps - 1):
        # Two half steps of the reaction meet between two steps.
        u = react(diffuse(u), step)
    return react(diffuse(u), step / 2)


def _random_waves(n_samples, rng, highest=8):
    """Return PDEBench's periodic initial states, a function of x, (L,) -> (n, L).

    They are two sines of one to ``highest`` periods. One sample in ten is their
    absolute value with a random sign, and one in ten is multiplied by a window.
    """
    shape = (n_samples, 2, 1)
    periods = rng.randint(1, highest + 1, shape)
    amplitude, phase = rng.rand(*shape), 2 * np.pi * rng.rand(*shape)
    folded, windowed = rng.rand(2, n_samples, 1) < 0.1
    sign = rng.choice([-1, 1], (n_samples, 1))
    start = rng.uniform(0.1, 0.45, (n_samples, 1))
    end = rng.uniform(0.55, 0.9, (n_samples, 1))

    def waves(x):
        x = x % 1
        u = (amplitude * np.sin(2 * np.pi * periods * x + phase)).sum(1)
        u = np.where(folded, sign * np.abs(u), u)
        window = (np.tanh((x - start) / 0.01) - np.tanh((x - end) / 0.01)) / 2
        return np.where(windowed, window * u, u)

    return waves


def _points(n):
    return np.arange(n) / n
