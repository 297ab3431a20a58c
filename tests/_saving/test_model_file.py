"""Files, pickles and copies of fitted estimators: the same estimator, or an error."""

import copy
import json
import os
import pickle
import pickletools
import platform
import subprocess
import sys

import joblib
import numpy as np
import pytest
import sklearn
import skops.io
import torch

import sklearn_pare
from sklearn_pare import PaReClassifier, PaReRegressor, _safetensors, backbones
from sklearn_pare._architecture import export_arrays
from sklearn_pare._saving import model_file
from sklearn_pare.exceptions import (
    ModelFileError,
    SaveError,
    UnknownNameError,
    WeightsError,
)
from tests.common.callbacks import needs_callbacks
from tests.common.instances import tiny
from tests.common.tiny import NAME
from tests.fuzz.mutate import resigned


@pytest.fixture(scope="module")
def fitted(digits):
    X, y = digits
    clf = PaReClassifier(input_shape=(1, 8, 8), max_epochs=1, random_state=0)
    return clf.fit(X, y)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A small model on a table: its path, arrays, description and rows."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5))
    clf = tiny(PaReClassifier, max_epochs=1).fit(X, np.where(X[:, 0] > 0, "up", "down"))
    path = tmp_path_factory.mktemp("saved") / "model.pare"
    clf.save(path)
    arrays, text = _safetensors.read(path)
    return path, arrays, json.loads(text), X


def _edited(saved, target, edit):
    """A file whose description and arrays were changed, with a right checksum."""
    _, arrays, described, _ = saved
    described, arrays = copy.deepcopy(described), dict(arrays)
    edit(described, arrays)
    target.write_bytes(resigned(arrays, json.dumps(described)))
    return target


# ---- elsewhere

_ELSEWHERE = """
import sys
import joblib, skops.io, torch
import numpy as np
import sklearn_pare

folder = sys.argv[1]
assert not torch.cuda.is_available()
X = np.load(folder + "/X.npy")
trusted = skops.io.get_untrusted_types(file=folder + "/clf.skops")
found = {
    "file": sklearn_pare.load(folder + "/clf.pare"),
    "joblib": joblib.load(folder + "/clf.joblib"),
    "skops": skops.io.load(folder + "/clf.skops", trusted=trusted),
}
for name, clf in found.items():
    for threads in (1, 2):
        torch.set_num_threads(threads)
        clf.set_params(device="cpu")
        np.save(f"{folder}/{name} {threads}.npy", clf.predict_proba(X))
assert not torch.cuda.is_initialized()
"""


@pytest.fixture(scope="module")
def elsewhere(fitted, digits, tmp_path_factory):
    """Folder of predictions by a process without a GPU, at several thread counts.

    The estimator says that it was fitted on a second GPU.
    """
    folder = tmp_path_factory.mktemp("elsewhere")
    np.save(folder / "X.npy", digits[0])
    clf = copy.copy(fitted).set_params(device="cuda:1")
    clf.save(folder / "clf.pare")
    joblib.dump(clf, folder / "clf.joblib")
    skops.io.dump(clf, folder / "clf.skops")
    subprocess.run(
        [sys.executable, "-W", "error", "-c", _ELSEWHERE, folder],
        check=True,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": ""},
    )
    return folder


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("form", ["file", "joblib", "skops"])
def test_load__other_process_device_threads__equal_to_the_bit(
    form, threads, elsewhere, fitted, digits
):
    np.testing.assert_array_equal(
        np.load(elsewhere / f"{form} {threads}.npy"), fitted.predict_proba(digits[0])
    )


def test_load__device_given__is_that_of_the_estimator(saved):
    assert sklearn_pare.load(saved[0]).device == "auto"
    assert sklearn_pare.load(saved[0], device="cpu").device == "cpu"
    loaded = sklearn_pare.load(saved[0], device="cuda:7")
    with pytest.raises(ValueError, match="cuda:7"):
        loaded.predict(saved[3])


# ---- pickle, joblib, copy, skops


def test_pickle__size__little_more_than_the_weights(fitted):
    weights = sum(array.nbytes for array in export_arrays(fitted._model).values())
    assert len(pickle.dumps(fitted)) <= 1.15 * weights + 64 * 1024


def _named(content):
    """What a pickle asks for, module and name."""
    found, texts = set(), []
    for operation, argument, _ in pickletools.genops(content):
        if operation.name == "GLOBAL":
            found.add(tuple(argument.split(" ")))
        elif operation.name == "STACK_GLOBAL":
            found.add(tuple(texts[-2:]))
        elif operation.name in ("MEMOIZE", "BINGET"):
            continue
        elif isinstance(argument, str):
            texts.append(argument)
    return found


