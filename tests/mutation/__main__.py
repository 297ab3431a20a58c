"""Change the code at one place at a time, and see whether a test fails.

Runs mutmut as pyproject.toml configures it and writes README.md beside this file.
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

HERE = Path(__file__).parent
MUTANTS = Path("mutants")
LEAST = 0.85
# Exit codes of the tests of a mutant that no test killed: passed, and no tests.
_SURVIVED = {0, 33}

_HEAD = """\
# Mutants

`make mutation` changes the code of the files below at one place at a time (mutmut),
runs the tests that reach the changed function, and writes this page. A mutant is killed
where a test fails or takes ten times as long; of every file {least:.0%} must be.

Not changed, because mutmut cannot: what stands outside of functions (constants, regular
expressions, defaults of a NamedTuple), decorated methods (properties), calls of `len`
and `isinstance`, and triple-quoted strings. All other strings are changed, those of
messages too. Left out of the tests, because they take long: {deselected}. They
could only kill more.

| file | mutants | killed | score |
|---|---|---|---|
"""


def main():
    """Run the mutants, write the page, complain about files below the mark."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument(
        "--report", action="store_true", help="write the page of the last run again"
    )
    if not parser.parse_args().report:
        shutil.rmtree(MUTANTS, ignore_errors=True)
        subprocess.run(
            [sys.executable, "-m", "mutmut", "run", "--max-children", "1"],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            check=True,
        )
    results = _results()
    reasons = _reasons()
    page, unexplained = _page(results, reasons)
    (HERE / "README.md").write_text(page)
    print(page)
    low = [name for name, codes in results.items() if _score(codes) < LEAST]
    if low or unexplained:
        sys.exit(f"Below {LEAST:.0%}: {low}. Without a reason: {unexplained}.")


def _results():
    """File -> mutant -> exit code of its tests."""
    found = {}
    for path in sorted(MUTANTS.rglob("*.py.meta")):
        codes = json.loads(path.read_text())["exit_code_by_key"]
        if codes:
            found[str(path.relative_to(MUTANTS)).removesuffix(".meta")] = codes
    not_run = [
        name for codes in found.values() for name in codes if codes[name] is None
    ]
    if not found or not_run:
        sys.exit(f"Not all mutants were run: {len(not_run)} are left.")
    return found


def _killed(codes):
    return sum(code not in _SURVIVED for code in codes.values())


def _score(codes):
    return _killed(codes) / len(codes)


def _reasons():
    """Mutant in words -> why it may survive."""
    listed = tomllib.loads((HERE / "survivors.toml").read_text())
    return {words: reason for reason, mutants in listed.items() for words in mutants}


def _page(results, reasons):
    """The page, and the survivors that have no reason."""
    config = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["mutmut"]
    deselected = config["pytest_add_cli_args"][1].replace("not ", "")
    page = _HEAD.format(least=LEAST, deselected=f"`{deselected}`")
    for name, codes in results.items():
        page += (
            f"| `{name}` | {len(codes)} | {_killed(codes)} | {_score(codes):.1%} |\n"
        )
    survivors = Counter(
        _in_words(file, name)
        for file, codes in results.items()
        for name, code in codes.items()
        if code in _SURVIVED
    )
    page += "\n## Survivors\n"
    by_reason = {}
    for words in survivors:
        by_reason.setdefault(reasons.get(words, "No reason yet"), []).append(words)
    for reason in sorted(by_reason):
        page += f"\n{reason}:\n\n"
        for words in sorted(by_reason[reason]):
            times = f" ({survivors[words]} times)" if survivors[words] > 1 else ""
            page += f"- `{words}`{times}\n"
    return page, sorted(survivors.keys() - reasons.keys())


def _in_words(file, name):
    """What a mutant is: its place, and what stands there instead."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    lines = get_diff_for_mutant(name).splitlines()[2:]
    added = " ".join(line[1:].strip() for line in lines if line[0] == "+")
    removed = " ".join(line[1:].strip() for line in lines if line[0] == "-")
    function = name.rpartition(".")[2].rpartition("__mutmut_")[0]
    function = function.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
    place = f"{file.removeprefix('sklearn_pare/')} {function}"
    return f"{place}: {added}" if len(added) > 3 else f"{place}: without {removed}"


if __name__ == "__main__":
    main()
