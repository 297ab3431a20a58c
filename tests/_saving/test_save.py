"""Saved and loaded estimators: equal in every way, or a clear error."""

import json

import numpy as np
import pandas as pd
import pytest

import sklearn_pare
from sklearn_pare import PaReClassifier, PaReRegressor, _safetensors, backbones
from sklearn_pare._saving import model_file
from sklearn_pare.exceptions import SaveError
from tests.common.callbacks import needs_callbacks
from tests.common.instances import tiny
from tests.common.tiny import NAME


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


@pytest.mark.parametrize("kind", ["i1", "<i4", ">i8", "u8", "f4", "<f2", "<U12", "?"])
def test_save__classes_of_any_dtype__loaded_equal(kind, table, tmp_path):
    y = (table[1] == "up").astype(kind)
    clf = tiny(PaReClassifier, max_epochs=1).fit(table[0], y)
    clf.save(tmp_path / "model.pare")
    loaded = sklearn_pare.load(tmp_path / "model.pare")
    assert loaded.classes_.dtype == clf.classes_.dtype
    np.testing.assert_array_equal(loaded.predict(table[0]), clf.predict(table[0]))


def test_save__mixed_table__loaded_equal(tmp_path):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "number": rng.normal(size=40),
            "text": rng.choice(["b", "a", "\u00e9"], 40),
            "int": pd.Categorical(rng.choice([3, 1], 40)),
            "bool": pd.Categorical(rng.choice([True, False], 40)),
            "float": pd.Categorical(rng.choice([0.5, 0.25], 40)),
            "missing": pd.array([1, None] * 20, dtype="Int64"),
        }
    )
    y = X["text"] == "a"
    clf = tiny(PaReClassifier, max_epochs=1).fit(X, y)
    clf.save(tmp_path / "model.pare")
    loaded = sklearn_pare.load(tmp_path / "model.pare")
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    assert loaded._encoder.categories_ == clf._encoder.categories_


@pytest.mark.parametrize(
    ("shape", "target"),
    [
        ((2, 30), (30,)),
        ((2, 30), (3, 30)),
        ((1, 9, 7), (9, 7)),
        ((1, 9, 7), (2, 9, 7)),
        ((2, 30), (4,)),
    ],
    ids=str,
)
def test_save__fields__loaded_equal(shape, target, tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, *shape)), rng.normal(size=(20, *target))
    reg = tiny(PaReRegressor, max_epochs=1, linear_path=False).fit(X, y)
    reg.save(tmp_path / "model.pare")
    loaded = sklearn_pare.load(tmp_path / "model.pare")
    np.testing.assert_array_equal(loaded.predict(X), reg.predict(X))
    assert loaded.input_shape_ == shape


def test_save__masks_and_flat_samples__loaded_equal(tmp_path):
    X = np.random.default_rng(0).normal(size=(20, 81))
    y = np.digitize(X.reshape(-1, 9, 9), [-1, 1]) * 3
    clf = tiny(
        PaReClassifier,
        max_epochs=1,
        input_shape=(1, 9, 9),
        class_weight="balanced",
        ignore_index=np.int64(3),
    ).fit(X, y)
    clf.save(tmp_path / "model.pare")
    loaded = sklearn_pare.load(tmp_path / "model.pare")
    np.testing.assert_array_equal(loaded.predict(X), clf.predict(X))
    assert loaded.ignore_index == 3
    assert loaded._target.class_weight == clf._target.class_weight


@pytest.mark.parametrize(
    "class_weight",
    [{0: 1.0, 1: 5.0}, [{0: np.float64(0.5)}, {1: 3}], "balanced"],
    ids=["dict", "list", "balanced"],
)
def test_save__class_weight_of_labels__loaded_equal(class_weight, table, tmp_path):
    X, up = table[0], table[1] == "up"
    y = np.c_[up, X[:, 1] > 1].astype(int)
    settings = {"max_epochs": 1, "linear_path": False}
    clf = tiny(PaReClassifier, class_weight=class_weight, **settings).fit(X, y)
    clf.save(tmp_path / "model.pare")
    loaded = sklearn_pare.load(tmp_path / "model.pare")
    assert loaded.class_weight == class_weight
    assert loaded._target.class_weight == clf._target.class_weight
    # The loaded arguments give the same fit.
    again = loaded.fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(again, clf.predict_proba(X))


