"""Benefit of pretrained backbones with few labels, against fresh weights.

The backbones see the same splits; there is no linear path beside them. "xavier" is
pare-tiny with fresh weights.
"""

import functools
import json
import shlex
from pathlib import Path

import numpy as np

from sklearn_pare import backbones
from sklearn_pare._utils import expand
from sklearn_pare.backbones.bundled import build_tiny, load_file
from sklearn_pare.benchmarks import console
from sklearn_pare.benchmarks.methods import METHODS
from sklearn_pare.benchmarks.ranks import mean_ranks
from sklearn_pare.benchmarks.tables import means
from sklearn_pare.exceptions import DataError
from studies import record
from studies.suites import SUITES
from studies.tables import by_task, collect

TASKS = SUITES["transfer"]
#: The candidate that all others are compared with, and its settings.
CONTROL = "xavier"
CONTROL_SETTINGS = {"backbone": "pare-tiny", "pretrained": False}


def add_arguments(parser):
    """Add the options of the study."""
    parser.add_argument(
        "candidates",
        nargs="*",
        default=["pare-tiny"],
        metavar="CANDIDATE",
        help="name of a backbone, or .safetensors file with its card beside it",
    )
    record.add_arguments(parser, 3, tasks=TASKS)
    parser.add_argument("--method", choices=METHODS, default="nft")
    parser.add_argument(
        "--record",
        metavar="CARD",
        type=expand,
        help="card to write the figures to",
    )


def main(arguments):
    """Fit what is not recorded and return the table; write the figures to a card."""
    names = record.choose(arguments.tasks, TASKS, TASKS, "task")
    console.check_writable(arguments.record)
    if arguments.record:
        card = json.loads(arguments.record.read_text())
    rows = run(
        arguments.candidates,
        [TASKS[name] for name in names],
        range(arguments.seeds),
        arguments.method,
        **record.options(arguments, "transfer"),
    )
    if arguments.record:
        words = ["python", "-m", "studies", "transfer", *arguments.candidates]
        if arguments.tasks is not None:
            words += ["--tasks", arguments.tasks]
        words += ["--seeds", str(arguments.seeds), "--method", arguments.method]
        card["transfer"] = {
            "command": shlex.join(words),
            "method": arguments.method,
            "seeds": arguments.seeds,
            "tasks": figures(rows),
        }
        arguments.record.write_text(json.dumps(card, indent=2) + "\n")
    return table(rows)


def resolve(candidate):
    """Find a candidate, and register it if it is a file.

    Parameters
    ----------
    candidate : str
        `CONTROL`, the name of a registered backbone, or the path of a ``.safetensors``
        file of ``python -m studies pretraining``.

    Returns
    -------
    name : str
        The stem of a file.
    settings : dict
        Arguments of the estimator.
    sha256 : str or None
        Hash of the weights; None where there is no file.

    Raises
    ------
    DataError
        If the stem of a file is the name of a bundled backbone or of the control; a
        ValueError.
    """
    if candidate == CONTROL:
        return CONTROL, CONTROL_SETTINGS, None
    path = Path(candidate)
    name = path.stem if path.suffix == ".safetensors" else candidate
    if name != candidate:
        if name in (CONTROL, CONTROL_SETTINGS["backbone"]):
            raise DataError(
                f"{candidate} would hide the backbone {name!r}. Give the file and its "
                "card another name."
            )
        backbones.register(name, functools.partial(_from_file, path))
    return name, {"backbone": name, "pretrained": True}, backbones.get(name).card.sha256


def _from_file(path, pretrained, generator):
    return load_file(path, generator) if pretrained else build_tiny(generator)


def run(candidates, tasks, seeds, method, **options):
    """Return one row for each fit of some candidates and of the control.

    Parameters
    ----------
    candidates : list of str
        As in `resolve`.
    tasks : list of Task
    seeds : iterable of int
    method : str
        Name in `METHODS`.
    **options
        As in `record.run`.
    """
    found = [resolve(name) for name in dict.fromkeys([*candidates, CONTROL])]
    settings = {name: own for name, own, _ in found}
    sha256 = {name: digest for name, _, digest in found}

    def estimator(task, cell):
        # The settings of a candidate override those of a method, such as "scratch".
        return task.estimator(method, cell["seed"], **settings[cell["method"]])

    return record.run(
        tasks,
        [
            cell | {"sha256": sha256[cell["method"]]}
            for cell in record.cells(tasks, settings, seeds)
        ],
        estimator=estimator,
        fit=record.scored,
        names=(*record.NAMES, "sha256"),
        **options,
    )


def compare(rows, candidate):
    """Count the tasks where a candidate is better and worse than the control.

    A difference of means counts if it exceeds the larger of the two sample standard
    deviations over seeds. With a single seed nothing counts.

    Returns
    -------
    better, worse : int
    """
    scores, better, worse = collect(rows, "score"), 0, 0
    for task in dict.fromkeys(task for task, _ in scores):
        own, control = (_spread(scores[task, name]) for name in (candidate, CONTROL))
        if own[1] is not None:
            difference, std = own[0] - control[0], max(own[1], control[1])
            better += difference > std
            worse += -difference > std
    return better, worse


def table(rows):
    """Return scores, ranks and the comparison with the control, as Markdown.

    Rank 1 is the highest mean of a task; equal means share their average rank.
    """
    tasks, names, values = means(rows, "score")
    ranks = " | ".join(f"{rank:.2f}" for rank in mean_ranks(-values))
    lines = [by_task(rows, "score"), f"| average rank | {ranks} |", ""]
    control = values[:, names.index(CONTROL)]
    for name, own in zip(names, values.T, strict=True):
        if name == CONTROL:
            continue
        better, worse = compare(rows, name)
        differences = dict(zip(tasks, own - control, strict=True))
        each = ", ".join(f"{task} {value:+.4f}" for task, value in differences.items())
        lines.append(
            f"{name} vs {CONTROL}: better by more than one std on {better}, worse on "
            f"{worse} of {len(tasks)} tasks; mean difference "
            f"{np.mean(own - control):+.4f} ({each})"
        )
    return "\n".join(lines)


def figures(rows):
    """Return means and sample standard deviations, rounded to 4 digits.

    Returns
    -------
    figures : dict
        Task -> candidate -> [mean, std]; std is None with a single seed.
    """
    found = {}
    for (task, name), values in collect(rows, "score").items():
        rounded = [None if x is None else round(x, 4) for x in _spread(values)]
        found.setdefault(task, {})[name] = rounded
    return found


def _spread(values):
    """Return the mean and the sample standard deviation, None for a single value."""
    std = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return float(np.mean(values)), std
