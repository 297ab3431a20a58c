"""Command line of the benchmarks: ``python -m sklearn_pare.benchmarks``."""

import argparse
import functools
import sys
import textwrap
from pathlib import Path

from sklearn_pare._utils import check_name, expand
from sklearn_pare.benchmarks import console, prepare, presets, report, runner, tasks
from sklearn_pare.benchmarks.lines import read
from sklearn_pare.benchmarks.methods import METHODS
from sklearn_pare.datasets import get_data_home
from sklearn_pare.exceptions import DataError, UnknownNameError

_SEVERAL = "NAME,NAME"
_log = functools.partial(print, flush=True)

_METHODS = ("pare", "nft", "scratch")
# Suites whose tasks are files.
_FILES = ("nas-bench-360", "pdebench")


def main(argv=None):
    """Run ``python -m sklearn_pare.benchmarks``.

    Parameters
    ----------
    argv : sequence of str, default=None
        Command line arguments. None: those of the process.

    Returns
    -------
    status : int or None
        1 if a part of the command failed.
    """
    # A usage with all commands would be wider than a screen.
    parser = argparse.ArgumentParser(
        prog="python -m sklearn_pare.benchmarks",
        description="Run published benchmarks.",
        usage="%(prog)s [-h] COMMAND ...",
    )
    commands = parser.add_subparsers(
        required=True, metavar="COMMAND, one of", prog=parser.prog
    )
    for add in COMMANDS.values():
        add(commands)
    words = sys.argv[1:] if argv is None else list(argv)
    with console.short_errors(parser):
        if words and not words[0].startswith("-"):
            check_name(words[0], commands.choices, "command")
        arguments = parser.parse_args(words)
        return arguments.do(arguments)


def _split(text):
    """Return the names between commas, without repetitions."""
    names = (name.strip() for name in text.split(","))
    found = list(dict.fromkeys(name for name in names if name))
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} contains no name")
    return found


def _names_of(known, what):
    """Return an argument type that accepts known names between commas."""

    def names(text):
        try:
            return [check_name(name, known, what) for name in _split(text)]
        except UnknownNameError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return names


def _add_suites(parser, known, default):
    parser.add_argument(
        "--suite",
        type=_names_of(known, "suite"),
        default=list(default),
        metavar=_SEVERAL,
        help=f"of {', '.join(known)}; default: {','.join(default)}",
    )


def _add_tasks(parser):
    text = "default: all; see the command list. NAME:FILE: another file of PDEBench"
    parser.add_argument("--tasks", type=_split, metavar=_SEVERAL, help=text)


def _add_data(parser):
    text = "folder of the files; default: get_data_home()"
    parser.add_argument("--data", type=expand, metavar="DIR", help=text)


def _chosen(arguments):
    return tasks.choose(arguments.suite, arguments.tasks)


def _add_run(commands):
    parser = commands.add_parser("run", help="run methods on published benchmarks")
    _add_suites(parser, tasks.SUITES, _FILES)
    _add_tasks(parser)
    parser.add_argument(
        "--methods",
        type=_names_of(METHODS, "method"),
        default=list(_METHODS),
        metavar=_SEVERAL,
        help=f"of {', '.join(METHODS)}; default: {','.join(_METHODS)}",
    )
    text = "number of fits; default: 1"
    parser.add_argument(
        "--seeds", type=console.number, default=1, metavar="N", help=text
    )
    parser.add_argument(
        "--preset",
        default="small",
        metavar="NAME",
        help="small (minutes on a laptop; default) or paper",
    )
    _add_data(parser)
    parser.add_argument(
        "--download", action="store_true", help="download missing files to DIR"
    )
    text = "JSON lines; fits in this file are not repeated"
    parser.add_argument("--out", type=expand, metavar="FILE", help=text)
    at_a_time = parser.add_mutually_exclusive_group()
    at_a_time.add_argument(
        "--jobs", type=console.number, metavar="N", help="fits at a time"
    )
    text = "scheduler of a Dask cluster that runs the fits"
    at_a_time.add_argument("--dask", metavar="ADDRESS", help=text)
    parser.set_defaults(do=_run)


def _run(arguments):
    rows, failures = runner.run(
        _chosen(arguments),
        arguments.methods,
        range(arguments.seeds),
        arguments.preset,
        _log,
        data_home=get_data_home(arguments.data),
        download=arguments.download,
        path=arguments.out,
        jobs=arguments.jobs,
        dask=arguments.dask,
    )
    if rows:
        print(report.table(rows))
    if not failures:
        return None
    print(
        f"\n{len(failures)} of {len(rows) + len(failures)} fits failed, see above. The "
        "same command repeats only these fits."
    )
    return 1