def test_save__regressor_with_column_names__loaded_equal(tmp_path):
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 3)), columns=list("abc"))
    y = X[["a", "b"]]
    reg = tiny(PaReRegressor, lr=np.float64(1e-2)).fit(X, y)
    reg.save(tmp_path / "model.pare")
    loaded = sklearn_pare.load(tmp_path / "model.pare")
    np.testing.assert_array_equal(loaded.predict(X), reg.predict(X))
    assert loaded.feature_names_in_.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    "with_callback", [False, pytest.param(True, marks=needs_callbacks)]
)
def test_save__class_weight_and_callbacks__loaded(with_callback, table, tmp_path):
    X, y = table
    codes = (y == "up").astype(int)
    clf = tiny(PaReClassifier, class_weight={0: 1.0, 1: 3.0})
    if with_callback:
        from sklearn.callback import ScoringMonitor

        clf.set_callbacks(ScoringMonitor(scoring="accuracy"))
    clf.fit(X, codes)
    clf.save(tmp_path / "model.pare")
    loaded = sklearn_pare.load(tmp_path / "model.pare")
    assert loaded.class_weight == {0: 1.0, 1: 3.0}
    again = loaded.fit(X, codes).predict_proba(X)
    np.testing.assert_array_equal(again, clf.predict_proba(X))


def test_save__history_with_nan__strict_json_and_loaded_equal(saved, tmp_path):
    clf = sklearn_pare.load(saved[0])
    clf.history_ = [{"valid_score": np.nan, "a": np.inf, "b": None, "c": np.float32(2)}]
    clf.save(tmp_path / "model.pare")
    _, text = _safetensors.read(tmp_path / "model.pare")
    json.loads(text, parse_constant=pytest.fail)
    np.testing.assert_equal(
        sklearn_pare.load(tmp_path / "model.pare").history_, clf.history_
    )


@pytest.mark.parametrize("kind", [PaReClassifier, PaReRegressor])
def test_save__every_fitted_attribute__is_in_the_schema(kind, table, tmp_path):
    X = pd.DataFrame(table[0], columns=list("abcde"))
    y = table[1] if kind is PaReClassifier else X["a"]
    estimator = tiny(kind, max_epochs=1).fit(X, y)
    fitted = vars(estimator).keys() - estimator.get_params().keys() - {"_model"}
    estimator.save(tmp_path / "model.pare")
    loaded = sklearn_pare.load(tmp_path / "model.pare")
    assert fitted == vars(loaded).keys() - loaded.get_params().keys() - {"_model"}


def test_load__warm_start__continues_as_the_saved_one_does(table, tmp_path):
    clf = tiny(PaReClassifier, max_epochs=1, warm_start=True).fit(*table)
    clf.save(tmp_path / "model.pare")
    loaded = sklearn_pare.load(tmp_path / "model.pare").fit(*table)
    np.testing.assert_array_equal(
        loaded.predict_proba(table[0]), clf.fit(*table).predict_proba(table[0])
    )
    assert loaded.n_iter_ == clf.n_iter_ == 2


def test_load__device__is_that_of_the_estimator(saved):
    assert sklearn_pare.load(saved[0]).device == "auto"
    assert sklearn_pare.load(saved[0], device="cpu").device == "cpu"
    loaded = sklearn_pare.load(saved[0], device="cuda:7")
    with pytest.raises(ValueError, match="cuda:7"):
        loaded.predict(saved[3])


def test_save__pretrained__card_names_the_weights(fitted):
    card = backbones.get("pare-tiny").card
    assert fitted._architecture.card["sha256"] == card.sha256
    assert fitted._architecture.card["command"] == card.command


def test_save__description__card_and_arguments(saved):
    _, _, described, _ = saved
    card = described["fitted"]["_architecture"]["card"]
    assert (card["name"], card["licence"]) == (NAME, "BSD-3-Clause")
    assert described["parameters"]["lr"] == 2e-2
    # Paths of this machine are not part of a model.
    assert "checkpoint_dir" not in described["parameters"]


# ---- arguments that are not saved


