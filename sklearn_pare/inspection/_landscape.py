"""The loss in a plane through the fitted weights."""

import copy

import numpy as np
import torch
from sklearn.utils import check_random_state

from sklearn_pare._utils.surroundings import pinned
from sklearn_pare.exceptions import DataError
from sklearn_pare.inspection._fitted import check_share, pyplot
from sklearn_pare.otdd import check_targets


class LossLandscapeDisplay:
    """Contours of the loss in a plane through the fitted weights.

    Use :func:`loss_landscape` to create it.

    Parameters
    ----------
    steps : ndarray of shape (n_points,)
        Steps along both directions; 0 is the fit.
    loss : ndarray of shape (n_points, n_points)
        Mean loss; the first axis is the first direction.
    """

    def __init__(self, *, steps, loss):
        self.steps = steps
        self.loss = loss

    def plot(self, *, ax=None, levels=15, cmap="viridis"):
        """Plot filled contours, and a cross at the fit."""
        plt = pyplot(f"{type(self).__name__}.plot")
        if ax is None:
            _, ax = plt.subplots(figsize=(5.4, 4.4), layout="constrained")
        self.contours_ = ax.contourf(
            self.steps, self.steps, self.loss.T, levels=levels, cmap=cmap
        )
        ax.plot(0, 0, "x", color="white")
        ax.set(xlabel="first direction", ylabel="second direction", aspect="equal")
        ax.figure.colorbar(self.contours_, ax=ax, label="loss")
        self.ax_, self.figure_ = ax, ax.figure
        return self


def loss_landscape(
    estimator, X, y, *, n_points=11, span=1.0, random_state=None, ax=None
):
    """Plot the loss of clean samples along two random directions of the weights.

    Directions are Gaussian and scaled filter by filter: for each output of each linear
    map, the direction has the norm of the weights. Biases, norm layers and the linear
    path do not change.

    Parameters
    ----------
    estimator : PaReClassifier or PaReRegressor
        Fitted; it is not changed.
    X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)
        A hundred samples are enough to see the shape.
    y : array-like of shape (n,) or (n, ...)
    n_points : int, default=11
        Number of points per direction; if it is odd, the fit is in the middle.
    span : float, default=1.0
        Longest step to each side, relative to the norm of the weights.
    random_state : int, RandomState instance or None, default=None
        Determines the directions.
    ax : matplotlib Axes, default=None

    References
    ----------
    Li et al., "Visualizing the Loss Landscape of Neural Nets", NeurIPS 2018; figure 1a
    of Cai et al., ICML 2024.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_pare import PaReClassifier
    >>> from sklearn_pare.inspection import loss_landscape
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = PaReClassifier(linear_path=False, max_epochs=1, random_state=0)
    >>> display = loss_landscape(
    ...     clf.fit(X, y), X[::10], y[::10], n_points=3, random_state=0
    ... )
    >>> display.loss.shape, bool(display.loss.max() > display.loss.min())
    ((3, 3), True)
    """
    pyplot("loss_landscape")
    if n_points < 2 or not span > 0:
        raise DataError(
            f"n_points={n_points} and span={span}, but a plane needs at least 2 points "
            "per direction and a positive span: try n_points=11, span=1.0."
        )
    check_share(estimator)
    with pinned():
        x = estimator.encode(X)
        y = estimator._check_y(check_targets(y, len(x)), estimator.input_shape_)
        target = estimator._target
        codes = torch.from_numpy(target.encode(y))
        seed = int(check_random_state(random_state).randint(2**31 - 1))
        generator = torch.Generator().manual_seed(seed)
        model = copy.deepcopy(estimator._model)
        # The linear path is not trained by steps.
        weights = [
            p
            for name, p in model.named_parameters()
            if p.ndim > 1 and not name.startswith("linear.")
        ]
        start = [p.detach().clone() for p in weights]
        first, second = ([_direction(w, generator) for w in start] for _ in "ab")
        steps = np.linspace(-span, span, n_points)
        loss = np.empty((n_points, n_points))
        with torch.no_grad():
            for i, along in enumerate(steps):
                for j, across in enumerate(steps):
                    moves = zip(weights, start, first, second, strict=True)
                    for weight, origin, a, b in moves:
                        weight.copy_(origin + along * a + across * b)
                    loss[i, j] = target.loss(model.predict(x), codes).mean().item()
    return LossLandscapeDisplay(steps=steps, loss=loss).plot(ax=ax)


def _direction(weight, generator):
    """Return a random direction with the norm of the weight for each output."""
    direction = torch.randn(weight.shape, generator=generator).flatten(1)
    norm = weight.flatten(1).norm(dim=1, keepdim=True)
    scaled = direction * (norm / direction.norm(dim=1, keepdim=True))
    return scaled.reshape(weight.shape)
