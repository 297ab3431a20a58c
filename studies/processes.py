"""Rows that are measured in a process of their own."""

import multiprocessing
import time

from sklearn_pare._device import resolve_device


class EndedEarlyError(Exception):
    """A process that broke off before all rows were measured."""


class TimeIsOverError(EndedEarlyError):
    """A process that was ended, as its time was over, before all rows were measured."""


def rows_of(function, *arguments, seconds=None):
    """Yield what a generator function yields in a new process.

    Peaks of memory are then those of the rows alone, and rows that were measured are
    not lost with those that were not.

    Parameters
    ----------
    function : callable
        Function of a module, so that the new process can import it.
    *arguments : object
        Anything that can be pickled.
    seconds : float, default=None
        Time after which the process is killed. None: no limit.

    Raises
    ------
    TimeIsOverError
    EndedEarlyError
        With the reason: the function raised an error, or the process was killed, as by
        the system for lack of memory.
    """
    end = None if seconds is None else time.monotonic() + seconds
    context = _context()
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(sender, function, arguments))
    process.start()
    # Without this end, the other one learns that the process has ended.
    sender.close()
    try:
        while True:
            left = None if end is None else max(0.0, end - time.monotonic())
            if not receiver.poll(left):
                raise TimeIsOverError(f"{seconds:.0f} s were over")
            kind, value = receiver.recv()
            if kind == "end":
                return
            if kind == "error":
                raise EndedEarlyError(value)
            yield value
    except EOFError as error:
        process.join()
        reason = f"the process ended with exit code {process.exitcode}"
        raise EndedEarlyError(reason) from error
    finally:
        process.kill()
        process.join()
        receiver.close()


def _context():
    """Return how processes are started."""
    if resolve_device("auto").type != "cpu":
        # A GPU cannot be used after a fork.
        return multiprocessing.get_context("spawn")
    # Forks of a process that has imported everything start at once.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["studies.cli", "timm", "torch._dynamo"])
    return context


def _send(sender, function, arguments):
    try:
        for row in function(*arguments):
            sender.send(("row", row))
    except Exception as error:
        sender.send(("error", f"{type(error).__name__}: {error}"))
    else:
        sender.send(("end", None))
