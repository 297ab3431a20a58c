"""Run each mutant of a file in a fork of a process that has collected the tests."""

import json
import os
import signal
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.mutation.files import LEFT_OUT

# Of processor time, as many times what the tests of the mutant take, and seconds more.
_TIMES, _MORE = 10, 20


class Mutants:
    """A plugin of pytest that runs mutants in the place of the tests."""

    def __init__(self, names):
        self.names, self.killed = names, {}

    def pytest_collection_modifyitems(self, items):
        """Drop the tests that are left out."""
        items[:] = [i for i in items if not any(part in i.name for part in LEFT_OUT)]

    def pytest_runtestloop(self, session):
        """Try out the tests, then every mutant against those that reach it."""
        if session.testsfailed:
            raise session.Failed("The tests cannot be collected.")
        seconds, reached = _tried(session.items)
        # The shortest first: most mutants are killed by any test.
        ordered = sorted(session.items, key=lambda item: seconds[item.nodeid])
        if not _passes(ordered, "none", _TIMES * sum(seconds.values())):
            raise session.Failed("In another order the tests fail.")
        for name in self.names:
            function = name.rpartition("__mutmut_")[0]
            items = [i for i in ordered if function in reached[i.nodeid]]
            limit = _TIMES * sum(seconds[i.nodeid] for i in items) + _MORE
            self.killed[name] = bool(items) and not _passes(items, name, limit)
            if len(self.killed) % 50 == 0:
                print(f"  {len(self.killed)}, {sum(self.killed.values())} killed")
        return True


def _run(items):
    """Whether tests pass; at the first that fails the rest is not run."""
    for item, following in pairwise([*items, None]):
        if not _run_one(item, following):
            return False
    return True


def _run_one(item, following):
    from _pytest.runner import runtestprotocol

    reports = runtestprotocol(item, nextitem=following, log=False)
    return not any(report.failed for report in reports)


def _tried(items):
    """Run the unchanged code: seconds of each test, and the functions it reaches."""
    from mutmut.mutation.trampoline import set_mutant_under_test
    from mutmut.state import state

    def child():
        set_mutant_under_test("stats")
        for item, following in pairwise([*items, None]):
            begun = time.process_time()
            passed = _run_one(item, following)
            found = time.process_time() - begun, sorted(state()._stats)
            state()._stats.clear()
            os.write(write, json.dumps([item.nodeid, passed, *found]).encode() + b"\n")
        return 0

    read, write = os.pipe()
    pid = _fork(child)
    os.close(write)
    with os.fdopen(read) as lines:
        tried = [json.loads(line) for line in lines]
    os.waitpid(pid, 0)
    failed = [name for name, passed, *_ in tried if not passed]
    if failed or len(tried) != len(items):
        raise pytest.UsageError(f"Tests of the unchanged code fail: {failed}")
    seconds = {name: spent for name, _, spent, _ in tried}
    return seconds, {name: set(functions) for name, *_, functions in tried}


def _passes(items, name, limit):
    """Whether all tests pass with a mutant, within a limit of processor time."""
    from mutmut.mutation.trampoline import set_mutant_under_test

    def child():
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, limit)
        set_mutant_under_test(name)
        return 0 if _run(items) else 1

    _, status = os.waitpid(_fork(child), 0)
    return status == 0


def _fork(child):
    """Run a function in a fork, which ends with the number it returns."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        import resource  # only on Unix

        # A mutant that fills the memory or the disk harms nobody else.
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**30, 2**30))
        code = child()
    finally:
        os._exit(code)


def main():
    """Read names from standard input; write whether each was killed."""
    asked = json.load(sys.stdin)
    mutants = Mutants(asked["names"])
    code = pytest.main(["-q", "-s", "--rootdir=.", *sys.argv[1:]], plugins=[mutants])
    if len(mutants.killed) < len(mutants.names):
        sys.exit(f"Not all mutants were run; pytest ended with {code!r}.")
    Path(asked["results"]).write_text(json.dumps(mutants.killed))


if __name__ == "__main__":
    main()
