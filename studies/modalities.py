"""Every modality and kind of target: PaRe beside what a practitioner would try first.

A seed is one split and one fit of each method and peer; all settings are defaults.
"""

import functools
import json
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
)
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    r2_score,
    roc_auc_score,
)
from sklearn.model_selection import train_test_split

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.benchmarks.lines import append, read
from sklearn_pare.benchmarks.measures import probabilities
from sklearn_pare.benchmarks.methods import CHOICES
from sklearn_pare.datasets import (
    make_advection,
    make_burgers,
    make_chirps,
    make_cosmic_rays,
    make_darcy,
    make_diffusion_reaction_1d,
    make_diffusion_reaction_2d,
    make_ecg,
    make_gait,
    make_motifs,
)
from studies import peers
from studies.transfer import _cell, _line
from studies.unet import relative_l2


@dataclass(frozen=True)
class Metric:
    """A measure of targets (n, ...) and what an estimator says about them.

    Parameters
    ----------
    name : str
    measure : callable
        Function of the targets and the prediction.
    predict : callable
        Function of an estimator and rows: the prediction.
    smaller_is_better : bool, default=False
    """

    name: str
    measure: Callable
    predict: Callable = lambda estimator, X: estimator.predict(X)
    smaller_is_better: bool = False


def _foreground(estimator, X):
    """Score of the second class in each pixel, (n, H, W)."""
    if hasattr(estimator, "predict_proba"):
        return estimator.predict_proba(X)[:, 1]
    return estimator.decision_function(X)


ACCURACY = Metric("accuracy", accuracy_score)
R2 = Metric("R2", r2_score)
RELATIVE_L2 = Metric("relative L2", relative_l2, smaller_is_better=True)
PIXEL_AUROC = Metric(
    "pixel AUROC",
    lambda y, scores: roc_auc_score(y.ravel(), scores.ravel()),
    _foreground,
)
MACRO_AP = Metric("macro AP", average_precision_score, probabilities)


@dataclass(frozen=True)
class Rule:
    """What the mean of PaRe must reach.

    The bound is ``factor`` times the best mean of some peers plus ``offset``.

    Parameters
    ----------
    peers : tuple of str, default=()
        None of them: the bound is the offset.
    factor : float, default=1.0
    offset : float, default=0.0
    strict : bool, default=False
        The bound itself is not enough.
    """

    peers: tuple = ()
    factor: float = 1.0
    offset: float = 0.0
    strict: bool = False

    def bound(self, means, metric):
        """Number to reach.

        Parameters
        ----------
        means : dict
            Mean score of every peer.
        metric : Metric

        Returns
        -------
        bound : float
        """
        best = min if metric.smaller_is_better else max
        values = [means[name] for name in self.peers]
        return self.factor * best(values, default=0.0) + self.offset

    def holds(self, score, bound, metric):
        """Whether a mean score reaches a bound of this rule."""
        gain = bound - score if metric.smaller_is_better else score - bound
        return gain > 0 if self.strict else gain > -1e-9

    def text(self, metric):
        """The rule in words, as ``<= 1.1 x UNet``."""
        sign = "<" if metric.smaller_is_better else ">"
        if not self.peers:
            return f"{sign}= {self.offset:g}"
        text = self.peers[0] if len(self.peers) == 1 else "best peer"
        if self.factor != 1:
            text = f"{self.factor:g} x {text}"
        if self.offset:
            text += f" {'-' if self.offset < 0 else '+'} {abs(self.offset):g}"
        return f"{sign}{'' if self.strict else '='} {text}"


@dataclass(frozen=True)
class Task:
    """Data, how they are split, what is measured, and what it is compared with.

    Parameters
    ----------
    load : callable
        Gives X and y, always the same.
    n_train : int
        All other rows are for the test.
    metric : Metric
    peers : tuple of str
        Names for `peers.make`.
    rules : tuple of Rule
    kind : {PaReClassifier, PaReRegressor}
    settings : dict
        Arguments of `kind` that the data ask for.
    """

    load: Callable
    n_train: int
    metric: Metric
    peers: tuple
    rules: tuple
    kind: type = PaReClassifier
    settings: dict = field(default_factory=dict)

    def split(self, X, y, seed):
        """Rows to train on and the rest, classes in equal shares: X, X_test, y, ..."""
        classes = self.kind is PaReClassifier and y.ndim == 1
        return train_test_split(
            X,
            y,
            train_size=self.n_train,
            stratify=y if classes else None,
            random_state=seed,
        )

    def estimator(self, method, seed, seconds):
        """PaRe with a method's settings, or a peer that may train for some time."""
        if method in CHOICES:
            settings = CHOICES[method] | self.settings
            return self.kind(random_state=seed, **settings)
        return peers.make(method, seed, seconds)


