"""A fit that several processes share, as torchrun and accelerate start them.

All of them run the same fit on the same data. Everything random is drawn before a step,
so all draw the same step, and each runs a part of it. The sums of the gradients are the
same everywhere, and so are the weights. All other answers on which the rest of the fit
depends are those of the first process.
"""

import itertools
import logging
import os
import signal
import threading
import warnings
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from multiprocessing import parent_process

import torch
import torch.distributed as dist

from sklearn_pare.exceptions import DataError, PaReError, ProcessError
from sklearn_pare.nn.losses import LossTerms

# If a process is killed, its connections are closed, which the others notice at once.
# For a process that answers late, as it writes a large file, they wait so long.
_MINUTES = 10
_TIMEOUT = timedelta(minutes=_MINUTES)
_VARIABLES = "RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"
# Numbers of the fits that this process has shared.
_NUMBERS = itertools.count()


class Alone:
    """The only process of a fit.

    Attributes
    ----------
    n : int
        Number of processes.
    is_first : bool
        Whether this is the process that decides, logs and writes files.
    own : slice
        Part of a sequence that belongs to this process.
    """

    n, is_first, own = 1, True, slice(None)

    def first(self, function):
        """Call a function in the first process, and return its result in all.

        An exception is raised in all of them as well.
        """
        return function()

    def any(self, flag):
        """Return whether a flag is True in any process."""
        return flag

    def gather(self, values):
        """Return the whole list, of which each process has the part `own`."""
        return values

    def add_up(self, parameters, terms):
        """Sum the gradients of parameters, and return the sum of the terms of a loss.

        Parameters
        ----------
        parameters : list of torch.nn.Parameter
        terms : LossTerms or None
            None in a process without samples.
        """
        return terms

    def share_weights(self, module):
        """Load the weights of the first process."""

    def check_alike(self, describe):
        """Raise DataError if the dicts that ``describe()`` returns are different."""


ALONE = Alone()


