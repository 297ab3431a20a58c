"""Arrays in any container, and in workers of joblib, give the bits of the ndarray."""

import joblib
import numpy as np
import pytest
import torch
from sklearn.ensemble import (
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare._data import lazy
from sklearn_pare._data.validation import check_rows
from sklearn_pare.exceptions import DataError
from tests.common.containers import Variable, netcdf_variable
from tests.common.instances import tiny
from tests.common.tiny import NAME

N = 24
_RNG = np.random.default_rng(0)
TABLE = _RNG.normal(size=(N, 5))
SIGNALS = _RNG.normal(3.0, 2.0, size=(N, 2, 16))
IMAGES = _RNG.normal(size=(N, 1, 8, 8))
CLASSES = np.arange(N) % 2

KINDS = {
    # name: (estimator, X, y)
    "table": (PaReClassifier, TABLE, CLASSES),
    "signals": (PaReClassifier, SIGNALS, CLASSES),
    "images": (PaReRegressor, IMAGES, IMAGES.mean((1, 2, 3))),
    "fields": (PaReRegressor, IMAGES, IMAGES[:, 0] ** 2),
}


def _memmap(folder, X, mode="r+"):
    np.save(folder / "X.npy", X)
    return np.load(folder / "X.npy", mmap_mode=mode)


def _hdf5(folder, X):
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "X.h5", "w") as file:
        file["X"] = X
    return h5py.File(folder / "X.h5")["X"]


def _zarr(folder, X):
    zarr = pytest.importorskip("zarr")
    file = zarr.create_array(folder / "X.zarr", shape=X.shape, dtype=X.dtype)
    file[:] = X
    return file


def _xarray(folder, X):
    return pytest.importorskip("xarray").DataArray(X)


def _dask(folder, X):
    return pytest.importorskip("dask.array").from_array(X, chunks=7)


def _read_only(folder, X):
    X = X.copy()
    X.flags.writeable = False
    return X


CONTAINERS = {
    "memory map": _memmap,
    "read-only memory map": lambda folder, X: _memmap(folder, X, "r"),
    "copy of a memory map": lambda folder, X: _memmap(folder, X)[np.arange(len(X))],
    "hdf5": _hdf5,
    "zarr": _zarr,
    "xarray": _xarray,
    "dask": _dask,
    "netcdf of scipy": netcdf_variable,
    "netCDF4": lambda folder, X: Variable(X),
    "tensor": lambda folder, X: torch.tensor(X),
    "list": lambda folder, X: X.tolist(),
    "list of arrays": lambda folder, X: list(X),
    "Fortran": lambda folder, X: np.asfortranarray(X),
    "big-endian": lambda folder, X: X.astype(X.dtype.newbyteorder(">")),
    "read-only": _read_only,
    "masked array": lambda folder, X: np.ma.MaskedArray(X),
    "objects": lambda folder, X: X.astype(object),
}


def _outputs(estimator, X):
    return getattr(estimator, "predict_proba", estimator.predict)(X)


@pytest.fixture(scope="module", params=KINDS)
def expected(request):
    kind, X, y = KINDS[request.param]
    fitted = tiny(kind, max_epochs=1).fit(X, y)
    return kind, X, y, _outputs(fitted, X)


@pytest.mark.parametrize("name", CONTAINERS)
def test_container__small_enough_to_read__bits_of_the_ndarray(name, expected, tmp_path):
    kind, X, y, outputs = expected
    inside = CONTAINERS[name](tmp_path, X)
    (tmp_path / "y").mkdir()
    fitted = tiny(kind, max_epochs=1).fit(inside, CONTAINERS[name](tmp_path / "y", y))
    np.testing.assert_array_equal(_outputs(fitted, inside), outputs)


@pytest.mark.parametrize("name", ["memory map", "hdf5", "zarr", "netcdf of scipy"])
def test_container__too_large_to_read__bits_of_the_ndarray(
    name, expected, tmp_path, monkeypatch
):
    kind, X, y, outputs = expected
    monkeypatch.setattr(lazy, "MAX_READ", X.nbytes - 1)
    inside = CONTAINERS[name](tmp_path, X)
    is_read = isinstance(check_rows(tiny(kind), inside, reset=True), np.ndarray)
    assert is_read == (X.ndim == 2)
    fitted = tiny(kind, max_epochs=1).fit(inside, y)
    np.testing.assert_array_equal(_outputs(fitted, inside), outputs)


@pytest.mark.parametrize("name", ["memory map", "hdf5", "dask", "netCDF4", "tensor"])
def test_container__other_arguments_of_fit_and_score__bits_of_the_ndarray(
    name, tmp_path
):
    arrays = {
        "sample_weight": 1.0 + np.arange(N) % 3,
        "X_val": SIGNALS[::-1].copy(),
        "y_val": CLASSES[::-1].copy(),
        "X_unlabeled": SIGNALS + 1,
    }
    inside = {}
    for key, array in arrays.items():
        (tmp_path / key).mkdir()
        inside[key] = CONTAINERS[name](tmp_path / key, array)
    fits = [
        tiny(PaReClassifier, max_epochs=1).fit(SIGNALS, CLASSES, **own)
        for own in (arrays, inside)
    ]
    np.testing.assert_array_equal(*(fit.predict_proba(SIGNALS) for fit in fits))
    weight = inside["sample_weight"]
    scores = [
        fits[0].score(SIGNALS, arrays["y_val"], arrays["sample_weight"]),
        fits[1].score(SIGNALS, inside["y_val"], weight),
    ]
    assert scores[0] == scores[1]


