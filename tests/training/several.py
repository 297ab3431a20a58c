"""Fits in two processes, as torchrun starts them: ``python -m tests.training.several``.

Each process writes what its cases returned or raised, so that a test can compare.
"""

import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from joblib import Parallel, delayed

import tests.common.tiny  # noqa: F401  registers the tiny backbone
from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare._utils import NoCallbacks
from sklearn_pare.nn.model import PaReModel
from sklearn_pare.training import distributed
from sklearn_pare.training.net import PaReNet
from tests.common.instances import tiny
from tests.training.test_out_of_memory import KINDS, train_in_float64

ROOT = Path(__file__).parents[2]
RNG = np.random.default_rng(0)
TABLE, MORE = RNG.normal(size=(90, 5)), RNG.normal(size=(50, 5))
CLASSES = TABLE[:, 0] + RNG.normal(size=90) > 0
IMAGES = RNG.normal(size=(22, 1, 8, 8)).astype(np.float32)
# Products in bfloat16 differ with the number of samples of a process.
SETTINGS = {
    "batch_size": 16,
    "max_epochs": 3,
    "linear_path": False,
    "precision": "fp32",
}


# ---- starting them


def variables(rank, port, n=2):
    """Return the environment variables of one process."""
    names = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": n, "MASTER_PORT": port}
    own = {"MASTER_ADDR": "127.0.0.1", "OMP_NUM_THREADS": "1", "PYTHONPATH": ROOT}
    return os.environ | {k: str(v) for k, v in (names | own).items()}


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def start(folder, *names, n=2):
    """Start n processes that run cases."""
    command, port = [sys.executable, "-m", __name__, str(folder), *names], free_port()
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return [
        subprocess.Popen(command, env=variables(rank, port, n), cwd=ROOT, **pipe)
        for rank in range(n)
    ]


