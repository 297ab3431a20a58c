import copy
import json
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

import sklearn_pare
from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare._assembly import export_arrays
from sklearn_pare.exceptions import ModelFileError
from tests.common.instances import tiny


@pytest.fixture(scope="module")
def fitted(digits):
    X, y = digits
    clf = PaReClassifier(input_shape=(1, 8, 8), max_epochs=1, random_state=0)
    return clf.fit(X, y)


_LOAD = """
import sys
import joblib, torch
import numpy as np
torch.set_num_threads(1)
clf, X = joblib.load(sys.argv[1])
np.save(sys.argv[2], clf.predict_proba(X))
"""


def test_joblib__fresh_process__same_predictions(fitted, digits, tmp_path):
    joblib.dump((fitted, digits[0]), tmp_path / "clf.joblib")
    arguments = [tmp_path / "clf.joblib", tmp_path / "proba.npy"]
    subprocess.run([sys.executable, "-c", _LOAD, *map(str, arguments)], check=True)
    np.testing.assert_array_equal(
        np.load(tmp_path / "proba.npy"), fitted.predict_proba(digits[0])
    )


def test_pickle__size__little_more_than_the_weights(fitted):
    weights = sum(array.nbytes for array in export_arrays(fitted._model).values())
    assert len(pickle.dumps(fitted)) <= 1.15 * weights + 64 * 1024


def test_pickle__arrays_only(fitted):
    state = fitted.__getstate__()
    assert all(type(array) is np.ndarray for array in state["_model"].values())
    assert not any(name.startswith("source_") for name in state["_model"])


@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy])
def test_copy__predicts_the_same(copier, table):
    clf = tiny(PaReClassifier).fit(*table)
    np.testing.assert_array_equal(
        copier(clf).predict_proba(table[0]), clf.predict_proba(table[0])
    )


@pytest.mark.parametrize("labels", ["text", "object", "float", "bool", "labels"])
def test_save__any_classes__loaded_equal(labels, table, tmp_path):
    X, up = table[0], table[1] == "up"
    y = {
        "text": np.where(up, "yes", "no"),
        "object": np.where(up, "yes", "no").astype(object),
        "float": np.where(up, 1.0, 2.0),
        "bool": up,
        "labels": np.c_[up, ~up].astype(int),
    }[labels]
    clf = tiny(PaReClassifier).fit(X, y)
    clf.save(tmp_path / "model.pare")
    loaded = sklearn_pare.load(tmp_path / "model.pare")
    assert loaded.classes_.dtype == clf.classes_.dtype
    np.testing.assert_array_equal(loaded.predict(X), clf.predict(X))
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    assert loaded.get_params() == clf.get_params()
    assert loaded.history_ == clf.history_
    assert [p.name for p in tmp_path.iterdir()] == ["model.pare"]


def test_save__regressor_with_column_names__loaded_equal(tmp_path):
    import pandas as pd

    X = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 3)), columns=list("abc"))
    y = X[["a", "b"]]
    reg = tiny(PaReRegressor, lr=np.float64(1e-2)).fit(X, y)
    reg.save(tmp_path / "model.pare")
    loaded = sklearn_pare.load(tmp_path / "model.pare")
    np.testing.assert_array_equal(loaded.predict(X), reg.predict(X))
    assert loaded.feature_names_in_.tolist() == ["a", "b", "c"]


def test_save__class_weight_callbacks_requests__loaded(table, tmp_path):
    from sklearn.callback import ScoringMonitor

    X, y = table
    codes = (y == "up").astype(int)
    clf = tiny(PaReClassifier, class_weight={0: 1.0, 1: 3.0})
    clf.set_callbacks(ScoringMonitor(scoring="accuracy")).fit(X, codes)
    clf.save(tmp_path / "model.pare")
    loaded = sklearn_pare.load(tmp_path / "model.pare")
    assert loaded.class_weight == {0: 1.0, 1: 3.0}
    again = loaded.fit(X, codes).predict_proba(X)
    np.testing.assert_array_equal(again, clf.predict_proba(X))


def test_save__source_arrays__warns_and_predicts(table, tmp_path):
    X, y = table
    clf = tiny(PaReClassifier, source=(X, y)).fit(X, y)
    with pytest.warns(UserWarning, match="source=tuple is not saved"):
        clf.save(tmp_path / "model.pare")
    loaded = sklearn_pare.load(tmp_path / "model.pare")
    assert loaded.source is None
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))


def _edited(path, target, edit):
    with safe_open(path, "numpy") as file:
        described = json.loads(file.metadata()["sklearn_pare"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    edit(described, arrays)
    save_file(arrays, target, metadata={"sklearn_pare": json.dumps(described)})


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda d, a: d.update(schema=99), "schema 99"),
        (lambda d, a: d.update({"class": "Popen"}), "'Popen'"),
        (lambda d, a: d.pop("state"), "damaged"),
        (lambda d, a: a.pop("head.linear.bias"), "head.linear.bias"),
        (lambda d, a: d["state"]["_target"].update(object="os"), "damaged"),
        (lambda d, a: d["state"].pop("_target"), "lacks _target"),
        (lambda d, a: d["state"].pop("_architecture"), "damaged"),
        (lambda d, a: d["state"].update(_architecture=[1, 2, 3]), "damaged"),
        (lambda d, a: d.update(parameters=[]), "damaged"),
        (lambda d, a: d.update({"class": ["PaReClassifier"]}), "damaged"),
        (lambda d, a: d["parameters"].update(tomorrow=1), "tomorrow"),
        (lambda d, a: d["parameters"].pop("input_shape"), "input_shape"),
    ],
)
def test_load__edited_file__typed_error(edit, words, table, tmp_path):
    tiny(PaReClassifier).fit(*table).save(tmp_path / "model.pare")
    _edited(tmp_path / "model.pare", tmp_path / "edited.pare", edit)
    with pytest.raises(ModelFileError, match=f"(?s){words}"):
        sklearn_pare.load(tmp_path / "edited.pare")


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08" + bytes(100)])
def test_load__other_file__typed_error(content, tmp_path):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ModelFileError, match="not a model"):
        sklearn_pare.load(tmp_path / "x")


def test_load__missing_file__file_not_found(tmp_path):
    with pytest.raises(FileNotFoundError):
        sklearn_pare.load(tmp_path / "nowhere.pare")
