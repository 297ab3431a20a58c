"""The gap between the modalities along the curriculum."""

import numpy as np
import torch
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import _num_samples

from sklearn_pare.exceptions import DataError
from sklearn_pare.inspection._fitted import encoded, fitted_with_source, in_batches
from sklearn_pare.nn import replace_tokens
from sklearn_pare.otdd import (
    check_targets,
    coarse_classes,
    dataset_distance,
    pseudo_classes,
)


class ModalityGapDisplay:
    """Distance of mixed rows to the source and to the data, as fewer tokens are mixed.

    Use `from_estimator`.

    Parameters
    ----------
    fractions : ndarray of shape (n_steps,)
        Fractions of the tokens that come from the source, from 1 to 0.
    to_source, to_target : ndarray of shape (n_repeats, n_steps)
        Distances of the mixed rows to the rows of the source, and to clean rows, with
        the tokens that the gate selects.
    random_to_source, random_to_target : ndarray of shape (n_repeats, n_steps)
        The same with tokens selected by chance.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D

    References
    ----------
    Figure 1b of Cai et al., "Enhancing Cross-Modal Fine-Tuning with Gradually
    Intermediate Modality Generation", ICML 2024; distances by
    `sklearn_pare.otdd.dataset_distance`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_pare import PaReClassifier
    >>> from sklearn_pare.inspection import ModalityGapDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = PaReClassifier(input_shape=(1, 8, 8), max_epochs=1, random_state=0)
    >>> display = ModalityGapDisplay.from_estimator(
    ...     clf.fit(X[:100], y[:100]), X[:100], y[:100], n_repeats=1, random_state=0
    ... )
    >>> float(display.to_source[0, 0]), float(display.to_target[0, -1])
    (0.0, 0.0)
    """

    def __init__(
        self,
        *,
        fractions,
        to_source,
        to_target,
        random_to_source,
        random_to_target,
    ):
        self.fractions = fractions
        self.to_source = to_source
        self.to_target = to_target
        self.random_to_source = random_to_source
        self.random_to_target = random_to_target

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        features="tokens",
        n_samples=100,
        n_steps=9,
        n_repeats=3,
        random_state=None,
        ax=None,
    ):
        """Measure the gap on the fitted embedder, and plot it.

        Parameters
        ----------
        estimator : PaReClassifier or PaReRegressor
            Fitted, with mixing.
        X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)
        y : array-like of shape (n,) or (n, ...)
            Targets; numbers become classes, as in `dataset_distance`.
        features : {"tokens", "backbone"}, default="tokens"
            Between what distances are measured: mean tokens before the backbone, as in the
            paper, or mean features behind it. Mean tokens are averages of both
            modalities, so that any selection gives falling and rising curves; behind
            the backbone that is not so.
        n_samples : int, default=100
            Rows of the data, and as many of the source; at most.
        n_steps : int, default=9
            Fractions from 1 to 0.
        n_repeats : int, default=3
            Draws of rows.
        random_state : int, RandomState instance or None, default=None
        ax : matplotlib Axes, default=None

        Returns
        -------
        display : ModalityGapDisplay

        Raises
        ------
        DataError
            If there was no source in fit, or it was a learned token.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        if features not in ("tokens", "backbone"):
            raise DataError(
                f"features={features!r} is unknown: use 'tokens' or 'backbone'."
            )
        fitted = fitted_with_source(estimator)
        n = _num_samples(X)
        y = check_targets(y, n)
        random_state = check_random_state(random_state)
        fractions = np.linspace(1, 0, n_steps)
        curves = []
        for seed in random_state.randint(2**31 - 1, size=n_repeats):
            # In order, as files are read.
            chosen = np.sort(np.random.RandomState(seed).permutation(n)[:n_samples])
            rows = encoded(estimator, _safe_indexing(X, chosen))
            curves.append(
                _sweep(fitted, rows, y[chosen], features, fractions, int(seed))
            )
        gate, chance = np.moveaxis(np.array(curves), 0, 2)
        display = cls(
            fractions=fractions,
            to_source=gate[0],
            to_target=gate[1],
            random_to_source=chance[0],
            random_to_target=chance[1],
        )
        return display.plot(ax=ax)

    def plot(self, *, ax=None):
        """Plot means over the repeats, with bars from the smallest to the largest.

        Parameters
        ----------
        ax : matplotlib Axes, default=None

        Returns
        -------
        display : ModalityGapDisplay
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        self.lines_ = []
        for values, name, color, style in (
            (self.to_source, "to the source, gate", "C1", "-"),
            (self.random_to_source, "to the source, chance", "C1", ":"),
            (self.to_target, "to the data, gate", "C0", "-"),
            (self.random_to_target, "to the data, chance", "C0", ":"),
        ):
            mean = values.mean(0)
            spread = [mean - values.min(0), values.max(0) - mean]
            bars = ax.errorbar(
                self.fractions, mean, spread, color=color, ls=style, label=name,
                capsize=2,
            )  # fmt: skip
            self.lines_.append(bars.lines[0])
        # Time goes to the right.
        ax.invert_xaxis()
        ax.set(
            xlabel="fraction of tokens from the source",
            ylabel="dataset distance of the mixed rows",
            ylim=(0, None),
        )
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _sweep(fitted, rows, y, features, fractions, seed):
    """Distances (2 selectors, 2 sides, n_steps)."""
    model = fitted.model
    generator = torch.Generator().manual_seed(seed)
    x_source, y_source = fitted.source.sample(len(rows), generator)
    target = in_batches(model.embed, rows)
    source = in_batches(fitted.source_embed, x_source)

    def read(tokens):
        backbone = (
            in_batches(model.backbone, tokens) if features == "backbone" else tokens
        )
        return backbone.mean(1).numpy()

    ends = read(source), read(target)
    labels = (
        coarse_classes(ends[0], y_source.numpy(), seed),
        pseudo_classes(y, seed),
    )
    sizes = len(rows), target.shape[1], source.shape[1]
    chance = (torch.rand(sizes[0], n, generator=generator) for n in sizes[1:])
    curves = []
    with torch.no_grad():
        for scores in ((model.gate(target), model.gate(source)), tuple(chance)):
            distances = []
            for fraction in fractions:
                k = min(round(fraction * sizes[1]), *sizes[1:])
                mixed = read(replace_tokens(target, source, *scores, k)[0])
                distances.append(
                    [
                        dataset_distance(mixed, own, end, own, random_state=seed)
                        for end, own in zip(ends, labels, strict=True)
                    ]
                )
            curves.append(np.transpose(distances))
    return curves
