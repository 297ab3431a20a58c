"""Names of backbones, and the limit on tokens at their end."""

import itertools
import math
import re

import numpy as np
import pytest
import torch

import sklearn_pare
from sklearn_pare import PaReClassifier, backbones
from sklearn_pare.backbones.bundled import load_tiny
from sklearn_pare.exceptions import DataError, UnknownNameError
from tests.common.instances import tiny
from tests.common.tiny import NAME, build

CPU = torch.device("cpu")
FUNCTIONS = [
    backbones.check,
    backbones.default_source,
    backbones.get,
    backbones.fetch,
    backbones.has_config,
    backbones.is_local,
]


@pytest.fixture
def register(monkeypatch):
    """Function that registers a backbone for one test."""

    def register(name):
        # An entry of this name is removed after the test.
        monkeypatch.setitem(backbones._FACTORIES, name, None)
        backbones.register(name, build)

    return register


@pytest.mark.parametrize(
    "option",
    [
        "",
        "grid=3",
        "max_tokens",
        "max_tokens=",
        "max_tokens=0",
        "max_tokens=-4",
        "max_tokens=4.5",
        "max_tokens=many",
        "max_tokens= 9",
        "max_tokens=9 ",
        "max_tokens=9\n",
        "max_tokens=\u0663",
        "max_tokens=9&grid=3",
        "max_tokens=9?max_tokens=9",
        "MAX_TOKENS=9",
        pytest.param("max_tokens=" + "9" * 5000, id="5000 digits"),
    ],
)
def test_option__not_max_tokens__error_shows_a_valid_name(option):
    names = ["pare-tiny", NAME, "timm:test_vit", "hf:bert"]
    for function, name in itertools.product(FUNCTIONS, names):
        with pytest.raises(UnknownNameError) as caught:
            function(f"{name}?{option}")
        assert repr(f"{name}?{option}") in str(caught.value)
        assert repr(f"{name}?max_tokens=64") in str(caught.value)


@pytest.mark.parametrize("most", [1, 30, 64, 10**6])
def test_get__timm__grid_within_the_limit(most):
    backbone = backbones.get(
        f"timm:test_vit?max_tokens={most}", pretrained=False, input_shape=(1, 90, 90)
    )
    free = backbones.get("timm:test_vit", pretrained=False, input_shape=(1, 90, 90))
    assert math.prod(backbone.module.grid) <= most
    assert (backbone.module.grid == free.module.grid) == (most >= 100)
    assert backbone.card.name == "timm:test_vit"


@pytest.mark.parametrize(("name", "n_tokens"), [("pare-tiny", 64), (NAME, 16)])
def test_get__fixed_grid__only_within_the_limit(name, n_tokens):
    for most in (n_tokens, n_tokens + 1):
        backbone = backbones.get(f"{name}?max_tokens={most}", pretrained=False)
        assert math.prod(backbone.module.grid) == n_tokens
    with pytest.raises(DataError, match=f"{name!r} always has {n_tokens} tokens"):
        backbones.get(f"{name}?max_tokens={n_tokens - 1}", pretrained=False)


def test_get__swin__smallest_grid():
    name = "timm:swin_tiny_patch4_window7_224"
    with pytest.raises(DataError, match=r"8 x 8.*\?max_tokens=64 or more"):
        backbones.get(f"{name}?max_tokens=63", pretrained=False)


def test_get__registered_with_a_question_mark__found(register):
    register("mine?size=3")
    assert "mine?size=3" in backbones.list_backbones()
    backbones.check("mine?size=3")
    assert backbones.get("mine?size=3").module.grid == (4, 4)
    assert backbones.fetch("mine?size=3") is None
    with pytest.raises(UnknownNameError, match=re.escape("'mine?max_tokens=64'")):
        backbones.check("mine?size=4")


def test_check__unknown_name_with_limit__lists_known_names(register):
    register("mine:1")
    with pytest.raises(UnknownNameError, match="'mine:2' is not known") as caught:
        backbones.check("mine:2?max_tokens=9")
    for known in backbones.list_backbones():
        assert repr(known) in str(caught.value)


def test_fetch__limit__same_file(hub):
    import timm

    repo_id = timm.get_pretrained_cfg("test_vit").hf_hub_id
    hub.put(repo_id, "model.safetensors", b"weights")
    path = backbones.fetch("timm:test_vit?max_tokens=9")
    assert path.read_bytes() == b"weights"
    assert backbones.fetch("timm:test_vit") == path
    assert backbones.fetch("pare-tiny?max_tokens=64") is None