@pytest.mark.parametrize("name", ["copy of a memory map", "xarray", "tensor", "list"])
def test_container__in_memory__never_lazy(name, tmp_path, monkeypatch):
    monkeypatch.setattr(lazy, "MAX_READ", 0)
    inside = CONTAINERS[name](tmp_path, SIGNALS)
    checked = check_rows(tiny(PaReClassifier), inside, reset=True)
    assert isinstance(checked, np.ndarray)


TENSORS = {
    "gradients": lambda X: [own.clone().requires_grad_() for own in X],
    "bfloat16": lambda X: [own.bfloat16() for own in X],
    "float8": lambda X: X.to(torch.float8_e4m3fn),
    "lists of tensors": lambda X: [list(own.bfloat16()) for own in X],
    "negative": lambda X: torch.complex(-X, -X).conj().imag,
    "list of negatives": lambda X: list(torch.complex(-X, -X).conj().imag),
    "sparse": lambda X: X.to_sparse(),
    "sparse rows": lambda X: X.flatten(1).to_sparse(),
}


@pytest.mark.parametrize("name", TENSORS)
def test_tensors__of_any_layout__numbers_of_the_ndarray(name):
    X = np.sign(SIGNALS)
    inside = TENSORS[name](torch.tensor(X))
    X = X.reshape(N, -1) if name == "sparse rows" else X
    checked, y = check_rows(tiny(PaReRegressor), inside, inside, reset=True)
    np.testing.assert_array_equal(checked, X)
    np.testing.assert_array_equal(y, X)


def test_datasets__of_torch__data_error():
    data = torch.utils.data.TensorDataset(torch.tensor(SIGNALS), torch.tensor(CLASSES))
    for wrong in (data, torch.utils.data.Subset(data, [0, 1])):
        with pytest.raises(DataError, match=r"X is of type (TensorData|Sub)set\. Exp"):
            tiny(PaReClassifier).fit(wrong, CLASSES)
        with pytest.raises(DataError, match=r"y is of type (TensorData|Sub)set\. Exp"):
            tiny(PaReClassifier).fit(SIGNALS, wrong)


def _archive(folder):
    np.savez(folder / "X.npz", waves=SIGNALS, y=CLASSES)
    return np.load(folder / "X.npz")


def _hdf5_file(folder):
    _hdf5(folder, SIGNALS)
    return pytest.importorskip("h5py").File(folder / "X.h5")


def _dataset(folder):
    return pytest.importorskip("xarray").Dataset({"waves": (("n", "c", "l"), SIGNALS)})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_dataset, "X is a Dataset of several arrays: waves"),
        (_archive, "X is a NpzFile of several arrays: waves, y"),
        (_hdf5_file, "X is a File of several arrays: X"),
        (lambda folder: {"a": [1, 2], "b": [3, 4]}, "X is a dict of several arrays"),
    ],
    ids=["dataset", "archive", "hdf5 file", "dict"],
)
def test_container__of_several_arrays__error_says_to_give_one(make, words, tmp_path):
    with pytest.raises(DataError, match=f"{words}.*Give one array, such as X"):
        tiny(PaReClassifier).fit(make(tmp_path), CLASSES)


# Flattened, since some of these estimators take only two dimensions.
WAVES = SIGNALS.reshape(N, -1)


class Classifier(PaReClassifier):
    """Of this module, so that workers import it and have the tiny backbone."""


class Regressor(PaReRegressor):
    """The same."""


def _estimator(kind=Classifier, **settings):
    settings = {"backbone": NAME, "max_epochs": 1, "random_state": 0} | settings
    return kind(input_shape=(2, -1), **settings)


def _pair():
    return [("a", _estimator()), ("b", _estimator(mix_start=0.0, mix_end=0.0))]


TOGETHER = {
    "voting": lambda n: VotingClassifier(_pair(), voting="soft", n_jobs=n),
    "stacking": lambda n: StackingClassifier(
        _pair(), LogisticRegression(), cv=2, n_jobs=n
    ),
    "one-vs-rest": lambda n: OneVsRestClassifier(_estimator(), n_jobs=n),
    "bagging": lambda n: BaggingClassifier(
        _estimator(), n_estimators=2, n_jobs=n, random_state=0
    ),
    "outputs": lambda n: MultiOutputRegressor(_estimator(Regressor), n_jobs=n),
}


@pytest.mark.parametrize("name", TOGETHER)
def test_container__files_of_joblib__bits_of_one_job(name):
    y = WAVES[:, :2] ** 2 if name == "outputs" else np.arange(N) % 3
    # Larger arrays are mapped to files. The default is 1 MB.
    with joblib.parallel_config("loky", inner_max_num_threads=1, max_nbytes=1000):
        fits = [TOGETHER[name](n).fit(WAVES, y) for n in (1, 2)]
        outputs = [_outputs(fit, WAVES) for fit in fits]
    np.testing.assert_array_equal(*outputs)
