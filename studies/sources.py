"""Whether the source that lies nearest is a good one, once it was trained with."""

from collections import defaultdict

import numpy as np

from sklearn_pare import sources
from sklearn_pare.benchmarks.lines import recipe, resume
from sklearn_pare.benchmarks.measures import measure, on_one_thread
from sklearn_pare.sources.formula import FAMILIES
from studies.suites import SUITES
from studies.transfer import _cell, _line

#: What "auto" looks at without sources of the user's own.
CANDIDATES = ("formula", *(f"formula:{family}" for family in FAMILIES))
#: One task of images, one of signals, one of fields.
TASKS = ("digits-100", "ecg-100", "permeability-100")


def run(suite, tasks, seeds, log, path=None):
    """Distance of every candidate, and its error after training.

    Parameters
    ----------
    suite : str
        Name in `SUITES`.
    tasks : sequence of str
        Names in that suite.
    seeds : sequence of int
    log : callable
        Gets a line of text after each fit.
    path : path-like, default=None
        File of JSON lines, one a fit. Fits that are in it are not done again.

    Returns
    -------
    rows : list of dict
        Task, source, seed, "distance", the figures of `measure`, "cpu" in seconds.
    """
    wanted = [
        {
            "task": task,
            "source": source,
            "seed": seed,
            "recipe": recipe(_estimator(SUITES[suite][task], source, seed)),
        }
        for seed in seeds
        for task in tasks
        for source in CANDIDATES
    ]
    return resume(
        wanted,
        ("task", "source", "seed", "recipe"),
        lambda todo: (cell | _fit(SUITES[suite][cell["task"]], cell) for cell in todo),
        lambda row: f"distance {row['distance']:.2f}  error {row['error']:.4f}",
        log,
        path,
    )


def _estimator(task, source, seed):
    settings = task.settings_of("pare") | {"source": source}
    return task.estimator("pare", settings, seed)


def _fit(task, cell):
    source, seed = cell["source"], cell["seed"]
    X, X_test, y, y_test = task.split(seed)
    input_shape = task.settings.get("input_shape")
    ((_, distance),) = sources.rank(
        X, y, [source], input_shape=input_shape, random_state=seed
    )
    estimator = _estimator(task, source, seed)
    _, cpu = on_one_thread(lambda: estimator.fit(X, y))
    figures = measure(estimator, X_test, y_test)
    return {"distance": distance} | figures | {"cpu": cpu}


def table(rows):
    """Markdown: candidates by distance, and the place of the nearest by its error.

    Distances and errors are means over seeds, +- the sample standard deviation.
    """
    found = defaultdict(lambda: defaultdict(list))
    for row in rows:
        found[row["task"]][row["source"]].append(row)
    lines = [_line("task", ["source", "distance", "error"]), "|" + "---|" * 4]
    verdicts = []
    for task, own in found.items():
        mean = {
            figure: {s: np.mean([row[figure] for row in o]) for s, o in own.items()}
            for figure in ("distance", "error")
        }
        order = sorted(own, key=mean["distance"].get)
        for source in order:
            errors = [row["error"] for row in own[source]]
            cells = [source, f"{mean['distance'][source]:.2f}", _cell(errors)]
            lines.append(_line(task, cells))
        error, median = mean["error"][order[0]], np.median(list(mean["error"].values()))
        better = sum(value < error for value in mean["error"].values())
        verdicts.append(
            f"{task}: {order[0]} has error {error:.4f}, place {better + 1} of "
            f"{len(own)}; the median of the candidates is {median:.4f}"
        )
    return "\n".join([*lines, "", *verdicts])
