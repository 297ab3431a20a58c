"""Modality gap along the curriculum: figure 1b of the paper."""

import numpy as np
from scipy.stats import spearmanr
from sklearn.datasets import load_breast_cancer, load_digits

from sklearn_pare import PaReClassifier
from sklearn_pare.datasets import make_ecg
from sklearn_pare.inspection import ModalityGapDisplay
from studies.record import log
from studies.tables import markdown

#: Name -> function that returns X and y, arguments of the estimator.
DATA = {
    "breast cancer": (lambda: load_breast_cancer(return_X_y=True), {}),
    "simulated ECG": (lambda: make_ecg(300, random_state=0), {}),
    "digits": (lambda: load_digits(return_X_y=True), {"input_shape": (1, 8, 8)}),
}
FEATURES = ("tokens", "backbone")
# 300 samples in batches of 64: a fit of 100 steps.
_N_SAMPLES, _N_EPOCHS = 300, 20


def add_arguments(parser):
    """Add nothing: this study has no options."""


def main(arguments):
    """Fit each data set, measure the gap and return the table."""
    rows = [row for name in DATA for row in measure(name)]
    head = ["data", "features", "to the source", "to the data"]
    return markdown(head, rows)


def measure(name):
    """Fit one data set and correlate the fraction of source tokens with distances.

    Yields
    ------
    row : list of str
        Data, features, and Spearman's correlation with the distance to the source and
        with that to the data, each the mean of three draws.
    """
    import matplotlib.pyplot as plt

    load, settings = DATA[name]
    X, y = (part[:_N_SAMPLES] for part in load())
    clf = PaReClassifier(
        linear_path=False, max_epochs=_N_EPOCHS, random_state=0, **settings
    ).fit(X, y)
    for features in FEATURES:
        display = ModalityGapDisplay.from_estimator(
            clf, X, y, features=features, random_state=0
        )
        plt.close(display.figure_)
        correlations = [
            spearmanr(display.fractions, np.mean(curves, 0)).statistic
            for curves in (display.to_source, display.to_target)
        ]
        yield [name, features, *(f"{value:.2f}" for value in correlations)]
    log(f"{name} is done")
