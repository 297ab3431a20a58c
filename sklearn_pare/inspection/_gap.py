"""The gap between the modalities as a function of the fraction of replaced tokens."""

import numpy as np
import torch
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils.validation import _num_samples

from sklearn_pare._utils.surroundings import pinned
from sklearn_pare.exceptions import DataError
from sklearn_pare.inspection import _fitted
from sklearn_pare.otdd import (
    check_targets,
    coarse_classes,
    dataset_distance,
    pseudo_classes,
)


class ModalityGapDisplay:
    """Distances of mixed samples to source and data as fewer tokens are replaced.

    Use ``from_estimator`` to create it.

    Parameters
    ----------
    fractions : ndarray of shape (n_steps,)
        Fractions of source tokens, from 1 to 0.
    to_source, to_target : ndarray of shape (n_repeats, n_steps)
        Distances of the mixed samples to source samples and to clean samples, with
        tokens selected as in training, but without noise.
    random_to_source, random_to_target : ndarray of shape (n_repeats, n_steps), optional
        The same with tokens selected at random, if training selected them by a gate.

    References
    ----------
    Figure 1b of Cai et al., "Enhancing Cross-Modal Fine-Tuning with Gradually
    Intermediate Modality Generation", ICML 2024. Distances are computed by
    :func:`sklearn_pare.otdd.dataset_distance`.

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
        random_to_source=None,
        random_to_target=None,
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
        """Measure the gap with the fitted network and plot it.

        Parameters
        ----------
        estimator : PaReClassifier or PaReRegressor
            Fitted with mixing.
        X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)
        y : array-like of shape (n,) or (n, ...)
            Targets; numbers are converted to classes as in ``dataset_distance``.
        features : {"tokens", "backbone"}, default="tokens"
            Compare mean tokens before the backbone, as in the paper, or mean features
            after it. Mean tokens are averages of both modalities, so that the curves
            rise and fall with any selection; this does not hold after the backbone.
        n_samples : int, default=100
            Largest number of samples of the data; as many are drawn from the source.
        n_steps : int, default=9
            Number of fractions.
        n_repeats : int, default=3
            Number of draws of samples.
        random_state : int, RandomState instance or None, default=None
        ax : matplotlib Axes, default=None

        Raises
        ------
        DataError
            If the source has no samples (None, "self", "mask-token"), or
            `network_share_` is 0.
        """
        _fitted.pyplot(f"{cls.__name__}.from_estimator")
        if features not in ("tokens", "backbone"):
            raise DataError(
                f"features={features!r} is unknown: use 'tokens' or 'backbone'."
            )
        with pinned():
            fitted = _fitted.fitted_with_source(estimator)
            n = _num_samples(X)
            y = check_targets(y, n)
            fractions = np.linspace(1, 0, n_steps)
            curves, has_gate = [], estimator.selector != "random"
            seeds = check_random_state(random_state).randint(2**31 - 1, size=n_repeats)
            for seed in seeds.tolist():
                # In order, since files are read fastest in this way.
                chosen = np.sort(np.random.RandomState(seed).permutation(n)[:n_samples])
                x = estimator.encode(_safe_indexing(X, chosen))
                curves.append(
                    _sweep(fitted, x, y[chosen], features, fractions, seed, has_gate)
                )
        names = "to_source", "to_target", "random_to_source", "random_to_target"
        # There are only the first two if training selected at random as well.
        distances = dict(zip(names, np.stack(curves, 1), strict=False))
        return cls(fractions=fractions, **distances).plot(ax=ax)

    def plot(self, *, ax=None):
        """Plot means over the repeats, with bars from the smallest to the largest."""
        plt = _fitted.pyplot(f"{type(self).__name__}.plot")
        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        self.lines_ = []
        gate = "" if self.random_to_source is None else ", gate"
        curves = (
            (self.to_source, f"to the source{gate}", "C1", "-"),
            (self.random_to_source, "to the source, random", "C1", ":"),
            (self.to_target, f"to the data{gate}", "C0", "-"),
            (self.random_to_target, "to the data, random", "C0", ":"),
        )
        for values, name, color, style in curves:
            if values is None:
                continue
            mean = values.mean(0)
            spread = [mean - values.min(0), values.max(0) - mean]
            bars = ax.errorbar(
                self.fractions, mean, spread, color=color, ls=style, label=name,
                capsize=2,
            )  # fmt: skip
            self.lines_.append(bars.lines[0])
        # Training proceeds from left to right.
        ax.invert_xaxis()
        ax.set(
            xlabel="fraction of tokens from the source",
            ylabel="dataset distance of the mixed samples",
            ylim=(0, None),
        )
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _sweep(fitted, x, y, features, fractions, seed, has_gate):
    """Return distances (2 or 4, n_steps) to both sides: gate, random selection."""
    model, in_batches = fitted.model, _fitted.in_batches
    generator = torch.Generator().manual_seed(seed)
    x_source, y_source = fitted.source.sample(len(x), generator)
    target = in_batches(model.embed, x)
    source = in_batches(fitted.source_embed, x_source)

    def read(tokens):
        if features == "backbone":
            tokens = in_batches(model.backbone, tokens)
        return tokens.mean(1).numpy()

    ends = read(source), read(target)
    labels = coarse_classes(ends[0], y_source.numpy(), seed), pseudo_classes(y, seed)
    sizes = target.shape[1], source.shape[1]
    random = tuple(torch.rand(len(x), n, generator=generator) for n in sizes)
    selectors = [random]
    with torch.no_grad():
        if has_gate:
            selectors.insert(0, (model.gate(target), model.gate(source)))
        distances = np.empty((len(selectors), 2, len(fractions)))
        for i, scores in enumerate(selectors):
            for step, fraction in enumerate(fractions):
                k = min(round(fraction * sizes[0]), *sizes)
                mixed = read(model.replace(target, source, *scores, k)[0])
                for j, (end, own) in enumerate(zip(ends, labels, strict=True)):
                    distances[i, j, step] = dataset_distance(
                        mixed, own, end, own, random_state=seed
                    )
    return distances.reshape(-1, len(fractions))