def run(folder, *names, n=2):
    """Run cases in n processes; return their outcomes and outputs, by rank."""
    processes = start(folder, *names, n=n)
    try:
        outputs = [process.communicate(timeout=240)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [outcomes(folder, rank) for rank in range(n)], outputs


def outcomes(folder, rank):
    """Return what the cases of a process returned or raised, by name."""
    paths = sorted(Path(folder).glob(f"{rank}-*.pkl"))
    return {path.stem[2:]: pickle.loads(path.read_bytes()) for path in paths}


def main(folder, *names):
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for name in names:
        try:
            outcome = CASES[name](Path(folder))
        except (Exception, KeyboardInterrupt) as error:
            outcome = error
        path = Path(folder, f"{os.environ['RANK']}-{name}.pkl")
        path.write_bytes(pickle.dumps(outcome))


def rank():
    return int(os.environ.get("RANK", 0))


# ---- cases that one process ends with, too


def classes(X=TABLE, y=CLASSES, more=None, **settings):
    clf = tiny(PaReClassifier, **SETTINGS | settings)
    return clf.fit(X, y, X_unlabeled=more)


def numbers(X, y, more=None, **settings):
    reg = tiny(PaReRegressor, **SETTINGS | settings)
    return reg.fit(X, y, X_unlabeled=more)


def of_a_file(folder):
    """Fit on samples that are read batch by batch."""
    # Both processes write the same.
    path = folder / f"X-{os.getpid()}"
    mapped = np.memmap(path, np.float32, "w+", shape=IMAGES.shape)
    mapped[:] = IMAGES
    mapped.flush()
    X = np.memmap(path, np.float32, "r", shape=IMAGES.shape)
    return classes(X, IMAGES[:, 0, 0, 0] > 0, batch_size=8, early_stopping=True)


def with_little_memory(folder, n_rows=5):
    """Fit where the second of two processes, or one alone, has little memory."""
    forward = PaReModel.forward

    def fails(model, x, mixing=None, *args, **kwargs):
        if max(len(x), 0 if mixing is None else len(mixing.x)) > n_rows:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(model, x, mixing, *args, **kwargs)

    if rank() == 1:
        PaReModel.forward = fails
    try:
        return classes()
    finally:
        PaReModel.forward = forward


EQUAL = {
    "linear path": lambda _: classes(linear_path=True),
    "early stopping": lambda _: classes(early_stopping=True, n_iter_no_change=2),
    "start over": lambda _: classes(max_epochs=5, lr="auto", batch_size=8),
    "unlabelled": lambda _: numbers(TABLE, TABLE[:, 0], more=MORE),
    "alignment": lambda _: classes(alignment="mmd"),
    "sources": lambda _: classes(source=["formula", "waveforms"]),
    "one in a batch": lambda _: classes(TABLE[:33], CLASSES[:33]),
    "no mixing": lambda _: classes(mix_start=0.0, mix_end=0.0),
    "numbers": lambda _: numbers(TABLE, TABLE[:, 0], linear_path=True),
    "masks": lambda _: classes(IMAGES, (IMAGES[:, 0] > 0).astype(int), batch_size=8),
    "fields": lambda _: numbers(IMAGES, IMAGES[:, 0], batch_size=8),
    "file": of_a_file,
    "memory": with_little_memory,
}

# ---- cases of several processes


def checkpoints(folder, kill=None):
    """Fit with checkpoints; one process is killed before the step of that number."""
    step, seen = PaReNet.train_step_single, []

    def cut(net, *args, **kwargs):
        seen.append(1)
        if kill is not None and (rank(), len(seen)) == kill:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(net, *args, **kwargs)

    PaReNet.train_step_single = cut
    try:
        return classes(early_stopping=True, checkpoint_dir=folder / "checkpoints")
    finally:
        PaReNet.train_step_single = step


def once(folder):
    """Be killed at the first start of torchrun, and continue at the second."""
    is_first = os.environ["TORCHELASTIC_RESTART_COUNT"] == "0"
    return checkpoints(folder, (1, 8) if is_first else None)


def waits(folder):
    """Fit, where the second process fails but goes on; return error and seconds."""

    step = PaReNet.train_step_single

    def fails(net, *args, **kwargs):
        if rank() == 1:
            raise ZeroDivisionError("of one process")
        return step(net, *args, **kwargs)

    PaReNet.train_step_single = fails
    begin = time.monotonic()
    try:
        classes()
    except Exception as error:
        found = error, time.monotonic() - begin
    finally:
        PaReNet.train_step_single = step
    if rank() == 1:
        time.sleep(5)
    return found


def fails_in_the_first(folder):
    """Fit with a scorer that raises an error; only the first process calls it."""

    def scorer(estimator, X, y):
        raise ZeroDivisionError("of the scorer")

    return classes(early_stopping=True, scoring=scorer)


def interrupted(folder, on_interrupt):
    """Fit, where Ctrl-C reaches the second process in the twelfth step."""
    step, seen = PaReNet.train_step_single, []

    def cut(net, *args, **kwargs):
        seen.append(1)
        if rank() == 1 and len(seen) == 12:
            os.kill(os.getpid(), signal.SIGINT)
        return step(net, *args, **kwargs)

    PaReNet.train_step_single = cut
    try:
        return classes(on_interrupt=on_interrupt)
    finally:
        PaReNet.train_step_single = step
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def in_workers(folder):
    """Fit in workers of joblib, which would wait for other processes for 10 minutes."""
    # Not that of __main__, so that workers import this module with its backbone.
    from tests.training.several import classes

    return Parallel(2)(delayed(classes)() for _ in range(2))


def in_a_thread(folder):
    """Fit in a thread of one process; the other one does nothing."""
    found = []
    if rank() == 1:
        thread = threading.Thread(target=lambda: found.append(classes()))
        thread.start()
        thread.join()
    return found


def in_a_group(folder):
    """Fit twice with a process group of the program, which stays."""
    place = {"init_method": f"file://{folder}/group", "rank": rank(), "world_size": 2}
    dist.init_process_group("gloo", **place)
    try:
        fits = [classes(), classes()]
        total = torch.ones(1)
        dist.all_reduce(total)
        return fits, total.item()
    finally:
        dist.destroy_process_group()


class Context(NoCallbacks):
    """Callbacks that are counted, and stop the training after two epochs."""

    def __init__(self):
        self.called = []

    def call_on_fit_task_begin(self, **kwargs):
        self.called.append("begin")

    def call_on_fit_task_end(self, **kwargs):
        self.called.append("end")
        return self.called.count("end") == 2


def prints(folder):
    """Fit with lines and callbacks; return report, warnings, and what was called."""
    context = Context()
    clf = tiny(PaReClassifier, verbose=1, n_iter_no_change=3, **SETTINGS)
    clf._init_callback_context = lambda max_subtasks: context
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        clf.fit(TABLE, CLASSES)
    return clf.fit_report_, [str(w.message) for w in found], context.called


def repeated(folder):
    """Fit twice with deterministic algorithms."""
    torch.use_deterministic_algorithms(True)
    try:
        return classes(more=MORE), classes(more=MORE)
    finally:
        torch.use_deterministic_algorithms(False)


def exact(folder):
    """Train in float64, with all kinds of steps."""
    with distributed.join() as processes:
        return [train_in_float64(processes=processes, **settings) for settings in KINDS]


CASES = EQUAL | {
    "exact": exact,
    "initialised": lambda _: dist.is_initialized(),
    "repeated": repeated,
    "random": lambda _: classes(random_state=None),
    "time": lambda _: classes(max_time=2, max_epochs=9999),
    "data": lambda _: classes(TABLE + rank()),
    "checkpoints": checkpoints,
    "killed first": partial(checkpoints, kill=(0, 8)),
    "killed second": partial(checkpoints, kill=(1, 8)),
    "once": once,
    "no memory": partial(with_little_memory, n_rows=0),
    "waits": waits,
    "scorer": fails_in_the_first,
    "interrupted": partial(interrupted, on_interrupt="raise"),
    "kept": partial(interrupted, on_interrupt="keep"),
    "workers": in_workers,
    "thread": in_a_thread,
    "group": in_a_group,
    "prints": prints,
}

if __name__ == "__main__":
    main(*sys.argv[1:])
