"""Choice of the source: distances of candidates and errors after training."""

import numpy as np

from sklearn_pare import sources
from sklearn_pare.sources.formula import FAMILIES
from studies import record
from studies.suites import SUITES
from studies.tables import collect, markdown, mean_std

#: The candidates of ``source="nearest"``.
CANDIDATES = ("formula", *(f"formula:{family}" for family in FAMILIES))
#: One task of images, one of signals, one of fields.
TASKS = ("digits-100", "ecg-100", "permeability-100")


def add_arguments(parser):
    """Add the options of the study."""
    record.add_arguments(parser, 3, tasks=TASKS)


def main(arguments):
    """Fit what is not recorded and return the table."""
    names = record.choose(arguments.tasks, SUITES["small"], TASKS, "task")
    options = record.options(arguments, "sources")
    return table(run(names, range(arguments.seeds), **options))


def run(names, seeds, **options):
    """Return one row for each fit: "distance", and the figures of `measure`."""
    tasks = [SUITES["small"][name] for name in names]
    wanted = [
        {"task": task.name, "source": source, "seed": seed}
        for seed in seeds
        for task in tasks
        for source in CANDIDATES
    ]
    keys = ("task", "source", "seed")
    return record.run(
        tasks, wanted, estimator=_estimator, fit=_fit, names=keys, **options
    )


def _estimator(task, cell):
    return task.estimator("pare", cell["seed"], source=cell["source"])


def _fit(task, estimator, cell):
    X, _, y, _ = task.split(cell["seed"])
    ((_, distance),) = sources.rank(
        X,
        y,
        [cell["source"]],
        input_shape=task.settings.get("input_shape"),
        random_state=cell["seed"],
    )
    return {"distance": distance} | record.measured(task, estimator, cell)


def table(rows):
    """Return the candidates by distance, and the rank of the nearest by its error."""
    distances, errors = (collect(rows, key, "source") for key in ("distance", "error"))
    cells, verdicts = [], []
    for task in dict.fromkeys(task for task, _ in distances):
        mean = {s: np.mean(found) for (t, s), found in distances.items() if t == task}
        order = sorted(mean, key=mean.get)
        cells += [
            [task, source, f"{mean[source]:.2f}", mean_std(errors[task, source])]
            for source in order
        ]
        means = [np.mean(errors[task, source]) for source in order]
        place = 1 + sum(value < means[0] for value in means)
        verdicts.append(
            f"{task}: {order[0]} has error {means[0]:.4f}, place {place} of "
            f"{len(order)}; the median of the candidates is {np.median(means):.4f}"
        )
    head = ["task", "source", "distance", "error"]
    return "\n".join([markdown(head, cells), "", *verdicts])
