"""What a pretrained backbone is worth: few labelled rows against fresh weights.

Every candidate backbone sees the same splits; all other settings are defaults, but there
is no linear path beside the backbone.
"""

import functools
import json
import time
from pathlib import Path

import numpy as np
from scipy.stats import rankdata
from sklearn.base import is_classifier
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.model_selection import train_test_split

from sklearn_pare import PaReClassifier, PaReRegressor, backbones
from sklearn_pare.backbones.bundled import build_tiny, load_file
from sklearn_pare.benchmarks.methods import METHODS
from sklearn_pare.datasets import (
    make_ecg,
    make_patterns,
    make_permeability,
    make_vibration,
)

#: The candidate that all others are compared with, and its settings.
CONTROL = "xavier"
CONTROL_SETTINGS = {"backbone": "pare-tiny", "pretrained": False}

_MAX_TEST = 500


def _sklearn(load):
    return functools.partial(load, return_X_y=True)


def _simulated(make):
    # Always the same rows: the seed of a run moves the split and the fit alone.
    return functools.partial(make, random_state=0)


_IMAGE = {"input_shape": (1, 8, 8)}

#: Name -> kind of data, loader, rows to train on, estimator, fixed settings.
TASKS = {
    "digits-100": ("images", _sklearn(load_digits), 100, PaReClassifier, _IMAGE),
    "digits-300": ("images", _sklearn(load_digits), 300, PaReClassifier, _IMAGE),
    "ecg-150": ("signals", _simulated(make_ecg), 150, PaReClassifier, {}),
    "vibration-120": ("signals", _simulated(make_vibration), 120, PaReClassifier, {}),
    "wine-50": ("tables", _sklearn(load_wine), 50, PaReClassifier, {}),
    "cancer-60": ("tables", _sklearn(load_breast_cancer), 60, PaReClassifier, {}),
    "diabetes-150": ("tables", _sklearn(load_diabetes), 150, PaReRegressor, {}),
    "permeability-150": (
        "fields", _simulated(make_permeability), 150, PaReRegressor, {},
    ),
    "patterns-100": ("fields", _simulated(make_patterns), 100, PaReClassifier, {}),
}  # fmt: skip


def resolve(candidate):
    """Find a candidate, and register it if it is a file.

    Parameters
    ----------
    candidate : str
        `CONTROL`, the name of a registered backbone, or the path of a ``.safetensors``
        file of ``python -m studies.pretraining``.

    Returns
    -------
    name : str
        The stem of a file.
    settings : dict
        Constructor arguments of the estimator.
    sha256 : str or None
        Hash of the weights; None where no file is behind them.

    Raises
    ------
    ValueError
        If the stem of a file is the name of a bundled backbone or of the control.
    """
    if candidate == CONTROL:
        return CONTROL, CONTROL_SETTINGS, None
    path = Path(candidate)
    name = path.stem if path.suffix == ".safetensors" else candidate
    if name != candidate:
        if name in (CONTROL, CONTROL_SETTINGS["backbone"]):
            raise ValueError(
                f"{candidate} would hide the backbone {name!r}. Give the file and its "
                "card another name."
            )
        backbones.register(name, functools.partial(_from_file, path))
    return name, {"backbone": name, "pretrained": True}, backbones.get(name).card.sha256


def _from_file(path, pretrained, generator):
    return load_file(path, generator) if pretrained else build_tiny(generator)


def split(X, y, n_train, stratify, seed):
    """Rows to train on and at most 500 of the rest: X, X_test, y, y_test."""
    return train_test_split(
        X,
        y,
        train_size=n_train,
        test_size=min(len(X) - n_train, _MAX_TEST),
        stratify=y if stratify else None,
        random_state=seed,
    )


def run(candidates, tasks, seeds, method, log, path=None):
    """Fit and score every candidate on every split.

    Parameters
    ----------
    candidates : sequence of str
        As for `resolve`; the control is always added.
    tasks : sequence of str
        Names in `TASKS`.
    seeds : sequence of int
        One split and one fit of each candidate a seed.
    method : str
        Name in `METHODS`.
    log : callable
        Gets a line of text after each fit.
    path : path-like, default=None
        File of JSON lines, one a fit. Fits that are in it are not done again.

    Returns
    -------
    results : dict
        Task -> candidate -> list of scores, one a seed: accuracy or R2.
    """
    # The settings of a backbone come last: "scratch" must not take its weights away.
    backbones = [resolve(name) for name in dict.fromkeys([*candidates, CONTROL])]
    done = _read(path)
    results = {}
    for task in tasks:
        _, load, _, kind, _ = TASKS[task]
        data, scores = None, results.setdefault(task, {})
        for seed in seeds:
            for name, settings, sha256 in backbones:
                estimator = kind(
                    random_state=seed,
                    # The backbone alone is compared.
                    linear_path=False,
                    **METHODS[method] | TASKS[task][4] | settings,
                )
                # With every default, so that a change of one is another fit.
                recipe = json.dumps(estimator.get_params(), sort_keys=True)
                key = (task, name, sha256, method, seed, recipe)
                if key not in done:
                    data = data or load()
                    done[key] = _fit(estimator, data, key, log, path)
                scores.setdefault(name, []).append(done[key])
    return results