@pytest.mark.parametrize("name", ["source", "random_state"])
def test_save__argument_that_is_not_a_plain_value__warns_and_predicts(
    name, table, tmp_path
):
    X, y = table
    value = {"source": (X, y), "random_state": np.random.RandomState(0)}[name]
    clf = tiny(PaReClassifier, **{name: value}).fit(X, y)
    kind = type(value).__name__
    with pytest.warns(UserWarning, match=f"{name}={kind} is not saved"):
        clf.save(tmp_path / "model.pare")
    loaded = sklearn_pare.load(tmp_path / "model.pare")
    assert getattr(loaded, name) is None
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))


def test_save__warning__points_at_the_caller(table, tmp_path):
    clf = tiny(PaReClassifier, random_state=np.random.RandomState(0)).fit(*table)
    with pytest.warns(UserWarning, match="is not saved") as caught:
        clf.save(tmp_path / "model.pare")
    assert caught[0].filename == __file__


def test_save__checkpoint_dir__is_not_saved(table, tmp_path):
    clf = tiny(PaReClassifier, max_epochs=1, checkpoint_dir=str(tmp_path / "kept"))
    clf.fit(*table).save(tmp_path / "model.pare")
    loaded = sklearn_pare.load(tmp_path / "model.pare")
    assert loaded.checkpoint_dir is None
    np.testing.assert_array_equal(
        loaded.predict_proba(table[0]), clf.predict_proba(table[0])
    )


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("source", "noise", True),
        ("source", ["noise", "formula"], True),
        ("source", (1, 2), False),
        ("source", None, True),
        ("checkpoint_dir", "here", None),
        ("random_state", 3, True),
        ("random_state", object(), False),
        ("lr", np.float64(0.5), True),
        ("loss", "huber", True),
        ("loss", "auto", True),
        ("quantile", [0.1, 0.9], True),
    ],
)
def test_plain__arguments_that_a_file_can_hold__kept(name, value, kept):
    if kept is False:
        words = f"{name}={type(value).__name__} is not saved: the loaded estimator "
        with pytest.warns(UserWarning, match=words) as caught:
            assert model_file._plain({name: value}) == {name: None}
        assert str(caught[0].message).endswith(
            f"predicts like this one, but has {name}=None."
        )
    else:
        assert model_file._plain({name: value}) == ({name: value} if kept else {})


# ---- errors


def test_save__subclass__refused(table, tmp_path):
    class Mine(PaReClassifier):
        pass

    settings = tiny(PaReClassifier, max_epochs=1).get_params()
    clf = Mine(**settings).fit(*table)
    with pytest.raises(SaveError, match=r"Mine.*pickle"):
        clf.save(tmp_path / "model.pare")
    assert not list(tmp_path.iterdir())


def test_save__weights_not_finite__refused_as_load_would(saved, tmp_path):
    clf = sklearn_pare.load(saved[0])
    clf._model.head.linear.bias.data[0] = np.nan
    with pytest.raises(SaveError, match=r"head\.linear\.bias"):
        clf.save(tmp_path / "model.pare")


def test_save__argument_out_of_range__error_as_in_fit(saved, tmp_path):
    clf = sklearn_pare.load(saved[0]).set_params(lr=-1.0)
    with pytest.raises(ValueError, match="'lr' parameter"):
        clf.save(tmp_path / "model.pare")


def test_save__value_that_no_file_can_hold__error_names_pickle(saved, tmp_path):
    clf = sklearn_pare.load(saved[0])
    clf.history_ = [{"train_loss": object()}]
    with pytest.raises(SaveError) as error:
        clf.save(tmp_path / "x.pare")
    message = str(error.value)
    assert message.startswith(
        "This PaReClassifier cannot be saved in a file that sklearn_pare.load could "
        "read: "
    )
    assert message.endswith(". Use pickle, which can store any estimator.")
    assert not [*tmp_path.iterdir()]


def test_save__disk_full__old_file_intact(saved, tmp_path):
    resource = pytest.importorskip("resource")
    clf = sklearn_pare.load(saved[0])
    path = tmp_path / "model.pare"
    path.write_bytes(saved[0].read_bytes())
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**12, limits[1]))
    try:
        with pytest.raises(SaveError, match=r"model\.pare could not be written"):
            clf.save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == saved[0].read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["model.pare"]
    assert sklearn_pare.load(path).get_params() == clf.get_params()


def test_save__no_such_folder__typed_error(saved, tmp_path):
    with pytest.raises(SaveError, match="nowhere"):
        sklearn_pare.load(saved[0]).save(tmp_path / "nowhere" / "model.pare")
