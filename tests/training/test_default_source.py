"""The default source: fits the backbone, and never keeps a fit from starting."""

import sys
import sysconfig
import warnings

import numpy as np
import pytest
import torch

import sklearn_pare
from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.exceptions import CheckpointError
from sklearn_pare.inspection._fitted import fitted_with_source
from sklearn_pare.sources.docstrings import _read_library
from tests.common.instances import tiny

transformers = pytest.importorskip("transformers")

RNG = np.random.default_rng(1)
VIT = "timm:test_vit?max_tokens=4"
SMALL = {"max_epochs": 2, "pretrained": False, "linear_path": False}


def _targets():
    """Return an estimator, samples and targets for each kind of data and of target."""
    images = RNG.normal(size=(16, 1, 8, 8))
    table, signals = images[:, 0, 0], images[:, :, 0]
    classes = np.arange(16) % 2
    return {
        "table, classes": (PaReClassifier, table, classes),
        "signals, classes": (PaReClassifier, signals, classes),
        "images, classes": (PaReClassifier, images, classes),
        "images, labels": (PaReClassifier, images, images[:, 0, 0, :3] > 0),
        "images, number": (PaReRegressor, images, images.mean((1, 2, 3))),
        "images, fields": (PaReRegressor, images, images[:, 0]),
        "signals, fields": (PaReRegressor, signals, signals[:, 0]),
        "images, masks": (PaReClassifier, images, images[:, 0] > 0),
    }


