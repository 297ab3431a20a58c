"""Compare pretrained backbones with fresh weights on small tasks.

Run as ``python -m studies.evaluate --help``. A run that was stopped goes
on when the same command is given again with the same ``--results``.
"""

import argparse
import json
import shlex
import sys
from pathlib import Path

from sklearn_pare.benchmarks import METHODS
from studies import transfer

_PROGRAM = "python -m studies.evaluate"


def _log(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def record(card, transfer_figures):
    """Write figures to the key "transfer" of a backbone's card.

    Parameters
    ----------
    card : path-like
        The JSON file beside the weights.
    transfer_figures : dict
        Plain values.
    """
    card = Path(card)
    described = json.loads(card.read_text()) | {"transfer": transfer_figures}
    card.write_text(json.dumps(described, indent=2) + "\n")


def main(argv=None):
    """Command line of the comparison."""
    parser = argparse.ArgumentParser(
        prog=_PROGRAM,
        description="Fine-tune backbones on few rows of images, signals, tables and "
        f"fields, beside pare-tiny with fresh weights ({transfer.CONTROL!r}).",
    )
    parser.add_argument(
        "candidates",
        nargs="*",
        default=["pare-tiny"],
        metavar="CANDIDATE",
        help="name of a backbone, or .safetensors file with its card beside it",
    )
    parser.add_argument(
        "--tasks",
        nargs="+",
        default=list(transfer.TASKS),
        choices=list(transfer.TASKS),
        metavar="TASK",
        help=f"of {', '.join(transfer.TASKS)}; by default all",
    )
    parser.add_argument("--seeds", type=int, default=3, help="number of splits")
    parser.add_argument("--method", default="nft", choices=METHODS)
    parser.add_argument("--results", help="file of JSON lines; its fits are kept")
    parser.add_argument("--record", help="card to write the figures to")
    arguments = parser.parse_args(argv)
    results = transfer.run(
        arguments.candidates,
        arguments.tasks,
        range(arguments.seeds),
        arguments.method,
        _log,
        arguments.results,
    )
    _log(transfer.table(results))
    if arguments.record:
        figures = {
            "command": _command(arguments),
            "method": arguments.method,
            "seeds": arguments.seeds,
            "tasks": transfer.to_figures(results),
        }
        record(arguments.record, figures)


def _command(arguments):
    """What to type for the same figures, without the files of this run."""
    words = [*_PROGRAM.split(), *arguments.candidates]
    if arguments.tasks != list(transfer.TASKS):
        words += ["--tasks", *arguments.tasks]
    words += ["--seeds", str(arguments.seeds), "--method", arguments.method]
    return shlex.join(words)


if __name__ == "__main__":
    main()
