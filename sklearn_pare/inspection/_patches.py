"""Replaced patches of a sample and their replacements."""

import numpy as np
import torch
from sklearn.utils import check_random_state

from sklearn_pare._utils.surroundings import pinned
from sklearn_pare.exceptions import DataError
from sklearn_pare.inspection._fitted import fitted_with_source, pyplot


class PatchReplacementDisplay:
    """A sample with its replaced patches, and the source sample that replaces them.

    Use ``from_estimator`` to create it.

    Parameters
    ----------
    row : ndarray of shape (F,), (C, L) or (C, H, W)
        The sample as input of the network.
    source_row : ndarray
        The source sample.
    grid : tuple of int
        Number of tokens along height and width; the tokens of signals and tables fill
        the grid line by line.
    target_index, source_index : ndarray of shape (k,)
        Replaced tokens and their replacements, both ascending.
    columns, source_columns : ndarray of shape (n_tokens, n_columns), default=None
        Columns of a table that each token of the sample or the source sample reads.
    column_names : list of str, default=None
        Names of the columns of the sample.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        Axes of the sample and the source sample.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_pare import PaReClassifier
    >>> from sklearn_pare.inspection import PatchReplacementDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = PaReClassifier(input_shape=(1, 8, 8), max_epochs=1, random_state=0)
    >>> display = PatchReplacementDisplay.from_estimator(
    ...     clf.fit(X[:100], y[:100]), X[:1], fraction=0.25, random_state=0
    ... )
    >>> display.target_index.shape
    (16,)
    """

    def __init__(
        self,
        *,
        row,
        source_row,
        grid,
        target_index,
        source_index,
        columns=None,
        source_columns=None,
        column_names=None,
    ):
        self.row = row
        self.source_row = source_row
        self.grid = grid
        self.target_index = target_index
        self.source_index = source_index
        self.columns = columns
        self.source_columns = source_columns
        self.column_names = column_names

    @classmethod
    def from_estimator(cls, estimator, X, *, fraction=0.5, random_state=None):
        """Select tokens as in training, but without noise, and plot them.

        Parameters
        ----------
        estimator : PaReClassifier or PaReRegressor
            Fitted with mixing.
        X : array-like of shape (1, F), (1, C, L) or (1, C, H, W)
            A single sample.
        fraction : float, default=0.5
            Fraction of the tokens to replace. Training starts with ``mix_start`` and
            ends with ``mix_end``.
        random_state : int, RandomState instance or None, default=None
            Determines the source sample and the selection of ``selector="random"``.

        Raises
        ------
        DataError
            If X has more than one sample, the fraction is not in (0, 1], the source has
            no samples (None, "self", "mask-token"), or `network_share_` is 0.
        """
        pyplot(f"{cls.__name__}.from_estimator")
        if not 0 < fraction <= 1:
            raise DataError(f"fraction={fraction}, but must be in (0, 1]: try 0.5.")
        with pinned():
            fitted, x = fitted_with_source(estimator), estimator.encode(X)
            if len(x) != 1:
                raise DataError(f"X has {len(x)} samples, but must have 1: pass X[:1].")
            seed = int(check_random_state(random_state).randint(2**31 - 1))
            generator = torch.Generator().manual_seed(seed)
            model = fitted.model
            x_source, _ = fitted.source.sample(1, generator)
            with torch.no_grad():
                target, source = model.embed(x), fitted.source_embed(x_source)
                scores = [model.gate(target), model.gate(source)]
                if estimator.selector == "random":
                    scores = [torch.rand(s.shape, generator=generator) for s in scores]
                sizes = target.shape[1], source.shape[1]
                k = max(1, min(round(fraction * sizes[0]), *sizes))
                _, replaced, replacing = model.replace(target, source, *scores, k)
        names = getattr(estimator, "feature_names_in_", None)
        return cls(
            row=x[0].numpy(),
            source_row=x_source[0].numpy(),
            grid=tuple(model.backbone.grid),
            target_index=replaced[0].numpy(),
            source_index=replacing[0].numpy(),
            columns=_columns(model.embed),
            source_columns=_columns(fitted.source_embed),
            column_names=None if names is None else [str(name) for name in names],
        ).plot()

    def plot(self, *, axes=None):
        """Plot both samples, with the replaced and the replacing tokens marked."""
        plt = pyplot(f"{type(self).__name__}.plot")
        if axes is None:
            height = 3.6 if self.row.ndim > 1 else max(3.6, 0.2 * len(self.row))
            size, ratio = ((7, height), 1) if self.row.ndim == 3 else ((9, height), 2)
            _, axes = plt.subplots(
                1, 2, figsize=size, width_ratios=(ratio, 1), layout="constrained"
            )
        share = 100 * len(self.target_index) / np.prod(self.grid)
        sides = (
            (self.row, self.target_index, self.columns, self.column_names),
            (self.source_row, self.source_index, self.source_columns, None),
        )
        titles = (
            f"your sample: {share:.0f} % of the tokens are replaced",
            "source sample: these replace them",
        )
        for ax, (row, index, *table), title in zip(axes, sides, titles, strict=True):
            _draw(ax, row, index, self.grid, *table)
            ax.set_title(title, fontsize="medium")
        self.axes_, self.figure_ = axes, axes[0].figure
        return self


