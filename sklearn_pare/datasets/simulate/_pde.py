"""Tools shared by the solvers of partial differential equations."""

import numpy as np
import scipy.sparse
import scipy.sparse.linalg


def flow_matrix(k, walls=False):
    """Return finite volumes of -div(k grad p) on square cells of permeability k (h, w).

    The pressure is prescribed on the border, half a cell from the nearest centres; if
    ``walls``, nothing flows through the top and the bottom.
    """
    # Two half cells in series: the harmonic mean at each face.
    across = 2 * k[:, 1:] * k[:, :-1] / (k[:, 1:] + k[:, :-1])
    along = 2 * k[1:] * k[:-1] / (k[1:] + k[:-1])
    diagonal = np.zeros_like(k)
    diagonal[:, 1:] += across
    diagonal[:, :-1] += across
    diagonal[1:] += along
    diagonal[:-1] += along
    diagonal[:, [0, -1]] += 2 * k[:, [0, -1]]
    if not walls:
        diagonal[[0, -1]] += 2 * k[[0, -1]]
    # There is no face between the end of a row and the start of the next.
    neighbours = np.pad(across, ((0, 0), (0, 1))).ravel()[:-1]
    width = k.shape[1]
    return scipy.sparse.diags_array(
        [diagonal.ravel(), -neighbours, -neighbours, -along.ravel(), -along.ravel()],
        offsets=[0, 1, -1, width, -width],
    ).tocsc()


def pressure(k, source, walls=False):
    """Return the pressure (h, w) for a source in each cell, see ``flow_matrix``."""
    return scipy.sparse.linalg.spsolve(
        flow_matrix(k, walls), source.ravel(), permc_spec="MMD_AT_PLUS_A"
    ).reshape(k.shape)


def strang(u, react, diffuse, time, steps):
    """Advance ``u`` by Strang splitting (SIAM Journal on Numerical Analysis 5, 1968).

    ``react(u, step)`` and ``diffuse(u)``, by ``time / steps``, advance one process
    each.
    """
    step = time / steps
    u = react(u, step / 2)
    for _ in range(steps - 1):
        # Two half steps of the reaction meet between two steps.
        u = react(diffuse(u), step)
    return react(diffuse(u), step / 2)


def random_waves(n_samples, rng, highest=8):
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


def points(n):
    return np.arange(n) / n
