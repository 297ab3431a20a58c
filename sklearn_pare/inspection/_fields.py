"""Truth, prediction and error of fields and masks."""

import numpy as np

from sklearn_pare.exceptions import DataError
from sklearn_pare.inspection._fitted import pyplot


class FieldDisplay:
    """Truth, prediction and error of the fields or masks of some samples.

    Use ``from_estimator`` or ``from_predictions`` to create it.

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n, L) or (n, H, W)
        Predictions that are integers are masks. NaN in y_true is missing.

    Attributes
    ----------
    axes_, figure_ : ndarray of matplotlib Axes of shape (n, 3), and matplotlib Figure
    """

    def __init__(self, *, y_true, y_pred):
        self.y_true = y_true
        self.y_pred = y_pred

    @classmethod
    def from_estimator(cls, estimator, X, y, *, channel=0, n_samples=3):
        """Plot the fields or masks y of the first samples beside their predictions.

        If y has an axis of channels, ``channel`` is plotted.
        """
        y_true, y_pred = np.asarray(y[:n_samples]), estimator.predict(X[:n_samples])
        if y_true.ndim > len(estimator.input_shape_):
            y_true, y_pred = y_true[:, channel], y_pred[:, channel]
        if getattr(estimator, "ignore_index", None) is not None:
            y_true = np.where(y_true == estimator.ignore_index, np.nan, y_true)
        return cls.from_predictions(y_true, y_pred, n_samples=n_samples)

    @classmethod
    def from_predictions(cls, y_true, y_pred, *, n_samples=3):
        """Plot the first fields or masks, (n, L) or (n, H, W), beside predictions."""
        y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
        if y_true.shape != y_pred.shape or y_true.ndim not in (2, 3) or not len(y_true):
            raise DataError(
                f"y_true has shape {y_true.shape}, the prediction {y_pred.shape}. "
                "Expected the same shape, (n, L) or (n, H, W), and n > 0. Of several "
                "channels, pass one, such as y[:, 0]."
            )
        return cls(y_true=y_true[:n_samples], y_pred=y_pred[:n_samples]).plot()

    def plot(self, *, axes=None):
        """Plot one row of axes per sample; truth and prediction have the same scale."""
        plt = pyplot(f"{type(self).__name__}.plot")
        truth, found = self.y_true.astype(float), self.y_pred.astype(float)
        if axes is None:
            size = 8.4, 0.6 + 1.2 * len(truth) * (truth.ndim - 1)
            settings = {"figsize": size, "squeeze": False, "layout": "constrained"}
            axes = plt.subplots(len(truth), 3, **settings)[1]
        axes = np.reshape(axes, (len(truth), 3))
        masks, error = self.y_pred.dtype.kind in "iub", found - truth
        both, cmap, bars = (truth, found), "viridis", ("value", "error")
        low, high = np.nanmin(both), np.nanmax(both)
        if masks:
            cmap, bars = plt.get_cmap(cmap, round(high - low) + 1), ("class", None)
            # NaN stays NaN.
            low, high, error = low - 0.5, high + 0.5, np.abs(np.sign(error))
        for off, own, ax in zip(error, truth, axes[:, 2], strict=True):
            l2 = (np.nansum(off**2) / max(np.nansum(own**2), 1e-300)) ** 0.5
            text = f"{np.nanmean(off):.1%} wrong" if masks else f"relative L2 {l2:.2g}"
            ax.set_title(f"error, {text}", fontsize="medium")
        axes[0, 0].set_title("truth")
        axes[0, 1].set_title("prediction")
        most = np.nanmax(np.abs(error))
        # Blue and vermilion of Okabe and Ito.
        _draw(axes[:, :2], both, low, high, cmap, "#0072B2", bars[0])
        _draw(axes[:, 2:], (error,), -most, most, "RdBu_r", "#D55E00", bars[1])
        self.axes_, self.figure_ = axes, axes[0, 0].figure
        return self


def _draw(axes, columns, low, high, cmap, color, name):
    margin = 0.05 * (high - low) or 1.0
    for ax, values in zip(axes.T.flat, np.concatenate(columns), strict=True):
        if values.ndim == 1:
            ax.plot(values, color=color)
            ax.set(ylim=(low - margin, high + margin))
        else:
            image = ax.imshow(values, vmin=low, vmax=high, cmap=cmap)
            ax.set(xticks=[], yticks=[])
    if values.ndim == 2 and name is not None:
        ticks = np.arange(np.ceil(low), high) if name == "class" else None
        axes[0, 0].figure.colorbar(image, ax=axes, label=name, ticks=ticks, shrink=0.7)
