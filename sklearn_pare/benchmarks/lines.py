"""Results as lines of JSON: a run that was stopped goes on where it was."""

import json
from pathlib import Path


def read(path):
    """Rows of a file of JSON lines; none where there is no file.

    A last line that a kill cut short is left out.
    """
    if path is None or not Path(path).exists():
        return []
    *lines, rest = Path(path).read_text().split("\n")
    if rest:
        Path(path).write_text("".join(f"{line}\n" for line in lines))
    return [json.loads(line) for line in lines]


def append(row, path):
    """Add a row to the file, if there is a path."""
    if path is not None:
        with Path(path).open("a") as file:
            file.write(json.dumps(row) + "\n")
