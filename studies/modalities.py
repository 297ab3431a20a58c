"""Every modality and kind of target: PaRe beside what a practitioner would try first.

All settings are defaults. UNet and FNO are trained for as long as PaRe was.
"""

import importlib.util
from dataclasses import dataclass

import numpy as np

from studies import peers, probes, record
from studies.suites import METRICS, SUITES
from studies.tables import collect, markdown, mean_std

TASKS = SUITES["modalities"]
METHODS = ("pare", "nft")


@dataclass(frozen=True)
class Rule:
    """Requirement on the mean of PaRe: ``factor`` x best mean of peers + ``offset``.

    Parameters
    ----------
    peers : tuple of str, default=()
        Without peers the bound is the offset.
    factor : float, default=1.0
    offset : float, default=0.0
    strict : bool, default=False
        If True, PaRe must be better than the bound.
    """

    peers: tuple = ()
    factor: float = 1.0
    offset: float = 0.0
    strict: bool = False

    def bound(self, means, smaller):
        """Return the bound from the mean score of each peer."""
        best = min if smaller else max
        values = [means[name] for name in self.peers]
        return self.factor * best(values, default=0.0) + self.offset

    def holds(self, score, bound, smaller):
        """Return True if a mean score meets a bound of this rule."""
        gain = bound - score if smaller else score - bound
        return gain > 0 if self.strict else gain > -1e-9

    def text(self, smaller):
        """Return the rule as text, such as ``<= 1.1 x UNet``."""
        sign = "<" if smaller else ">"
        if not self.peers:
            return f"{sign}= {self.offset:g}"
        text = self.peers[0] if len(self.peers) == 1 else "best peer"
        if self.factor != 1:
            text = f"{self.factor:g} x {text}"
        if self.offset:
            text += f" {'-' if self.offset < 0 else '+'} {abs(self.offset):g}"
        return f"{sign}{'' if self.strict else '='} {text}"


_ABOVE_RIDGE = Rule(("ridge",), strict=True)
_FIELDS = Rule(("UNet",), 1.1), Rule(("ridge",), 0.7)
_LINES = Rule(("ridge", "KNN", "UNet"), 1.1)
_SIGNALS = (Rule(("MiniRocket + ridge",), offset=-0.02),)
_TABLES = (Rule(tuple(TASKS["iris-45"].peers), offset=-0.01),)

#: Name of a task -> what is required of PaRe.
RULES = {
    "darcy-lognormal": _FIELDS,
    "darcy-two-valued": _FIELDS,
    "advection-256": (_LINES,),
    "burgers-256": (_LINES, _ABOVE_RIDGE),
    "diffusion-reaction-1d-256": (_LINES, _ABOVE_RIDGE),
    "diffusion-reaction-2d": _FIELDS[:1],
    "digits-300": (Rule(offset=0.975),),
    "ecg-150": _SIGNALS,
    "chirps-150": _SIGNALS,
    "gait-150": _SIGNALS,
    "wine-50": _TABLES,
    "cancer-60": _TABLES,
    "iris-45": _TABLES,
    "diabetes-150": (Rule(offset=0.44),),
    "cosmic-64": (Rule(offset=0.98),),
    "motifs-200": (Rule(("FFT + RandomForest",), strict=True),),
}


def add_arguments(parser):
    """Add the options of the study."""
    record.add_arguments(parser, 3, tasks=TASKS, methods=METHODS)


def main(arguments):
    """Fit what is not recorded and return the table."""
    names = record.choose(arguments.tasks, TASKS, TASKS, "task")
    rows = run(
        [TASKS[name] for name in names],
        record.choose(arguments.methods, probes.CHOICES, METHODS, "method"),
        range(arguments.seeds),
        **record.options(arguments, "modalities"),
    )
    return table(rows)


def run(tasks, methods, seeds, **options):
    """Return one row for each fit of some methods and of all peers.

    Peers in `peers.TIMED` are left out where there is no fit of "pare", which
    determines their time, and FNO where the package neuralop is not installed.
    """
    wanted = record.cells(tasks, lambda task: [*methods, *task.peers], seeds)
    timed = [cell for cell in wanted if cell["method"] in peers.TIMED]
    wanted = [cell for cell in wanted if cell["method"] not in peers.TIMED]
    rows = record.run(tasks, wanted, fit=record.scored, **options)
    seconds = {
        (row["task"], row["seed"]): row.get("cpu", row["seconds"])
        for row in rows
        if row["method"] == "pare"
    }
    installed = options.get("report") or importlib.util.find_spec("neuralop")
    wanted = []
    for cell in timed:
        task, method, seed = cell.values()
        if (task, seed) not in seconds:
            record.log(f"{task}  seed {seed}  {method} left out: no time of pare")
        elif method == "FNO" and not installed:
            record.log(f"{task}  seed {seed}  {method} left out: no package neuralop")
        else:
            wanted.append(cell | {"settings": {"seconds": seconds[task, seed]}})
    return rows + (
        record.run(tasks, wanted, fit=record.scored, **options) if wanted else []
    )


def table(rows):
    """Return the scores, those of the peers and what is required, as Markdown.

    "s" is the median time of a fit of "pare".
    """
    scores, times = collect(rows, "score"), collect(rows, "seconds")
    methods = [name for name in probes.CHOICES if any(name == m for _, m in scores)]
    cells = []
    for name in dict.fromkeys(task for task, _ in scores):
        task, rules = TASKS[name], RULES[name]
        own = {method: values for (t, method), values in scores.items() if t == name}
        smaller = METRICS[task.metric].smaller_is_better
        seconds = times.get((name, "pare"))
        cells.append(
            [
                name,
                task.metric,
                *(mean_std(own.get(method)) for method in methods),
                f"{np.median(seconds):.0f}" if seconds else "-",
                ", ".join(f"{p} {mean_std(own[p])}" for p in task.peers if p in own),
                ", ".join(rule.text(smaller) for rule in rules),
                ", ".join(_verdict(rule, smaller, own) for rule in rules),
            ]
        )
    return markdown(["task", "metric", *methods, "s", "peers", "asked", "met"], cells)


def _verdict(rule, smaller, scores):
    """Return "yes", "no" with the bound, or "?" where fits of a seed are missing."""
    counts = {len(scores.get(name, ())) for name in ("pare", *rule.peers)}
    if len(counts) > 1 or 0 in counts:
        return "?"
    means = {name: np.mean(values) for name, values in scores.items()}
    bound = rule.bound(means, smaller)
    return "yes" if rule.holds(means["pare"], bound, smaller) else f"no ({bound:.4f})"
