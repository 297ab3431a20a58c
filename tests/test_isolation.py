"""Fits again and again, side by side or not: the same bits, and nothing left behind."""

import gc
import os
import threading

import joblib
import numpy as np
import pytest

from sklearn_pare import PaReClassifier, PaReRegressor

N_FITS = 20
RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(40, 5))
SIGNALS = RNG.normal(size=(40, 2, 16))

# Few steps, but all parts of a fit.
KINDS = {
    "linear path": (PaReRegressor, TABLE, {}),
    "early stopping": (PaReClassifier, TABLE, {"early_stopping": True}),
    "signals": (PaReClassifier, SIGNALS, {"linear_path": False}),
    "no mixing": (PaReRegressor, TABLE, {"mix_start": 0.0, "mix_end": 0.0}),
}


def _outputs(name):
    """What a model says that is fitted here and now."""
    # Workers of loky know no other body than those of the package.
    from tests.common.instances import tiny

    kind, X, settings = KINDS[name]
    numbers = X.reshape(len(X), -1)[:, 0]
    y = numbers > 0 if kind is PaReClassifier else numbers
    return tiny(kind, max_epochs=2, **settings).fit(X, y)._outputs(X).tobytes()


def _work(names):
    return [_outputs(name) for name in names]


def _names(n):
    return [list(KINDS)[i % len(KINDS)] for i in range(n)]


@pytest.fixture(scope="module")
def serial():
    return {name: _outputs(name) for name in KINDS}


def _assert_serial(found, serial):
    assert found == [serial[name] for name in _names(N_FITS)]


def test_fit__four_threads_20_times_each__same_bits_as_serial(serial):
    found = {}
    threads = [
        threading.Thread(target=lambda i=i: found.update({i: _work(_names(N_FITS))}))
        for i in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for outputs in found.values():
        _assert_serial(outputs, serial)


def test_fit__two_loky_workers_20_times_each__same_bits_as_serial(serial):
    # A worker has one thread here, as this process has.
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        jobs = [joblib.delayed(_work)(_names(N_FITS))] * 2
        for outputs in joblib.Parallel(n_jobs=2)(jobs):
            _assert_serial(outputs, serial)


def _resident():
    """Megabytes of this process that are in memory."""
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.skipif(
    not os.path.exists("/proc/self/statm"), reason="needs Linux's account of memory"
)
def test_fit__200_in_a_row__same_bits_and_no_memory_kept(serial):
    _assert_serial(_work(_names(N_FITS)), serial)
    before = _resident()
    for _ in range(10):
        _assert_serial(_work(_names(N_FITS)), serial)
    assert _resident() - before < 20
