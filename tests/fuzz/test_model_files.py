"""Model files, damaged and hostile: loaded as they were, or refused; nothing runs."""

import itertools
import json
import os
import socket
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

import sklearn_pare
from sklearn_pare import PaReClassifier, PaReRegressor, _safetensors
from sklearn_pare.exceptions import ModelFileError, PaReError, UnknownNameError
from tests.common.instances import tiny
from tests.fuzz.mutate import edits, mutations, resigned, surgery
from tests.fuzz.watch import watched

N_BYTES, N_TENSORS, N_METADATA = 300, 200, 200


def _models():
    """A row each of table, mixed table, signals and images, and a model of it."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 5))
    frame = pd.DataFrame(X[:, :2], columns=["a", "b"])
    frame["c"] = np.where(X[:, 2] > 0, "x", "y")
    frame["d"] = pd.Categorical(np.arange(40) % 3)
    signals = rng.normal(size=(30, 2, 30))
    images = rng.normal(size=(20, 2, 9, 9))
    up = np.where(X[:, 0] > 0, "up", "down")
    masks = (images[:, 0] > 0).astype(int)
    settings = {"max_epochs": 1, "random_state": 0}
    yield tiny(PaReClassifier, **settings).fit(X, up), X
    yield tiny(PaReClassifier, **settings).fit(frame, up), frame
    yield tiny(PaReRegressor, **settings).fit(signals, signals[:, 0]), signals
    masked = tiny(PaReClassifier, class_weight="balanced", **settings)
    yield masked.fit(images, masks), images


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Path, arrays, text, rows and what is predicted for them."""
    found = []
    for number, (estimator, X) in enumerate(_models()):
        path = tmp_path_factory.mktemp("models") / f"{number}.pare"
        estimator.save(path)
        found.append((path, *_safetensors.read(path), X[:2], estimator.predict(X[:2])))
    return found


class _Outcomes:
    """Load and predict what a file says; count what comes of it."""

    def __init__(self, path):
        self.path, self.events = path, []
        self.refused = self.changed = self.same = 0

    def try_(self, content, X, expected):
        """Anything but a `PaReError` comes through."""
        self.path.write_bytes(content)
        with warnings.catch_warnings(), watched(self.path) as events:
            # Weights of strangers overflow.
            warnings.simplefilter("ignore")
            try:
                loaded = sklearn_pare.load(self.path)
                if isinstance(X, pd.DataFrame):
                    # Other names of columns are other data.
                    X = X.set_axis(loaded.feature_names_in_, axis=1)
                predicted = loaded.predict(X)
            except PaReError:
                self.refused += 1
            else:
                same = np.array_equal(predicted, expected)
                self.same, self.changed = self.same + same, self.changed + (not same)
        self.events += events


@pytest.fixture
def outcomes(models, tmp_path):
    # What is imported when it is first needed is imported here.
    __import__("timm"), __import__("transformers")
    for path, _, _, X, expected in models:
        np.testing.assert_array_equal(sklearn_pare.load(path).predict(X), expected)
    return _Outcomes(tmp_path / "mutated.pare")


