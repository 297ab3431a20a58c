"""Work that is done ahead of time in a thread."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context


def ahead(function, arguments):
    """Yield ``function(argument)`` for each argument, in order, one ahead in a thread.

    While the caller works with a result, the thread computes the next one. Errors are
    raised in place of results. When the generator is closed, no call is left running.
    """
    coming = None
    with ThreadPoolExecutor(1) as thread:
        # Settings of numpy and filters of warnings may belong to the context.
        run = copy_context().run
        for argument in arguments:
            now, coming = coming, thread.submit(run, function, argument)
            if now is not None:
                yield now.result()
        if coming is not None:
            yield coming.result()
