"""Fields: PaRe beside networks that are trained for the same CPU time.

A seed determines data of its own, fresh from the simulators, as well as the fits: 300
training samples, or the first few of these, and 200 test samples. The file of the
package neuraloperator has 1,000 training samples and 50 test samples, see ``--n``. The
settings of PaRe are defaults, but the number of epochs is multiplied by the budget. By
default its decoder learns without a backbone; "pare-tiny" is the same decoder with that
backbone, for the same number of steps. UNet and FNO get the CPU time that the fit of
PaRe took. Defaults were chosen with seeds from 100 on, on Burgers with shocks and
log-normal Darcy flow. Only the default of using no backbone was also chosen with the
results of seed 1000.
"""

import functools
import time
from dataclasses import dataclass
from types import SimpleNamespace
from unittest import mock

import numpy as np

from sklearn_pare import _report, datasets
from sklearn_pare.datasets.simulate._pde import pressure
from studies import peers, real, record
from studies.suites import SUITES, Task
from studies.tables import collect, markdown, mean_std

_N_TRAIN, _N_TEST, _FIRST = 300, 200, 1000
#: Trained for the time of "pare".
PEERS = ("UNet", "FNO")
#: Name of a method -> arguments of PaRe.
METHODS = {
    "pare": {},
    "pare-tiny": {"backbone": "pare-tiny"},
    "scratch": {"backbone": "pare-tiny", "pretrained": False, "tune": "head"},
    "naive": {"tune": "all"},
    "mixed": {"mix_start": 0.6},
}
_NAMES = (*record.NAMES, "n", "budget")
#: Fields of the package neuraloperator; they are not fitted unless they are named.
_FILE = "darcy-16 of neuraloperator"


@dataclass(frozen=True)
class FieldTask(Task):
    """A task whose data depend on the seed."""

    def split(self, seed):
        """Return X, X_test, y, y_test."""
        X, y = self.load(_N_TRAIN + _N_TEST, random_state=seed)
        parts = slice(0, self.n_train), slice(_N_TRAIN, None)
        return tuple(values[part] for values in (X, y) for part in parts)

    def estimator(self, method, seed, **settings):
        """Return the estimator of a method or peer, not fitted."""
        if method in peers.TIMED:
            return peers.make(method, seed, **settings)
        known = Task("", None, 0, "relative L2")
        return known.estimator("pare", seed, **METHODS[method] | settings)


class FileTask(FieldTask):
    """A task whose training and test samples are in files."""

    def split(self, seed):
        """Return X, X_test, y, y_test, the same for each seed."""
        (X, y), (X_test, y_test) = self.load(), self.load("test")
        return X[: self.n_train], X_test, y[: self.n_train], y_test


def make_contrast(n_samples, *, random_state, size=32):
    """Return log-normal media and pressures, as `make_darcy`, of contrast 100.

    Permeabilities two standard deviations of the logarithm above and below its mean
    differ by this factor.
    """
    X, _ = datasets.make_darcy(n_samples, size=size, random_state=random_state)
    # The variance of the logarithm was 1/2.
    X **= np.log(100) / 4 / np.sqrt(0.5)
    source = np.full((size, size), size**-2.0)
    return X, np.stack([pressure(k, source) for k in X[:, 0]])


def _tasks(n):
    fields = [t for t in SUITES["modalities"].values() if t.metric == "relative L2"]
    own = {task.name: task.load.func for task in fields}
    more = {task.name: dict(task.load.keywords) for task in fields}
    own |= {"burgers-shocks": datasets.make_burgers, "darcy-100": make_contrast}
    more |= {"burgers-shocks": {"viscosity": 0.005}, "darcy-100": {}}
    for settings in more.values():
        settings.pop("random_state", None)
    tasks = {
        name: FieldTask(name, functools.partial(make, **more[name]), n, "relative L2")
        for name, make in own.items()
    }
    return tasks | {_FILE: FileTask(_FILE, real.darcy, n, "relative L2")}


#: Name of the data -> task with all training samples.
TASKS = _tasks(_N_TRAIN)
_DRAWN = [name for name in TASKS if name != _FILE]