def test_load__bytes_changed__same_or_refused(models, outcomes):
    rng = np.random.default_rng(1)
    for path, _, _, X, expected in models:
        damaged = mutations(path.read_bytes(), rng)
        for _, content in itertools.islice(damaged, N_BYTES // len(models)):
            outcomes.try_(content, X, expected)
    assert outcomes.events == []
    assert outcomes.changed == 0
    assert outcomes.refused > 0.9 * N_BYTES


def test_load__tensors_changed_and_signed__refused(models, outcomes):
    rng = np.random.default_rng(2)
    for _, arrays, text, X, expected in models:
        for what, other in itertools.islice(
            edits(arrays, rng), N_TENSORS // len(models)
        ):
            outcomes.try_(resigned(other, text), X, expected)
            assert outcomes.changed == outcomes.same == 0, what
    assert outcomes.events == []
    assert outcomes.refused == N_TENSORS


def test_load__metadata_changed_and_signed__predicts_or_refused(models, outcomes):
    rng = np.random.default_rng(3)
    for _, arrays, text, X, expected in models:
        for _ in range(N_METADATA // len(models)):
            described = json.dumps(surgery(json.loads(text), rng))
            outcomes.try_(resigned(arrays, described), X, expected)
    assert outcomes.events == []
    assert outcomes.refused > 0.8 * N_METADATA
    # Arguments of a later fit, history and such change no prediction.
    assert outcomes.same > 0


def _at(*path, value):
    """An edit of the description: another value at a place."""

    def edit(described):
        *owners, key = path
        for name in owners:
            described = described[name]
        if isinstance(described, dict) and key not in described:
            raise KeyError(key)
        described[key] = value

    return edit


_FITTED = ("fitted",)
_TARGET = ("fitted", "_target", "fields")
_CLASSES = (*_TARGET, "classes")
_ENCODER = ("fitted", "_encoder", "fields")
_BACKBONE = ("fitted", "_architecture")
_HUGE = 10**12
HOSTILE = {
    "classes a number": (_at(*_CLASSES, value=5), "classes: 5"),
    "classes of objects": (
        _at(*_CLASSES, value={"dtype": "|O", "values": [{}, {}]}),
        "not a text",
    ),
    "classes of pointers": (
        _at(*_CLASSES, value={"dtype": "|O", "values": [1, 2]}),
        "dtype .O",
    ),
    "classes of records": (
        _at(*_CLASSES, value={"dtype": "i4,O", "values": [1, 2]}),
        "dtype of an array",
    ),
    "classes too wide": (
        _at(*_CLASSES, value={"dtype": "<U9999999", "values": ["a", "b"]}),
        "a width for 2",
    ),
    "classes that overflow": (
        _at(*_CLASSES, value={"dtype": "|i1", "values": [1, 300]}),
        "too large",
    ),
    "classes unsorted": (
        _at(*_CLASSES, value={"dtype": "<U4", "values": ["up", "down"]}),
        "are inconsistent",
    ),
    "one class more": (
        _at(*_CLASSES, value={"dtype": "<U4", "values": ["a", "b", "c"]}),
        "head.linear",
    ),
    "other target": (_at("fitted", "_target", "object", value="os"), "'os'"),
    "target of a regressor": (_at("class", value="PaReRegressor"), "PaReRegressor"),
    "not an estimator": (_at("class", value="Popen"), "'Popen'"),
    "a list of classes": (_at("class", value=["PaReClassifier"]), "class:"),
    "history a text": (_at(*_FITTED, "history_", value="x"), "history_"),
    "history of texts": (_at(*_FITTED, "history_", value=[{"a": "b"}]), "history_"),
    "n_features_in_": (_at(*_FITTED, "n_features_in_", value=6), "n_features_in_=6"),
    "a bool for a number": (_at(*_FITTED, "n_iter_", value=True), "n_iter_"),
    "scale zero": (
        _at(*_ENCODER, "scale_", "values", value=[0.0] * 5),
        "are inconsistent",
    ),
    "scale too short": (
        _at(*_ENCODER, "scale_", "values", value=[1.0] * 4),
        "are inconsistent",
    ),
    "mean infinite": (
        _at(*_ENCODER, "mean_", "values", 0, value=1e999),
        "not a JSON number",
    ),
    "rows of no axis": (_at(*_FITTED, "input_shape_", value=[]), "input_shape_"),
    "rows huge": (_at(*_FITTED, "input_shape_", value=[_HUGE]), "input_shape_"),
    "rows huge along an axis": (
        _at(*_FITTED, "input_shape_", value=[5, _HUGE, _HUGE]),
        "is inconsistent with",
    ),
    "tokens huge": (_at(*_FITTED, "n_tokens_", value=_HUGE), "n_tokens_"),
    "batch huge": (_at("parameters", "batch_size", value=_HUGE), "batch_size"),
    "outputs huge": (
        _at(
            "fitted",
            "_target",
            value={
                "object": "MaskTarget",
                "fields": {
                    "classes": {"dtype": "<i8", "values": [0, 1]},
                    "size": [_HUGE, _HUGE],
                    "ignored": None,
                    "class_weight": None,
                },
            },
        ),
        "size",
    ),
    "epochs below zero": (_at("parameters", "max_epochs", value=-1), "max_epochs"),
    "an argument of lists": (_at("parameters", "tune", value=["all"]), "tune"),
    "where to write": (
        lambda d: d["parameters"].update(checkpoint_dir="/etc"),
        "never saved",
    ),
    "a backbone of code": (
        _at(*_BACKBONE, "config", value={"auto_map": {"AutoModel": "a.B"}}),
        "configuration",
    ),
    "a backbone of the net": (
        lambda d: d["fitted"]["_architecture"].update(
            backbone="hf:someone/model", config=None
        ),
        "configuration",
    ),
    "a folder as backbone": (
        _at(*_BACKBONE, "backbone", value="hf:/etc"),
        "configuration",
    ),
    "weights left out": (lambda d: d.update(omitted={"embed.bias": "0" * 64}), "out"),
    "no hash": (lambda d: d.update(omitted={"backbone.norm.bias": "x"}), "sha256"),
    "nothing": (lambda d: d.clear(), "schema None"),
    "more fields": (lambda d: d.update(more=1), "'more' is not known"),
    "more state": (lambda d: d["fitted"].update(more_=1), "'more_' is not known"),
    "less state": (lambda d: d["fitted"].pop("_target"), "_target is missing"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_load__hostile_field__refused_before_anything_is_built(name, models, tmp_path):
    _, arrays, text, _, _ = models[0]
    edit, words = HOSTILE[name]
    described = json.loads(text)
    edit(described)
    path = tmp_path / "hostile.pare"
    path.write_bytes(resigned(arrays, json.dumps(described)))
    with watched(path) as events, pytest.raises(ModelFileError, match=words):
        sklearn_pare.load(path)
    assert events == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '"x"',
        "[" * 10**5,
        '{"a":' * 10**5,
        "9" * 10**5,
        '{"schema": NaN}',
        '{"schema": 2, "versions": []}',
        '{"schema": [' + "[" * 900 + "]" * 900 + "]}",
        " " * (2**25 + 1),
    ],
    ids=lambda text: text[:15].strip() or "blank",
)
def test_load__no_description__refused(text, tmp_path):
    (tmp_path / "x").write_bytes(resigned({}, text))
    with pytest.raises(ModelFileError, match="x"):
        sklearn_pare.load(tmp_path / "x")


@pytest.mark.parametrize(
    "name",
    [
        "timm:hf-hub:someone/model",
        "timm:local-dir:/etc",
        "timm:vit_tiny_patch16_224.nothing",
        "timm:resnet18",
        "os",
        "",
    ],
)
def test_load__name_of_no_backbone__refused_without_a_look(
    name, models, tmp_path, monkeypatch
):
    __import__("timm")
    _, arrays, text, _, _ = models[0]
    described = json.loads(text)
    described["fitted"]["_architecture"]["backbone"] = name
    path = tmp_path / "hostile.pare"
    path.write_bytes(resigned(arrays, json.dumps(described)))
    with watched(path) as events, pytest.raises(UnknownNameError, match=r"not|no"):
        sklearn_pare.load(path)
    assert events == []


_MEMORY = """
import json, sys
from pathlib import Path
import sklearn_pare, timm, torch, tests.common.tiny
from sklearn_pare import _safetensors, backbones
from sklearn_pare.exceptions import ModelFileError
from tests.fuzz.mutate import resigned

source, target = map(Path, sys.argv[1:])
arrays, text = _safetensors.read(source)
huge = 10**9

def hostile():
    for name in ("swin_large_patch4_window12_384", "vit_giant_patch14_dinov2"):
        described = json.loads(text)
        described["fitted"]["_architecture"]["backbone"] = f"timm:{name}"
        described["fitted"]["n_tokens_"] = {"s": 64, "v": 8}[name[0]]
        yield described
    for shape in ([3, huge], [3, huge, huge], [huge]):
        described = json.loads(text)
        described["fitted"].update(input_shape_=shape, n_features_in_=shape[0])
        yield described
    described = json.loads(text)
    described["fitted"]["_target"]["fields"].update(size=[huge, huge])
    yield described
    described = json.loads(text)
    described["fitted"]["history_"] = [[]] * 10**6
    yield described

def memory(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024

# What torch and timm import when they are first needed is no part of it.
sklearn_pare.load(source)
backbones.get("timm:test_vit", pretrained=False)
with torch.device("meta"):
    backbones.get("timm:swin_tiny_patch4_window7_224", pretrained=False)
for described in hostile():
    target.write_bytes(resigned(arrays, json.dumps(described)))
    del described
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmHWM")
    try:
        sklearn_pare.load(target)
    except ModelFileError as error:
        # Refused by a check, and not by a lack of memory.
        assert type(error.__cause__).__name__ == "Wrong", error
    else:
        raise SystemExit("loaded")
    print(target.stat().st_size, memory("VmHWM") - before)
"""


def test_load__huge_sizes__refused_without_memory(models, tmp_path):
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _MEMORY, models[3][0], tmp_path / "x"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert run.returncode == 0, run.stderr
    measured = [tuple(map(int, line.split())) for line in run.stdout.splitlines()]
    assert len(measured) == 7
    for size, taken in measured:
        # Python's lists take 20 times as much as their JSON.
        assert taken <= 2**25 + 25 * size
    # The backbones that were named would take 0.8 and 4.5 GB.
    assert max(taken for _, taken in measured[:-1]) <= 2**26


def test_watched__what_code_does__seen(tmp_path):
    (tmp_path / "x").write_bytes(b"")
    with watched(tmp_path / "x") as events:
        (tmp_path / "x").read_bytes()
    assert events == []
    with watched() as events:
        (tmp_path / "x").read_bytes()
        (tmp_path / "y").write_bytes(b"")
        eval("1 + 1")
        subprocess.run([sys.executable, "-c", ""], check=True)
        with socket.socket() as own:
            own.connect_ex(("127.0.0.1", 9))
        with pytest.raises(ImportError):
            import no_module_of_anyone  # noqa: F401
    names = {event for event, *_ in events}
    assert {"open", "exec", "subprocess.Popen", "socket.connect", "import"} <= names
    assert {arguments[0] for event, *arguments in events if event == "open"} >= {
        str(tmp_path / "x"),
        str(tmp_path / "y"),
    }
