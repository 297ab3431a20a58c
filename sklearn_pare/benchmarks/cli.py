"""Commands that run published benchmarks and tell of them."""

import textwrap
from pathlib import Path

from sklearn_pare.benchmarks import prepare, presets, report, runner, tasks
from sklearn_pare.benchmarks.arguments import (
    SEVERAL,
    add_picture,
    log,
    name_of,
    names_of,
    split,
)
from sklearn_pare.benchmarks.lines import read
from sklearn_pare.benchmarks.methods import METHODS
from sklearn_pare.exceptions import DataError

_METHODS = ("pare", "nft", "scratch")
# Suites whose tasks are files.
_FILES = ("nas-bench-360", "pdebench")


def _add_suites(parser, default):
    parser.add_argument(
        "--suite",
        type=names_of(tasks.SUITES, "suite"),
        default=list(default),
        metavar=SEVERAL,
        help=f"of {', '.join(tasks.SUITES)}; default: {','.join(default)}",
    )


def _add_data(parser):
    parser.add_argument(
        "--data", metavar="DIR", help="folder with the files; default: get_data_home()"
    )


def _data_home(arguments):
    if arguments.data is not None:
        return Path(arguments.data).expanduser()
    from sklearn_pare.datasets import get_data_home

    return get_data_home()


def add_run(commands):
    """Fit and score methods."""
    parser = commands.add_parser("run", help="methods on published benchmarks")
    _add_suites(parser, _FILES)
    parser.add_argument(
        "--tasks", metavar=SEVERAL, help="default: all; see the command list"
    )
    parser.add_argument(
        "--methods",
        type=names_of(METHODS, "method"),
        default=list(_METHODS),
        metavar=SEVERAL,
        help=f"of {', '.join(METHODS)}; default: {','.join(_METHODS)}",
    )
    parser.add_argument(
        "--seeds", type=int, default=1, metavar="N", help="number of fits; default: 1"
    )
    parser.add_argument(
        "--preset",
        type=name_of(presets.PRESETS, "preset"),
        default="small",
        metavar="NAME",
        help="small (minutes on a laptop; default) or paper (the papers' settings)",
    )
    _add_data(parser)
    parser.add_argument("--jobs", type=int, metavar="N", help="cells at a time")
    parser.add_argument(
        "--out", metavar="FILE", help="JSON lines; what is there is not done again"
    )
    parser.set_defaults(do=_run)


def _run(arguments):
    names = None if arguments.tasks is None else split(arguments.tasks)
    rows, failures = runner.run(
        tasks.choose(arguments.suite, names),
        arguments.methods,
        range(arguments.seeds),
        arguments.preset,
        log,
        data_home=_data_home(arguments),
        path=arguments.out,
        jobs=arguments.jobs,
    )
    if rows:
        print(report.table(rows))
    if not failures:
        return None
    print(
        f"\n{len(failures)} cells of {len(rows) + len(failures)} failed, for the "
        "reasons above. The same command tries them again and keeps what is done."
    )
    return 1


def add_prepare(commands):
    """Simulated files."""
    parser = commands.add_parser("prepare", help="simulated files for the command run")
    parser.add_argument(
        "--simulated",
        required=True,
        metavar="DIR",
        help="folder to write them into; give it to run as --data",
    )
    parser.add_argument(
        "--suite",
        type=names_of(_FILES, "suite"),
        default=list(_FILES),
        metavar=SEVERAL,
        help=f"default: {','.join(_FILES)}",
    )
    parser.add_argument(
        "--tasks", metavar=SEVERAL, help="default: all; see the command list"
    )
    parser.set_defaults(do=_prepare)


def _prepare(arguments):
    names = None if arguments.tasks is None else split(arguments.tasks)
    prepare.prepare(arguments.simulated, tasks.choose(arguments.suite, names), log)


def add_report(commands):
    """Tables of results."""
    parser = commands.add_parser("report", help="tables of what run wrote")
    parser.add_argument("--out", metavar="FILE", required=True, help="that run wrote")
    add_picture(parser)
    parser.set_defaults(do=_report)


def _report(arguments):
    if not Path(arguments.out).exists():
        raise DataError(
            f"{arguments.out} is not there. Expected the file that the command run was "
            "given with --out."
        )
    rows = read(arguments.out)
    print(report.table(rows))
    print(f"\n{report.costs(rows)}")
    if arguments.picture:
        report.picture(rows, arguments.picture)


def add_list(commands):
    """Names of tasks."""
    parser = commands.add_parser("list", help="tasks of published benchmarks")
    _add_suites(parser, tasks.SUITES)
    parser.set_defaults(do=_list)


def _list(arguments):
    for suite in arguments.suite:
        print(suite)
        for task in tasks.SUITES[suite].values():
            number = f"task {task.openml_id}. " if task.openml_id else ""
            what = task.about if task.load is None else f"{task.rows}. {task.about}"
            print(f"  {task.name}: {number}{what}")


def add_describe(commands):
    """One task."""
    parser = commands.add_parser("describe", help="what a task is, and its files")
    parser.add_argument("task", metavar="TASK", help="a name of the command list")
    _add_suites(parser, tasks.SUITES)
    _add_data(parser)
    parser.set_defaults(do=_describe)


def _describe(arguments):
    data_home = Path(arguments.data or "DIR")
    chosen = tasks.choose(arguments.suite, [arguments.task])
    print("\n\n".join(_described(task, data_home) for task in chosen))


def _described(task, data_home):
    lines = [f"{task.name} ({task.suite})", "", task.about, ""]
    lines += [f"rows      {task.rows}", f"error     {task.metric}"]
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
    shown = [
        f"{key}={f'{value:.4g}' if isinstance(value, float) else value}"
        for key, value in preset.settings.items()
        if value is not None
    ]
    yield f"preset {name}"
    if preset.rows:
        rows = ", ".join(f"{n} to {part}" for part, n in preset.rows.items())
        yield _wrapped(f"rows at most: {rows}")
    yield _wrapped(", ".join(shown))
    if preset.note:
        yield _wrapped(preset.note)


def _files(task, data_home):
    if task.load is None:
        yield "files     fetched by openml, or from its cache"
        return
    folder = data_home / task.suite
    yield f"files in {folder}"
    for file in task.files:
        there = "" if not data_home.exists() else "there"
        if data_home.exists() and not (folder / file).exists():
            there = "missing"
        yield f"  {file}  {there}".rstrip()


def _wrapped(text):
    return textwrap.fill(
        text, 78, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
    )
