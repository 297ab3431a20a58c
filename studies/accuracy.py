"""Few labelled rows: PaRe, baselines, controls and scikit-learn side by side.

Every method sees the same splits; all settings are defaults.
"""

import time

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_pare import PaReClassifier
from sklearn_pare.benchmarks.methods import METHODS

#: Name -> loader, rows to train on, shape of a row.
DATA = {
    "digits": (load_digits, 300, (1, 8, 8)),
    "wine": (load_wine, 50, None),
    "cancer": (load_breast_cancer, 60, None),
}


def peers(seed):
    """Classifiers of scikit-learn with their defaults, by name."""
    return {
        "SVC": SVC(random_state=seed),
        "StandardScaler + SVC": make_pipeline(StandardScaler(), SVC()),
        "RandomForest": RandomForestClassifier(random_state=seed),
        "StandardScaler + LogisticRegression": make_pipeline(
            StandardScaler(), LogisticRegression(max_iter=1000)
        ),
        "HistGradientBoosting": HistGradientBoostingClassifier(random_state=seed),
    }


def split(data, seed):
    """Stratified rows to train on, and the rest to test: X, X_test, y, y_test."""
    load, n_train, _ = DATA[data]
    X, y = load(return_X_y=True)
    return train_test_split(X, y, train_size=n_train, stratify=y, random_state=seed)


def run(data, methods, seeds, log):
    """Fit and score every method on every split.

    Parameters
    ----------
    data : str
        Name in `DATA`.
    methods : sequence of str
        Names in `METHODS`.
    seeds : sequence of int
        One split and one fit of each method a seed.
    log : callable
        Gets a line of text after each fit.

    Returns
    -------
    results : dict
        Name -> list of (accuracy, negative log-likelihood or None, seconds).
    """
    results = {}
    for seed in seeds:
        X_train, X_test, y_train, y_test = split(data, seed)
        estimators = {
            name: PaReClassifier(
                input_shape=DATA[data][2], random_state=seed, **METHODS[name]
            )
            for name in methods
        } | peers(seed)
        for name, estimator in estimators.items():
            start = time.perf_counter()
            estimator.fit(X_train, y_train)
            seconds = time.perf_counter() - start
            accuracy, nll = estimator.score(X_test, y_test), None
            if hasattr(estimator, "predict_proba"):
                nll = log_loss(y_test, estimator.predict_proba(X_test))
            results.setdefault(name, []).append((accuracy, nll, seconds))
            log(f"seed {seed}  {name}  accuracy {accuracy:.4f}  {seconds:.1f} s")
    return results


def table(results):
    """Markdown table of means and standard deviations."""
    lines = [
        "| method | accuracy | NLL | fit, median s |",
        "|---|---|---|---|",
    ]
    for name, rows in results.items():
        accuracy, nll, seconds = zip(*rows, strict=True)
        nll = "-" if None in nll else _mean(nll)
        lines.append(
            f"| {name} | {_mean(accuracy)} | {nll} | {np.median(seconds):.1f} |"
        )
    return "\n".join(lines)


def _mean(values):
    if len(values) == 1:
        return f"{values[0]:.4f}"
    return f"{np.mean(values):.4f} +- {np.std(values, ddof=1):.4f}"
