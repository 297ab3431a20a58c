"""The command lines on small tasks, in processes of their own without a network."""

import multiprocessing
import os
import signal
import socket
import sys
import time

# Imported once for all commands; otherwise by the first optimizer of each.
import torch._dynamo  # noqa: F401
from sklearn.utils.parallel import _get_threadpool_controller

from sklearn_pare.benchmarks import cli, lines, presets, tasks
from studies.cli import main as studies
from tests.benchmarks import stand_ins

NETWORK = "the network was asked"

# Looks for libraries, once in a process; Python ignores a Ctrl-C in the meantime.
_get_threadpool_controller()


def _counted(split, data_home, download=False):
    """Load iris; wait at the ninth time while there is a file "hold"."""
    path = data_home / "loaded"
    with path.open("a") as file:
        file.write(f"{split}\n")
    n = len(path.read_text().splitlines())
    while n == 9 and (data_home / "hold").exists():
        time.sleep(0.01)
    return stand_ins._iris(split, data_home)


def _long(task, data_home):
    preset = stand_ins.small(task, data_home)
    long = {"max_epochs": 10**6, "n_iter_no_change": 10**6}
    return preset._replace(settings=preset.settings | long)


def _no_network(*arguments):
    sys.stderr.write(f"{NETWORK}\n")
    raise OSError("no network in tests")


def _recorded(words):
    """Record fits that take a moment, as the studies do, in a file."""
    cells = [{"task": "t", "method": "m", "seed": n, "recipe": ""} for n in range(8)]

    def fit(todo):
        for cell in todo:
            time.sleep(0.05)
            yield cell | {"error": 0.5, "cpu": 0.1}

    lines.resume(cells, list(cells[0]), fit, lambda row: "", print, words[0])


COMMANDS = {"studies": studies, "recorded": _recorded}


def _run(words, streams, folder, limit):
    os.setsid()
    # A shell lets its jobs in the background ignore this signal.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    os.environ["HOME"] = str(folder)
    os.environ.pop("SKLEARN_PARE_DATA", None)
    for number, path in enumerate(streams, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND), number)
    if limit is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    socket.socket.connect = socket.getaddrinfo = _no_network
    stand_ins.register()
    tasks.SUITES["counted"] = {
        name: stand_ins._task(name, "classes", _counted) for name in ("one", "two")
    }
    presets.PRESETS["long"] = _long
    main = COMMANDS.get(words[0], cli.main)
    sys.exit(main(words[words[0] in COMMANDS :]))


class Command:
    """A running command, forked from a server that has imported the modules.

    Files that it writes have at most `limit` bytes.
    """

    running = []

    def __init__(self, folder, *words, stdout=None, limit=None):
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.benchmarks.process"])
        said = folder.parent / "said"
        said.mkdir(exist_ok=True)
        number = len(list(said.iterdir()))
        self._out = said / f"{number}.out", said / f"{number}.err"
        for path in self._out:
            path.touch()
        streams = stdout or self._out[0], self._out[1]
        words = [str(word) for word in words]
        self.process = context.Process(
            target=_run, args=(words, streams, folder, limit)
        )
        self.process.start()
        self.running.append(self.process)

    @classmethod
    def kill_all(cls):
        """Kill the commands that a failed test has left."""
        for process in cls.running:
            if process.is_alive():
                os.killpg(process.pid, signal.SIGKILL)
        cls.running.clear()

    def wait(self):
        """Return exit status, output and errors."""
        self.process.join(120)
        assert self.process.exitcode is not None
        return self.process.exitcode, *self.said()

    def said(self):
        """Return output and errors so far."""
        return [path.read_text() for path in self._out]

    def interrupt(self, group):
        """Send SIGINT to the process, or to all processes of its terminal."""
        (os.killpg if group else os.kill)(self.process.pid, signal.SIGINT)
