"""Command line of the benchmarks."""

import argparse
import functools

from sklearn_pare.benchmarks import (
    accuracy,
    choice,
    compare,
    distances,
    embedders,
    modalities,
    prepare,
    timings,
    unlabeled,
)
from sklearn_pare.benchmarks.lines import read
from sklearn_pare.benchmarks.methods import CHOICES, METHODS
from sklearn_pare.benchmarks.suites import PEERS, SUITES
from sklearn_pare.exceptions import PaReError


def _some_of(known):
    """Type of an argument: names from a list, with commas between them."""

    def names(text):
        chosen = [name for name in text.split(",") if name]
        for name in chosen:
            if name not in known:
                raise argparse.ArgumentTypeError(
                    f"{name!r} is none of {', '.join(known)}"
                )
        return chosen

    return names


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m sklearn_pare.benchmarks",
        description="Measure what the documentation quotes.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("accuracy", help="accuracy with few labelled rows")
    one.add_argument("data", choices=accuracy.DATA)
    one.add_argument("--methods", nargs="*", default=list(METHODS), choices=METHODS)
    one.add_argument("--seeds", type=int, default=5, help="number of splits")
    every = commands.add_parser("modalities", help="every modality, beside its peers")
    every.add_argument(
        "--tasks",
        type=_some_of(modalities.TASKS),
        default=list(modalities.TASKS),
        metavar="NAME,NAME",
        help=f"default: all of {', '.join(modalities.TASKS)}",
    )
    every.add_argument(
        "--methods",
        type=_some_of(CHOICES),
        default=["pare", "nft"],
        metavar="NAME,NAME",
        help=f"of {', '.join(CHOICES)}; default: pare,nft",
    )
    every.add_argument("--seeds", type=int, default=3, help="number of splits")
    every.add_argument("--out", help="file of JSON lines; its fits are kept")
    every.add_argument(
        "--report", action="store_true", help="only print the table of that file"
    )
    many = commands.add_parser("compare", help="methods on a suite of small tasks")
    many.add_argument("--suite", choices=SUITES, default="small")
    many.add_argument("--tasks", metavar="NAME,NAME", help="default: all of the suite")
    many.add_argument("--methods", default=",".join(compare.MAIN), metavar="NAME,NAME")
    many.add_argument("--seeds", type=int, default=5, help="number of splits")
    many.add_argument("--budget", choices=compare.BUDGETS, default="epochs")
    many.add_argument("--jobs", type=int, default=1, help="fits at a time")
    many.add_argument("--out", help="file of JSON lines; its fits are kept")
    many.add_argument("--picture", metavar="FILE", help="of the mean ranks, as PNG")
    one = commands.add_parser("embedders", help="ways to cut a signal into tokens")
    one.add_argument("--seeds", type=int, default=3, help="number of splits")
    near = commands.add_parser("sources", help="whether the nearest source is good")
    near.add_argument("--suite", choices=SUITES, default="small")
    near.add_argument("--tasks", metavar="NAME,NAME", default=",".join(choice.TASKS))
    near.add_argument("--seeds", type=int, default=3, help="number of splits")
    near.add_argument("--out", help="file of JSON lines; its fits are kept")
    more = commands.add_parser("unlabeled", help="what rows without targets are worth")
    more.add_argument(
        "--tasks",
        type=_some_of(unlabeled.TASKS),
        default=list(unlabeled.TASKS),
        metavar="NAME,NAME",
        help=f"default: all of {', '.join(unlabeled.TASKS)}",
    )
    more.add_argument("--seeds", type=int, default=5, help="number of splits")
    more.add_argument("--out", help="file of JSON lines; its fits are kept")
    far = commands.add_parser("distances", help="cost of the distance between data")
    far.add_argument("--sizes", type=int, nargs="*", default=distances.SIZES)
    ready = commands.add_parser("prepare", help="files of the benchmarks in miniature")
    ready.add_argument(
        "--simulated",
        required=True,
        metavar="DIR",
        help="folder that simulated files are written into, as data_home",
    )
    ready.add_argument(
        "--suite",
        type=_some_of(prepare.TASKS),
        default=list(prepare.TASKS),
        metavar="NAME,NAME",
        help=f"default: {','.join(prepare.TASKS)}",
    )
    ready.add_argument(
        "--tasks", metavar="NAME,NAME", help="default: all of the suites"
    )
    commands.add_parser("timings", help="cost of mixing and of selection")
    return parser


def _compare(parser, arguments, log):
    suite = SUITES[arguments.suite]
    tasks = arguments.tasks.split(",") if arguments.tasks else list(suite)
    methods = arguments.methods.split(",")
    known = [(t, suite) for t in tasks] + [(m, [*CHOICES, *PEERS]) for m in methods]
    for name, names in known:
        if name not in names:
            parser.error(f"{name!r} is none of {', '.join(names)}")
    rows = compare.run(
        arguments.suite,
        tasks,
        methods,
        range(arguments.seeds),
        arguments.budget,
        log,
        arguments.out,
        arguments.jobs,
    )
    print(compare.table(rows))
    if arguments.picture:
        compare.picture(rows, arguments.picture)


def _prepare(parser, arguments, log):
    try:
        chosen = prepare.choose(
            arguments.suite, arguments.tasks and arguments.tasks.split(",")
        )
        prepare.prepare(arguments.simulated, chosen, log)
    except PaReError as error:
        parser.error(str(error))


def main(argv=None):
    """Run ``python -m sklearn_pare.benchmarks``."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    log = functools.partial(print, flush=True)
    if arguments.command == "accuracy":
        results = accuracy.run(
            arguments.data, arguments.methods, range(arguments.seeds), log
        )
        print(accuracy.table(results))
    elif arguments.command == "embedders":
        print(embedders.table(embedders.run(range(arguments.seeds), log)))
    elif arguments.command == "modalities":
        if arguments.report and not arguments.out:
            parser.error("--report needs the file: --out results.jsonl")
        rows = (
            read(arguments.out)
            if arguments.report
            else modalities.run(
                arguments.tasks,
                arguments.methods,
                range(arguments.seeds),
                log,
                arguments.out,
            )
        )
        print(modalities.table(rows))
    elif arguments.command == "compare":
        _compare(parser, arguments, log)
    elif arguments.command == "prepare":
        _prepare(parser, arguments, log)
    elif arguments.command == "sources":
        tasks = arguments.tasks.split(",")
        seeds = range(arguments.seeds)
        rows = choice.run(arguments.suite, tasks, seeds, log, arguments.out)
        print(choice.table(rows))
    elif arguments.command == "unlabeled":
        rows = unlabeled.run(
            arguments.tasks, range(arguments.seeds), log, arguments.out
        )
        print(unlabeled.table(rows))
    elif arguments.command == "distances":
        print(distances.table(distances.growth(arguments.sizes, log)))
    else:
        print(timings.table())


if __name__ == "__main__":
    main()
