"""Losses, fraction and validation score over the epochs."""

from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import check_is_fitted

_LOSSES = {
    "target_loss": "clean rows",
    "mixed_target_loss": "mixed rows",
    "mixed_source_loss": "mixed rows, source",
    "unlabeled_loss": "unlabelled rows",
    "valid_loss": "validation",
}


class CurriculumDisplay:
    """How a fit went: terms of the loss, fraction of mixed tokens, validation score.

    Use `from_estimator`.

    Parameters
    ----------
    epochs : list of int
    curves : dict
        Name in `history_` -> list of one value an epoch, None where there is none.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        Losses, fraction, and score if there is one.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_pare import PaReClassifier
    >>> from sklearn_pare.inspection import CurriculumDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = PaReClassifier(max_epochs=3, random_state=0).fit(X, y)
    >>> display = CurriculumDisplay.from_estimator(clf)
    >>> display.epochs
    [1, 2, 3]
    """

    def __init__(self, *, epochs, curves):
        self.epochs = epochs
        self.curves = curves

    @classmethod
    def from_estimator(cls, estimator):
        """Plot `history_` of a fitted estimator.

        Parameters
        ----------
        estimator : PaReClassifier or PaReRegressor

        Returns
        -------
        display : CurriculumDisplay
        """
        check_is_fitted(estimator)
        history = estimator.history_
        names = [*_LOSSES, "mix_fraction", "valid_score"]
        curves = {name: [row.get(name) for row in history] for name in names}
        curves = {
            name: values
            for name, values in curves.items()
            if any(value is not None for value in values)
        }
        return cls(epochs=[row["epoch"] for row in history], curves=curves).plot()

    def plot(self, *, axes=None):
        """Draw the curves below each other.

        Parameters
        ----------
        axes : sequence of matplotlib Axes, default=None
            Two, or three where there is a validation score.

        Returns
        -------
        display : CurriculumDisplay
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        scored = "valid_score" in self.curves
        if axes is None:
            _, axes = plt.subplots(
                2 + scored,
                sharex=True,
                figsize=(6.4, 4.8 + 1.4 * scored),
                height_ratios=[2] + [1] * (1 + scored),
                layout="constrained",
            )
        for name, label in _LOSSES.items():
            if name in self.curves:
                # None draws a gap, such as where nothing is mixed any more.
                values = [float("nan") if v is None else v for v in self.curves[name]]
                axes[0].plot(self.epochs, values, label=label)
        axes[0].set(ylabel="loss", yscale="log")
        axes[0].legend()
        axes[1].plot(self.epochs, self.curves["mix_fraction"], color="C5")
        axes[1].set(ylabel="fraction mixed", ylim=(0, None))
        if scored:
            axes[2].plot(self.epochs, self.curves["valid_score"], color="C6")
            axes[2].set(ylabel="validation score")
        axes[-1].set(xlabel="epoch")
        self.axes_, self.figure_ = axes, axes[0].figure
        return self
