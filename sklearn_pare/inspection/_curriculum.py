"""Losses, fraction of replaced tokens and validation score over the epochs."""

from sklearn.utils.validation import check_is_fitted

from sklearn_pare.inspection._fitted import pyplot

_LOSSES = {
    "target_loss": "clean samples",
    "mixed_target_loss": "mixed samples",
    "mixed_source_loss": "mixed samples, source",
    "unlabeled_loss": "unlabelled samples",
    "valid_loss": "validation",
}
_NO_SHARE = "no effect on the predictions: they are those of the linear model alone"


class CurriculumDisplay:
    """Loss terms, fraction of replaced tokens and validation score over the epochs.

    Use ``from_estimator`` to create it.

    Parameters
    ----------
    epochs : list of int
        Numbers of the epochs.
    curves : dict
        Maps names in ``history_`` to lists of one value per epoch, None if it is
        missing.
    note : str, default=""
        Title of the figure.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        Axes of the losses, the fraction and, if there is one, the score.
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

    def __init__(self, *, epochs, curves, note=""):
        self.epochs = epochs
        self.curves = curves
        self.note = note

    @classmethod
    def from_estimator(cls, estimator):
        """Plot ``history_`` of a fitted estimator.

        If the network has no share in the predictions, the title says so.
        """
        check_is_fitted(estimator)
        history = estimator.history_
        curves = {}
        score = f"valid_{estimator.fit_report_.scoring}"
        for name in [*_LOSSES, "mix_fraction", score]:
            values = [epoch.get(name) for epoch in history]
            if any(value is not None for value in values):
                curves[name] = values
        epochs = [epoch["epoch"] for epoch in history]
        note = "" if estimator.network_share_ else _NO_SHARE
        return cls(epochs=epochs, curves=curves, note=note).plot()

    def plot(self, *, axes=None):
        """Plot the curves below each other.

        Parameters
        ----------
        axes : sequence of matplotlib Axes, default=None
            Two, or three if there is a validation score.
        """
        plt = pyplot(f"{type(self).__name__}.plot")
        known = {*_LOSSES, "mix_fraction"}
        score = next((name for name in self.curves if name not in known), None)
        scored = score is not None
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
                # Missing values leave a gap, for instance in epochs without mixing.
                values = [float("nan") if v is None else v for v in self.curves[name]]
                axes[0].plot(self.epochs, values, label=label)
        axes[0].set(ylabel="loss", yscale="log")
        axes[0].set_title(self.note, fontsize="medium")
        axes[0].legend()
        axes[1].plot(self.epochs, self.curves["mix_fraction"], color="C5")
        axes[1].set(ylabel="fraction mixed", ylim=(0, None))
        if scored:
            axes[2].plot(self.epochs, self.curves[score], color="C6")
            axes[2].set(ylabel=score.replace("valid_", "validation "))
        axes[-1].set(xlabel="epoch")
        self.axes_, self.figure_ = axes, axes[0].figure
        return self
