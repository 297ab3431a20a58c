"""Optimal transport between uniform weights: network simplex and debiased Sinkhorn."""

import logging
import math
import warnings

import numpy as np
import torch
from scipy.spatial.distance import cdist
from sklearn.exceptions import ConvergenceWarning

_LOG = logging.getLogger("sklearn_pare.otdd")

# With more points per side the network simplex takes minutes.
EXACT_LIMIT = 4_000
_SIMPLEX_STEPS = 10_000_000
# Regularisation relative to the mean cost within the two sides.
REGULARISATION = 0.05
TOLERANCE = 1e-3
MAX_ITERATIONS = 2_000
# Momentum from this iteration on, for slow problems.
_PLAIN_STEPS = 20
_MOMENTUM = 0.85
# Larger cost matrices are not kept but computed block by block.
_DENSE_ENTRIES = 32_000_000
_BLOCK_ENTRIES = 4_000_000
# Intermediate results of this size fit into the cache of a core.
_CACHED_ENTRIES = 100_000


class Cost:
    """Squared distances of samples x (n, d), y (m, d) plus those of their classes.

    ``labels`` holds class codes (n,) and (m,), and squared distances of the classes;
    ``matrix`` is the result (n, m), if it is known already.
    """

    def __init__(self, x, y, labels=None, matrix=None):
        self._x, self._y = _tensor(x), _tensor(y)
        self._labels = labels and tuple(map(_tensor, labels))
        self.shape = len(x), len(y)
        if matrix is None and len(x) * len(y) <= _DENSE_ENTRIES:
            matrix = self._block(slice(None))
        self._matrix = matrix

    def _block(self, rows):
        # About one origin, so that rounding depends on the spread, not on the mean.
        origin = self._y.mean(0)
        x, y = self._x[rows] - origin, self._y - origin
        square = (x * x).sum(1)[:, None] + (y * y).sum(1) - 2 * x @ y.T
        square = square.clamp_min(0)
        if self._labels is not None:
            codes_x, codes_y, between = self._labels
            square = square + between[codes_x[rows]][:, codes_y]
        return square

    def blocks(self):
        """Yield blocks of rows of the matrix, in order."""
        if self._matrix is not None:
            yield self._matrix
            return
        step = max(_BLOCK_ENTRIES // self.shape[1], 1)
        for start in range(0, self.shape[0], step):
            yield self._block(slice(start, start + step))

    def transposed(self):
        """Return the same costs with the sides exchanged."""
        labels, matrix = self._labels, self._matrix
        if labels is not None:
            labels = labels[1], labels[0], labels[2].T
        if matrix is not None:
            matrix = matrix.T.contiguous()
        return Cost(self._y, self._x, labels, matrix)

    def mean_and_largest(self):
        """Return the mean and the largest entry."""
        total, largest = 0.0, 0.0
        for block in self.blocks():
            total += block.sum().item()
            largest = max(largest, block.max().item())
        return total / (self.shape[0] * self.shape[1]), largest

    def softmin(self, potential, epsilon):
        """Return -epsilon log mean_j exp((potential_j - C_ij) / epsilon), (n,)."""
        shift = math.log(self.shape[1])
        rows = max(_CACHED_ENTRIES // self.shape[1], 1)
        sums, start = potential.new_empty(self.shape[0]), 0
        for block in self.blocks():
            for piece in block.split(rows):
                # Into one tensor: small results between large blocks would prevent the
                # memory of the blocks from being reused.
                stop = start + len(piece)
                scaled = (potential - piece) / epsilon
                torch.logsumexp(scaled, 1, out=sums[start:stop])
                start = stop
        return epsilon * (shift - sums)


def _tensor(array):
    # torch.as_tensor would move an array to torch's default device.
    return array if isinstance(array, torch.Tensor) else torch.from_numpy(array)


@torch.no_grad()
def potentials(cost, epsilon, start, symmetric=False):
    """Compute the dual potentials (n,) and (m,) of entropic transport.

    The regularisation is annealed from ``start`` to ``epsilon``. Both potentials move
    half-way in each step. For equal sides (``symmetric``) these are the steps of the
    symmetric problem, so that the debiased value is 0 after any number of steps; both
    potentials are then one tensor.
    """
    back = cost if symmetric else cost.transposed()
    example = next(cost.blocks())
    f, g = (example.new_zeros(size) for size in cost.shape)

    def step(f, g, at):
        return cost.softmin(g, at), f if symmetric else back.softmin(f, at)

    at = max(start, epsilon)
    while at > epsilon:
        new_f, new_g = step(f, g, at)
        f, g = (f + new_f) / 2, (g + new_g) / 2
        if symmetric:
            g = f
        at /= 2
    move_f, move_g = torch.zeros_like(f), torch.zeros_like(g)
    for iteration in range(1, MAX_ITERATIONS + 1):
        new_f, new_g = step(f, g, epsilon)
        error = _marginal_error(f, new_f, epsilon)
        if not symmetric:
            error = max(error, _marginal_error(g, new_g, epsilon))
        momentum = _MOMENTUM if iteration > _PLAIN_STEPS else 0.0
        move_f = (new_f - f) / 2 + momentum * move_f
        move_g = move_f if symmetric else (new_g - g) / 2 + momentum * move_g
        f, g = f + move_f, g + move_g
        if error <= TOLERANCE:
            text = "Sinkhorn %dx%d: %d iterations, marginal error %.1e"
            _LOG.info(text, *cost.shape, iteration, error)
            break
    else:
        _report(
            f"Sinkhorn did not converge in {MAX_ITERATIONS} iterations: the error of "
            f"the marginals is {error:.1e}, above {TOLERANCE:.0e}. The value is "
            "approximate; dataset_distance with inner='exact' and max_samples=2000 is "
            "exact."
        )
    new_f, new_g = step(f, g, epsilon)
    return new_f, new_f if symmetric else new_g


def _marginal_error(old, new, epsilon):
    """Return the L1 distance between the plan's marginal and the uniform one."""
    return torch.expm1((old - new) / epsilon).abs().mean().item()


def scales(cost_a, cost_b, cost_ab):
    """Return the regularisation and the start of annealing for three matrices."""
    mean_a, largest_a = cost_a.mean_and_largest()
    mean_b, largest_b = cost_b.mean_and_largest()
    largest = max(largest_a, largest_b, cost_ab.mean_and_largest()[1])
    epsilon = REGULARISATION * (mean_a + mean_b) / 2
    # If both sides are single points, every regularisation gives the same value.
    return max(epsilon, 1e-9 * largest, np.finfo(np.float64).tiny), largest


def divergence(cost_ab, cost_a, cost_b):
    """Return max(OT(a, b) - OT(a, a) / 2 - OT(b, b) / 2, 0), by Sinkhorn."""
    epsilon, start = scales(cost_a, cost_b, cost_ab)
    if start == 0:
        return 0.0
    f, g = potentials(cost_ab, epsilon, start)
    own_a, _ = potentials(cost_a, epsilon, start, symmetric=True)
    own_b, _ = potentials(cost_b, epsilon, start, symmetric=True)
    return max(((f - own_a).mean() + (g - own_b).mean()).item(), 0.0)


def simplex(cost):
    """Return the exact transport cost for a cost matrix (n, m)."""
    import ot  # slow to import, and only needed here

    with warnings.catch_warnings():
        # Reported below.
        warnings.simplefilter("ignore")
        value, log = ot.emd2([], [], cost, numItermax=_SIMPLEX_STEPS, log=True)
    if log["warning"] is not None:
        _report(
            f"The network simplex did not finish {cost.shape[0]}x{cost.shape[1]} "
            f"points in {_SIMPLEX_STEPS} steps ({log['warning']}), so the value is "
            f"approximate: pass max_samples={min(cost.shape) // 2}."
        )
    return max(float(value), 0.0)


def squared_w2(x, y, exact):
    """Return the squared 2-Wasserstein distance of points (n, d) and (m, d)."""
    if exact and min(len(x), len(y)) == 1:
        # There is only one coupling with a single point.
        return float(cdist(x, y, "sqeuclidean").mean())
    if exact and max(len(x), len(y)) <= EXACT_LIMIT:
        return simplex(cdist(x, y, "sqeuclidean"))
    return divergence(Cost(x, y), Cost(x, x), Cost(y, y))


def _report(message):
    _LOG.warning(message)
    warnings.warn(message, ConvergenceWarning, stacklevel=2)
