"""Arrays that are read or copied in blocks, and never as a whole."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare._data import lazy as lazy_module
from sklearn_pare._data.encoders import ChannelScaler
from sklearn_pare._data.lazy import ChosenRows, LazyArray, is_lazy
from sklearn_pare._data.validation import select
from sklearn_pare.exceptions import DataError
from sklearn_pare.training.batches import Batches, EncodedSamples, LazyRows, Rows
from tests.common.instances import tiny

SIGNALS = np.random.default_rng(0).normal(3.0, 2.0, (30, 2, 16)).astype(np.float32)
CLASSES = np.arange(30) % 2
ORDER = np.array([7, 3, 4, 5, 3, 29, 0])


@pytest.fixture(autouse=True)
def _nothing_is_small(monkeypatch):
    monkeypatch.setattr(lazy_module, "MAX_READ", 0)


def _memmap(folder, X):
    file = np.memmap(folder / "X.dat", dtype=X.dtype, mode="w+", shape=X.shape)
    file[:] = X
    return file


def _hdf5(folder, X):
    h5py = pytest.importorskip("h5py")
    return h5py.File(folder / "X.h5", "w").create_dataset("X", data=X)


def _zarr(folder, X):
    zarr = pytest.importorskip("zarr")
    file = zarr.create_array(folder / "X.zarr", shape=X.shape, dtype=X.dtype)
    file[:] = X
    return file


FORMATS = pytest.mark.parametrize("write", [_memmap, _hdf5, _zarr])


@FORMATS
def test_array__any_order_and_repeats__rows_of_the_array(write, tmp_path):
    X = LazyArray(write(tmp_path, SIGNALS))
    assert (X.shape, X.ndim, X.dtype, len(X)) == ((30, 2, 16), 3, np.float32, 30)
    np.testing.assert_array_equal(np.asarray(X[ORDER]), SIGNALS[ORDER])


@FORMATS
def test_is_lazy__files_of_signals_alone(write, tmp_path):
    X = write(tmp_path, SIGNALS)
    assert is_lazy(X, table=True)
    flat = write(tmp_path / "..", SIGNALS.reshape(30, 32))
    assert not is_lazy(flat, table=True)
    assert is_lazy(flat, table=False)


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy, np.ndarray.tolist])
def test_is_lazy__in_memory__no(kind, tmp_path):
    assert not is_lazy(kind(SIGNALS), table=True)


def test_is_lazy__rows_copied_from_a_memmap__no(tmp_path):
    X = _memmap(tmp_path, SIGNALS)
    assert not is_lazy(X[ORDER], table=True)
    assert is_lazy(X[5:20], table=True)


@FORMATS
def test_is_lazy__more_bytes_than_the_limit(write, tmp_path, monkeypatch):
    X = write(tmp_path, SIGNALS)
    for limit, expected in ((SIGNALS.nbytes - 1, True), (SIGNALS.nbytes, False)):
        monkeypatch.setattr(lazy_module, "MAX_READ", limit)
        assert is_lazy(X, table=True) is expected


def test_getitem__slices_masks_and_indices__read_nothing():
    class Unreadable:
        shape, dtype = (30, 32), np.dtype(np.float32)

    X = LazyArray(Unreadable()).reshape(30, 2, 16)
    assert X[5:].shape == (25, 2, 16)
    assert select(X, CLASSES == 0)[::3].index.tolist() == [0, 6, 12, 18, 24]
    assert X[ORDER][2:4].index.tolist() == [4, 5]


def test_reshape__rows_as_in_the_array(tmp_path):
    X = LazyArray(_memmap(tmp_path, SIGNALS.reshape(30, 32))).reshape(30, 2, 16)
    np.testing.assert_array_equal(np.asarray(X[::-2][[1, 0]]), SIGNALS[[27, 29]])


@pytest.mark.parametrize(
    ("stored", "read"),
    [(np.float16, "f4"), (np.uint8, "f4"), (np.int32, "f8"), (">f4", "f4")],
)
def test_array__other_dtypes__floats(stored, read, tmp_path):
    X = np.arange(12, dtype=stored).reshape(3, 2, 2)
    rows = np.asarray(LazyArray(_memmap(tmp_path, X)))
    assert rows.dtype == np.dtype(read)
    np.testing.assert_array_equal(rows, X)


def test_lazy_array__no_numbers__error():
    with pytest.raises(DataError, match="dtype <U3"):
        LazyArray(np.full((3, 2, 2), "red"))


def test_array__infinity__error_names_the_row_of_the_file(tmp_path):
    X = SIGNALS.copy()
    X[17, 1, 4] = np.inf
    lazy = LazyArray(_memmap(tmp_path, X))[10:]
    assert np.isfinite(np.asarray(lazy[:7])).all()
    with pytest.raises(DataError, match="infinity in sample 17, channel 1, position 4"):
        np.asarray(lazy[[9, 7]])


def test_channel_scaler__lazy__as_in_memory(tmp_path, monkeypatch):
    lazy = LazyArray(_memmap(tmp_path, SIGNALS))
    whole, scaler = ChannelScaler().fit(SIGNALS), ChannelScaler().fit(lazy)
    np.testing.assert_array_equal(scaler.mean_, whole.mean_)
    np.testing.assert_array_equal(scaler.transform(lazy), whole.transform(SIGNALS))
    monkeypatch.setattr("sklearn_pare._data.encoders._SAMPLE", 10 * 32)
    sampled = ChannelScaler().fit(lazy)
    np.testing.assert_array_equal(
        sampled.mean_, ChannelScaler().fit(SIGNALS[::3]).mean_
    )


@pytest.mark.parametrize("seed", [None, 0])
def test_lazy_rows__batches_as_of_rows(seed, tmp_path, rng):
    device, weight = torch.device("cpu"), rng.random(30)
    scaler = ChannelScaler().fit(SIGNALS)
    lazy = LazyArray(_memmap(tmp_path, SIGNALS))
    encoded = EncodedSamples(lazy, scaler.transform)
    rows = LazyRows(encoded, CLASSES, weight, device)
    other = Rows.from_arrays(scaler.transform(SIGNALS), CLASSES, weight, device)
    assert (len(rows), rows.device) == (30, other.device)
    iterators = (
        Batches(r, 8, None if seed is None else torch.Generator().manual_seed(seed))
        for r in (rows, other)
    )
    for batch, expected in zip(*iterators, strict=True):
        assert batch[3] is expected[3] is None
        for part, whole in zip(batch[:3], expected[:3], strict=True):
            assert torch.equal(part, whole)
    assert torch.equal(rows[:5][0], other[:5][0])


def test_lazy_rows__subset__as_of_rows(tmp_path, rng):
    device, weight, offset = torch.device("cpu"), rng.random(30), rng.random((30, 2))
    scaler = ChannelScaler().fit(SIGNALS)
    encoded = EncodedSamples(LazyArray(_memmap(tmp_path, SIGNALS)), scaler.transform)
    arrays = CLASSES, weight, device, offset
    subset = LazyRows(encoded, *arrays).subset(ORDER)
    expected = Rows.from_arrays(scaler.transform(SIGNALS), *arrays).subset(ORDER)
    for part, whole in zip(subset[:], expected[:], strict=True):
        assert torch.equal(part, whole)


@FORMATS
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"early_stopping": True},
        {"input_shape": (4, 8)},
        {"linear_path": False, "batch_size": 8},
    ],
    ids=["default", "held out", "flattened", "no linear path"],
)
def test_fit__file__as_the_same_array_in_memory(write, settings, tmp_path):
    X = SIGNALS.reshape(30, 32) if "input_shape" in settings else SIGNALS
    file, weight = write(tmp_path, X), (np.arange(30) > 3).astype(float)
    clf = tiny(PaReClassifier, **settings).fit(X, CLASSES, weight)
    lazy = tiny(PaReClassifier, **settings).fit(file, CLASSES, weight)
    np.testing.assert_array_equal(lazy.predict_proba(file), clf.predict_proba(X))
    np.testing.assert_array_equal(lazy.transform(X), clf.transform(file))
    assert lazy.n_features_in_ == clf.n_features_in_


@pytest.mark.parametrize("step", ["fit", "predict"])
def test_fit__sample_of_nan_in_a_file__error_names_the_row(step, tmp_path):
    X = SIGNALS.copy()
    X[17] = np.nan
    clf = tiny(PaReClassifier, max_epochs=1, linear_path=False)
    if step == "predict":
        clf.fit(SIGNALS, CLASSES)
    with pytest.raises(DataError, match="All values of sample 17 of X are missing"):
        getattr(clf, step)(_memmap(tmp_path, X), *[CLASSES] * (step == "fit"))


@pytest.mark.parametrize("place", [(slice(9), slice(1), 5), (..., slice(10, 14))])
def test_fit__gaps_in_a_file__as_in_memory(place, tmp_path):
    X = SIGNALS.copy()
    X[place] = np.nan
    file, found = _memmap(tmp_path, X), []
    for own in (X, file):
        clf = tiny(PaReClassifier, max_epochs=1).fit(own, CLASSES)
        found.append(clf.predict_proba(own))
    np.testing.assert_array_equal(*found)


def test_fit__lengths_differ__error(tmp_path):
    with pytest.raises(ValueError, match=r"\[30, 29\]"):
        tiny(PaReClassifier).fit(_memmap(tmp_path, SIGNALS), CLASSES[1:])


def _resident():
    """Return the bytes of this process that are in memory."""
    return 4096 * int(Path("/proc/self/statm").read_text().split()[1])


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_fit__20_gb_file__stays_in_the_file(tmp_path, rng):
    # The file is sparse: it takes no space on the disk.
    X = np.memmap(tmp_path / "X", np.float32, "w+", shape=(40_000, 1, 128, 1024))
    X[::1000] = rng.normal(size=(40, 1, 128, 1024))
    n, before = len(X), _resident()
    weight = (np.arange(n) % 1000 == 0).astype(float)
    y = np.arange(n)
    reg = tiny(PaReRegressor, max_epochs=1, batch_size=8)
    reg.fit(X, y, weight).predict(X[:16])
    assert _resident() - before < 3e9


def test_select__array__chosen_without_a_copy(rng):
    table = rng.normal(size=(900, 7))
    chosen = rng.permutation(900)[:700]
    X = select(table, chosen)
    assert isinstance(X, ChosenRows)
    assert X.array.base is table or X.array is table
    assert (X.shape, X.ndim, X.dtype, len(X)) == ((700, 7), 2, table.dtype, 700)
    np.testing.assert_array_equal(X, table[chosen])
    again = select(X, np.array([5, 2, 2]))
    np.testing.assert_array_equal(again, table[chosen[[5, 2, 2]]])
    np.testing.assert_array_equal(select(X, X.index > 300), table[chosen[chosen > 300]])
    np.testing.assert_array_equal(X[:, 2:4], table[chosen, 2:4])
    np.testing.assert_array_equal(X[10:20, 1:], table[chosen[10:20], 1:])
    assert np.asarray(X, np.float32).dtype == np.float32