class Several(Alone):
    """One of several processes that share a fit, and its connections to the others.

    All methods raise ProcessError if another process ended, or does not answer.
    """

    def __init__(self):
        self._is_owner = not dist.is_initialized()
        if self._is_owner:
            _call(_init_process_group)
        self._group = _call(dist.new_group, backend="gloo", timeout=_TIMEOUT)
        self._group_of_gpus = None
        self.n, rank = dist.get_world_size(), dist.get_rank()
        self.is_first, self.own = rank == 0, slice(rank, None, self.n)
        self.interrupted = False

    def close(self):
        """Close the connections, so that waiting processes fail at once."""
        groups = [self._group, self._group_of_gpus]
        # Connections are closed with the last reference.
        self._group = self._group_of_gpus = None
        while groups:
            if (group := groups.pop()) is not None:
                dist.destroy_process_group(group)
            del group
        if self._is_owner:
            dist.destroy_process_group()

    def interrupt(self, *args):
        """Let all processes raise KeyboardInterrupt in the next step."""
        self.interrupted = True

    def _collect(self, function, *args, **kwargs):
        return _call(function, *args, group=self._group, **kwargs)

    def first(self, function):
        """Call a function in the first process, and return its result in all."""
        answer, error = None, None
        if self.is_first:
            try:
                answer = function()
            except Exception as own:
                error = own
        known = error is None or isinstance(error, PaReError)
        told = error if known else ProcessError(f"The first process failed: {error!r}")
        both = [answer, told]
        self._collect(dist.broadcast_object_list, both, 0)
        if error or both[1]:
            raise error or both[1]
        return both[0]

    def any(self, flag):
        """Return whether a flag is True in any process.

        Raises KeyboardInterrupt in all processes if one was interrupted.
        """
        return self._any([flag])[0]

    def _any(self, flags):
        """Return for each flag whether it is True in any process."""
        found = torch.tensor([*flags, self.interrupted], dtype=torch.uint8)
        self._collect(dist.all_reduce, found, dist.ReduceOp.MAX)
        *flags, interrupted = found.bool().tolist()
        if interrupted:
            self.interrupted = False
            raise KeyboardInterrupt
        return flags

    def gather(self, values):
        """Return the whole list, of which each process has the part `own`."""
        parts = [None] * self.n
        self._collect(dist.all_gather_object, parts, values)
        n = sum(map(len, parts))
        return [parts[i % self.n][i // self.n] for i in range(n)]

    def add_up(self, parameters, terms):
        """Sum the gradients of parameters, and return the sum of the terms."""
        terms = terms or LossTerms(None, None)
        values = [*(parameter.grad for parameter in parameters), *terms]
        # Some are missing in steps, or in parts of them, without mixed samples.
        known = self._any([value is not None for value in values])
        zero = parameters[0].new_zeros(())
        like = [*parameters, *(zero for _ in terms)]
        pairs = list(zip(values, like, strict=True))
        filled = (torch.zeros_like(b) if a is None else a for a, b in pairs)
        total = torch.cat([value.detach().flatten() for value in filled])
        self._sum(total)
        parts = total.split([value.numel() for value in like])
        sums = [
            torch.empty_like(own).copy_(part.view_as(own)) if exists else None
            for own, part, exists in zip(like, parts, known, strict=True)
        ]
        for parameter, gradient in zip(parameters, sums, strict=False):
            parameter.grad = gradient
        return LossTerms(*sums[len(parameters) :])

    def _sum(self, values):
        """Sum a tensor over the processes, in place."""
        if values.is_cuda and dist.is_nccl_available():
            if self._group_of_gpus is None:
                self._group_of_gpus = _call(dist.new_group, backend="nccl")
            _call(dist.all_reduce, values, group=self._group_of_gpus)
        else:
            host = values.cpu()
            self._collect(dist.all_reduce, host)
            values.copy_(host)

    def share_weights(self, module):
        """Load the weights of the first process."""
        weights = self.first(
            lambda: {name: value.cpu() for name, value in module.state_dict().items()}
        )
        module.load_state_dict(weights)

    def check_alike(self, describe):
        """Raise DataError if the dicts that ``describe()`` returns are different."""
        described = [None] * self.n
        self._collect(dist.all_gather_object, described, describe())
        one = described[0]
        names = [n for n in one if any(d.get(n) != one[n] for d in described)]
        if names:
            raise DataError(
                f"The processes of this fit differ in {', '.join(names)}. Call fit "
                "with the same arguments and all samples in each process: fit divides "
                "the samples."
            )


@contextmanager
def join():
    """Yield the processes of a fit, for as long as it runs.

    These are several if torchrun or accelerate started this process, or if the program
    initialised a process group. Threads, and workers of joblib, fit alone.

    Raises
    ------
    ProcessError
        If other processes are not reached, or fail until the fit ends.
    """
    if not _is_shared():
        yield ALONE
        return
    processes, handler = Several(), signal.getsignal(signal.SIGINT)
    # Handlers of the program, and ignored signals, stay as they are.
    is_default = handler is signal.default_int_handler
    if is_default:
        signal.signal(signal.SIGINT, processes.interrupt)
    try:
        with _silent(not processes.is_first):
            yield processes
    finally:
        if is_default:
            signal.signal(signal.SIGINT, handler)
        processes.close()
    if processes.interrupted:
        raise KeyboardInterrupt


def _is_shared():
    is_main = threading.current_thread() is threading.main_thread()
    if not (is_main and dist.is_available() and dist.is_gloo_available()):
        return False
    if dist.is_initialized():
        return dist.get_world_size() > 1
    found = all(name in os.environ for name in _VARIABLES)
    # Workers of joblib inherit the variables.
    return found and parent_process() is None and os.environ["WORLD_SIZE"] != "1"


@cache
def _store():
    """Return the store by which processes find each other, and rank and number."""
    return next(dist.rendezvous("env://", timeout=_TIMEOUT))


def _init_process_group():
    store, rank, n = _store()
    # A fit must not read what an earlier one has left in the store, which survives if
    # torchrun starts the processes again.
    start = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    store = dist.PrefixStore(f"sklearn_pare/{start}/{next(_NUMBERS)}", store)
    dist.init_process_group(
        "gloo", store=store, rank=rank, world_size=n, timeout=_TIMEOUT
    )


@contextmanager
def _silent(wanted):
    """Neither log nor warn."""
    if not wanted:
        yield
        return
    logger = logging.getLogger("sklearn_pare")
    disabled, logger.disabled = logger.disabled, True
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logger.disabled = disabled


def _call(function, *args, **kwargs):
    """Call a function of torch.distributed that waits for the other processes."""
    try:
        return function(*args, **kwargs)
    except RuntimeError as error:
        found = str(error)
    # Outside of the except block, nothing holds the connections.
    raise ProcessError(
        "This fit on several devices ended, because another of its processes ended, or "
        f"did not answer for {_MINUTES} minutes. The output of that process states the "
        "reason. With checkpoint_dir, the same command continues the fit. "
        f"torch.distributed reports: {found}"
    )
