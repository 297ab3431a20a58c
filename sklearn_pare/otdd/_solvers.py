"""Optimal transport between uniform weights: network simplex, or debiased Sinkhorn."""

import logging
import math
import warnings

import numpy as np
import torch
from scipy.spatial.distance import cdist
from sklearn.exceptions import ConvergenceWarning

_LOG = logging.getLogger("sklearn_pare.otdd")

# Beyond this many points a side the network simplex takes minutes.
EXACT_LIMIT = 4_000
_SIMPLEX_STEPS = 10_000_000
# Regularisation as a part of the mean cost within the two sides.
REGULARISATION = 0.05
TOLERANCE = 1e-3
MAX_ITERATIONS = 2_000
# Slow problems are pushed on by part of their last step, easy ones end before.
_PLAIN_STEPS = 20
_MOMENTUM = 0.85
# Cost matrices up to this many entries are kept, larger ones made block by block.
_DENSE_ENTRIES = 32_000_000
_BLOCK_ENTRIES = 4_000_000
# Intermediate results of this many entries stay in the cache of a core.
_CACHED_ENTRIES = 100_000


class Cost:
    """Squared distances of rows plus distances of their classes, by blocks of rows.

    Parameters
    ----------
    x : torch.Tensor of shape (n, d), float64
    y : torch.Tensor of shape (m, d), float64
    labels : tuple (codes of x, codes of y, label costs) or None
        Tensors of shape (n,), (m,) and (n_classes_x, n_classes_y).
    """

    def __init__(self, x, y, labels=None):
        self._x, self._y, self._labels = x, y, labels
        self.shape = len(x), len(y)
        self._kept = None
        if len(x) * len(y) <= _DENSE_ENTRIES:
            self._kept = [self._block(slice(None))]

    def _block(self, rows):
        # Differences about one origin: rounding is that of the spread, not of the mean.
        origin = self._y.mean(0)
        x, y = self._x[rows] - origin, self._y - origin
        square = (x * x).sum(1)[:, None] + (y * y).sum(1) - 2 * x @ y.T
        square = square.clamp_min(0)
        if self._labels is not None:
            codes_x, codes_y, between = self._labels
            square = square + between[codes_x[rows]][:, codes_y]
        return square

    def blocks(self):
        """Rows of the matrix in order, some at a time."""
        if self._kept is not None:
            yield from self._kept
            return
        step = max(_BLOCK_ENTRIES // self.shape[1], 1)
        for start in range(0, self.shape[0], step):
            yield self._block(slice(start, start + step))

    def transposed(self):
        """The same costs with the sides exchanged."""
        other = object.__new__(Cost)
        labels = self._labels and (
            self._labels[1],
            self._labels[0],
            self._labels[2].T,
        )
        other._x, other._y, other._labels = self._y, self._x, labels
        other.shape = self.shape[::-1]
        other._kept = self._kept and [self._kept[0].T.contiguous()]
        return other

    def mean_and_largest(self):
        """Mean and largest entry."""
        total, largest = 0.0, 0.0
        for block in self.blocks():
            total += block.sum().item()
            largest = max(largest, block.max().item())
        return total / (self.shape[0] * self.shape[1]), largest

    def softmin(self, potential, epsilon):
        """-epsilon log mean_j exp((potential_j - C_ij) / epsilon), (n,)."""
        shift = math.log(self.shape[1])
        rows = max(_CACHED_ENTRIES // self.shape[1], 1)
        sums, start = potential.new_empty(self.shape[0]), 0
        for block in self.blocks():
            for piece in block.split(rows):
                # Into one tensor: small results between large blocks would keep the
                # memory of every block from being used again.
                stop = start + len(piece)
                scaled = (potential - piece) / epsilon
                torch.logsumexp(scaled, 1, out=sums[start:stop])
                start = stop
        return epsilon * (shift - sums)


@torch.no_grad()
def potentials(cost, epsilon, start, symmetric=False):
    """Dual potentials of entropic transport, in the log domain.

    Both sides move half-way at once. With equal sides the steps are then those of the
    symmetric problem, so that the debiased value vanishes at any number of steps.

    Parameters
    ----------
    cost : Cost
    epsilon : float
        Regularisation.
    start : float
        Where the annealing of the regularisation begins.
    symmetric : bool
        Both sides are the same rows; one potential is found.

    Returns
    -------
    f : torch.Tensor of shape (n,)
    g : torch.Tensor of shape (m,)
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
        push = _MOMENTUM if iteration > _PLAIN_STEPS else 0.0
        move_f = (new_f - f) / 2 + push * move_f
        move_g = move_f if symmetric else (new_g - g) / 2 + push * move_g
        f, g = f + move_f, g + move_g
        if error <= TOLERANCE:
            _LOG.info(
                "Sinkhorn %dx%d: %d iterations, marginal error %.1e",
                *cost.shape,
                iteration,
                error,
            )
            break
    else:
        _report(
            f"Sinkhorn did not converge in {MAX_ITERATIONS} iterations: the marginals "
            f"are off by {error:.1e}, more than {TOLERANCE:.0e}. The value is "
            "approximate: dataset_distance with inner='exact' and max_samples=2000 "
            "solves exactly."
        )
    new_f, new_g = step(f, g, epsilon)
    return new_f, new_f if symmetric else new_g


def _marginal_error(old, new, epsilon):
    """L1 distance of the plan's marginal from uniform."""
    return torch.expm1((old - new) / epsilon).abs().mean().item()


def scales(cost_a, cost_b, cost_ab):
    """Regularisation and start of annealing that fit three cost matrices."""
    mean_a, largest_a = cost_a.mean_and_largest()
    mean_b, largest_b = cost_b.mean_and_largest()
    largest = max(largest_a, largest_b, cost_ab.mean_and_largest()[1])
    epsilon = REGULARISATION * (mean_a + mean_b) / 2
    # Both sides a point: any regularisation gives the same value.
    return max(epsilon, 1e-9 * largest, np.finfo(np.float64).tiny), largest


def divergence(cost_ab, cost_a, cost_b):
    """Debiased Sinkhorn: OT(a, b) - OT(a, a) / 2 - OT(b, b) / 2, at least 0."""
    epsilon, start = scales(cost_a, cost_b, cost_ab)
    if start == 0:
        return 0.0
    f, g = potentials(cost_ab, epsilon, start)
    own_a, _ = potentials(cost_a, epsilon, start, symmetric=True)
    own_b, _ = potentials(cost_b, epsilon, start, symmetric=True)
    return max(((f - own_a).mean() + (g - own_b).mean()).item(), 0.0)


def simplex(cost):
    """Exact transport cost between uniform weights for a matrix of shape (n, m)."""
    import ot  # slow to import, and needed here alone

    with warnings.catch_warnings():
        # Reported below, in our words.
        warnings.simplefilter("ignore")
        value, log = ot.emd2([], [], cost, numItermax=_SIMPLEX_STEPS, log=True)
    if log["warning"] is not None:
        _report(
            f"The network simplex did not finish {cost.shape[0]}x{cost.shape[1]} "
            f"points in {_SIMPLEX_STEPS} steps ({log['warning']}): pass max_samples="
            f"{min(cost.shape) // 2}."
        )
    return max(float(value), 0.0)


def squared_w2(x, y, exact):
    """Squared 2-Wasserstein distance of clouds (n, d), (m, d), or debiased Sinkhorn."""
    if exact and min(len(x), len(y)) == 1:
        # A single point leaves one coupling.
        return float(cdist(x, y, "sqeuclidean").mean())
    if exact and max(len(x), len(y)) <= EXACT_LIMIT:
        return simplex(cdist(x, y, "sqeuclidean"))
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    return divergence(Cost(x, y), Cost(x, x), Cost(y, y))


def _report(message):
    _LOG.warning(message)
    warnings.warn(message, ConvergenceWarning, stacklevel=2)
