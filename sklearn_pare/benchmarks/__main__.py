"""Command line of the benchmarks."""

import argparse
import functools

from sklearn_pare.benchmarks import accuracy, embedders, modalities, timings
from sklearn_pare.benchmarks.methods import METHODS


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
        type=_some_of(modalities.CHOICES),
        default=["pare", "nft"],
        metavar="NAME,NAME",
        help=f"of {', '.join(modalities.CHOICES)}; default: pare,nft",
    )
    every.add_argument("--seeds", type=int, default=3, help="number of splits")
    every.add_argument("--out", help="file of JSON lines; its fits are kept")
    every.add_argument(
        "--report", action="store_true", help="only print the table of that file"
    )
    one = commands.add_parser("embedders", help="ways to cut a signal into tokens")
    one.add_argument("--seeds", type=int, default=3, help="number of splits")
    commands.add_parser("timings", help="cost of mixing and of selection")
    return parser


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
            modalities.read(arguments.out)
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
    else:
        print(timings.table())


if __name__ == "__main__":
    main()
