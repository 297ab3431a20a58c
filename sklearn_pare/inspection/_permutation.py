"""Importance of columns, channels, windows and patches by permutation."""

import itertools

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.utils import Bunch, check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_pare._data.forms import read_samples
from sklearn_pare._data.tables import is_frame
from sklearn_pare._data.validation import check_rows, shape_rows
from sklearn_pare.exceptions import DataError
from sklearn_pare.inspection._fitted import pyplot

# Number of axes of a sample -> what can be permuted.
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
    """Measure by how much a score falls if part of the samples is permuted.

    Each part of the samples in turn is exchanged at random between the samples, as in
    :func:`sklearn.inspection.permutation_importance`, which permutes columns of tables
    only. Parts that hold the same information replace each other: the score may fall
    for none of them, although they are important together.

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
        Determines the permutations.
    scoring : str, callable or None, default=None
        Score as in scikit-learn, such as "neg_log_loss" or a scorer of
        :func:`sklearn_pare.metrics.get_scorer`; by default that of
        ``estimator.score``.

    Returns
    -------
    result : Bunch
        ``importances`` is the decrease of the score, of shape (F, n_repeats) or (C,
        n_repeats), (n_parts, n_repeats) for windows, or (n_parts, n_parts, n_repeats)
        for patches. ``importances_mean`` and ``importances_std`` are its mean and
        standard deviation over the repeats.

    Raises
    ------
    DataError
        If the samples have no such parts.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_pare import PaReClassifier
    >>> from sklearn_pare.inspection import permutation_importance
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = PaReClassifier(max_epochs=1, random_state=0).fit(X[::2], y[::2])
    >>> result = permutation_importance(clf, X[1::2], y[1::2], random_state=0)
    >>> int(result.importances_mean.argmax())
    2
    """
    check_is_fitted(estimator)
    shape = tuple(estimator.input_shape_)
    if by not in _PARTS[len(shape)]:
        raise DataError(
            f"by={by!r}, but samples of shape {shape} have no such parts. Use "
            f"{' or '.join(f'by={part!r}' for part in _PARTS[len(shape)])}."
        )
    X, score = _readable(estimator, X), check_scoring(estimator, scoring)
    rng, plain = check_random_state(random_state), score(estimator, X, y)
    cuts = _cuts(shape, by, n_parts)
    falls = []
    for part in itertools.product(*(map(slice, cut[:-1], cut[1:]) for cut in cuts)):
        for _ in range(n_repeats):
            permuted = _permuted(X, part, rng.permutation(len(X)), shape, by)
            falls.append(plain - score(estimator, permuted, y))
    importances = np.reshape(falls, (*(len(cut) - 1 for cut in cuts), n_repeats))
    return Bunch(
        importances=importances,
        importances_mean=importances.mean(-1),
        importances_std=importances.std(-1),
    )


def _readable(estimator, X):
    """Return X as a DataFrame or an array in memory, of the shape in which it came."""
    read = read_samples(X, estimator.input_shape)
    if is_frame(read):
        return read
    return np.asarray(check_rows(estimator, X, reset=False)[:])


def _cuts(shape, by, n_parts):
    """Return the positions at which each axis is cut into parts."""
    if by == "channel":
        return [range(shape[0] + 1)]
    return [
        np.linspace(0, size, min(n_parts, size) + 1).round().astype(int)
        for size in shape[1:]
    ]


def _permuted(X, part, order, shape, by):
    """Return a copy of X in which the samples have exchanged a part."""
    X = X.copy()
    if is_frame(X):
        column = part[0].start
        X.isetitem(column, X.iloc[order, column].set_axis(X.index))
        return X
    where = part if by == "channel" else (slice(None), *part)
    samples = shape_rows(X, shape)
    samples[:, *where] = samples[order][:, *where]
    return samples.reshape(X.shape)


class PermutationImportanceDisplay:
    """Decrease of a score if columns, channels, windows or patches are permuted.

    Use ``from_estimator`` to create it.

    Parameters
    ----------
    importances : ndarray of shape (n, n_repeats) or (n, n, n_repeats)
        As returned by :func:`permutation_importance`.
    by : {"channel", "window", "patch"}
    input_shape : tuple of int
        Shape of a sample.
    names : list of str, default=None
        Names of the columns or channels.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    """

    def __init__(self, *, importances, by, input_shape, names=None):
        self.importances = importances
        self.by = by
        self.input_shape = input_shape
        self.names = names

    @classmethod
    def from_estimator(cls, estimator, X, y, *, by="channel", ax=None, **kwargs):
        """Measure importances with :func:`permutation_importance`, and plot them.

        Its other arguments, such as ``n_repeats``, ``random_state`` and ``scoring``,
        are passed by name.
        """
        pyplot(f"{cls.__name__}.from_estimator")
        result = permutation_importance(estimator, X, y, by=by, **kwargs)
        shape, names = tuple(estimator.input_shape_), None
        if len(shape) == 1 and hasattr(estimator, "feature_names_in_"):
            names = [str(name) for name in estimator.feature_names_in_]
        return cls(
            importances=result.importances, by=by, input_shape=shape, names=names
        ).plot(ax=ax)

    def plot(self, *, ax=None):
        """Plot means, with standard deviations over the repeats except for patches."""
        plt = pyplot(f"{type(self).__name__}.plot")
        mean, std = self.importances.mean(-1), self.importances.std(-1)
        if ax is None:
            height = 3.6 if self.by != "channel" else max(2.4, 1 + 0.25 * len(mean))
            _, ax = plt.subplots(figsize=(5.4, height), layout="constrained")
        label = "decrease of the score"
        if self.by == "patch":
            most = max(np.abs(mean).max(), 1e-12)
            height, width = self.input_shape[1:]
            extent = -0.5, width - 0.5, height - 0.5, -0.5
            image = ax.imshow(mean, cmap="RdBu_r", vmin=-most, vmax=most, extent=extent)
            ax.figure.colorbar(image, ax=ax, label=label)
        elif self.by == "window":
            (cuts,) = _cuts(self.input_shape, self.by, len(mean))
            centre, width = (cuts[1:] + cuts[:-1]) / 2, np.diff(cuts)
            ax.bar(centre, mean, width, yerr=std, edgecolor="white")
            ax.set(xlim=(0, cuts[-1]), xlabel="position", ylabel=label)
        else:
            kind = "column" if len(self.input_shape) == 1 else "channel"
            places = np.arange(len(mean))
            ax.barh(places, mean, xerr=std)
            ax.set_yticks(places, self.names or [f"{kind} {i}" for i in places])
            ax.invert_yaxis()
            ax.set(xlabel=label)
        self.ax_, self.figure_ = ax, ax.figure
        return self