def test_has_config_and_is_local__limit__same_answer(register, tmp_path):
    register("hf:mine")
    folder = f"hf:{tmp_path}"
    for name in ("pare-tiny", "timm:test_vit", "hf:mine", "hf:bert", folder):
        for option in ("", "?max_tokens=9"):
            hf = name in ("hf:bert", folder)
            assert backbones.has_config(name + option) == hf
            assert backbones.is_local(name + option) == (name == folder)


def test_fit__limit__saved_with_the_model(table, tmp_path):
    X, y = table
    name = f"{NAME}?max_tokens=16"
    clf = tiny(PaReClassifier, backbone=name, max_epochs=1).fit(X, y)
    clf.save(tmp_path / "model.pare")
    again = sklearn_pare.load(tmp_path / "model.pare")
    assert again.backbone == name
    assert again.n_tokens_ == 16
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))


# ---- number of tokens that a processor can afford


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("timm:vit_small_patch16_224", 32),
        # Three of its four stages have fewer tokens.
        ("timm:swin_base_patch4_window7_224", 141),
        # The smallest grid of this one, and the smallest limit.
        ("timm:swin_large_patch4_window7_224", 64),
        ("timm:vit_base_patch16_224", 16),
        ("timm:test_vit", None),
        ("timm:vit_base_patch16_224?max_tokens=100", None),
        ("pare-tiny", None),
    ],
)
def test_affordable__limits_the_tokens_of_large_backbones(name, limit):
    expected = name if limit is None else f"{name}?max_tokens={limit}"
    assert backbones.affordable(name, (3, 224, 224), CPU) == expected
    assert backbones.affordable(name, (3, 224, 224), torch.device("cuda")) == name


def test_affordable__few_tokens__as_they_are():
    # A signal of 60 time points has 15 tokens.
    name = "timm:vit_small_patch16_224"
    assert backbones.affordable(name, (1, 60), CPU) == name


def test_affordable__registered_backbone__as_it_is(register):
    register("own")
    assert backbones.affordable("own", (3, 224, 224), CPU) == "own"


def test_fit__on_a_processor__keeps_the_limit(monkeypatch, tmp_path):
    monkeypatch.setattr(backbones, "_AFFORDABLE", 1.0)
    X = np.random.default_rng(0).normal(size=(20, 1, 16, 16))
    name = "timm:test_vit"
    clf = tiny(PaReClassifier, backbone=name, pretrained=False).fit(
        X, X[:, 0, 0, 0] > 0
    )
    assert (clf.backbone, clf.n_tokens_) == (name, 16)
    monkeypatch.undo()
    clf.save(tmp_path / "model")
    loaded = sklearn_pare.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("pare-tiny", "formula+self"),
        ("pare-signal", "waveforms+self"),
        ("pare-signal?max_tokens=64", "waveforms+self"),
        (f"{NAME}?max_tokens=16", "formula+self"),
        ("timm:test_vit", "photographs+self"),
        ("timm:test_vit.r160_in1k?max_tokens=9", "photographs+self"),
        ("hf:roberta-base", "docstrings+self"),
        ("hf:./folder?max_tokens=9", "docstrings+self"),
        # `check` states later that it is not known.
        ("nothing", "formula+self"),
    ],
)
def test_default_source__by_family(name, source):
    assert backbones.default_source(name) == source


def test_register__auto__refused():
    with pytest.raises(UnknownNameError, match="'auto' stands for"):
        backbones.register("auto", load_tiny)
    assert "auto" not in backbones.list_backbones()


@pytest.mark.parametrize(
    ("input_shape", "output_shape", "name"),
    [
        ((1, 500), (1,), "pare-signal"),
        ((3, 24), (10,), "pare-signal"),
        ((1, 500), (4, 500), "pare-tiny"),
        ((20,), (3,), "pare-tiny"),
        ((1, 8, 8), (10,), "pare-tiny"),
        ((1, 32, 32), (1, 32, 32), "pare-tiny"),
    ],
)
def test_choose__auto__by_shape(input_shape, output_shape, name):
    assert backbones.choose("auto", input_shape, output_shape) == name
    assert backbones.choose("timm:x", input_shape, output_shape) == "timm:x"


def test_default_source__registered__that_of_all_backbones(register):
    register("timm:mine")
    assert backbones.default_source("timm:mine") == "formula+self"