def test_pickle__arrays_and_our_own_classes_alone(fitted, table):
    state = fitted.__getstate__()
    assert all(type(array) is np.ndarray for array in state["_model"].values())
    assert not any(name.startswith("source_") for name in state["_model"])
    modules = {module for module, _ in _named(pickle.dumps(fitted, protocol=2))}
    assert {module.partition(".")[0] for module in modules} <= {
        "_codecs",
        "copyreg",
        "numpy",
        "sklearn_pare",
        "__builtin__",
    }


@needs_callbacks
def test_pickle__callbacks__stay_behind_once_fitted(table):
    from sklearn.callback import ScoringMonitor

    clf = tiny(PaReClassifier, max_epochs=1)
    clf.set_callbacks(ScoringMonitor(scoring="accuracy"))
    # Workers of a grid search report by them.
    assert b"ScoringMonitor" in pickle.dumps(clf)
    content = pickle.dumps(clf.fit(*table))
    assert b"callback" not in content
    assert b"authkey" not in content
    np.testing.assert_array_equal(
        pickle.loads(content).predict_proba(table[0]), clf.predict_proba(table[0])
    )
    assert len(clf._skl_callbacks) == 1


@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy])
def test_copy__predicts_the_same(copier, table):
    clf = tiny(PaReClassifier).fit(*table)
    again = copier(clf)
    np.testing.assert_array_equal(
        again.predict_proba(table[0]), clf.predict_proba(table[0])
    )
    # Neither sees what becomes of the other.
    again._model.head.linear.bias.data += 1
    assert (again.decision_function(table[0]) != clf.predict(table[0])).any()
    assert clf._model.head.linear.bias is not again._model.head.linear.bias


OURS = {
    "sklearn_pare._architecture.Architecture",
    "sklearn_pare._classifier.PaReClassifier",
    "sklearn_pare._data.tables.TableEncoder",
    "sklearn_pare._data.class_targets.ClassTarget",
}


def test_skops__trusting_our_own_classes__predicts_the_same(table):
    clf = tiny(PaReClassifier).fit(*table)
    content = skops.io.dumps(clf)
    assert set(skops.io.get_untrusted_types(data=content)) == OURS
    again = skops.io.loads(content, trusted=sorted(OURS))
    np.testing.assert_array_equal(
        again.predict_proba(table[0]), clf.predict_proba(table[0])
    )
    assert again.get_params() == clf.get_params()


# ---- save and load


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
    import pandas as pd

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


def test_save__masks_and_flat_rows__loaded_equal(tmp_path):
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


def test_save__regressor_with_column_names__loaded_equal(tmp_path):
    import pandas as pd

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


