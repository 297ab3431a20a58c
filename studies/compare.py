"""Comparison of methods on small tasks: errors, ranks and tests against PaRe.

With ``--budget time`` a method is trained for as many epochs as fit into the CPU time
of a fit of PaRe to the same task. Fits at equal epochs must be in the file, those of
one split or more for each task.

Splits from number 10 (``--first 10``) of the suites "small" and "every-token" are for
reports and used for nothing else; each run of fits on them is entered in a log.
Settings are chosen with the suite "tuning", on other tasks.
"""

import datetime

import numpy as np

from sklearn_pare._utils import expand
from sklearn_pare.benchmarks import console, lines, ranks
from sklearn_pare.benchmarks.tables import means
from sklearn_pare.exceptions import DataError
from studies import probes, record
from studies.signed_ranks import signed_rank_p
from studies.suites import PEERS, SUITES
from studies.tables import by_task, markdown

#: The method that the others are compared with.
REFERENCE = "pare"
#: Methods that are compared in full.
MAIN = ("pare", "nft", "nft-smoothing", "scratch", "pare-gate")
BUDGETS = ("epochs", "time")
_SUITES = ("small", "tuning", "every-token")
#: Runs of fits on splits for reports, which begin with this number.
LOG, _REPORTS = record.RESULTS / "report_runs.jsonl", 10
_NAMES = (*record.NAMES, "budget")


def add_arguments(parser):
    """Add the options of the study."""
    parser.add_argument("--suite", choices=_SUITES, default="small")
    record.add_arguments(parser, 5, tasks=["all of the suite"], methods=MAIN)
    record.add_first(parser)
    parser.add_argument("--budget", choices=BUDGETS, default="epochs")
    parser.add_argument(
        "--jobs",
        type=console.number,
        default=1,
        metavar="N",
        help="fits at a time; default: 1",
    )
    parser.add_argument(
        "--picture", type=expand, metavar="FILE", help="mean ranks, as PNG"
    )


def main(arguments):
    """Fit what is not recorded and return the tables."""
    console.check_writable(arguments.picture)
    suite = SUITES[arguments.suite]
    study = {"small": "compare"}.get(arguments.suite, arguments.suite)
    options = record.options(arguments, study)
    known = [*probes.CHOICES, *PEERS]
    if options["report"]:
        kinds = dict.fromkeys(record.NAMES, lines.SCALAR)
        known += [row["method"] for row in lines.read(options["out"], kinds)]
    names = record.choose(arguments.tasks, suite, suite, "task")
    methods = record.choose(arguments.methods, known, MAIN, "method")
    first = arguments.first
    if first >= _REPORTS and not options["report"]:
        _log(arguments, methods, names)
    rows = run(
        [suite[name] for name in names],
        methods,
        range(first, first + arguments.seeds),
        arguments.budget,
        jobs=arguments.jobs,
        **options,
    )
    if arguments.picture:
        ranks.save_ranks(*means(rows, "error")[1:], arguments.picture)
    return table(rows)


def _log(arguments, methods, tasks):
    """Enter a run on the splits for reports in the log."""
    lines.append(
        {
            "date": datetime.date.today().isoformat(),
            "suite": arguments.suite,
            "budget": arguments.budget,
            "splits": [arguments.first, arguments.first + arguments.seeds - 1],
            "tasks": len(tasks),
            "methods": methods,
        },
        LOG,
    )


def run(tasks, methods, seeds, budget="epochs", *, out=None, report=False, jobs=1):
    """Return one row for each fit.

    Parameters
    ----------
    tasks : list of Task
    methods : list of str
        Names in `probes.CHOICES` or `PEERS`. Tasks without one of these peers leave
        it out.
    seeds : iterable of int
    budget : {"epochs", "time"}, default="epochs"
        Fits of PaRe and of peers are the same for both.
    out, report, jobs
        As in `record.run`.

    Returns
    -------
    rows : list of dict
    """
    keys = (*_NAMES, "recipe")
    rows = [] if report else lines.read(out, dict.fromkeys(keys, lines.SCALAR))
    done = {_key(row): row for row in rows}
    wanted = []
    for task in tasks:
        own = [m for m in methods if m in task.peers or m not in PEERS]
        for cell in record.cells([task], own, seeds):
            timed = budget == "time" and cell["method"] not in (REFERENCE, *task.peers)
            if not report:
                settings = task.settings_of(cell["method"])
                if timed:
                    settings["max_epochs"] = _affordable(task, cell, done)
                cell["settings"] = settings
            wanted.append(cell | {"budget": "time" if timed else "epochs"})
    wanted.sort(key=lambda cell: cell["seed"])
    return record.run(
        tasks, wanted, fit=_fit, names=_NAMES, out=out, report=report, jobs=jobs
    )


def _key(row):
    return tuple(row[name] for name in (*_NAMES, "recipe"))


def _affordable(task, cell, done):
    """Return the number of epochs of a method that fit into the time of PaRe.

    It is the median over the splits that both were fitted to.
    """
    own, reference = (
        {
            row["seed"]: row
            for row in done.values()
            if (row["task"], row["method"]) == (task.name, method)
            and row["budget"] == "epochs"
            and row["recipe"] == lines.recipe(task.estimator(method, row["seed"]))
        }
        for method in (cell["method"], REFERENCE)
    )
    epochs = [
        own[seed]["epochs"] * reference[seed]["cpu"] / own[seed]["cpu"]
        for seed in own.keys() & reference.keys()
        if own[seed]["epochs"] is not None
    ]
    if not epochs:
        raise DataError(
            f"--budget time needs fits of {REFERENCE!r} and {cell['method']!r} on "
            f"{task.name} with their numbers of epochs, which the file does not have. "
            "Run with --budget epochs first, and leave out methods without epochs."
        )
    return max(round(np.median(epochs)), 1)


def _fit(task, estimator, cell):
    with probes.changed(cell["method"]):
        return record.measured(task, estimator, cell)


def table(rows):
    """Return the errors by task, and the ranks and tests, as Markdown.

    "median ratio" is the figure of a method divided by that of PaRe, above 1 if PaRe
    is better; "p" is the result of `signed_rank_p`.
    """
    parts = [by_task(rows, "error")]
    titles = {"error": "Error", "nll": "NLL", "ece": "Calibration error"}
    for figure, title in titles.items():
        tasks, methods, values = means(rows, figure)
        if len(tasks) > 1 and REFERENCE in methods and len(methods) > 1:
            parts.append(f"{title}, {len(tasks)} tasks:")
            parts += _against_reference(methods, values)
    return "\n\n".join(parts)


def _against_reference(methods, values):
    own = values[:, methods.index(REFERENCE)]
    others = [i for i, name in enumerate(methods) if name != REFERENCE]
    p = dict(zip(others, signed_rank_p(own, values[:, others]), strict=True))
    head = [
        "method",
        "mean rank",
        f"better / equal / worse than {REFERENCE}",
        "median ratio",
        "p",
    ]
    places, cells = ranks.mean_ranks(values), []
    for column, name in enumerate(methods):
        cells.append([name, f"{places[column]:.2f}", "-", "-", "-"])
        if column in p:
            sign = np.sign(own - values[:, column])
            ratio = np.median(values[:, column] / np.maximum(own, 1e-12))
            counts = " / ".join(str(int((sign == s).sum())) for s in (1, 0, -1))
            cells[-1][2:] = [counts, f"{ratio:.2f}", f"{p[column]:.4f}"]
    difference = ranks.critical_difference(*values.shape)
    yield markdown(head, cells)
    yield f"Critical difference of mean ranks (Nemenyi): {difference:.2f}"
