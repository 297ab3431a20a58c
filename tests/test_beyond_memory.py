"""Data beyond memory: training reads ahead, and predictions are written into files."""

import threading
import time

import numpy as np
import pytest
import torch
from sklearn.pipeline import make_pipeline

from sklearn_pare import PaReClassifier, PaReRegressor, _inference
from sklearn_pare._data import lazy
from sklearn_pare.exceptions import DataError
from sklearn_pare.training import checkpoint
from sklearn_pare.training.batches import LazyRows
from tests.common.instances import tiny
from tests.common.room import needs_linux, peak
from tests.training.interrupted import Stop, fresh
from tests.training.same import assert_same_fit

h5py = pytest.importorskip("h5py")
zarr = pytest.importorskip("zarr")
da = pytest.importorskip("dask.array")

N = 70
RNG = np.random.default_rng(0)
SIGNALS = RNG.normal(3.0, 2.0, (N, 2, 16)).astype(np.float32)
IMAGES = RNG.normal(size=(N, 1, 8, 8)).astype(np.float32)
CLASSES = np.array(["no", "so", "yes"])[np.arange(N) % 3]
LABELS = (RNG.random((N, 4)) > 0.5).astype(int)
FITS = {
    # name: (estimator, settings, X, y)
    "classes": (PaReClassifier, {}, SIGNALS, CLASSES),
    "labels": (PaReClassifier, {}, IMAGES, LABELS),
    "masks": (PaReClassifier, {}, IMAGES, (IMAGES[:, 0] > 0).astype(np.uint8)),
    "masks of signals": (PaReClassifier, {}, SIGNALS, (SIGNALS[:, 0] > 3) * 2),
    "numbers": (PaReRegressor, {}, SIGNALS, SIGNALS.mean((1, 2))),
    "several numbers": (PaReRegressor, {}, IMAGES, IMAGES[:, 0, 0, :3]),
    "fields": (PaReRegressor, {}, IMAGES, IMAGES[:, 0] ** 2),
    "quantiles of fields": (
        PaReRegressor, {"loss": "quantile", "quantile": [0.9, 0.1]}, SIGNALS,
        SIGNALS[:, :1],
    ),
    "linear path": (PaReRegressor, {"linear_path": True}, SIGNALS, SIGNALS[:, 0, 0]),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _nothing_is_small(monkeypatch):
    monkeypatch.setattr(lazy, "MAX_READ", 0)
    # Several blocks, the last of which is not full.
    monkeypatch.setattr(_inference, "_BLOCK", 32 * 64)


@pytest.fixture(scope="module")
def fitted():
    """Return a fitted estimator by name."""
    known = {}

    def get(name):
        if name not in known:
            kind, settings, X, y = FITS[name]
            settings = {"linear_path": False, "batch_size": 8} | settings
            known[name] = tiny(kind, max_epochs=1, **settings).fit(X, y)
        return known[name]

    return get


def _hdf5(folder, name, **how):
    return h5py.File(folder / f"{name}.h5", "w").create_dataset("data", **how)


def _zarr(folder, name, *, data=None, **how):
    if data is None:
        return zarr.create_array(folder / name, chunks=(9, *how["shape"][1:]), **how)
    return zarr.create_array(folder / name, data=data, chunks=(9, *data.shape[1:]))


def _dask(folder, name, data):
    return da.from_array(data, chunks=(20, *data.shape[1:]))


def _memmap(folder, name, shape, dtype):
    return np.memmap(folder / name, dtype, "w+", shape=shape)


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize(
    ("source", "target"),
    [(_hdf5, _zarr), (_zarr, _hdf5), (_dask, _memmap), (None, _hdf5)],
    ids=["hdf5 to zarr", "zarr to hdf5", "dask to memmap", "memory to hdf5"],
)
def test_predict__from_file_into_file__bits_of_memory(
    name, source, target, fitted, tmp_path
):
    estimator, X = fitted(name), FITS[name][2].copy()
    X[3, 0, 2:4] = np.nan
    own = X if source is None else source(tmp_path, "X", data=X)
    for method in ("predict", "predict_proba"):
        if not hasattr(estimator, method):
            continue
        whole = getattr(estimator, method)(X)
        dtype = whole.dtype
        if dtype.kind == "U":
            dtype = {_hdf5: h5py.string_dtype(), _zarr: str}.get(target, dtype)
        out = target(tmp_path, method, shape=whole.shape, dtype=dtype)
        assert getattr(estimator, method)(own, out=out) is out
        read = out.asstr() if dtype == h5py.string_dtype() else out
        np.testing.assert_array_equal(read[:], whole)
        # Without a file for them too.
        np.testing.assert_array_equal(getattr(estimator, method)(own), whole)


def test_predict__fields_on_another_grid_into_a_file__bits_of_memory(fitted, tmp_path):
    fine = RNG.normal(size=(N, 1, 16, 24)).astype(np.float32)
    out = _hdf5(tmp_path, "y", shape=(N, 16, 24), dtype=np.float64)
    with pytest.warns(UserWarning, match="resampled"):
        fitted("fields").predict(_hdf5(tmp_path, "X", data=fine), out=out)
    with pytest.warns(UserWarning, match="resampled"):
        np.testing.assert_array_equal(out[:], fitted("fields").predict(fine))


def test_predict_proba__calibrated_into_an_array__as_without(fitted):
    clf, out = fitted("classes"), np.empty((N, 3), np.float32)
    clf = tiny(PaReClassifier, **{"max_epochs": 1, "linear_path": False})
    clf.fit(SIGNALS, CLASSES).conformalize(SIGNALS[:30], CLASSES[:30])
    pipeline = make_pipeline(clf)
    assert pipeline.predict_proba(SIGNALS, out=out) is out
    np.testing.assert_array_equal(out, clf.predict_proba(SIGNALS).astype(np.float32))


class Unreadable:
    """Samples that nothing may read."""

    shape, dtype = SIGNALS.shape, SIGNALS.dtype

    def __getitem__(self, rows):
        raise AssertionError


class ReadByHand(Unreadable):
    """Samples of a library that fails if two threads read at a time."""

    def __init__(self, data, seconds=0.0):
        self.data, self.shape, self.seconds = data, data.shape, seconds
        self.threads, self.busy, self.error_at = [], threading.Lock(), None

    def __getitem__(self, rows):
        assert self.busy.acquire(blocking=False)
        self.threads.append(threading.current_thread())
        time.sleep(self.seconds)
        self.busy.release()
        if len(self.threads) == self.error_at:
            raise OSError("the disk is gone")
        return self.data[rows]


@pytest.mark.parametrize(
    ("out", "match"),
    [
        (np.empty((N, 2)), r"shape \(70, 2\) and dtype float64.*shape \(70, 3\)"),
        (np.empty(N), r"shape \(70,\)"),
        (np.empty((N, 3), int), r"dtype int64.*\(70, 3\) and dtype float64"),
        (torch.empty(N, 3), "of type Tensor"),
        ([[0.0] * 3] * N, "of type list"),
    ],
    ids=["shape", "axes", "whole numbers", "tensor", "list"],
)
def test_predict_proba__unfit_out__error_before_anything_is_read(out, match, fitted):
    with pytest.raises(DataError, match=match):
        fitted("classes").predict_proba(Unreadable(), out=out)


@pytest.mark.parametrize("dtype", ["U2", int, bool])
def test_predict__out_that_would_change_classes__error(dtype, fitted):
    with pytest.raises(DataError, match=r"predictions have .* dtype <U3"):
        fitted("classes").predict(SIGNALS, out=np.empty(N, dtype))


def test_predict__error_of_a_sample__names_its_number(fitted, tmp_path):
    X = SIGNALS.copy()
    X[50, 1, 4] = np.inf
    clf, y = fitted("classes"), np.empty(N, "U3")
    for own in (X, _hdf5(tmp_path, "X", data=X)):
        with pytest.raises(DataError, match=r"infinity in sample 50"):
            clf.predict(own, out=y)
    X = X.astype(np.float64)
    X[50, 1, 4] = 1e60
    for own in (X, _hdf5(tmp_path, "X64", data=X)):
        with pytest.raises(DataError, match="sample 50 of X: channel 1 at position 4"):
            clf.predict(own, out=y)


def test_predict__little_memory_of_the_device__samples_are_written_again(
    fitted, monkeypatch
):
    reg, out = fitted("numbers"), np.empty(N)
    whole, predict = reg.predict(SIGNALS), type(reg._model).predict
    n_batches = iter(range(N))

    def limited(model, x, *args, **kwargs):
        if next(n_batches) >= 3 and len(x) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return predict(model, x, *args, **kwargs)

    monkeypatch.setattr(type(reg._model), "predict", limited)
    reg.predict(ReadByHand(SIGNALS), out=out)
    np.testing.assert_allclose(out, whole, atol=1e-5)


def _fit_of(X, **settings):
    settings = {"linear_path": False, "batch_size": 16, "max_epochs": 2} | settings
    reg = tiny(PaReRegressor, **settings)
    more = {"X_val": X, "y_val": SIGNALS[:, 0, 0], "X_unlabeled": X}
    return reg, (X, SIGNALS[:, 0, 0]), more


def test_fit__file__read_ahead_by_one_thread_at_a_time_to_the_same_bits():
    own = ReadByHand(SIGNALS, 1e-3)
    reg, data, more = _fit_of(own)
    reg.fit(*data, **more)
    main = threading.current_thread()
    n_ahead = sum(thread is not main for thread in own.threads)
    assert n_ahead > len(own.threads) / 2
    assert threading.active_count() == 1 or not any(
        thread.is_alive() for thread in set(own.threads) - {main}
    )
    other, data, more = _fit_of(SIGNALS)
    np.testing.assert_array_equal(
        reg.predict(own), other.fit(*data, **more).predict(SIGNALS)
    )


def test_fit__file_fails_in_training__its_error():
    own = ReadByHand(SIGNALS)
    reg, data, more = _fit_of(own)
    reg.fit(*data, **more)
    n_reads = len(own.threads)
    for at in (n_reads // 2, n_reads - 1):
        own.threads, own.error_at = [], at
        with pytest.raises(OSError, match="the disk is gone"):
            fresh(reg, None).fit(*data, **more)
        assert not any(
            thread.is_alive() for thread in set(own.threads[-1:])
            if thread is not threading.current_thread()
        )  # fmt: skip


@pytest.mark.parametrize("step", [1, 4, 6])
def test_fit__file_and_interrupted__continued_to_the_same_bits(
    step, tmp_path, monkeypatch
):
    monkeypatch.setattr(checkpoint, "_MINUTES", 0)
    X = _hdf5(tmp_path, "X", data=SIGNALS)
    reg, data, more = _fit_of(X)
    stop = Stop(monkeypatch)
    whole = fresh(reg, None).fit(*data, **more)
    stop.before(step)
    with pytest.raises(KeyboardInterrupt):
        fresh(reg, tmp_path / "runs").fit(*data, **more)
    stop.before(None)
    again = fresh(reg, tmp_path / "runs").fit(*data, **more)
    assert_same_fit(again, whole)


def test_lazy_rows__gpu__batches_are_read_into_pinned_memory(monkeypatch):
    pinned = []
    monkeypatch.setattr(
        torch.Tensor, "pin_memory", lambda part: pinned.append(part) or part
    )
    for device, n in (("cpu", 0), ("cuda", 3)):
        rows = LazyRows(torch.ones(5, 2), np.ones(5), np.ones(5), torch.device(device))
        parts = rows._read([1, 3])
        assert (len(pinned), len(parts), parts[3]) == (n, 4, None)


@needs_linux
def test_fit_and_predict__100_gb_file__a_block_in_memory(tmp_path, monkeypatch):
    monkeypatch.undo()
    # Chunks that were never written take no room on the disk.
    n, shape = 130_000, (3, 256, 256)
    X = _hdf5(tmp_path, "X", shape=(n, *shape), dtype="f4", chunks=(1, *shape))
    assert X.nbytes > 1e11
    few = np.arange(0, n, n // 16)[:16]
    for row in few:
        X[row] = RNG.normal(size=shape)
    weight, y = np.zeros(n), np.arange(n, dtype=float)
    weight[few] = 1
    reg = tiny(PaReRegressor, max_epochs=1, batch_size=8, linear_path=False)
    first = few[2] - 400
    part, out = (
        da.from_array(X, chunks=(40, *shape))[first : first + 600],
        np.empty(600),
    )
    assert part.nbytes > 4e8
    with peak() as found:
        reg.fit(X, y, weight).predict(part, out=out)
    assert found.megabytes < 400
    np.testing.assert_array_equal(out[399:402], reg.predict(X[few[2] - 1 : few[2] + 2]))