@pytest.mark.parametrize("name", ["source", "random_state"])
def test_save__argument_that_is_no_plain_value__warns_and_predicts(
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


def test_save__history_with_nan__strict_json_and_loaded_equal(saved, tmp_path):
    clf = sklearn_pare.load(saved[0])
    clf.history_ = [{"valid_score": np.nan, "a": np.inf, "b": None, "c": np.float32(2)}]
    clf.save(tmp_path / "model.pare")
    _, text = _safetensors.read(tmp_path / "model.pare")
    json.loads(text, parse_constant=pytest.fail)
    np.testing.assert_equal(
        sklearn_pare.load(tmp_path / "model.pare").history_, clf.history_
    )


def test_save__what_a_file_says__is_all_that_the_issue_asks_for(saved):
    _, _, described, _ = saved
    assert described["schema"] == model_file.SCHEMA == 3
    assert described["versions"]["sklearn_pare"] == sklearn_pare.__version__
    assert described["versions"].keys() >= {"sklearn", "torch", "python"}
    card = described["fitted"]["_architecture"]["card"]
    assert (card["name"], card["licence"]) == (NAME, "BSD-3-Clause")
    assert described["parameters"]["lr"] == 2e-2
    # Where this machine keeps something is no part of a model.
    assert "checkpoint_dir" not in described["parameters"]


def test_save__pretrained__card_names_the_weights(fitted):
    card = backbones.get("pare-tiny").card
    assert fitted._architecture.card["sha256"] == card.sha256
    assert fitted._architecture.card["command"] == card.command


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


# ---- weights of the published backbone left out


@pytest.fixture(scope="module")
def frozen(digits):
    X, y = digits
    settings = {"input_shape": (1, 8, 8), "max_epochs": 1, "random_state": 0}
    return {
        tune: PaReClassifier(tune=tune, **settings).fit(X, y)
        for tune in ("none", "norm", "all")
    }


@pytest.mark.parametrize(("tune", "least"), [("none", 1.0), ("norm", 0.98), ("all", 0)])
def test_save__omit_pretrained__smaller_by_what_did_not_change(
    tune, least, frozen, digits, tmp_path
):
    clf = frozen[tune]
    clf.save(tmp_path / "whole.pare")
    clf.save(tmp_path / "part.pare", omit_pretrained=True)
    gain = (tmp_path / "whole.pare").stat().st_size
    gain -= (tmp_path / "part.pare").stat().st_size
    module = sum(value.nbytes for value in clf._model.backbone.state_dict().values())
    # The header holds a hash in place of each tensor.
    n_tensors = len(clf._model.backbone.state_dict())
    assert module * least - 100 * n_tensors <= gain <= module + 100 * n_tensors
    if tune == "all":
        assert gain == 0
    if tune == "none":
        # The figures of docs/saving.rst.
        assert (tmp_path / "whole.pare").stat().st_size > 10_500_000
        assert (tmp_path / "part.pare").stat().st_size < 40_000
    loaded = sklearn_pare.load(tmp_path / "part.pare")
    np.testing.assert_array_equal(
        loaded.predict_proba(digits[0]), clf.predict_proba(digits[0])
    )
    # What was loaded can be saved whole.
    loaded.save(tmp_path / "again.pare")
    arrays, _ = _safetensors.read(tmp_path / "again.pare")
    expected, _ = _safetensors.read(tmp_path / "whole.pare")
    assert _safetensors.digest(arrays) == _safetensors.digest(expected)


def test_load__published_backbone_is_another__typed_error(
    frozen, tmp_path, monkeypatch
):
    path = tmp_path / "part.pare"
    frozen["none"].save(path, omit_pretrained=True)
    get = backbones.get

    def other(*args, pretrained, **settings):
        backbone = get(*args, pretrained=pretrained, **settings)
        if pretrained:
            backbone.module.norm.bias.data[0] += 1e-6
        return backbone

    monkeypatch.setattr(backbones, "get", other)
    with pytest.raises(ModelFileError, match=r"backbone\.norm\.bias.*'pare-tiny'"):
        sklearn_pare.load(path)


def test_load__weights_left_out_that_are_not_at_hand__nothing_is_fetched(
    table, tmp_path, monkeypatch
):
    import timm
    from safetensors.torch import save_file

    # The backbone is available where the file is written, but not where it is read.
    cache = tmp_path / "cache"
    monkeypatch.setenv("HF_HUB_CACHE", str(cache))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    known = timm.get_pretrained_cfg("test_vit")
    blob = cache / f"models--{known.hf_hub_id.replace('/', '--')}" / "snapshots" / "a"
    blob.mkdir(parents=True)
    (blob.parents[1] / "refs").mkdir()
    (blob.parents[1] / "refs" / "main").write_text("a")
    with torch_seed(0):
        state = timm.create_model("test_vit", pretrained=False).state_dict()
    save_file(state, blob / "model.safetensors")
    settings = {"backbone": "timm:test_vit?max_tokens=16", "tune": "none"}
    clf = tiny(PaReClassifier, max_epochs=1, **settings).fit(*table)
    path = tmp_path / "part.pare"
    clf.save(path, omit_pretrained=True)
    _, text = _safetensors.read(path)
    assert len(json.loads(text)["omitted"]) == len(clf._model.backbone.state_dict())
    np.testing.assert_array_equal(
        sklearn_pare.load(path).predict_proba(table[0]), clf.predict_proba(table[0])
    )
    cache.rename(tmp_path / "gone")
    words = r"(?s)test_vit.*nothing is downloaded.*backbones\.fetch\('timm:test_vit'\)"
    with pytest.raises(WeightsError, match=words):
        sklearn_pare.load(path)


def torch_seed(seed):
    """Torch's global generator, put back afterwards."""
    import contextlib

    import torch

    @contextlib.contextmanager
    def seeded():
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            yield

    return seeded()


# ---- other versions


def test_load__other_versions__one_warning_names_both(saved, tmp_path):
    def edit(described, _):
        described["versions"].update(sklearn_pare="0.0.7", sklearn="1.5.2")

    path = _edited(saved, tmp_path / "old.pare", edit)
    with pytest.warns(UserWarning, match="was written with") as caught:
        sklearn_pare.load(path)
    (warning,) = caught
    text = str(warning.message)
    assert f"sklearn_pare '0.0.7' (here {sklearn_pare.__version__})" in text
    assert f"sklearn '1.5.2' (here {sklearn.__version__})" in text
    assert "torch" not in text
    assert warning.filename == __file__


def test_load__other_patch_or_build__no_warning(saved, tmp_path):
    def edit(described, _):
        for name in ("sklearn_pare", "sklearn", "torch"):
            major, minor, *_ = described["versions"][name].split(".")
            described["versions"][name] = f"{major}.{minor}.99+other"

    sklearn_pare.load(_edited(saved, tmp_path / "other.pare", edit))


def test_load__argument_of_tomorrow__error_names_the_version(saved, tmp_path):
    def edit(described, _):
        described["parameters"].update(tomorrow=1)
        described["versions"]["sklearn_pare"] = "7.1.0"

    path = _edited(saved, tmp_path / "new.pare", edit)
    with pytest.raises(ModelFileError, match=r"(?s)tomorrow.*7\.1\.0"):
        sklearn_pare.load(path)


@pytest.mark.parametrize("name", ["input_shape", "mix_weight", "precision"])
def test_load__argument_that_yesterday_did_not_know__default(name, saved, tmp_path):
    def edit(described, _):
        del described["parameters"][name]

    path = _edited(saved, tmp_path / "old.pare", edit)
    loaded = sklearn_pare.load(path)
    assert getattr(loaded, name) == getattr(PaReClassifier(), name)
    np.testing.assert_array_equal(
        loaded.predict_proba(saved[3]),
        sklearn_pare.load(saved[0]).predict_proba(saved[3]),
    )


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda d, a: d.update(schema=99), r"schema 99.*reads 3.*7\.1\.0"),
        (lambda d, a: d.update(schema=1), r"schema 1"),
        (lambda d, a: d.update(ensemble=[]), r"'ensemble'.*7\.1\.0"),
        (lambda d, a: d["fitted"].update(mood_=1), r"'mood_'.*7\.1\.0"),
        (
            lambda d, a: d["fitted"]["_target"].update(object="CountTarget"),
            r"CountTarget.*7\.1\.0",
        ),
    ],
)
def test_load__what_only_a_newer_version_knows__error_names_it(
    edit, words, saved, tmp_path
):
    def newer(described, arrays):
        described["versions"]["sklearn_pare"] = "7.1.0"
        edit(described, arrays)

    with pytest.raises(ModelFileError, match=f"(?s){words}"):
        sklearn_pare.load(_edited(saved, tmp_path / "new.pare", newer))


