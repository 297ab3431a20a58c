"""Rows that are measured in a process of their own."""

import multiprocessing
import time

# A process that has imported everything is copied for each call, before it has used a
# GPU or more than one thread.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["studies.cli", "timm", "torch._dynamo"])


class EndedEarlyError(Exception):
    """A process that was ended, or that broke off, before all rows were measured."""


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
    EndedEarlyError
        With the reason: the time is over, the function raised an error, or the process
        was killed, as by the system for lack of memory.
    """
    end = None if seconds is None else time.monotonic() + seconds
    receiver, sender = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_send, args=(sender, function, arguments))
    process.start()
    # Without this end, the other one learns that the process has ended.
    sender.close()
    try:
        while True:
            left = None if end is None else max(0.0, end - time.monotonic())
            if not receiver.poll(left):
                raise EndedEarlyError(f"{seconds:.0f} s were over")
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


def _send(sender, function, arguments):
    try:
        for row in function(*arguments):
            sender.send(("row", row))
    except Exception as error:
        sender.send(("error", f"{type(error).__name__}: {error}"))
    else:
        sender.send(("end", None))
