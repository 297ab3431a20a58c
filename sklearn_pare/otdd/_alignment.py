"""The dataset distance as a loss that moves features towards a source."""

import torch

from sklearn_pare.exceptions import DataError
from sklearn_pare.otdd import _solvers
from sklearn_pare.otdd._classes import between, statistics
from sklearn_pare.otdd._inputs import (
    check_choices,
    check_same_width,
    draw_seed,
    vectors_and_codes,
)


class Alignment:
    """Squared dataset distance to a fixed source, differentiable in the other side.

    All that depends only on the source is computed once: the statistics of its classes,
    the distances between them, and its transport to itself.

    Parameters
    ----------
    X_source : array-like of shape (n, d), (n, N, d) or (n, ...)
        Samples of the source, as in ``dataset_distance``.
    y_source : array-like of shape (n,) or (n, ...), or None
        Targets of the source, as in ``dataset_distance``.
    inner : {"gaussian", "exact", "sinkhorn"}, default="gaussian"
        Distance between classes.
    max_samples : int, default=None
        Largest number of samples of the source. None means no limit.
    random_state : int, RandomState instance or None, default=None
        Determines the samples drawn and the initialisation of k-means.

    Notes
    -----
    This is the alignment stage of ORCA (Shen et al., ICML 2023), with d^2 in place of
    d^2 / 2. The coupling is debiased Sinkhorn, regularised by 0.05 of the mean cost
    within the source. As in ORCA, the distances between classes determine the coupling
    but have no gradient; the features get one only from the distances of samples.

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
        check_choices(inner, max_samples, "Alignment")
        self._inner = inner
        self._seed = draw_seed(random_state)
        X, codes = vectors_and_codes(
            X_source, y_source, ("X_source", "y_source"), max_samples, self._seed
        )
        self._classes = statistics(X, codes, inner)
        own = between(self._classes, self._classes, inner)
        self._X, self._codes = torch.from_numpy(X), torch.from_numpy(codes)
        cost = _solvers.Cost(X, X, (codes, codes, own))
        self._epsilon, self._start = _solvers.scales(cost, cost, cost)
        self._own, _ = _solvers.potentials(
            cost, self._epsilon, self._start, symmetric=True
        )

    def label_distances(self, features, labels=None):
        """Compute the squared distances between classes, without a gradient.

        Parameters
        ----------
        features : torch.Tensor of shape (B, d)
            At least 2 samples.
        labels : array-like of shape (B,), or None
            Classes of the samples. None means a single class.
        """
        classes = statistics(*self._vectors_and_codes(features, labels), self._inner)
        cross = between(self._classes, classes, self._inner)
        own = between(classes, classes, self._inner)
        return torch.from_numpy(cross), torch.from_numpy(own)

    def loss(self, features, labels=None, *, label_distances=None):
        """Compute the squared distance of a batch from the source.

        Parameters
        ----------
        features : torch.Tensor of shape (B, d)
            At least 2 samples, on any device that supports float64.
        labels : array-like of shape (B,), or None
            Classes of the samples. None means a single class.
        label_distances : tuple of torch.Tensor, default=None
            Result of the method ``label_distances`` for samples of the same classes.
            With these held fixed, the gradient of the loss is exact up to the solver's
            tolerance. None means that they are computed from this batch.

        Returns
        -------
        loss : torch.Tensor, a scalar of the dtype of ``features``
            In squared units of the features. With few samples it can be negative, by
            no more than the solver's tolerance.

        Raises
        ------
        DataError
            If features or labels cannot be used.
        """
        if label_distances is None:
            label_distances = self.label_distances(features, labels)
        _, codes = self._vectors_and_codes(features, labels)
        device = features.device
        cross, own = (part.to(device) for part in label_distances)
        if own.shape[0] != codes.max() + 1:
            raise DataError(
                f"labels hold {codes.max() + 1} classes, but label_distances holds "
                f"{own.shape[0]}: compute label_distances(features, labels) again."
            )
        codes = torch.from_numpy(codes).to(device)
        source, source_codes = self._X.to(device), self._codes.to(device)
        y = features.double()
        cost = _solvers.Cost(source, y, (source_codes, codes, cross))
        cost_own = _solvers.Cost(y, y, (codes, codes, own))

        # A source of equal samples has no scale of its own.
        epsilon, start = self._epsilon, self._start
        largest = cost.mean_and_largest()[1]
        if epsilon < 1e-9 * largest:
            epsilon, start = 1e-9 * largest, largest
        f, g = _solvers.potentials(cost, epsilon, start)
        own_g, _ = _solvers.potentials(cost_own, epsilon, start, symmetric=True)
        value = (f - self._own.to(device)).mean() + (g - own_g).mean()
        # By the envelope theorem, the gradient at the optimum is that of the costs,
        # weighted by the plans.
        moved = _plan_cost(cost, f, g, epsilon)
        moved = moved - _plan_cost(cost_own, own_g, own_g, epsilon) / 2
        return (moved + (value - moved).detach()).to(features.dtype)

    def _vectors_and_codes(self, features, labels):
        if not isinstance(features, torch.Tensor) or features.ndim != 2:
            found = getattr(features, "shape", type(features).__name__)
            raise DataError(
                f"features are {found}, but must be a tensor of shape (B, d): take the "
                "mean over tokens first."
            )
        X = features.detach().double().cpu().numpy()
        if isinstance(labels, torch.Tensor):
            labels = labels.cpu().numpy()
        X, codes = vectors_and_codes(
            X, labels, ("features", "labels"), None, self._seed
        )
        check_same_width(self._X, X, "X_source", "features")
        return X, codes


def _plan_cost(cost, f, g, epsilon):
    """Return the cost of the plan of two potentials; the plan has no gradient."""
    total, start = 0.0, 0
    for block in cost.blocks():
        own = f[start : start + len(block), None]
        start += len(block)
        with torch.no_grad():
            plan = torch.exp((own + g - block) / epsilon)
            plan /= cost.shape[0] * cost.shape[1]
        total = total + (plan * block).sum()
    return total
