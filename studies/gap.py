"""Whether the gap closes along the curriculum, as in figure 1b of the paper."""

import numpy as np
from scipy.stats import spearmanr
from sklearn.datasets import load_breast_cancer, load_digits

from sklearn_pare import PaReClassifier
from sklearn_pare.datasets import make_ecg
from sklearn_pare.inspection import ModalityGapDisplay
from studies.transfer import _line

#: Name -> function that gives X and y, settings.
DATA = {
    "breast cancer": (lambda: load_breast_cancer(return_X_y=True), {}),
    "simulated ECG": (lambda: make_ecg(300, random_state=0), {}),
    "digits": (lambda: load_digits(return_X_y=True), {"input_shape": (1, 8, 8)}),
}
FEATURES = ("tokens", "backbone")
_ROWS, _STEPS = 300, 100


def run(log):
    """Fit for 100 steps on 300 rows of each data set, and measure the gap.

    Parameters
    ----------
    log : callable
        Gets a line of text after each fit.

    Returns
    -------
    rows : list of dict
        "data", "features", and Spearman's correlation of the fraction of source tokens
        with the distance "to_source" and "to_target", each of the means of three draws.
    """
    import matplotlib.pyplot as plt

    rows = []
    for name, (load, settings) in DATA.items():
        X, y = (part[:_ROWS] for part in load())
        clf = PaReClassifier(
            linear_path=False, max_steps=_STEPS, random_state=0, **settings
        ).fit(X, y)
        for features in FEATURES:
            display = ModalityGapDisplay.from_estimator(
                clf, X, y, features=features, random_state=0
            )
            plt.close(display.figure_)
            curves = {"to_source": display.to_source, "to_target": display.to_target}
            rows.append(
                {"data": name, "features": features}
                | {
                    side: float(spearmanr(display.fractions, np.mean(c, 0)).statistic)
                    for side, c in curves.items()
                }
            )
        log(f"{name} is done")
    return rows


def table(rows):
    """Markdown of `run`."""
    lines = [
        _line("data", ["features", "to the source", "to the data"]),
        "|" + "---|" * 4,
    ]
    for row in rows:
        both = [f"{row[side]:.2f}" for side in ("to_source", "to_target")]
        lines.append(_line(row["data"], [row["features"], *both]))
    return "\n".join(lines)