def _sklearn(load):
    return functools.partial(load, return_X_y=True)


def _simulated(make, n_samples, **settings):
    # Always the same rows: the seed of a run moves the split and the fit alone.
    return functools.partial(make, n_samples, random_state=0, **settings)


def _fields(load, names, *rules):
    return Task(load, 300, RELATIVE_L2, names, rules, PaReRegressor)


def _line_fields(make, *rules, **settings):
    names = ("ridge", "KNN", "UNet")
    load = _simulated(make, 400, resolution=256, **settings)
    return _fields(load, names, Rule(names, factor=1.1), *rules)


def _darcy(medium):
    return _fields(
        _simulated(make_darcy, 400, size=32, medium=medium),
        ("ridge", "KNN", "kernel ridge", "UNet", "FNO"),
        Rule(("UNet",), factor=1.1),
        Rule(("ridge",), factor=0.7),
    )


def _signals(make):
    rules = (Rule(("MiniRocket + ridge",), offset=-0.02),)
    names = ("SVC", "MiniRocket + ridge")
    return Task(_simulated(make, 400), 150, ACCURACY, names, rules)


def _table(load, n_train):
    names = (
        "StandardScaler + LogisticRegression",
        "StandardScaler + SVC",
        "RandomForest",
        "HistGradientBoosting",
    )
    rules = (Rule(names, offset=-0.01),)
    return Task(_sklearn(load), n_train, ACCURACY, names, rules)


_ABOVE_RIDGE = Rule(("ridge",), strict=True)

#: Name -> `Task`.
TASKS = {
    "darcy-lognormal": _darcy("lognormal"),
    "darcy-two-valued": _darcy("two-valued"),
    "advection-256": _line_fields(make_advection),
    # The damping of PDEBench's viscosity 0.01, which it divides by pi.
    "burgers-256": _line_fields(make_burgers, _ABOVE_RIDGE, viscosity=0.003),
    "diffusion-reaction-1d-256": _line_fields(make_diffusion_reaction_1d, _ABOVE_RIDGE),
    "diffusion-reaction-2d": _fields(
        _simulated(make_diffusion_reaction_2d, 400, size=32),
        ("ridge", "UNet"),
        Rule(("UNet",), factor=1.1),
    ),
    "digits-300": Task(
        _sklearn(load_digits),
        300,
        ACCURACY,
        ("SVC", "StandardScaler + SVC"),
        (Rule(offset=0.975),),
        settings={"input_shape": (1, 8, 8)},
    ),
    "ecg-150": _signals(make_ecg),
    "chirps-150": _signals(make_chirps),
    "gait-150": _signals(make_gait),
    "wine-50": _table(load_wine, 50),
    "cancer-60": _table(load_breast_cancer, 60),
    "iris-45": _table(load_iris, 45),
    "diabetes-150": Task(
        _sklearn(load_diabetes),
        150,
        R2,
        ("ridge", "regression forest"),
        (Rule(offset=0.44),),
        PaReRegressor,
    ),
    "cosmic-64": Task(
        _simulated(make_cosmic_rays, 300, size=64),
        200,
        PIXEL_AUROC,
        ("median filter",),
        (Rule(offset=0.98),),
    ),
    "motifs-200": Task(
        _simulated(make_motifs, 400),
        200,
        MACRO_AP,
        ("FFT + RandomForest",),
        (Rule(("FFT + RandomForest",), strict=True),),
    ),
}