def add_arguments(parser):
    """Add the options of the study."""
    record.add_arguments(parser, 3, tasks=_DRAWN, methods=("pare", *PEERS))
    parser.add_argument(
        "--n", type=int, default=_N_TRAIN, help="training samples; default: 300"
    )
    parser.add_argument(
        "--budget",
        type=float,
        default=1.0,
        help="multiple of the default number of epochs; default: 1",
    )
    parser.add_argument(
        "--first", type=int, default=_FIRST, help="the first seed; default: 1000"
    )


def main(arguments):
    """Fit what is not recorded and return the table."""
    names = record.choose(arguments.tasks, TASKS, _DRAWN, "task")
    known = {*METHODS, *PEERS}
    rows = run(
        names,
        record.choose(arguments.methods, known, ("pare", *PEERS), "method"),
        range(arguments.first, arguments.first + arguments.seeds),
        arguments.n,
        arguments.budget,
        **record.options(arguments, "fields"),
    )
    return table(rows)


def run(names, methods, seeds, n=_N_TRAIN, budget=1.0, **options):
    """Return one row for each fit; peers need the time of the fit of "pare"."""
    tasks = [_tasks(n)[name] for name in names]
    if "FNO" in methods and not options.get("report"):
        has_fno = record.installed("neuralop", "FNO")
        methods = [method for method in methods if has_fno or method != "FNO"]
    wanted = [
        cell | {"n": n, "budget": budget}
        for cell in record.cells(tasks, methods, seeds)
    ]
    own = [_with_epochs(cell) for cell in wanted if cell["method"] not in PEERS]
    run_cells = functools.partial(record.run, tasks, fit=_fit, names=_NAMES, **options)
    rows = run_cells(own)
    seconds = {
        (row["task"], row["seed"]): row["cpu"]
        for row in rows
        if row["method"] == "pare"
    }
    timed = [
        cell | {"settings": {"seconds": seconds[cell["task"], cell["seed"]]}}
        for cell in wanted
        if cell["method"] in PEERS and (cell["task"], cell["seed"]) in seconds
    ]
    return rows + (run_cells(timed) if timed else [])


def _with_epochs(cell):
    """Return a fit with the epochs of its budget."""
    if cell["budget"] == 1:
        return cell
    X, *_ = TASKS[cell["task"]].split(cell["seed"])
    n_steps, batch_size = 2400 if X.ndim == 3 else 1200, 8
    epochs = np.ceil(n_steps / np.ceil(cell["n"] / batch_size)) * cell["budget"]
    return cell | {"settings": {"max_epochs": max(1, round(epochs))}}


def _fit(task, estimator, cell):
    # A budget of PaRe is measured in the CPU time of this process, as for the peers.
    clock = SimpleNamespace(perf_counter=time.process_time)
    with mock.patch.object(_report, "time", clock):
        return record.scored(task, estimator, cell)


def table(rows):
    """Return the errors, and those of "pare" over the lowest of the peers, as Markdown.

    "CPU s" is the median time of a fit of "pare".
    """
    scores, times = collect(rows, "score"), collect(rows, "cpu")
    methods = [m for m in (*METHODS, *PEERS) if any(m == own for _, own in scores)]
    cells, ratios = [], []
    for name in dict.fromkeys(task for task, _ in scores):
        means = {m: np.mean(scores[name, m]) for m in methods if (name, m) in scores}
        best = min((means[p] for p in PEERS if p in means), default=np.nan)
        ratios.append(means.get("pare", np.nan) / best)
        seconds = times.get((name, "pare"))
        cells.append(
            [
                name,
                *(mean_std(scores.get((name, method))) for method in methods),
                f"{ratios[-1]:.2f}",
                f"{np.median(seconds):.0f}" if seconds else "-",
            ]
        )
    found = np.array(ratios)
    met = f"At most 1.0: {(found <= 1).sum()} of {len(found)}; at most 1.15: "
    met += f"{(found <= 1.15).sum()}."
    titles = ["task", *methods, "over the best peer", "CPU s"]
    return f"{markdown(titles, cells)}\n\n{met}"
