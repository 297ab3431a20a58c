"""Coverage and width of prediction intervals, and pinball losses of quantiles.

A seed is one split into samples for fit, for conformalize and for the test. The spectra
come from a package, see ``make real``, and quantile forests from the package
quantile-forest; without these packages their rows are left out.
"""

import dataclasses
import math

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import QuantileRegressor
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_pare._data.conformal import Conformal
from studies import record, spectra
from studies.suites import SUITES
from studies.tables import collect, markdown, mean_std

TASKS = SUITES["intervals"] | {
    "meats fat": dataclasses.replace(
        spectra.TASKS["meats fat"], settings={"max_epochs": 12}, peers={}
    )
}
COVERAGES = (0.8, 0.9, 0.95)
LEVELS = (0.1, 0.5, 0.9)
#: Part of the training samples that is for conformalize.
_CALIBRATION = {"darcy-120": 0.5}
_QUANTILES = {"loss": "quantile", "quantile": list(LEVELS)}
#: Method -> arguments of PaRe.
METHODS = {
    "PaRe": {},
    "PaRe, quantiles": _QUANTILES,
    "PaRe, quantiles, no linear model": _QUANTILES | {"linear_path": False},
}


class Quantiles(BaseEstimator):
    """Quantiles of a peer: one regressor of flat samples for each level."""

    def __init__(self, kind, conformal=False):
        self.kind, self.conformal = kind, conformal

    def fit(self, X, y):
        """Fit the levels of the intervals and of the pinball losses."""
        ends = [(1 + sign * c) / 2 for c in COVERAGES for sign in (-1, 1)]
        levels = {round(level, 6) for level in (*LEVELS, *ends)}
        X = X.reshape(len(X), -1)
        self.models_ = {level: _KINDS[self.kind](level).fit(X, y) for level in levels}
        return self

    def quantile(self, X, level):
        """Return the quantile of each sample."""
        return self.models_[round(level, 6)].predict(X.reshape(len(X), -1))

    def conformalize(self, X, y):
        """Keep the samples for conformalized quantile regression."""
        self.held_out_ = X, y
        return self

    def predict_interval(self, X, coverage):
        """Return the quantiles, wider by a constant if they are conformalized."""
        lower, upper = self._ends(X, coverage)
        if not self.conformal:
            return lower, upper
        X, y = self.held_out_
        own = self._ends(X, coverage)
        radius = Conformal(np.maximum(own[0] - y, y - own[1]), None).radius(coverage)
        return lower - radius, upper + radius

    def _ends(self, X, coverage):
        return [self.quantile(X, (1 + sign * coverage) / 2) for sign in (-1, 1)]


def _boosting(level):
    return HistGradientBoostingRegressor(
        loss="quantile", quantile=level, random_state=0
    )


def _linear(level):
    return make_pipeline(
        StandardScaler(), QuantileRegressor(quantile=level, alpha=1e-3)
    )


def _forest(level):
    from quantile_forest import RandomForestQuantileRegressor

    return RandomForestQuantileRegressor(default_quantiles=level, random_state=0)


_KINDS = {"boosting": _boosting, "linear": _linear, "forest": _forest}
#: Method -> arguments of `Quantiles`.
PEERS = {
    "HistGradientBoosting, quantiles": ("boosting", False),
    "HistGradientBoosting, quantiles, conformalized": ("boosting", True),
    "linear quantile regression": ("linear", False),
    "quantile forest": ("forest", False),
    "quantile forest, conformalized": ("forest", True),
}


def add_arguments(parser):
    """Add the options of the study."""
    record.add_arguments(parser, 20, tasks=TASKS)


def main(arguments):
    """Fit what is not recorded and return the tables."""
    names = record.choose(arguments.tasks, TASKS, TASKS, "task")
    options = record.options(arguments, "intervals")
    return tables(run(names, range(arguments.seeds), **options))


def run(names, seeds, **options):
    """Return the rows of all methods; peers know no fields."""
    report = options.get("report")
    tasks = [TASKS[name] for name in names]
    if not (report or record.installed("rdata", "meats")):
        tasks = [task for task in tasks if task.name in SUITES["intervals"]]
    peers = list(PEERS)
    if not (report or record.installed("quantile_forest", "quantile forests")):
        peers = [name for name in peers if PEERS[name][0] != "forest"]
    wanted = record.cells(
        tasks,
        lambda task: (*METHODS, *peers) if task.metric == "R2" else [*METHODS][:2],
        seeds,
    )
    return record.run(tasks, wanted, estimator=_estimator, fit=_fit, **options)


def _estimator(task, cell):
    if cell["method"] in PEERS:
        return Quantiles(*PEERS[cell["method"]])
    return task.estimator("pare", cell["seed"], **METHODS[cell["method"]])


def _fit(task, estimator, cell):
    X, X_test, y, y_test = task.split(cell["seed"])
    X, X_held_out, y, y_held_out = train_test_split(
        X, y, test_size=_CALIBRATION.get(task.name, 1 / 3), random_state=cell["seed"]
    )
    cost = record.timed(estimator.fit, X, y)
    estimator.conformalize(X_held_out, y_held_out)
    figures = {"pinball": _pinball(estimator, X_test, y_test)}
    for coverage in COVERAGES:
        lower, upper = estimator.predict_interval(X_test, coverage)
        inside = (lower <= y_test) & (y_test <= upper)
        figures[f"coverage {coverage}"] = float(inside.mean())
        figures[f"width {coverage}"] = float((upper - lower).mean() / y.std())
    return figures | cost | {"error": 1 - figures["coverage 0.9"]}


def _pinball(estimator, X, y):
    """Return the pinball losses over the standard deviation of y, None without."""
    if isinstance(estimator, Quantiles):
        quantiles = [estimator.quantile(X, level) for level in LEVELS]
    elif estimator.quantile is not None:
        quantiles = np.moveaxis(estimator.predict(X), -1, 0)
    else:
        return None
    errors = zip(LEVELS, (y - own for own in quantiles), strict=True)
    losses = (np.maximum(level * e, (level - 1) * e).mean() for level, e in errors)
    return [float(loss / y.std()) for loss in losses]


def tables(rows):
    """Return coverage and width, and pinball losses, as two Markdown tables."""
    losses, cpu = collect(rows, "pinball"), collect(rows, "cpu")
    figures = {
        f"{name} {coverage}": collect(rows, f"{name} {coverage}")
        for coverage in COVERAGES
        for name in ("coverage", "width")
    }
    intervals, quantiles = [], []
    for task, method in cpu:
        key = task, method
        cells = [
            _coverage(found[key], float(name.split()[1]))
            if name.startswith("coverage")
            else mean_std(found[key])
            for name, found in figures.items()
        ]
        intervals.append([task, method, *cells, f"{np.median(cpu[key]):.0f}"])
        if None not in losses[key]:
            each = zip(*losses[key], strict=True)
            means = mean_std(np.mean(losses[key], axis=1).tolist())
            cells = (f"{np.mean(own):.4f}" for own in each)
            quantiles.append([task, method, *cells, means])
    one = markdown(["task", "method", *figures, "s"], intervals)
    head = ["task", "method", *(f"level {level}" for level in LEVELS), "mean"]
    return f"{one}\n\n{markdown(head, quantiles)}"


def _coverage(found, nominal):
    """Return mean and standard error, with "!" if the mean is two of them too low."""
    error = np.std(found, ddof=1) / math.sqrt(len(found)) if len(found) > 1 else 0.0
    low = "!" if np.mean(found) < nominal - 2 * error else ""
    return f"{np.mean(found):.3f} ({error:.3f}){low}"