def run(tasks, methods, seeds, log, path=None):
    """Fit and score every method and every peer on every split.

    Peers in `peers.TIMED` train as long as "pare" did for the same seed, and are left
    out where that is not among the methods.

    Parameters
    ----------
    tasks : sequence of str
        Names in `TASKS`.
    methods : sequence of str
        Names in `CHOICES`.
    seeds : sequence of int
        One split and one fit of each method and peer a seed.
    log : callable
        Gets a line of text after each fit.
    path : path-like, default=None
        File of JSON lines, one a fit. Fits that are in it are not done again.

    Returns
    -------
    rows : list of dict
        One a fit: task, method, seed, settings, score, seconds.
    """
    done = {_key(row): row for row in read(path)}
    rows = []
    for name in tasks:
        task, data = TASKS[name], None
        for seed in seeds:
            seconds = None
            for method in [*methods, *task.peers]:
                if method in peers.TIMED and seconds is None:
                    log(f"{name}  seed {seed}  {method} left out: no time of pare")
                    continue
                estimator = task.estimator(method, seed, seconds)
                row = {
                    "task": name,
                    "method": method,
                    "seed": seed,
                    "settings": _recipe(estimator),
                }
                if _key(row) not in done:
                    data = data or task.load()
                    try:
                        row |= _fit(task, estimator, *task.split(*data, seed))
                    except ModuleNotFoundError as error:
                        log(f"{name}  seed {seed}  {method} left out: {error}")
                        continue
                    done[_key(row)] = row
                    log(
                        f"{name}  seed {seed}  {method}  {task.metric.name} "
                        f"{row['score']:.4f}  {row['seconds']:.1f} s"
                    )
                    append(row, path)
                rows.append(done[_key(row)])
                if method == "pare":
                    seconds = rows[-1]["seconds"]
    return rows


def _recipe(estimator):
    """Every setting, so that a change of a default is another fit."""
    settings = estimator.get_params(deep=False)
    return json.dumps(settings, sort_keys=True, default=repr)


def _key(row):
    return row["task"], row["method"], row["seed"], row["settings"]


def _fit(task, estimator, X, X_test, y, y_test):
    """Score of one fit, and its seconds."""
    start = time.perf_counter()
    estimator.fit(X, y)
    seconds = time.perf_counter() - start
    metric = task.metric
    score = metric.measure(y_test, metric.predict(estimator, X_test))
    return {"score": float(score), "seconds": round(seconds, 2)}


def table(rows):
    """Markdown table: what PaRe reaches, its peers, and what is asked of it.

    A cell is the mean over seeds +- the sample standard deviation. Where a fit is
    there twice, with other settings, the last one counts. "s" is the median time of a
    fit of "pare".

    Parameters
    ----------
    rows : list of dict
        As of `run` or `read`.

    Returns
    -------
    text : str
    """
    scores, seconds = defaultdict(dict), defaultdict(dict)
    for row in rows:
        scores[row["task"], row["method"]][row["seed"]] = row["score"]
        seconds[row["task"], row["method"]][row["seed"]] = row["seconds"]
    methods = [name for name in CHOICES if any(name == key[1] for key in scores)]
    head = ["metric", *methods, "s", "peers", "asked", "met"]
    lines = [_line("task", head), "|" + "---|" * (len(head) + 1)]
    for name, task in TASKS.items():
        own = {key[1]: value for key, value in scores.items() if key[0] == name}
        if not own:
            continue
        times = list(seconds[name, "pare"].values())
        cells = [
            task.metric.name,
            *(_cell(list(own[m].values())) if m in own else "-" for m in methods),
            f"{np.median(times):.0f}" if times else "-",
            ", ".join(f"{p} {_cell(list(own[p].values()))}" for p in task.peers
                      if p in own),
            ", ".join(rule.text(task.metric) for rule in task.rules),
            ", ".join(_verdict(rule, task.metric, own) for rule in task.rules),
        ]  # fmt: skip
        lines.append(_line(name, cells))
    return "\n".join(lines)


def _verdict(rule, metric, scores):
    """Say "yes", "no" with the bound, or "?" where fits of a seed are missing."""
    seeds = [set(scores.get(name, ())) for name in ("pare", *rule.peers)]
    if not seeds[0] or any(other != seeds[0] for other in seeds):
        return "?"
    means = {name: np.mean(list(values.values())) for name, values in scores.items()}
    bound = rule.bound(means, metric)
    return "yes" if rule.holds(means["pare"], bound, metric) else f"no ({bound:.4f})"
