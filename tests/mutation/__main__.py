"""Change the code at one place at a time, and see whether a test fails.

mutmut makes the changes; all of a file are in it at once, and one is active. The tests
are collected once, and each mutant is a fork of that process. Writes README.md beside
this file.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

from tests.mutation.files import FILES, LEFT_OUT

HERE = Path(__file__).parent
MUTANTS = Path("mutants")
LEAST = 0.85

_HEAD = f"""\
# Mutation testing

`make mutation` changes the code of the files below at one place at a time, runs the
tests that reach the changed function, and writes this page. Each changed version is
called a mutant. A mutant is killed if a test fails or takes ten times as long as usual.
At least {LEAST:.0%} of the mutants of each file must be killed. mutmut makes the
changes: to numbers, comparisons, arithmetic, conditions, assignments, arguments,
defaults, and all strings, including those in messages.

mutmut cannot change code outside of functions (constants, regular expressions, fields
of a NamedTuple), decorated methods (properties), calls of `len` and `isinstance`, and
triple-quoted strings. Some tests are not run, because they take long or depend on the
depth of the call stack, which mutmut changes. Their names contain one of the words
`{"`, `".join(LEFT_OUT)}`.
Running them could only kill more mutants.

| file | mutants | killed | score |
|---|---|---|---|
"""


def main():
    """Run the mutants, write the page, complain about files below the mark."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("files", nargs="*", help="only these of the files")
    parser.add_argument(
        "--report", action="store_true", help="write the page of the last run again"
    )
    options = parser.parse_args()
    if not options.report:
        files = options.files or list(FILES)
        names = _make(files)
        for file in files:
            _run(file, names[file])
    results = {
        file: json.loads(_results(file).read_text())
        for file in FILES
        if _results(file).exists()
    }
    page, unexplained = _page(results)
    (HERE / "README.md").write_text(page)
    print(page)
    low = [name for name, killed in results.items() if _score(killed) < LEAST]
    left = [name for name in FILES if name not in results]
    if low or unexplained or left:
        sys.exit(
            f"Below {LEAST:.0%}: {low}. Not run: {left}. Without a reason: "
            f"{unexplained}."
        )


def _results(file):
    return MUTANTS / f"{file}.json"


def _make(files):
    """Write a tree in which the files have all their mutants -> file -> their names."""
    from mutmut.mutation.file_mutation import mutate_file_contents

    ignore = shutil.ignore_patterns("__pycache__")
    for folder in ("sklearn_pare", "tests"):
        target = MUTANTS / folder
        for path in target.rglob("*.py"):
            path.unlink()
        shutil.copytree(folder, target, ignore=ignore, dirs_exist_ok=True)
    shutil.copy("pyproject.toml", MUTANTS)
    names = {}
    for file in files:
        mutated = mutate_file_contents(file, Path(file).read_text())
        (MUTANTS / file).write_text(mutated.code)
        module = file.removesuffix(".py").replace("/", ".")
        names[file] = [f"{module}.{name}" for name in mutated.mutant_names]
        _results(file).unlink(missing_ok=True)
    return names


def _run(file, names):
    """Run the mutants of one file in a process of their own."""
    print(f"{file}: {len(names)} mutants", flush=True)
    subprocess.run(
        [sys.executable, "-m", "tests.mutation.runner", *FILES[file]],
        cwd=MUTANTS,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        input=json.dumps({"names": names, "results": str(_results(file).resolve())}),
        text=True,
        check=True,
    )


def _score(killed):
    return sum(killed.values()) / len(killed)


def _page(results):
    """The page, and the survivors that have no reason."""
    listed = tomllib.loads((HERE / "survivors.toml").read_text())
    reasons = {words: reason for reason, mutants in listed.items() for words in mutants}
    page = _HEAD
    for file, killed in results.items():
        page += f"| `{file}` | {len(killed)} | {sum(killed.values())} | "
        page += f"{_score(killed):.1%} |\n"
    survivors = Counter(
        _in_words(file, name)
        for file, killed in results.items()
        for name in killed
        if not killed[name]
    )
    by_reason = {}
    for words in sorted(survivors):
        by_reason.setdefault(reasons.get(words, "No reason yet"), []).append(words)
    page += "\n## Survivors\n\n"
    page += "The mutants below are not killed, for the reason above each list.\n"
    for reason in sorted(by_reason):
        page += f"\n{reason}:\n\n"
        for words in by_reason[reason]:
            times = f" ({survivors[words]} times)" if survivors[words] > 1 else ""
            page += f"- `` {words} ``{times}\n"
    return page, sorted(survivors.keys() - reasons.keys())


def _in_words(file, name):
    """What a mutant is: its place, and what stands there instead."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    diff = get_diff_for_mutant(name, source=(MUTANTS / file).read_text(), path=file)
    lines = diff.splitlines()[2:]
    added = " ".join(line[1:].strip() for line in lines if line[0] == "+")
    removed = " ".join(line[1:].strip() for line in lines if line[0] == "-")
    function = name.rpartition(".")[2].rpartition("__mutmut_")[0]
    function = function.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
    return f"{file.removeprefix('sklearn_pare/')} {function}: {added or removed}"


if __name__ == "__main__":
    main()
