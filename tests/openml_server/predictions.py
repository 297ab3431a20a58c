"""Checks of a run's files: each test sample once, in its fold, and complete traces."""

import json
import math
from collections import Counter

import arff

from tests.openml_server.elements import element
from tests.openml_server.schemas import Refusal, check


def _load(upload, what):
    name, content = upload
    if not name.endswith(".arff"):
        raise Refusal(206, "Wrong file extension", f"{what}: {name}")
    try:
        return arff.loads(content.decode())
    except (arff.ArffException, UnicodeDecodeError) as error:
        raise Refusal(209, "ARFF does not parse", f"{what}: {error}") from error


def read_folds(path):
    """Read the test samples of each fold from a task's file of splits.

    Returns
    -------
    folds : dict
        (repeat, fold) -> set of sample indices.
    """
    loaded = arff.loads(path.read_text())
    names = [name for name, _ in loaded["attributes"]]
    folds = {}
    for line in loaded["data"]:
        line = dict(zip(names, line, strict=True))
        if line["type"] == "TEST":
            place = int(line["repeat"]), int(line["fold"])
            folds.setdefault(place, set()).add(int(line["rowid"]))
    return folds


def check_predictions(upload, folds, truth):
    """Raise a Refusal unless each test sample is predicted once, as a class.

    Parameters
    ----------
    upload : tuple of (str, bytes)
        Name and content of the file.
    folds : dict
        (repeat, fold) -> set of sample indices.
    truth : list of str
        Label of each sample.
    """
    loaded = _load(upload, "predictions")
    labels = sorted(set(truth))
    names = [name for name, _ in loaded["attributes"]]
    wanted = ["repeat", "fold", "row_id", "prediction", "correct"]
    wanted += [f"confidence.{label}" for label in labels]
    lacking = set(wanted) - set(names)
    if lacking:
        raise Refusal(209, "Predictions lack columns", str(sorted(lacking)))
    seen = {place: Counter() for place in folds}
    for values in loaded["data"]:
        line = dict(zip(names, values, strict=True))
        place, row = (int(line["repeat"]), int(line["fold"])), int(line["row_id"])
        if place not in folds:
            raise Refusal(216, "Unknown repeat or fold", str(place))
        seen[place][row] += 1
        if row not in folds[place]:
            raise Refusal(216, "Row is no test row of its fold", f"{row} in {place}")
        if line["correct"] != truth[row]:
            raise Refusal(209, "Column correct is wrong", f"row {row}")
        confidences = {label: line[f"confidence.{label}"] for label in labels}
        if any(not 0 <= c <= 1 for c in confidences.values()) or not math.isclose(
            sum(confidences.values()), 1, abs_tol=1e-5
        ):
            raise Refusal(209, "Confidences are no distribution", str(confidences))
        if confidences[line["prediction"]] < max(confidences.values()):
            raise Refusal(209, "Prediction has less confidence", f"row {row}: {line}")
    for place, rows in folds.items():
        if seen[place] != Counter(rows):
            lacking = sorted(rows - seen[place].keys())
            double = sorted(row for row, n in seen[place].items() if n > 1)
            raise Refusal(
                216, "Fold is not whole", f"{place} lacks {lacking}, repeats {double}"
            )


def read_trace(upload, folds, run_id):
    """Return a trace as XML; raise a Refusal unless each fold has one selection.

    Parameters
    ----------
    upload : tuple of (str, bytes)
    folds : dict
    run_id : int

    Returns
    -------
    root : lxml.etree.Element
    """
    loaded = _load(upload, "trace")
    names = [name for name, _ in loaded["attributes"]]
    iterations, chosen = [], Counter()
    for values in loaded["data"]:
        line = dict(zip(names, values, strict=True))
        place = int(line["repeat"]), int(line["fold"])
        if place not in folds:
            raise Refusal(216, "Unknown repeat or fold", f"trace: {place}")
        chosen[place] += line["selected"] == "true"
        setup = {key: line[key] for key in names if key.startswith("parameter_")}
        for value in setup.values():
            json.loads(value or "null")
        if not math.isfinite(line["evaluation"]):
            raise Refusal(209, "Evaluation is no number", str(line))
        iterations.append(
            element(
                "trace_iteration",
                repeat=place[0],
                fold=place[1],
                iteration=int(line["iteration"]),
                setup_string=json.dumps(setup),
                evaluation=f"{line['evaluation']:.12f}",
                selected=line["selected"],
            )
        )
    if chosen != Counter(folds.keys()):
        raise Refusal(216, "Trace has not one choice for each fold", str(chosen))
    root = element("trace", element("run_id", text=str(run_id)), *iterations)
    check(root, "run.trace", 209)
    return root
