"""Commands behind the tables of the documentation."""

from sklearn_pare._utils import check_name
from sklearn_pare.benchmarks.arguments import (
    SEVERAL,
    add_out,
    add_picture,
    add_seeds,
    log,
    name_of,
    names_of,
    split,
)
from sklearn_pare.benchmarks.lines import read
from sklearn_pare.benchmarks.methods import CHOICES, METHODS
from studies import (
    accuracy,
    compare,
    distances,
    embedders,
    gap,
    modalities,
    sources,
    suites,
    timings,
    unlabeled,
)


def add_accuracy(commands):
    """Few labelled rows."""
    parser = commands.add_parser("accuracy", help="accuracy with few labelled rows")
    parser.add_argument(
        "data",
        type=name_of(accuracy.DATA, "data set"),
        metavar="DATA",
        help=f"one of {', '.join(accuracy.DATA)}",
    )
    parser.add_argument(
        "--methods",
        nargs="*",
        default=list(METHODS),
        type=name_of(METHODS, "method"),
        metavar="NAME",
        help=f"of {', '.join(METHODS)}",
    )
    add_seeds(parser, 5)
    parser.set_defaults(do=_accuracy)


def _accuracy(arguments):
    seeds = range(arguments.seeds)
    print(accuracy.table(accuracy.run(arguments.data, arguments.methods, seeds, log)))


def add_modalities(commands):
    """Every modality and its peers."""
    parser = commands.add_parser("modalities", help="every modality, beside its peers")
    parser.add_argument(
        "--tasks",
        type=names_of(modalities.TASKS, "task"),
        default=list(modalities.TASKS),
        metavar=SEVERAL,
        help=f"default: all of {', '.join(modalities.TASKS)}",
    )
    parser.add_argument(
        "--methods",
        type=names_of(CHOICES, "method"),
        default=["pare", "nft"],
        metavar=SEVERAL,
        help=f"such as {','.join(METHODS)}; default: pare,nft",
    )
    add_seeds(parser, 3)
    add_out(parser)
    parser.add_argument(
        "--report", action="store_true", help="only print the table of that file"
    )
    parser.set_defaults(do=_modalities, fail=parser.error)


def _modalities(arguments):
    if not arguments.report:
        seeds = range(arguments.seeds)
        rows = modalities.run(
            arguments.tasks, arguments.methods, seeds, log, arguments.out
        )
    elif arguments.out:
        rows = read(arguments.out)
    else:
        arguments.fail("--report needs the file: --out results.jsonl")
    print(modalities.table(rows))


def add_compare(commands):
    """Methods on small tasks."""
    parser = commands.add_parser("compare", help="methods on a suite of small tasks")
    _add_suite(parser)
    parser.add_argument("--tasks", metavar=SEVERAL, help="default: all of the suite")
    parser.add_argument(
        "--methods",
        type=names_of([*CHOICES, *suites.PEERS], "method"),
        default=list(compare.MAIN),
        metavar=SEVERAL,
        help=f"default: {','.join(compare.MAIN)}",
    )
    add_seeds(parser, 5)
    parser.add_argument("--budget", choices=compare.BUDGETS, default="epochs")
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="fits at a time; default: 1"
    )
    add_out(parser)
    add_picture(parser)
    parser.set_defaults(do=_compare)


def _compare(arguments):
    rows = compare.run(
        arguments.suite,
        _tasks(arguments, list(suites.SUITES[arguments.suite])),
        arguments.methods,
        range(arguments.seeds),
        arguments.budget,
        log,
        arguments.out,
        arguments.jobs,
    )
    print(compare.table(rows))
    if arguments.picture:
        compare.picture(rows, arguments.picture)


def _add_suite(parser):
    parser.add_argument(
        "--suite",
        type=name_of(suites.SUITES, "suite"),
        default="small",
        metavar="NAME",
        help=f"one of {', '.join(suites.SUITES)}; default: small",
    )


def _tasks(arguments, default):
    if arguments.tasks is None:
        return default
    known = suites.SUITES[arguments.suite]
    return [check_name(name, known, "task") for name in split(arguments.tasks)]


def add_embedders(commands):
    """Embedders of signals."""
    parser = commands.add_parser("embedders", help="ways to cut a signal into tokens")
    add_seeds(parser, 3)
    parser.set_defaults(do=_embedders)


def _embedders(arguments):
    print(embedders.table(embedders.run(range(arguments.seeds), log)))


def add_sources(commands):
    """Whether the nearest source is good."""
    parser = commands.add_parser("sources", help="whether the nearest source is good")
    _add_suite(parser)
    parser.add_argument(
        "--tasks", metavar=SEVERAL, help=f"default: {','.join(sources.TASKS)}"
    )
    add_seeds(parser, 3)
    add_out(parser)
    parser.set_defaults(do=_sources)


def _sources(arguments):
    tasks, seeds = _tasks(arguments, list(sources.TASKS)), range(arguments.seeds)
    print(sources.table(sources.run(arguments.suite, tasks, seeds, log, arguments.out)))


def add_unlabeled(commands):
    """Rows without targets."""
    parser = commands.add_parser(
        "unlabeled", help="what rows without targets are worth"
    )
    parser.add_argument(
        "--tasks",
        type=names_of(unlabeled.TASKS, "task"),
        default=list(unlabeled.TASKS),
        metavar=SEVERAL,
        help=f"default: all of {', '.join(unlabeled.TASKS)}",
    )
    add_seeds(parser, 5)
    add_out(parser)
    parser.set_defaults(do=_unlabeled)


def _unlabeled(arguments):
    seeds = range(arguments.seeds)
    print(unlabeled.table(unlabeled.run(arguments.tasks, seeds, log, arguments.out)))


def add_distances(commands):
    """Cost of the distance."""
    parser = commands.add_parser("distances", help="cost of the distance between data")
    parser.add_argument(
        "--sizes",
        type=int,
        nargs="*",
        default=distances.SIZES,
        metavar="N",
        help=f"rows a side; default: {' '.join(map(str, distances.SIZES))}",
    )
    parser.set_defaults(do=_distances)


def _distances(arguments):
    print(distances.table(distances.growth(arguments.sizes, log)))


def add_gap(commands):
    """The gap along the curriculum."""
    parser = commands.add_parser("gap", help="whether the gap closes as fewer mix")
    parser.set_defaults(do=lambda arguments: print(gap.table(gap.run(log))))


def add_timings(commands):
    """Cost of mixing."""
    parser = commands.add_parser("timings", help="cost of mixing and of selection")
    parser.set_defaults(do=lambda arguments: print(timings.table()))