_KEY = ("task", "candidate", "sha256", "method", "seed", "settings")


def _read(path):
    """Scores in a file of JSON lines, by the key of the fit."""
    if path is None or not Path(path).exists():
        return {}
    rows = map(json.loads, Path(path).read_text().splitlines())
    return {tuple(row[name] for name in _KEY): row["score"] for row in rows}


def _fit(estimator, data, key, log, path):
    """Score of one fit, logged and appended to the file."""
    task, name, _, _, seed, _ = key
    X, X_test, y, y_test = split(*data, TASKS[task][2], is_classifier(estimator), seed)
    start = time.perf_counter()
    score = float(estimator.fit(X, y).score(X_test, y_test))
    seconds = time.perf_counter() - start
    log(f"{task}  seed {seed}  {name}  score {score:.4f}  {seconds:.1f} s")
    if path is not None:
        row = dict(zip(_KEY, key, strict=True)) | {
            "score": score,
            "seconds": round(seconds, 1),
        }
        with Path(path).open("a") as file:
            file.write(json.dumps(row) + "\n")
    return score


def compare(results, candidate):
    """Count the tasks where a candidate is better and worse than the control.

    The difference of the means counts where it is larger than one standard deviation:
    the larger of the two sample standard deviations (over seeds) of the pair. With a
    single seed there is none, and nothing counts.

    Parameters
    ----------
    results : dict
        As of `run`.
    candidate : str

    Returns
    -------
    better, worse : int
    """
    better = worse = 0
    for scores in results.values():
        own, control = _spread(scores[candidate]), _spread(scores[CONTROL])
        if own[1] is None:
            continue
        difference, std = own[0] - control[0], max(own[1], control[1])
        better += difference > std
        worse += -difference > std
    return better, worse


def table(results):
    """Markdown table: tasks by candidates, ranks, and the comparison to the control.

    A cell is the mean over seeds +- the sample standard deviation. Rank 1 is the
    highest mean of a task; equal means share their average rank. "vs xavier" counts
    tasks as `compare` does and gives the mean of the paired differences over tasks.

    Parameters
    ----------
    results : dict
        As of `run`.

    Returns
    -------
    text : str
    """
    names = list(next(iter(results.values())))
    means = {
        task: [np.mean(scores[name]) for name in names]
        for task, scores in results.items()
    }
    ranks = np.mean([rankdata(np.negative(row)) for row in means.values()], axis=0)
    lines = [_line("task", names), "|" + "---|" * (len(names) + 1)]
    lines += [
        _line(task, [_cell(scores[name]) for name in names])
        for task, scores in results.items()
    ]
    lines.append(_line("average rank", [f"{rank:.2f}" for rank in ranks]))
    return "\n".join([*lines, "", *_against_control(results, names)])


def _against_control(results, names):
    """One line for each candidate but the control."""
    for name in names:
        if name == CONTROL:
            continue
        better, worse = compare(results, name)
        differences = {
            task: np.mean(np.subtract(scores[name], scores[CONTROL]))
            for task, scores in results.items()
        }
        each = ", ".join(f"{task} {value:+.4f}" for task, value in differences.items())
        yield (
            f"{name} vs {CONTROL}: better by more than one std on {better}, worse on "
            f"{worse} of {len(results)} tasks; mean difference "
            f"{np.mean(list(differences.values())):+.4f} ({each})"
        )


def to_figures(results):
    """Means and sample standard deviations, ready for JSON.

    Parameters
    ----------
    results : dict
        As of `run`.

    Returns
    -------
    figures : dict
        Task -> candidate -> [mean, std], rounded to 4 digits; std is None with a
        single seed.
    """
    return {
        task: {
            name: [None if x is None else round(x, 4) for x in _spread(values)]
            for name, values in scores.items()
        }
        for task, scores in results.items()
    }


def _spread(values):
    """Mean and sample standard deviation; None for that of a single value."""
    std = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return float(np.mean(values)), std


def _cell(values):
    mean, std = _spread(values)
    return f"{mean:.4f}" if std is None else f"{mean:.4f} +- {std:.4f}"


def _line(first, cells):
    return "| " + " | ".join([first, *cells]) + " |"