# ---- other files


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda d, a: d.update({"class": "Popen"}), "'Popen'"),
        (lambda d, a: d.pop("fitted"), "fitted is missing"),
        (lambda d, a: a.pop("head.linear.bias"), r"head\.linear\.bias.*missing"),
        (lambda d, a: a.update(more=a["head.linear.bias"]), "'more' is not part"),
        (
            lambda d, a: a.update({"head.linear.bias": a["head.linear.bias"][:1]}),
            r"head\.linear\.bias is float32 of shape \(1,\), not float32",
        ),
        (
            lambda d, a: a.update(
                {"head.linear.bias": a["head.linear.bias"].astype(np.float16)}
            ),
            r"head\.linear\.bias is float16",
        ),
        (lambda d, a: d["fitted"].pop("_architecture"), "_architecture is missing"),
        (lambda d, a: d["fitted"].update(_architecture=[1]), "_architecture: "),
        (lambda d, a: d.update(parameters=[]), "parameters: "),
        (lambda d, a: d["parameters"].update(lr="fast"), "'lr' parameter"),
    ],
)
def test_load__edited_file__says_what_is_wrong(edit, words, saved, tmp_path):
    with pytest.raises(ModelFileError, match=f"(?s){words}"):
        sklearn_pare.load(_edited(saved, tmp_path / "edited.pare", edit))


def _refused(path):
    """What is said of a file, without its path."""
    with pytest.raises(ModelFileError) as error:
        model_file.read(path)
    assert str(error.value).startswith(f"{path} ")
    return str(error.value).removeprefix(f"{path} ")


