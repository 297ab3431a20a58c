"""Random programs, each of which describes signals of one class."""

import math
from typing import NamedTuple

import torch

from sklearn_pare.sources.formula._draw import Draw

N_KINDS, N_NODE_KINDS = 16, 8
N_ROOTS, N_NODES, N_NUMBERS = 6, 4, 16


class Programs(NamedTuple):
    """Parameters of `n` programs, each a tensor whose first axis is the program.

    Attributes
    ----------
    kinds : (n, 6), int64
        Kind of each root.
    numbers : (n, 6, 16)
        Numbers from 0 to 1 that determine a root of its kind.
    weights : (n, 4, 6)
        Weights of roots in the nodes, most of them 0.
    biases : (n, 4)
    nodes : (n, 4), int64
        Function of each node.
    outputs : (n, 4)
        Weights of nodes in the signal.
    jitter : (n,)
        Standard deviation of the numbers between signals.
    shift : (n,)
        Largest difference in time between signals.
    warp : (n,)
        Size of the distortion of time in a signal.
    noise : (n,)
        Standard deviation of white noise, where that of the signal is 1.
    """

    kinds: torch.Tensor
    numbers: torch.Tensor
    weights: torch.Tensor
    biases: torch.Tensor
    nodes: torch.Tensor
    outputs: torch.Tensor
    jitter: torch.Tensor
    shift: torch.Tensor
    warp: torch.Tensor
    noise: torch.Tensor

    def select(self, index):
        """Return the programs at the positions of an index or slice."""
        return Programs(*(value[index] for value in self))

    def to(self, device):
        """Return the programs on a device."""
        return Programs(*(value.to(device) for value in self))


def programs(n, generator):
    """Draw `n` random programs, on the device of the generator."""
    draw = Draw(generator, n)
    parents = _some(draw, 1.0, N_NODES, N_ROOTS)
    read = _some(draw, 1.5, N_NODES)
    return Programs(
        kinds=_integers(draw, N_KINDS, N_ROOTS),
        numbers=draw.uniform(0, 1, N_ROOTS, N_NUMBERS),
        weights=parents * draw.normal(N_NODES, N_ROOTS),
        biases=0.5 * draw.normal(N_NODES),
        nodes=_integers(draw, N_NODE_KINDS, N_NODES),
        outputs=read * draw.uniform(0.3, 1.3, N_NODES) * draw.normal(N_NODES).sign(),
        jitter=0.15 * draw.uniform(0, 1).square(),
        # In four of ten programs, signals begin anywhere.
        shift=torch.where(
            draw.uniform(0, 1) < 0.4, draw.uniform(0, 1), draw.uniform(0, 0.05)
        ),
        warp=draw.uniform(0, 0.05),
        noise=_log_uniform(draw, 0.003, 0.39) * (draw.uniform(0, 1) < 0.8),
    )


def _some(draw, power, *shape):
    """Mark one to three random entries along the last axis with 1, the rest with 0."""
    ranks = draw.uniform(0, 1, *shape).argsort(-1).argsort(-1)
    extra = 3 * draw.uniform(0, 1, *shape[:-1], 1) ** power
    return (ranks < 1 + extra.long()).float()


def _integers(draw, size, *shape):
    # The product of float32 numbers may be rounded to the size itself.
    return draw.uniform(0, size, *shape).long().clamp(max=size - 1)


def _log_uniform(draw, low, high):
    return torch.exp(draw.uniform(math.log(low), math.log(high)))


def families(n, members, generator):
    """Draw `n` families of programs whose members resemble each other.

    Parameters
    ----------
    n, members : int
        Number of families, and of programs in each.
    generator : torch.Generator

    Returns
    -------
    programs : Programs
        ``n * members`` programs, one family after the other. Members have the same
        roots and nodes; some numbers and all weights differ, a little or clearly.
    """
    heads = programs(n, generator)
    own = Programs(*(value.repeat_interleave(members, 0) for value in heads))
    draw = Draw(generator, n * members)
    size = 0.3 * draw.uniform(0, 1, 1, 1).square() + 0.03
    chances = draw.uniform(0, 1, N_ROOTS, N_NUMBERS)
    changed = chances < draw.uniform(0.15, 0.65, 1, 1)
    numbers = own.numbers + changed * size * draw.normal(N_ROOTS, N_NUMBERS)
    weights = own.weights * (1 + size * draw.normal(N_NODES, N_ROOTS))
    return own._replace(
        numbers=numbers.remainder(1),
        weights=weights,
        # Signals of one member vary less than the members.
        jitter=torch.minimum(own.jitter, 0.3 * size[:, 0, 0]),
    )
