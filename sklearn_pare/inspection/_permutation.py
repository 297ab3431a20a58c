"""Importance of channels, windows and patches by permutation."""

import itertools

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.utils import Bunch, check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_pare._data.tables import is_frame
from sklearn_pare._data.validation import check_rows, shape_rows
from sklearn_pare.exceptions import DataError
from sklearn_pare.inspection._fitted import pyplot

# By the number of axes of a sample.
_PARTS = {1: ("channel",), 2: ("channel", "window"), 3: ("channel", "patch")}


def permutation_importance(
    estimator,
    X,
    y,
    *,
    by="channel",
    n_parts=8,
    n_repeats=5,
    random_state=None,
    scoring=None,
):
    """Measure by how much a score falls if a part of each sample is permuted.

    Each part in turn is exchanged at random between the samples. For columns of
    DataFrames use :func:`sklearn.inspection.permutation_importance`. Parts that hold
    the same information replace each other: the score may fall for none of them,
    although they are important together.

    Parameters
    ----------
    estimator : PaReClassifier or PaReRegressor
        Fitted.
    X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)
        Samples that the estimator was not fitted to.
    y : array-like of shape (n,) or (n, ...)
    by : {"channel", "window", "patch"}, default="channel"
        Parts to permute: channels, or columns of tables; windows of signals; or
        rectangular patches of images.
    n_parts : int, default=8
        Number of windows, or of patches along each axis.
    n_repeats : int, default=5
        Number of permutations of each part.
    random_state : int, RandomState instance or None, default=None
    scoring : str, callable or None, default=None
        Score as in scikit-learn, such as "neg_log_loss" or a scorer of
        :func:`sklearn_pare.metrics.get_scorer`; by default ``estimator.score``.

    Returns
    -------
    result : Bunch
        ``importances`` is the decrease of the score, of shape (C, n_repeats) or
        (n_parts, n_repeats), or (n_parts, n_parts, n_repeats) for patches.
        ``importances_mean`` and ``importances_std`` are its mean and standard deviation
        over the repeats.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_pare import PaReClassifier
    >>> from sklearn_pare.inspection import permutation_importance
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = PaReClassifier(max_epochs=1, random_state=0).fit(X[::2], y[::2])
    >>> permutation_importance(clf, X[1::2], y[1::2]).importances.shape
    (4, 5)
    """
    check_is_fitted(estimator)
    shape = tuple(estimator.input_shape_)
    if by not in _PARTS[len(shape)]:
        raise DataError(
            f"by={by!r}, but samples of shape {shape} have no such parts. Use "
            f"{' or '.join(f'by={part!r}' for part in _PARTS[len(shape)])}."
        )
    if is_frame(X):
        raise DataError(
            "X is a DataFrame, whose columns may be of any kind. Use "
            "sklearn.inspection.permutation_importance, which permutes columns."
        )
    X = check_rows(estimator, X, reset=False)
    form = (-1,) if X.ndim == 2 else shape
    X = np.asarray(shape_rows(X, shape)[:])
    score, rng = check_scoring(estimator, scoring), check_random_state(random_state)
    cuts, falls = _cuts(shape, by, n_parts), []
    plain = score(estimator, X.reshape(len(X), *form), y)
    for part in itertools.product(*(map(slice, cut[:-1], cut[1:]) for cut in cuts)):
        where = part if by == "channel" else (slice(None), *part)
        for _ in range(n_repeats):
            permuted, order = X.copy(), rng.permutation(len(X))
            permuted[:, *where] = X[order][:, *where]
            permuted = permuted.reshape(len(X), *form)
            falls.append(plain - score(estimator, permuted, y))
    importances = np.reshape(falls, (*(len(cut) - 1 for cut in cuts), n_repeats))
    return Bunch(
        importances=importances,
        importances_mean=importances.mean(-1),
        importances_std=importances.std(-1),
    )


def _cuts(shape, by, n_parts):
    """Return the positions at which each axis is cut into parts."""
    if by == "channel":
        return [range(shape[0] + 1)]
    parts = [(size, min(n_parts, size)) for size in shape[1:]]
    return [np.linspace(0, size, n + 1).round().astype(int) for size, n in parts]


class PermutationImportanceDisplay:
    """Decrease of a score if channels, windows or patches are permuted.

    Use ``from_estimator`` to create it.

    Parameters
    ----------
    importances : ndarray of shape (n, n_repeats) or (n, n, n_repeats)
        As returned by :func:`permutation_importance`.
    by : {"channel", "window", "patch"}

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
    """

    def __init__(self, *, importances, by):
        self.importances = importances
        self.by = by

    @classmethod
    def from_estimator(cls, estimator, X, y, *, by="channel", ax=None, **kwargs):
        """Plot the result of :func:`permutation_importance`.

        Other arguments, such as ``n_repeats``, are passed to it by name.
        """
        pyplot(f"{cls.__name__}.from_estimator")
        found = permutation_importance(estimator, X, y, by=by, **kwargs).importances
        return cls(importances=found, by=by).plot(ax=ax)

    def plot(self, *, ax=None):
        """Plot means, with standard deviations over the repeats except for patches."""
        plt = pyplot(f"{type(self).__name__}.plot")
        mean, std = self.importances.mean(-1), self.importances.std(-1)
        if ax is None:
            _, ax = plt.subplots(figsize=(5.4, 3.6), layout="constrained")
        if self.by == "patch":
            most = max(np.abs(mean).max(), 1e-12)
            image = ax.imshow(mean, cmap="RdBu_r", vmin=-most, vmax=most)
            ax.set(xticks=[], yticks=[])
            ax.figure.colorbar(image, ax=ax, label="decrease of the score")
        else:
            ax.bar(np.arange(len(mean)), mean, yerr=std)
            ax.set(xlabel=self.by, ylabel="decrease of the score")
        self.ax_, self.figure_ = ax, ax.figure
        return self
