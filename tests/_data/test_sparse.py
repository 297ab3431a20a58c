from functools import partial

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare._data import forms, lazy, tables
from sklearn_pare._data.lazy import SparseRows
from sklearn_pare._data.tables import TableEncoder
from sklearn_pare.exceptions import DataError
from tests.common.instances import tiny

RNG = np.random.default_rng(1)
N = 30


def dense(dtype=np.float64):
    X = RNG.normal(size=(N, 6)) * (RNG.random((N, 6)) < 0.3)
    return (10 * X).astype(dtype)


def frame(X):
    columns = [f"c{i}" for i in range(X.shape[1])]
    return pd.DataFrame.sparse.from_spmatrix(sp.csr_matrix(X), columns=columns)


FORMS = {
    "csr matrix": sp.csr_matrix,
    "csc matrix": sp.csc_matrix,
    "coo array": sp.coo_array,
    "csr array": sp.csr_array,
    "lil matrix": sp.lil_matrix,
    "dia array": sp.dia_array,
}
DTYPES = {"float64": np.float64, "float32": np.float32, "int64": np.int64,
          "int8": np.int8, "bool": np.bool_}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_sparse__same_bits_as_dense(name):
    X = dense()
    y = X[:, 0] + X[:, 1]
    sparse = FORMS[name](X)
    reg = tiny(PaReRegressor, max_epochs=1)
    expected = reg.fit(X, y).predict(X)
    assert np.array_equal(reg.predict(sparse), expected)
    assert np.array_equal(reg.fit(sparse, y).predict(sparse), expected)
    assert np.array_equal(reg.predict(X), expected)


@pytest.mark.parametrize("name", DTYPES)
def test_sparse__dtypes__same_bits_as_dense(name):
    X = dense(DTYPES[name])
    y = X[:, 0] > 0
    clf = tiny(PaReClassifier, max_epochs=1, linear_path=False)
    expected = clf.fit(X, y).predict_proba(X)
    assert np.array_equal(clf.fit(sp.csr_array(X), y).predict_proba(X), expected)


def test_sparse__every_argument_of_fit():
    X = dense()
    y, weight = (X[:, 0] > 0).astype(int), RNG.integers(0, 3, N)
    groups = np.arange(N) // 3
    clf = tiny(PaReClassifier, max_epochs=2, early_stopping=True)
    found = []
    for form in (np.asarray, sp.csr_matrix):
        clf.fit(form(X), y, sample_weight=weight, groups=groups, X_val=form(X[:9]),
                y_val=y[:9], X_unlabeled=form(X[9:]))  # fmt: skip
        found.append(clf.decision_function(form(X)))
    assert np.array_equal(*found)
    assert np.array_equal(clf.encode(X), clf.encode(sp.coo_array(X)))
    assert clf.score(sp.csc_array(X), y) == clf.score(X, y)


def test_sparse__missing_values():
    X = dense()
    X[::4, 2] = np.nan
    y = X[:, 0]
    reg = tiny(PaReRegressor, max_epochs=1)
    expected = reg.fit(X, y).predict(X)
    sparse = sp.csr_array(X)
    assert np.array_equal(reg.fit(sparse, y).predict(sparse), expected)


def test_sparse__encoded_in_blocks_of_columns(monkeypatch):
    monkeypatch.setattr(tables, "blocks", partial(lazy.blocks, size=40))
    X = dense()
    one, other = (TableEncoder().fit(some) for some in (X, SparseRows(sp.csr_array(X))))
    assert np.array_equal(one.mean_, other.mean_)
    assert np.array_equal(one.scale_, other.scale_)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_sparse_frame__same_bits_as_dense(dtype):
    X = dense(dtype)
    y = X[:, 0] > 0
    sparse = frame(X)
    plain = sparse.sparse.to_dense()
    clf = tiny(PaReClassifier, max_epochs=1, linear_path=False)
    expected = clf.fit(plain, y).predict_proba(plain)
    assert np.array_equal(clf.fit(sparse, y).predict_proba(sparse), expected)
    assert list(clf.feature_names_in_) == list(plain.columns)
    mixed = plain.assign(c0=sparse["c0"])
    assert np.array_equal(clf.predict_proba(mixed), expected)


def test_sparse__flat_signals():
    X = dense()
    clf = tiny(PaReClassifier, max_epochs=1, input_shape=(1, 6), linear_path=False)
    expected = clf.fit(X, X[:, 0] > 0).predict_proba(X)
    sparse = sp.csr_matrix(X)
    assert np.array_equal(clf.fit(sparse, X[:, 0] > 0).predict_proba(sparse), expected)


def test_pipelines__words_and_indicators():
    texts = [f"w{i % 3} common w{i % 2}x" for i in range(N)]
    y = np.arange(N) % 3
    clf = tiny(PaReClassifier, max_epochs=1)
    assert make_pipeline(TfidfVectorizer(), clf).fit(texts, y).score(texts, y) == 1
    X = y[:, None].astype(str).astype(object)
    assert make_pipeline(OneHotEncoder(), clf).fit(X, y).score(X, y) == 1


@pytest.mark.parametrize("name", ["fit", "predict", "unlabelled", "frame", "signals"])
def test_too_large__refused(name, monkeypatch):
    X = dense()
    y, sparse = X[:, 0] > 0, sp.csr_array(X)
    clf = tiny(PaReClassifier, max_epochs=1, linear_path=False).fit(X, y)
    if name != "fit":
        monkeypatch.setattr(forms, "MAX_DENSE", 4 * X.size - 1)
    calls = {
        "fit": lambda: clf.fit(sp.csr_array((10**6, 10**5)), np.arange(10**6) % 2),
        "predict": lambda: clf.predict(sparse),
        "unlabelled": lambda: clf.fit(X, y, X_unlabeled=sparse),
        "frame": lambda: clf.fit(frame(X), y),
        "signals": lambda: clf.set_params(input_shape=(1, 6)).fit(sparse, y),
    }
    with pytest.raises(DataError, match=r"X is sparse, of shape .* GB are accepted"):
        calls[name]()


@pytest.mark.parametrize("name", ["complex", "one axis", "other width", "infinite"])
def test_wrong__error_as_for_dense(name):
    X = dense()
    clf = tiny(PaReClassifier, max_epochs=1, linear_path=False).fit(X, X[:, 0] > 0)
    wrong = {
        "complex": (sp.csr_array(X * 1j), "Complex data not supported"),
        "one axis": (sp.coo_array(X[:, 0]), "1D array"),
        "other width": (sp.csr_array(X[:, 1:]), "has 5 features"),
        "infinite": (sp.csr_array(np.where(X > 0, np.inf, X)), "holds infinity in"),
    }
    X, message = wrong[name]
    with pytest.raises(ValueError, match=message):
        clf.predict(X)
