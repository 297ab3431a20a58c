"""The dataset distance as a loss: features of the target move towards the source."""

import numpy as np
import torch

from sklearn_pare.exceptions import DataError
from sklearn_pare.otdd import _solvers
from sklearn_pare.otdd._classes import between, statistics
from sklearn_pare.otdd._inputs import (
    check_choices,
    check_same_width,
    draw_seed,
    rows_and_codes,
)


class Alignment:
    """Squared dataset distance to a fixed source, differentiable in the other side.

    Everything that only depends on the source is computed once: the statistics of its
    classes, the distances between them, and its own transport.

    Parameters
    ----------
    X_source : array-like of shape (n, d), (n, N, d) or (n, ...)
        Rows of the source, as in `dataset_distance`.
    y_source : array-like of shape (n,) or (n, ...), or None
        Their targets, as in `dataset_distance`.
    inner : {"gaussian", "exact", "sinkhorn"}, default="gaussian"
        Distance between classes.
    max_samples : int, default=None
        At most so many rows of the source.
    random_state : int, RandomState instance or None, default=None
        Which rows are drawn, and where k-means begins.

    Notes
    -----
    The alignment stage of ORCA (Shen et al., ICML 2023) with d^2 in place of d^2 / 2.
    The coupling is debiased Sinkhorn, regularised by 0.05 of the mean cost within the
    source. As in ORCA, distances between classes are plain numbers to the gradient:
    they shape the coupling, and the gradient reaches the features through the distance
    of rows alone.

    Examples
    --------
    >>> import torch
    >>> from sklearn_pare.otdd import Alignment
    >>> source = torch.tensor([[0.0, 0.0], [0.0, 1.0], [5.0, 0.0], [5.0, 1.0]])
    >>> alignment = Alignment(source, ["left", "left", "right", "right"])
    >>> features = (source + 1).requires_grad_()
    >>> loss = alignment.loss(features, [0, 0, 1, 1])
    >>> round(loss.item(), 4)  # 2 |v|^2 with v = (1, 1)
    4.0
    >>> loss.backward()
    >>> bool((features.grad > 0).all())
    True
    """

    def __init__(
        self,
        X_source,
        y_source,
        *,
        inner="gaussian",
        max_samples=None,
        random_state=None,
    ):
        check_choices(inner, max_samples)
        self._inner = inner
        self._seed = draw_seed(random_state)
        rows, codes = rows_and_codes(
            X_source, y_source, ("X_source", "y_source"), max_samples, self._seed
        )
        self._classes = statistics(rows, codes, inner)
        own = between(self._classes, self._classes, inner)
        self._rows, self._codes = torch.from_numpy(rows), torch.from_numpy(codes)
        labels = self._codes, self._codes, torch.from_numpy(own)
        cost = _solvers.Cost(self._rows, self._rows, labels)
        self._epsilon, self._start = _solvers.scales(cost, cost, cost)
        self._own, _ = _solvers.potentials(
            cost, self._epsilon, self._start, symmetric=True
        )

    def label_distances(self, features, labels=None):
        """Squared distances between classes, as plain numbers.

        Parameters
        ----------
        features : torch.Tensor of shape (B, d)
            At least 2 rows.
        labels : array-like of shape (B,), or None
            Classes of the rows; None: one class.

        Returns
        -------
        cross : torch.Tensor of shape (n_classes_source, n_classes), float64
        own : torch.Tensor of shape (n_classes, n_classes), float64
        """
        rows, codes = self._target(features, labels)
        classes = statistics(rows, codes, self._inner)
        cross = between(self._classes, classes, self._inner)
        own = between(classes, classes, self._inner)
        return torch.from_numpy(cross), torch.from_numpy(own)

    def loss(self, features, labels=None, *, label_distances=None):
        """Squared distance of a batch from the source.

        Parameters
        ----------
        features : torch.Tensor of shape (B, d)
            At least 2 rows, on any device that has float64.
        labels : array-like of shape (B,), or None
            Classes of the rows; None: one class.
        label_distances : tuple of torch.Tensor, default=None
            What the method `label_distances` gave for rows of exactly the same classes.
            Given, it is held fixed: the loss is then a function whose gradient is exact
            up to the solver's tolerance. None: computed from this batch.

        Returns
        -------
        loss : torch.Tensor, a scalar of the dtype of `features`
            In squared units of the features; with few rows it can be below 0 by the
            solver's tolerance.

        Raises
        ------
        DataError
            For features or labels that cannot be used.
        """
        if label_distances is None:
            label_distances = self.label_distances(features, labels)
        _, codes = self._target(features, labels)
        device = features.device
        cross, own = (part.to(device) for part in label_distances)
        if own.shape[0] != codes.max() + 1:
            raise DataError(
                f"labels hold {codes.max() + 1} classes, but label_distances holds "
                f"{own.shape[0]}: call label_distances(features, labels) again."
            )
        codes = torch.from_numpy(codes).to(device)
        source, source_codes = self._rows.to(device), self._codes.to(device)
        y = features.double()
        cost = _solvers.Cost(source, y, (source_codes, codes, cross))
        cost_own = _solvers.Cost(y, y, (codes, codes, own))

        # A source without spread has no scale of its own.
        epsilon, start = self._epsilon, self._start
        largest = cost.mean_and_largest()[1]
        if epsilon < 1e-9 * largest:
            epsilon, start = 1e-9 * largest, largest
        f, g = _solvers.potentials(cost, epsilon, start)
        own_g, _ = _solvers.potentials(cost_own, epsilon, start, symmetric=True)
        value = (f - self._own.to(device)).mean() + (g - own_g).mean()
        # Envelope theorem: at the optimum only the costs carry a gradient, weighted by
        # the plans.
        moved = _spent(cost, f, g, epsilon)
        moved = moved - _spent(cost_own, own_g, own_g, epsilon) / 2
        return (moved + (value - moved).detach()).to(features.dtype)

    def _target(self, features, labels):
        if not isinstance(features, torch.Tensor) or features.ndim != 2:
            found = getattr(features, "shape", type(features).__name__)
            raise DataError(
                f"features are {found}, but must be a tensor of shape (B, d): take the "
                "mean over tokens first."
            )
        rows = features.detach().double().cpu().numpy()
        if isinstance(labels, torch.Tensor):
            labels = labels.cpu().numpy()
        rows, codes = rows_and_codes(
            rows, labels, ("features", "labels"), None, self._seed
        )
        check_same_width(np.asarray(self._rows), rows, "X_source", "features")
        return rows, codes


def _spent(cost, f, g, epsilon):
    """Cost of the plan that belongs to two potentials, the plan held fixed."""
    total, start = 0.0, 0
    for block in cost.blocks():
        own = f[start : start + len(block), None]
        start += len(block)
        with torch.no_grad():
            plan = torch.exp((own + g - block) / epsilon)
            plan /= cost.shape[0] * cost.shape[1]
        total = total + (plan * block).sum()
    return total
