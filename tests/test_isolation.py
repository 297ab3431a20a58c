"""Many fits, in parallel or not: the same bits, and no memory that is kept."""

import gc
import os
import threading
import weakref
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.exceptions import DataError, DivergenceError, OutOfMemoryError
from sklearn_pare.nn.model import PaReModel
from sklearn_pare.training.batches import LazyRows, Rows
from sklearn_pare.training.net import PaReNet
from tests.common.callbacks import Callback, needs_callbacks
from tests.common.instances import tiny

N_FITS = 20
STATM = Path("/proc/self/statm")
TABLE = np.random.default_rng(0).normal(size=(40, 5))
SIGNALS = np.random.default_rng(1).normal(size=(40, 2, 16))

# Few steps, but together all parts of a fit.
KINDS = {
    "linear path": (PaReRegressor, TABLE, {}),
    "early stopping": (
        PaReClassifier, TABLE, {"early_stopping": True, "linear_path": False},
    ),
    "signals": (PaReClassifier, SIGNALS, {"linear_path": False}),
    "no mixing": (PaReRegressor, TABLE, {"mix_start": 0.0, "mix_end": 0.0}),
}  # fmt: skip


def _outputs(name):
    """Return the outputs of a model that is fitted in this process."""
    # Registers the tiny backbone in workers of loky.
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
    # One thread per worker, as in this process.
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        jobs = [joblib.delayed(_work)(_names(N_FITS))] * 2
        for outputs in joblib.Parallel(n_jobs=2)(jobs):
            _assert_serial(outputs, serial)


def _resident():
    """Return the megabytes of this process that are in memory."""
    gc.collect()
    pages = int(STATM.read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.skipif(not STATM.exists(), reason="needs Linux's account of memory")
def test_fit__100_times__same_bits_and_no_memory_kept(serial):
    _assert_serial(_work(_names(N_FITS)), serial)
    before = _resident()
    for _ in range(5):
        _assert_serial(_work(_names(N_FITS)), serial)
    assert _resident() - before < 10


# Objects that hold the memory of the training.
HEAVY = (PaReModel, PaReNet, Rows, LazyRows, torch.optim.AdamW)


@pytest.fixture
def alive(monkeypatch):
    """Function that returns the objects of the training that exist, without gc."""
    made, references = set(), []
    for kind in HEAVY:
        start = kind.__init__

        def begin(self, *args, _start=start, **kwargs):
            references.append(weakref.ref(self))
            made.add(type(self))
            _start(self, *args, **kwargs)

        monkeypatch.setattr(kind, "__init__", begin)

    def find(*expected):
        assert made >= set(expected)
        return [one for one in (reference() for reference in references) if one]

    gc.collect()
    gc.disable()
    yield find
    gc.enable()


class Watch(Callback):
    """A callback that predicts with the model of each epoch, and may fail."""

    def __init__(self, error=None):
        self.error = error

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        assert fitted_estimator.predict(SIGNALS).shape == (40,)
        if self.error is not None:
            raise self.error


def _fit(X=SIGNALS, callback=None, **settings):
    estimator = tiny(PaReClassifier, max_epochs=2, **settings)
    if callback is not None:
        estimator.set_callbacks(callback)
    return estimator.fit(X, X.reshape(len(X), -1)[:, 0] > 0)


def _read_only(folder):
    """Return the signals as a read-only memory map."""
    path = folder / "X.npy"
    np.save(path, SIGNALS)
    return np.load(path, mmap_mode="r")


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"linear_path": False},
        {"early_stopping": True, "verbose": 1},
        {"alignment": "l2"},
        {"checkpoint_dir": True},
        {"in file": True},
        pytest.param({"callback": Watch()}, marks=needs_callbacks),
    ],
    ids=lambda settings: " ".join(settings) or "default",
)
def test_fit_and_predict__done__training_is_gone(
    settings, alive, tmp_path, monkeypatch
):
    monkeypatch.setattr("sklearn_pare._data.lazy.MAX_READ", 0)
    settings = dict(settings)
    if "checkpoint_dir" in settings:
        settings["checkpoint_dir"] = str(tmp_path / "checkpoints")
    if settings.pop("in file", False):
        settings["X"] = _read_only(tmp_path)
    estimator = _fit(**settings)
    rows = LazyRows if "X" in settings else Rows
    assert alive(PaReModel, PaReNet, rows, torch.optim.AdamW) == [estimator._model]
    estimator.predict(SIGNALS)
    assert alive() == [estimator._model]
    del estimator
    assert alive() == []


def _no_memory(*args, **kwargs):
    raise torch.OutOfMemoryError("CUDA out of memory")


@pytest.mark.parametrize(
    ("error", "settings"),
    [
        (DataError, {"X": np.full((40, 2, 16), np.nan)}),
        (DivergenceError, {"lr": 1e30}),
        pytest.param(
            KeyboardInterrupt,
            {"callback": Watch(KeyboardInterrupt())},
            marks=needs_callbacks,
        ),
        (OutOfMemoryError, {}),
        pytest.param(
            RuntimeError,
            {"callback": Watch(RuntimeError("of a callback"))},
            marks=needs_callbacks,
        ),
    ],
)
def test_fit__fails__training_is_gone(error, settings, alive, monkeypatch):
    if error is OutOfMemoryError:
        monkeypatch.setattr(PaReModel, "forward", _no_memory)
    with pytest.raises(error):
        _fit(**settings)
    if "callback" in settings:
        # The error that it keeps holds the frames of the fit.
        settings["callback"].error = None
    if error is not DataError:
        assert alive(PaReModel, PaReNet, Rows, torch.optim.AdamW) == []
    assert alive() == []


def test_predict__fails__copy_is_gone(alive, monkeypatch):
    estimator = _fit(linear_path=False)
    monkeypatch.setattr(PaReModel, "predict", _no_memory)
    with pytest.raises(OutOfMemoryError):
        estimator.predict(SIGNALS)
    assert alive() == [estimator._model]