_HERE = sklearn_pare.__version__
_NOT_LOADED = f"is not a model that sklearn_pare {_HERE} can load: "
_WRITTEN = f"It was written by sklearn_pare {_HERE!r}: load it with that version."
_WEIGHTS = "does not hold the weights of the model that it describes: "


_BIAS = "head.linear.bias"


def _set(name, value):
    return lambda d, a: a.update({name: value})


def _leave_out(described, arrays):
    del arrays[_BIAS]
    described["omitted"][_BIAS] = "0" * 64


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (
            lambda d, a: d.update(schema=99),
            f"{_NOT_LOADED}it has schema 99, this version reads 3. {_WRITTEN}",
        ),
        (
            lambda d, a: d.update(schema=None, versions={}),
            f"{_NOT_LOADED}it has schema None, this version reads 3. It does not state "
            "which version wrote it.",
        ),
        (
            lambda d, a: d.update(schema=True, versions=[]),
            f"{_NOT_LOADED}it has schema True, this version reads 3. It does not state "
            "which version wrote it.",
        ),
        (
            lambda d, a: d["parameters"].update(checkpoint_dir="/here"),
            f"{_NOT_LOADED}the argument checkpoint_dir is never saved. {_WRITTEN}",
        ),
        (
            lambda d, a: d["fitted"].update(n_tokens_=7),
            f"{_WEIGHTS}n_tokens_=7, the backbone has 16.",
        ),
        (lambda d, a: a.pop(_BIAS), f"{_WEIGHTS}'head.linear.bias' is missing."),
        (_set("more", np.zeros(1)), f"{_WEIGHTS}'more' is not part of it."),
        (
            lambda d, a: d["omitted"].update({"head.linear.bias": "0" * 64}),
            f"{_WEIGHTS}'head.linear.bias' cannot be left out.",
        ),
        (_leave_out, f"{_WEIGHTS}'head.linear.bias' cannot be left out."),
        (
            _set(_BIAS, np.zeros((1, 2), np.float32)),
            f"{_WEIGHTS}{_BIAS} is float32 of shape (1, 2), not float32 of shape (2,).",
        ),
        (
            _set(_BIAS, np.zeros(2)),
            f"{_WEIGHTS}{_BIAS} is float64 of shape (2,), not float32 of shape (2,).",
        ),
        (
            _set(_BIAS, np.full(2, np.inf, np.float32)),
            f"{_WEIGHTS}head.linear.bias holds a number that is not finite.",
        ),
    ],
)
def test_read__edited_file__says_what_is_wrong_and_what_wrote_it(
    edit, words, saved, tmp_path
):
    assert _refused(_edited(saved, tmp_path / "edited.pare", edit)) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "Expecting property name enclosed in double quotes: line 1 column 2"),
        ('{"schema": NaN}', "NaN is not a JSON number."),
        ("[" * 10**5, "maximum recursion depth exceeded"),
        (" " * (2**25 + 1), "it has 33554433 characters, 33554432 at most."),
    ],
    ids=["cut", "NaN", "deep", "long"],
)
def test_read__text_that_is_no_description__says_why(text, words, tmp_path):
    _safetensors.write(tmp_path / "x", {}, text)
    found = _refused(tmp_path / "x")
    assert found.startswith(f"does not describe a model of sklearn_pare: {words}")


@pytest.mark.parametrize("text", ["[]", "3", '"schema"', "null"])
def test_read__other_json__says_which_schema_there_is(text, tmp_path):
    _safetensors.write(tmp_path / "x", {}, text + " " * (2**25 - len(text)))
    assert _refused(tmp_path / "x") == (
        f"{_NOT_LOADED}it has schema None, this version reads 3. It does not state "
        "which version wrote it."
    )


