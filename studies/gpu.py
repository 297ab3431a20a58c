"""Tests and timings on a GPU, in a given number of minutes.

The tests marked "gpu" run first. Then the training steps of two networks are timed,
next to a plain loop in float32 that is written from the equations of the method, as
well as the source "formula" and the dataset distance. Each part runs in a process of
its own, which is ended when its share of the time is over. On a machine without a GPU
this is a rehearsal on the CPU, with fewer samples.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import torch

from sklearn_pare._device import resolve_device
from sklearn_pare._utils import expand
from sklearn_pare.benchmarks.console import check_writable
from sklearn_pare.benchmarks.resources import versions
from sklearn_pare.exceptions import DataError
from sklearn_pare.otdd import Alignment, dataset_distance
from sklearn_pare.sources import FormulaSource
from studies import record
from studies.processes import EndedEarlyError, TimeIsOverError, rows_of
from studies.profiles import profile_rows, profile_table
from studies.record import log
from studies.steps import LARGE, LOOP, median_seconds, step_rows
from studies.tables import markdown

_ROOT = Path(__file__).parents[1]
#: Steps whose times per sample are compared.
RATIOS = (
    ("PaRe, bf16", "naive, bf16"),
    ("PaRe, fp32", "naive, fp32"),
    ("PaRe, bf16, compiled", "naive, bf16, compiled"),
    (LOOP, LARGE),
    (LOOP, "PaRe, fp32"),
    (LOOP, "PaRe, bf16"),
    (LOOP, "PaRe, all clean and mixed, bf16"),
    (LOOP, "PaRe, bf16, compiled"),
)


def add_arguments(parser):
    """Add the options: time, and file of figures."""
    parser.add_argument(
        "--minutes",
        type=minutes,
        default=8,
        metavar="N",
        help="time for all parts; default: 8",
    )
    parser.add_argument(
        "--parts",
        metavar="NAME,NAME",
        help=f"default: all, which are {', '.join(PARTS)}",
    )
    parser.add_argument(
        "--out",
        type=expand,
        metavar="FILE",
        help="JSON file for all figures; parts that do not run keep those in it",
    )
    parser.add_argument(
        "--report",
        action="store_true",
        help="print the tables of FILE without running anything; default of FILE: the "
        "recorded results",
    )


def minutes(text):
    """Convert an argument to a positive number, which need not be whole."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 < found < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no positive number")
    return found


def main(arguments):
    """Run the parts, write the file, and return the tables."""
    if arguments.report:
        return tables(read(arguments.out or record.RESULTS / "gpu.json"))
    check_writable(arguments.out)
    names = record.choose(arguments.parts, PARTS, PARTS, "part")
    found = start_from(arguments.out, names)
    end = time.monotonic() + 60 * arguments.minutes
    left = {name: PARTS[name] for name in names}
    for part in names:
        share, rows = PARTS[part]
        seconds = (end - time.monotonic()) * share / sum(s for s, _ in left.values())
        del left[part]
        log(f"{part}: at most {seconds:.0f} s")
        try:
            for row in rows(seconds=seconds):
                log(json.dumps(row))
                found["rows"].append({"part": part} | row)
        except EndedEarlyError as error:
            log(f"{part}: {error}")
            found["ended"][part] = str(error)
            if not isinstance(error, TimeIsOverError):
                found["failed"].append(part)
        if arguments.out is not None:
            arguments.out.write_text(json.dumps(found, indent=1) + "\n")
    if not passed(found):
        log(tables(found))
        raise SystemExit(1)
    return tables(found)


def read(path):
    """Return what a file says.

    Raises
    ------
    DataError
        If it was not written by this command.
    """
    try:
        found = json.loads(path.read_text())
        if found.keys() >= {"device", "versions", "rows", "ended", "failed"}:
            return found
    except (OSError, ValueError, AttributeError):
        pass
    raise DataError(f"{path} was not written by this command. Give another file.")


def start_from(path, parts):
    """Return what a file says of the same device, but of other parts.

    Parameters
    ----------
    path : path-like or None
    parts : list of str
        Names of parts that will run.
    """
    new = {"device": device_name(), "versions": versions(), "rows": [],
           "ended": {}, "failed": []}  # fmt: skip
    if path is None or not path.exists():
        return new
    old = read(path)
    if (old["device"], old["versions"]) != (new["device"], new["versions"]):
        raise DataError(
            f"{path} was written on {old['device']} with {old['versions']}, but this "
            f"is {new['device']} with {new['versions']}. Give another file."
        )
    rows = [row for row in old["rows"] if row["part"] not in parts]
    ended = {part: why for part, why in old["ended"].items() if part not in parts}
    failed = [part for part in old["failed"] if part not in parts]
    return new | {"rows": rows, "ended": ended, "failed": failed}


def device_name():
    """Return the name of the device that is found."""
    device = resolve_device("auto")
    if device.type == "cpu":
        return "CPU (rehearsal)"
    return torch.get_device_module(device).get_device_name(device)


