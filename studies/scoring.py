"""Early stopping by the area under the ROC curve, for a class of 3 % of the samples.

A seed is one split into training and test samples, the same for all.
"""

from studies import record
from studies.suites import SUITES
from studies.tables import collect, markdown, mean_std

TASKS = SUITES["rare"]
#: Name in the table -> `scoring`.
METHODS = {"accuracy": None, "roc_auc": "roc_auc"}


def add_arguments(parser):
    """Add the options of the study."""
    record.add_arguments(parser, 5)


def main(arguments):
    """Fit what is not recorded and return the table."""
    options = record.options(arguments, "scoring")
    return table(run(range(arguments.seeds), **options))


def run(seeds, **options):
    """Return the rows of fits that are stopped by each score."""
    wanted = record.cells(TASKS.values(), METHODS, seeds)
    return record.run(
        TASKS.values(), wanted, estimator=_estimator, fit=record.scored, **options
    )


def _estimator(task, cell):
    scoring = METHODS[cell["method"]]
    return task.estimator("pare", cell["seed"], scoring=scoring)


def table(rows):
    """Return the area under the ROC curve of the test part, as Markdown.

    The gain over stopping by accuracy is the difference between fits of the same seed.
    """
    found, epochs = collect(rows, "score"), collect(rows, "epochs")
    cells = []
    for (task, method), scores in found.items():
        base = found[task, "accuracy"]
        gains = [own - other for own, other in zip(scores, base, strict=True)]
        gain = "-" if method == "accuracy" else mean_std(gains)
        cells.append(
            [task, method, mean_std(scores), gain, mean_std(epochs[task, method])]
        )
    return markdown(["task", "stopped by", "AUC", "gain", "epochs"], cells)