def test_read__every_field__as_written(saved):
    path, arrays, described, _ = saved
    found, weights = model_file.read(path)
    assert found.kind == "PaReClassifier"
    assert found.parameters == described["parameters"]
    assert found.versions == described["versions"]
    assert found.omitted == {}
    assert found.fitted["n_tokens_"] == described["fitted"]["n_tokens_"]
    assert weights.keys() == arrays.keys()
    assert described["schema"] == 3
    assert described["versions"] == {
        "sklearn_pare": _HERE,
        "sklearn": sklearn.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


class _Backbone(torch.nn.Module):
    grid, dim = (2, 3), 5

    def __init__(self, takes):
        super().__init__()
        self.takes = takes

    def forward(self, tokens):
        if tokens.shape != self.takes:
            raise RuntimeError("no such shape")
        assert not torch.is_grad_enabled()
        return tokens


def test_check_backbone__row_of_tokens__sent_through():
    model_file.check_backbone("x.pare", _Backbone((1, 6, 5)))
    with pytest.raises(ModelFileError) as error:
        model_file.check_backbone("x.pare", _Backbone((1, 7, 5)))
    assert str(error.value) == (
        "x.pare describes a backbone that does not work: no such shape."
    )


@pytest.mark.parametrize(
    ("versions", "words"),
    [
        ({}, ""),
        ({"python": "2.7"}, ""),
        ({"torch": None}, "torch None (here {torch})"),
        ({"sklearn": "0.1"}, "sklearn '0.1' (here {sklearn})"),
        (
            {"torch": "1.13.1", "sklearn_pare": "9.9"},
            "sklearn_pare '9.9' (here {sklearn_pare}), torch '1.13.1' (here {torch})",
        ),
    ],
)
def test_drift__names_what_differs(versions, words, saved):
    here = saved[2]["versions"]
    found = {k: v for k, v in (here | versions).items() if v is not None}
    assert model_file.drift(found) == words.format(**here)


def test_save__what_no_file_can_hold__says_so(saved, tmp_path):
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


def test_save__omit_pretrained_of_a_local_backbone__says_what_to_use(
    saved, monkeypatch
):
    clf = sklearn_pare.load(saved[0])
    monkeypatch.setattr(model_file.backbones, "is_local", lambda name: True)
    with pytest.raises(SaveError) as error:
        clf.save("x.pare", omit_pretrained=True)
    assert str(error.value) == (
        f"The weights of backbone={clf.backbone!r} are in a folder of this machine: a "
        "file without them could not be loaded elsewhere. Use omit_pretrained=False."
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


def test_load__backbone_that_is_not_registered_here__says_so(saved, tmp_path):
    def edit(described, _):
        described["fitted"]["_architecture"]["backbone"] = "theirs"

    path = _edited(saved, tmp_path / "theirs.pare", edit)
    with pytest.raises(UnknownNameError, match=r"'theirs'.*backbones\.register"):
        sklearn_pare.load(path)


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08" + bytes(100)])
def test_load__other_file__typed_error(content, tmp_path):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ModelFileError, match="not a file of sklearn_pare"):
        sklearn_pare.load(tmp_path / "x")


def test_load__written_before_the_first_release__says_so(saved, tmp_path):
    from safetensors.numpy import save_file

    save_file(saved[1], tmp_path / "x", metadata={"sklearn_pare": '{"schema": 1}'})
    with pytest.raises(ModelFileError, match="before the first release"):
        sklearn_pare.load(tmp_path / "x")


def test_load__missing_file__file_not_found(tmp_path):
    with pytest.raises(FileNotFoundError):
        sklearn_pare.load(tmp_path / "nowhere.pare")


@pytest.mark.parametrize("kind", [PaReClassifier, PaReRegressor])
def test_save__every_fitted_attribute__is_in_the_schema(kind, table, tmp_path):
    import pandas as pd

    X = pd.DataFrame(table[0], columns=list("abcde"))
    y = table[1] if kind is PaReClassifier else X["a"]
    estimator = tiny(kind, max_epochs=1).fit(X, y)
    fitted = vars(estimator).keys() - estimator.get_params().keys() - {"_model"}
    estimator.save(tmp_path / "model.pare")
    loaded = sklearn_pare.load(tmp_path / "model.pare")
    assert fitted == vars(loaded).keys() - loaded.get_params().keys() - {"_model"}


def test_save__checkpoint_dir__is_not_taken_along(table, tmp_path):
    clf = tiny(PaReClassifier, max_epochs=1, checkpoint_dir=str(tmp_path / "kept"))
    clf.fit(*table).save(tmp_path / "model.pare")
    loaded = sklearn_pare.load(tmp_path / "model.pare")
    assert loaded.checkpoint_dir is None
    np.testing.assert_array_equal(
        loaded.predict_proba(table[0]), clf.predict_proba(table[0])
    )


def test_load__warm_start__goes_on_as_the_saved_one_does(table, tmp_path):
    clf = tiny(PaReClassifier, max_epochs=1, warm_start=True).fit(*table)
    clf.save(tmp_path / "model.pare")
    loaded = sklearn_pare.load(tmp_path / "model.pare").fit(*table)
    np.testing.assert_array_equal(
        loaded.predict_proba(table[0]), clf.fit(*table).predict_proba(table[0])
    )
    assert loaded.n_iter_ == clf.n_iter_ == 2