def run_tests(seconds):
    """Yield how many of the tests marked "gpu" passed, failed and were skipped."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        # Other packages of that machine may warn when they are imported.
        quiet = [f"-Wdefault::{name}" for name in ("DeprecationWarning",
                                                   "SyntaxWarning")]  # fmt: skip
        command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "tests/gpu",
                   f"--junitxml={report}", *quiet]  # fmt: skip
        # Without this setting, cuBLAS is not deterministic.
        environ = os.environ | {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
        try:
            subprocess.run(command, cwd=_ROOT, env=environ, timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise TimeIsOverError(f"{seconds:.0f} s were over") from error
        if not report.exists():
            raise EndedEarlyError("pytest could not start")
        yield count(report)


def count(report):
    """Return the numbers of tests in a report of pytest as JUnit writes it."""
    suite = next(ElementTree.parse(report).iter("testsuite"))
    n, *others = (int(suite.get(key)) for key in ("tests", "skipped", "failures",
                                                  "errors"))  # fmt: skip
    skipped, *failed = others
    return {"passed": n - sum(others), "failed": sum(failed), "skipped": skipped}


def passed(found):
    """Return whether no test and no part failed; what had no time is not needed."""
    tests = [row for row in found["rows"] if row["part"] == "tests"]
    return not found["failed"] and not any(row["failed"] for row in tests)


def peak_rows():
    """Yield the largest rate of a matrix product in bfloat16."""
    device = resolve_device("auto")
    n, repeats = (512, 3) if device.type == "cpu" else (8192, 20)
    a, b = torch.randn(2, n, n, device=device).bfloat16()
    seconds = median_seconds(partial(torch.matmul, a, b), device,
                             warm_up=3, repeats=repeats)  # fmt: skip
    yield {"what": f"matrix product {n} x {n}, bf16", "rate": 2 * n**3 / seconds / 1e12,
           "unit": "TFLOP/s"}  # fmt: skip


def formula_rows():
    """Yield how many images the source "formula" draws in a second."""
    device, source = resolve_device("auto"), FormulaSource()
    generator = torch.Generator(device).manual_seed(0)
    for n in (64, 1024):
        draw = partial(source.sample, n, generator)
        seconds = median_seconds(draw, device, warm_up=1, repeats=3)
        yield {"what": f"formulas, {n} at a time", "rate": n / seconds, "unit": "1/s"}


def otdd_rows():
    """Yield how often the dataset distance is computed in a second."""
    device = resolve_device("auto")
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(1_000, 128)), np.arange(1_000) % 10
    X += y[:, None]
    alignment = Alignment(X, y)
    features = torch.tensor(X[:256] + 1, device=device, dtype=torch.float32)
    features.requires_grad_()

    def align():
        alignment.loss(features, y[:256]).backward()

    runs = {
        "Alignment, 256 samples to 1,000, with gradient": (align, device),
        "dataset_distance, 1,000 samples each, on the CPU": (
            partial(dataset_distance, X, y, X + 1, y), torch.device("cpu")
        ),
    }  # fmt: skip
    for what, (run, place) in runs.items():
        seconds = median_seconds(run, place, warm_up=1, repeats=3)
        yield {"what": what, "rate": 1 / seconds, "unit": "1/s"}


#: Name of a part -> its share of the time, and a function that yields its rows.
PARTS = {
    "tests": (4.0, run_tests),
    "bf16": (1.0, partial(rows_of, peak_rows)),
    "Swin-B 224": (3.0, partial(rows_of, step_rows, "Swin-B 224")),
    "pare-tiny": (1.5, partial(rows_of, step_rows, "pare-tiny")),
    "profile": (0.5, partial(rows_of, profile_rows)),
    "formula": (0.5, partial(rows_of, formula_rows)),
    "OTDD": (0.5, partial(rows_of, otdd_rows)),
}


def tables(found):
    """Return what ran, and the tables of steps, of their ratios, and of the rest."""
    rows, named = found["rows"], found["versions"]
    lines = [f"{found['device']}, torch {named['torch']}"]
    for row in rows:
        if row["part"] == "tests":
            numbers = (f"{row[key]} {key}" for key in ("passed", "failed", "skipped"))
            lines.append(f"tests: {', '.join(numbers)}")
    lines += [f"{part}: {reason}" for part, reason in found["ended"].items()]
    steps = [row for row in rows if "step" in row]
    peak = next((row["rate"] for row in rows if row["part"] == "bf16"), None)
    parts = ["\n".join(lines)]
    if steps:
        parts += [step_table(steps, peak), ratio_table(steps)]
    kinds = [row for row in rows if "kernels" in row]
    if kinds:
        parts.append(profile_table(kinds))
    rates = [row for row in rows if "rate" in row]
    if rates:
        cells = ([row["what"], f"{row['rate']:.4g} {row['unit']}"] for row in rates)
        parts.append(markdown(["what", "rate"], cells))
    return "\n\n".join(parts)


def step_table(steps, peak):
    """Return the table of all steps; `peak` is in TFLOP/s, or None."""
    cells = []
    for row in steps:
        rate = _tflops(row)
        share = rate and peak and rate / peak
        cells.append([
            row["part"], row["step"], str(row["samples"]),
            f"{1e3 * row['seconds']:.1f}", f"{row['samples'] / row['seconds']:.3g}",
            _text(rate, ".3g"), _text(share, ".1%"), _text(row["memory_gb"], ".1f"),
        ])  # fmt: skip
    titles = ["network", "step", "samples", "ms", "samples/s", "TFLOP/s",
              "share of peak", "GB"]  # fmt: skip
    return markdown(titles, cells)


def _tflops(row):
    """Return the rate of a step, or None if its operations were not counted."""
    if row["per_sample"] is None:
        return None
    return row["per_sample"] * row["samples"] / row["seconds"] / 1e12


def _text(value, form):
    return "-" if value is None else format(value, form)


def ratio_table(steps):
    """Return the table of times per sample, compared as far as they were measured."""
    time_of = {(row["part"], row["step"]): row["seconds"] / row["samples"]
               for row in steps}  # fmt: skip
    cells = [
        [part, f"{one} / {other}", f"{time_of[part, one] / time_of[part, other]:.2f}"]
        for part in dict.fromkeys(row["part"] for row in steps)
        for one, other in RATIOS
        if {(part, one), (part, other)} <= time_of.keys()
    ]
    return markdown(["network", "time per sample", "ratio"], cells)