def _columns(embed):
    """Return the columns that each token reads, or None if it embeds no tables."""
    return embed.columns.numpy() if hasattr(embed, "columns") else None


def _draw(ax, row, index, grid, columns, names):
    """Draw a sample with some of its tokens marked."""
    if row.ndim == 3:
        _draw_image(ax, row, index, grid)
    elif row.ndim == 2:
        _draw_signal(ax, row, index, int(np.prod(grid)))
    elif columns is not None:
        _draw_table(ax, row, index, columns, names)
    else:
        # Texts have no picture, so draw the token grid alone.
        marked = np.isin(np.arange(np.prod(grid)), index).reshape(grid)
        ax.imshow(marked, cmap="Oranges", vmin=0, vmax=1.5)
        ax.set(xticks=[], yticks=[])


def _draw_image(ax, row, index, grid):
    """Draw pixels; marked patches are framed and shaded."""
    from matplotlib.patches import Rectangle

    low, high = np.nanmin(row), np.nanmax(row)
    scaled = (row - low) / max(high - low, 1e-12)
    if len(row) == 3:
        ax.imshow(scaled.transpose(1, 2, 0))
    else:
        ax.imshow(scaled.mean(0), cmap="gray")
    style = {"fc": (1, 0.5, 0, 0.45), "ec": "C1", "lw": 0.8}
    height, width = row.shape[1] / grid[0], row.shape[2] / grid[1]
    for token in index:
        top, left = divmod(int(token), grid[1])
        corner = left * width - 0.5, top * height - 0.5
        ax.add_patch(Rectangle(corner, width, height, **style))
    ax.set(xticks=[], yticks=[])


def _draw_signal(ax, row, index, n_tokens):
    """Draw channels over time; marked windows are shaded."""
    length = row.shape[1]
    for channel in row:
        ax.plot(channel, lw=1, color=None if len(row) > 1 else "C0")
    window = length / n_tokens
    for token in index:
        ax.axvspan(token * window, (token + 1) * window, color="C1", alpha=0.35, lw=0)
    ax.set(xlim=(0, length), xlabel="position")


def _draw_table(ax, row, index, columns, names):
    """Draw, for each column, the share of marked tokens among those that read it."""
    marked = np.isin(np.arange(len(columns)), index)
    shares = [marked[(columns == c).any(1)].mean() for c in range(len(row))]
    names = names or [f"column {c}" for c in range(len(row))]
    heights = np.arange(len(row))
    ax.barh(heights, shares, color="C1")
    ax.set(xlim=(0, 1), xlabel="marked share of the column's tokens")
    ax.set_yticks(heights, names, fontsize="small")
    ax.invert_yaxis()