def _add_prepare(commands):
    parser = commands.add_parser("prepare", help="write simulated files for run")
    parser.add_argument(
        "--simulated",
        type=expand,
        required=True,
        metavar="DIR",
        help="folder to write them into; pass it to run as --data",
    )
    _add_suites(parser, _FILES, _FILES)
    _add_tasks(parser)
    parser.set_defaults(do=_prepare)


def _prepare(arguments):
    prepare.prepare(arguments.simulated, _chosen(arguments), _log)


def _add_report(commands):
    parser = commands.add_parser("report", help="print tables of the results of run")
    file = {"type": expand, "metavar": "FILE"}
    parser.add_argument("--out", required=True, help="file that run wrote", **file)
    parser.add_argument("--picture", help="mean ranks, as PNG", **file)
    parser.set_defaults(do=_report)


def _report(arguments):
    if not arguments.out.is_file():
        raise DataError(
            f"{arguments.out} is not an existing file. Expected the file that the "
            "command run wrote with --out."
        )
    console.check_writable(arguments.picture)
    rows = read(arguments.out, report.KEYS)
    print(report.table(rows))
    print(f"\n{report.costs(rows)}")
    if arguments.picture:
        report.picture(rows, arguments.picture)


def _add_list(commands):
    parser = commands.add_parser("list", help="list the tasks")
    _add_suites(parser, tasks.SUITES, tasks.SUITES)
    parser.set_defaults(do=_list)


def _list(arguments):
    for suite in arguments.suite:
        print(suite)
        for task in tasks.SUITES[suite].values():
            facts = task.shapes if task.load else f"task {task.openml_id}"
            print(f"  {task.name}: {facts}. {task.title}")


def _add_describe(commands):
    parser = commands.add_parser("describe", help="describe a task and its files")
    parser.add_argument("task", metavar="TASK", help="a name of the command list")
    _add_suites(parser, tasks.SUITES, tasks.SUITES)
    _add_data(parser)
    parser.set_defaults(do=_describe)


def _describe(arguments):
    if arguments.data and (wrong := console.wrong_folder(arguments.data, _FILES)):
        raise DataError(
            f"--data: {arguments.data} {wrong}. Expected the folder with the folders "
            f"{' and '.join(_FILES)}."
        )
    data_home = arguments.data or Path("DIR")
    chosen = tasks.choose(arguments.suite, [arguments.task])
    print("\n\n".join(_described(task, data_home) for task in chosen))


def _described(task, data_home):
    lines = [f"{task.name} ({task.suite})", "", task.title, ""]
    shapes = [f"shapes    {task.shapes}"] if task.shapes else []
    lines += [*shapes, f"error     {task.error}"]
    if task.load is None:
        lines.append(f"OpenML    task {task.openml_id}, ten official folds")
    elif task.size:
        lines.append(f"size      {task.size}")
    for name in presets.PRESETS:
        lines += ["", *_preset(task, name, data_home)]
    lines += ["", *_files(task, data_home)]
    return "\n".join(lines)


def _preset(task, name, data_home):
    preset = presets.get(task, name, data_home)
    settings = [
        f"{key}={f'{value:.4g}' if isinstance(value, float) else value}"
        for key, value in preset.settings.items()
    ]
    limits = [f"{n} {part} samples" for part, n in preset.rows.items()]
    limits += [] if preset.steps is None else [f"{preset.steps} steps"]
    yield f"preset {name}"
    for text in (
        f"at most {', '.join(limits)}" if limits else "",
        ", ".join(settings),
        preset.note,
    ):
        if text:
            yield textwrap.indent(textwrap.fill(text, 76, break_on_hyphens=False), "  ")


def _files(task, data_home):
    if task.load is None:
        yield "files     in the cache of openml, or fetched by openml"
        return
    folder = data_home / task.suite
    yield f"files in {folder}"
    for file in task.files:
        state = ""
        if data_home.exists():
            state = "exists" if (folder / file).exists() else "missing"
        yield f"  {file}  {state}".rstrip()


#: Name of a command -> function that adds its parser.
COMMANDS = {
    "run": _add_run,
    "report": _add_report,
    "prepare": _add_prepare,
    "list": _add_list,
    "describe": _add_describe,
}