TARGETS = _targets()


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    """Folder of a tiny BERT with random weights and a tokenizer of few words."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    folder = tmp_path_factory.mktemp("bert")
    words = ["[PAD]", "[UNK]", "the", "a", "of", "to", "is", "and", "in", "Return"]
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=34,
    )
    with torch.random.fork_rng(devices=[]):
        transformers.BertModel(config).save_pretrained(folder)
    tokenizer = Tokenizer(
        models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]"
    ).save_pretrained(folder)
    return folder


def _fit(backbone, target="images, classes", **settings):
    kind, X, y = TARGETS[target]
    # Fields are not mixed by default.
    settings = {"mix_start": 0.6} | settings
    return tiny(kind, backbone=backbone, **(SMALL | settings)).fit(X, y)


def _check(estimator, source):
    assert estimator.source == "auto"
    assert estimator.source_ == source
    assert estimator.fit_report_.source == source
    assert f"source        {source}" in repr(estimator.fit_report_)
    assert estimator.source_distances_ == {}
    # Later, no token of four is replaced.
    assert np.isfinite(estimator.history_[0]["mixed_source_loss"])


@pytest.mark.parametrize("target", TARGETS)
def test_timm__photographs(target):
    pytest.importorskip("skimage")
    estimator = _fit(VIT, target)
    _check(estimator, "photographs+self")
    # One class per photograph.
    assert estimator.history_[0]["mixed_source_loss"] > 1


@pytest.mark.parametrize("target", TARGETS)
def test_hf__docstrings(target, bert):
    estimator = _fit(f"hf:{bert}", target)
    _check(estimator, "docstrings+self")
    assert estimator.history_[0]["mixed_source_loss"] > 1


@pytest.mark.parametrize("backbone", ["timm", "hf"])
def test_default__own_samples__asked_in_the_middle(backbone, bert):
    if backbone == "timm":
        pytest.importorskip("skimage")
    clf = _fit({"timm": VIT, "hf": f"hf:{bert}"}[backbone], max_epochs=3)
    assert sum(row["own_readable"] is not None for row in clf.history_) == 1


@pytest.mark.filterwarnings("ignore:The default source is 'formula")
@pytest.mark.parametrize("target", TARGETS)
def test_timm__without_scikit_image__formulas(target, monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    estimator = _fit(VIT, target)
    _check(estimator, "formula+self")
    same = _fit(VIT, target, source="formula+self")
    _, X, _ = TARGETS[target]
    np.testing.assert_array_equal(estimator.predict(X), same.predict(X))


@pytest.fixture(params=["missing", "damaged", "empty", "of more words"])
def untokenized(request, bert, tmp_path):
    """Name of a text backbone whose tokenizer cannot be used."""
    for path in bert.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    path = tmp_path / "tokenizer.json"
    if request.param == "missing":
        path.unlink()
    elif request.param == "of more words":
        content = path.read_text()
        path.write_text(content.replace('"the": 2', '"the": 99'))
        assert path.read_text() != content
    else:
        path.write_text({"damaged": "{", "empty": "{}"}[request.param])
    return f"hf:{tmp_path}"


@pytest.mark.filterwarnings("ignore:The default source is 'formula")
def test_hf__tokenizer_that_cannot_be_used__formulas(untokenized):
    _check(_fit(untokenized), "formula+self")


@pytest.mark.filterwarnings("ignore:The default source is 'formula")
@pytest.mark.parametrize("target", TARGETS)
def test_hf__standard_library_without_source__formulas(
    target, bert, monkeypatch, tmp_path
):
    _read_library.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
        estimator = _fit(f"hf:{bert}", target)
    _check(estimator, "formula+self")


def test_fallback__warns_with_the_reason(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    words = r"'photographs\+self' cannot be used: .*sklearn-pare\[images\]'. To choose"
    with pytest.warns(UserWarning, match=words):
        _fit(VIT)


def test_fallback__of_a_fit_that_is_continued__error_names_both(monkeypatch, tmp_path):
    pytest.importorskip("skimage")
    _fit(VIT, checkpoint_dir=tmp_path)
    monkeypatch.setitem(sys.modules, "skimage", None)
    words = r"source is 'formula\+self', but was 'photographs\+self' there"
    with pytest.raises(CheckpointError, match=words):
        _fit(VIT, checkpoint_dir=tmp_path)


def test_fallback__not_needed__silent(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _fit(VIT, mix_start=0.0, mix_end=0.0)


def test_registered__formulas():
    _check(_fit("test-tiny"), "formula+self")


def test_named_source__cannot_be_used__error(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(ImportError, match="scikit-image"):
        _fit(VIT, source="photographs+self")


def test_named_source__followed_by_own_samples__asked(bert):
    clf = _fit(f"hf:{bert}", source="docstrings+self", max_epochs=3)
    assert sum(row["own_readable"] is not None for row in clf.history_) == 1
    clf = _fit(f"hf:{bert}", source="docstrings", max_epochs=3)
    assert not any("own_readable" in row for row in clf.history_)


def test_no_mixing__no_source():
    clf = _fit(VIT, mix_start=0.0, mix_end=0.0)
    assert (clf.source_, clf.fit_report_.source) == (None, None)
    assert "source        none" in repr(clf.fit_report_)


def test_alignment__photographs():
    pytest.importorskip("skimage")
    clf = _fit(VIT, alignment="otdd", mix_start=0.0, mix_end=0.0)
    assert clf.source_ == "photographs+self"
    assert len(clf.alignment_history_) == 20


@pytest.mark.filterwarnings("ignore:The default source is 'formula")
def test_saved_and_inspected__source_of_the_fit(monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "skimage", None)
        clf = _fit(VIT)
    assert fitted_with_source(clf).source.row_shape == (3, 32, 32)
    clf.save(tmp_path / "clf.pare")
    again = sklearn_pare.load(tmp_path / "clf.pare")
    assert (again.source, again.source_) == ("auto", "formula+self")
    assert again.fit_report_ == clf.fit_report_


def test_twice__same_predictions(bert):
    _, X, _ = TARGETS["images, classes"]
    for name in (VIT, f"hf:{bert}"):
        first, second = (_fit(name).predict_proba(X) for _ in "ab")
        np.testing.assert_array_equal(first, second)
