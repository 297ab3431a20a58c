import hashlib
import json
import pickle
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import sklearn_pare
from sklearn_pare import PaReClassifier, _safetensors, backbones
from sklearn_pare.backbones.freezing import freeze
from sklearn_pare.exceptions import (
    ModelFileError,
    SaveError,
    UnknownNameError,
    WeightsError,
)
from tests.fuzz.mutate import resigned
from tests.fuzz.watch import watched

transformers = pytest.importorskip("transformers")

SENTENCES = [
    [("Anna", "PER"), ("lives", None), ("in", None), ("Oslo", "LOC")],
    [("Acme", "ORG"), ("Works", "ORG"), ("hired", None), ("Anna", "PER")],
    [("rain", None), ("fell", None), ("in", None), ("spring", None)],
    [("Oslo", "LOC"), ("and", None), ("Rome", "LOC"), ("met", None)],
] * 5
WORDS = sorted({word for sentence in SENTENCES for word, _ in sentence})


def _tokenizer():
    from tokenizers import Tokenizer, models, pre_tokenizers

    vocabulary = {w: i for i, w in enumerate(["<s>", "<pad>", "</s>", "<unk>", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>"
    )


def _config(kind="roberta", **settings):
    sizes = {
        "vocab_size": 4 + len(WORDS),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "max_position_embeddings": 66,
        "embedding_size": 32,
        "dim": 32,
        "hidden_dim": 64,
        "n_layers": 2,
        "n_heads": 4,
        "pad_token_id": 1,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "cls_token_id": 0,
        "sep_token_id": 2,
    }
    return transformers.AutoConfig.for_model(kind, **(sizes | settings))


@pytest.fixture(scope="module")
def roberta(tmp_path_factory):
    """Folder of a tiny RoBERTa with random weights and its own tokenizer."""
    folder = tmp_path_factory.mktemp("roberta")
    state = torch.random.get_rng_state()
    torch.manual_seed(0)
    transformers.RobertaForMaskedLM(_config()).save_pretrained(folder)
    torch.random.set_rng_state(state)
    _tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def conll(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "train.txt"
    lines = ["-DOCSTART- -X- -X- O", ""]
    for sentence in SENTENCES:
        lines += [f"{w} NN B-NP {'O' if t is None else 'I-' + t}" for w, t in sentence]
        lines.append("")
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="module")
def signals():
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    wave = np.sin(np.linspace(0, 20, 100) * (1 + y[:, None]) + rng.random((40, 1)))
    return np.stack([wave, rng.normal(size=(40, 100))], 1), np.where(y, "fast", "slow")


def test_fit__conll_source__fits_and_predicts(roberta, conll, signals):
    X, y = signals
    state = torch.random.get_rng_state()
    estimator = PaReClassifier(
        backbone=f"hf:{roberta}",
        source=f"text:{conll}",
        max_epochs=40,
        lr=3e-3,
        layer_decay=1.0,
        random_state=0,
    ).fit(X, y)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert estimator.score(X, y) > 0.9
    assert estimator.n_tokens_ == 25
    loss = estimator.history_[0]["mixed_source_loss"]
    # The classes are the four kinds of sentences in the file: LOC, O, ORG and PER.
    # A new head on random weights is worse than chance at first.
    assert 0 < loss < 2 * np.log(4)


def test_fit__twice__same_model_that_needs_no_folder(roberta, conll, signals, tmp_path):
    X, y = signals
    folder = shutil.copytree(roberta, tmp_path / "roberta")
    first, second = (
        PaReClassifier(
            backbone=f"hf:{folder}?max_tokens=9",
            source=f"text:{conll}",
            max_epochs=1,
            random_state=0,
        ).fit(X, y)
        for _ in "ab"
    )
    expected = first.predict_proba(X)
    np.testing.assert_array_equal(second.predict_proba(X), expected)
    pickled = pickle.dumps(first)
    first.save(tmp_path / "model.pare")
    shutil.rmtree(folder)
    for again in (pickle.loads(pickled), sklearn_pare.load(tmp_path / "model.pare")):
        np.testing.assert_array_equal(again.predict_proba(X), expected)


@pytest.fixture(scope="module")
def saved(roberta, signals, tmp_path_factory):
    """A saved model, as the arrays and the description in its file."""
    clf = PaReClassifier(
        backbone=f"hf:{roberta}?max_tokens=9", max_epochs=1, random_state=0
    ).fit(*signals)
    path = tmp_path_factory.mktemp("saved") / "model.pare"
    with pytest.raises(SaveError, match="folder of this machine"):
        clf.save(path, omit_pretrained=True)
    clf.save(path)
    return _safetensors.read(path)


@pytest.fixture
def change(saved, tmp_path):
    """Function that writes the model with another configuration of its backbone."""

    def write(**settings):
        arrays, text = saved
        described = json.loads(text)
        described["fitted"]["_architecture"]["config"].update(settings)
        path = tmp_path / "model.pare"
        path.write_bytes(resigned(arrays, json.dumps(described)))
        return path

    return write


HOSTILE = {
    "hidden_size": (10**12, "hidden_size=1000000000000"),
    "num_hidden_layers": (10**6, "num_hidden_layers=1000000"),
    "num_attention_heads": (5, "does not hold the weights"),
    "intermediate_size": (63, "of shape"),
    "max_position_embeddings": (2**20, "of shape"),
    "pad_token_id": (60, "does not work"),
    "hidden_act": ("os.system", "os.system"),
    "model_type": ("gpt2", "'gpt2'"),
}


@pytest.mark.parametrize("key", HOSTILE)
def test_load__hostile_configuration__typed_error(key, change):
    path = change(**{key: HOSTILE[key][0]})
    with pytest.raises((ModelFileError, UnknownNameError), match=HOSTILE[key][1]):
        sklearn_pare.load(path)


def test_load__configuration_that_names_code__ignored(change, signals):
    code = {
        "auto_map": {"AutoModel": "someone/model--code.Theirs"},
        "attn_implementation": "someone/kernel",
        "_attn_implementation": "someone/kernel",
        "quantization_config": {"quant_method": "theirs"},
        "num_labels": 10**12,
        "sinusoidal_pos_embds": True,
    }
    path = change(**code)
    sklearn_pare.load(path)
    with watched(path) as events:
        loaded = sklearn_pare.load(path)
        loaded.predict(signals[0])
    assert events == []
    own = loaded._model.backbone.model.config
    assert own._attn_implementation == "sdpa"
    assert not hasattr(own, "auto_map")


def test_load__words__take_no_memory_and_are_there_for_the_next_fit(change):
    loaded = sklearn_pare.load(change())
    assert loaded._model.backbone.model.config.vocab_size == 2
    assert loaded._architecture.config["vocab_size"] == 4 + len(WORDS)


def test_fit__texts_with_labels__as_source(roberta, signals):
    X, y = signals
    texts = np.array([" ".join(w for w, _ in s) for s in SENTENCES])
    kinds = np.array(["a", "b", "c", "d"] * 5)
    estimator = PaReClassifier(
        backbone=f"hf:{roberta}", source=(texts, kinds), max_epochs=2, random_state=0
    ).fit(X, y)
    assert estimator.history_[0]["mixed_source_loss"] == pytest.approx(
        np.log(4), rel=0.5
    )


def test_fit__text_without_a_text_backbone__says_which(conll, signals):
    with pytest.raises(ValueError, match="hf:roberta-base"):
        PaReClassifier(source=f"text:{conll}").fit(*signals)


@pytest.mark.parametrize("shape", [(7,), (3, 50), (2, 12, 9)], ids=str)
def test_fit__any_rows__with_formula_source(shape, roberta):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(12, *shape)), np.arange(12) % 3
    estimator = PaReClassifier(
        backbone=f"hf:{roberta}?max_tokens=16", max_epochs=2, random_state=0
    ).fit(X, y)
    assert estimator.n_tokens_ <= 16
    assert np.isfinite(estimator.predict_proba(X)).all()


@pytest.mark.parametrize("kind", backbones.hf_models._FAMILIES)
def test_freeze__each_family__queries_and_keys_fixed(kind):
    config = transformers.AutoConfig.for_model(kind)
    with torch.device("meta"):
        model = transformers.AutoModel.from_config(config)
    freeze(model, "attention-frozen")
    fixed = [name for name, p in model.named_parameters() if not p.requires_grad]
    # Weights and biases of both, or one matrix for queries, keys and values.
    assert len(fixed) == config.num_hidden_layers * (1 if kind == "modernbert" else 4)
    assert all("att" in name for name in fixed)


@pytest.mark.filterwarnings("ignore:The default source is 'formula")
@pytest.mark.parametrize("kind", backbones.hf_models._FAMILIES)
def test_fit__each_family__pickled_without_its_folder(kind, tmp_path, signals):
    torch.manual_seed(0)
    folder = tmp_path / kind
    transformers.AutoModel.from_config(_config(kind)).save_pretrained(folder)
    X, y = signals
    estimator = PaReClassifier(
        backbone=f"hf:{folder}?max_tokens=9", max_epochs=1, random_state=0
    ).fit(X, y)
    moved = pickle.dumps(estimator)
    shutil.rmtree(folder)
    np.testing.assert_array_equal(
        pickle.loads(moved).predict_proba(X), estimator.predict_proba(X)
    )


@torch.no_grad()
@pytest.mark.parametrize("kind", backbones.hf_models._FAMILIES)
def test_get__each_family__word_tokens_give_the_encoder_s_features(kind, tmp_path):
    torch.manual_seed(0)
    model = transformers.AutoModel.from_config(_config(kind)).eval()
    model.save_pretrained(tmp_path)
    backbone = backbones.get(f"hf:{tmp_path}", input_shape=(1, 96))
    words = torch.randint(4, 4 + len(WORDS), (2, 24))
    backbone.module.eval()
    torch.testing.assert_close(
        backbone.module(backbone.stem(words)),
        model(input_ids=words).last_hidden_state,
        atol=1e-5,
        rtol=1e-4,
    )


def test_get__from_the_hub__then_offline(roberta, hub, monkeypatch):
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        hub.put("someone/roberta", name, (roberta / name).read_bytes())
    backbones.fetch("hf:someone/roberta")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    ours = backbones.get("hf:someone/roberta", input_shape=(1, 96))
    theirs = backbones.get(f"hf:{roberta}", input_shape=(1, 96))
    for a, b in zip(ours.parts.parameters(), theirs.parts.parameters(), strict=True):
        assert torch.equal(a, b)
    with pytest.raises(WeightsError, match=r"config\.json of someone/other"):
        backbones.get("hf:someone/other")


def test_get__no_safetensors__refused(roberta, tmp_path):
    folder = shutil.copytree(roberta, tmp_path / "copy")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelFileError, match=r"model\.safetensors is missing"):
        backbones.get(f"hf:{folder}")
    (folder / "model.safetensors").write_bytes(b"\x80\x04pickle" * 100)
    with pytest.raises(ModelFileError, match="is not a whole safetensors file"):
        backbones.get(f"hf:{folder}")


def test_get__pretrained__card_names_the_file(roberta, hub):
    content = (roberta / "model.safetensors").read_bytes()
    for name in ("config.json", "model.safetensors"):
        hub.put("someone/roberta", name, (roberta / name).read_bytes())
    for place, origin in [
        (str(roberta), str(roberta)),
        ("someone/roberta", "someone/roberta/model.safetensors"),
    ]:
        card = backbones.get(f"hf:{place}", input_shape=(1, 96)).card
        assert card.origin == origin
        assert card.sha256 == hashlib.sha256(content).hexdigest()
        card = backbones.get(f"hf:{place}", pretrained=False).card
        assert (card.origin, card.sha256) == (None, None)


def _folder(path, kind="roberta", **settings):
    """Write an encoder with another configuration beside its weights."""
    transformers.AutoModel.from_config(_config(kind)).save_pretrained(path)
    _config(kind, **settings).save_pretrained(path)
    return path


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"num_hidden_layers": 1},
            r"the model has no encoder\.layer\.1\.\S+, \S+, \S+ and 13 more\. Use",
        ),
        (
            {"num_hidden_layers": 3},
            r"the file lacks encoder\.layer\.2\.\S+, \S+, \S+ and 13 more\. Use",
        ),
        (
            {"hidden_size": 48},
            r"embeddings\.word_embeddings\.weight has shape \(\d+, 32\) in the file "
            r"and \(\d+, 48\) in the model.* and \d+ more\. Use .*config\.json",
        ),
    ],
)
def test_get__weights_of_another_configuration__names_tensors(
    settings, message, tmp_path, monkeypatch
):
    folder = _folder(tmp_path, **settings)
    # The shapes are in the header, so that nothing else is read.
    monkeypatch.setattr(backbones.hf_models.WeightsFile, "read", None)
    with pytest.raises(ModelFileError, match=message):
        backbones.get(f"hf:{folder}")


def test_get__cut_file__not_a_whole_one(tmp_path):
    path = _folder(tmp_path) / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelFileError, match="is not a whole safetensors file"):
        backbones.get(f"hf:{tmp_path}")


def test_get__tensors_outside_of_the_encoder__ignored(tmp_path):
    path = _folder(tmp_path) / "model.safetensors"
    expected = backbones.get(f"hf:{tmp_path}", input_shape=(1, 96)).parts
    others = {
        "lm_head.bias": torch.ones(3),
        "pooler.dense.weight": torch.ones(3),
        "roberta.embeddings.position_ids": torch.arange(66)[None],
    }
    save_file(load_file(path) | others, path)
    found = backbones.get(f"hf:{tmp_path}", input_shape=(1, 96)).parts
    for a, b in zip(found.parameters(), expected.parameters(), strict=True):
        assert torch.equal(a, b)


def test_get__not_an_encoder__says_which_families_fit(tmp_path):
    transformers.GPT2Config(n_layer=1, n_embd=8, n_head=1).save_pretrained(tmp_path)
    with pytest.raises(UnknownNameError, match=r"'gpt2'.*roberta"):
        backbones.get(f"hf:{tmp_path}")
    with pytest.raises(UnknownNameError, match="does not exist"):
        backbones.get("hf:./nowhere")
    with pytest.raises(UnknownNameError, match="no name of a repository"):
        backbones.get("hf:a b")
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ModelFileError, match="not the configuration"):
        backbones.get(f"hf:{tmp_path}")
    # Code that a configuration names is not run.
    (tmp_path / "config.json").write_text(
        '{"model_type": "theirs", "auto_map": {"AutoConfig": "code.Theirs"}}'
    )
    with pytest.raises(UnknownNameError, match="'theirs'"):
        backbones.get(f"hf:{tmp_path}")


def test_check__transformers_not_installed__names_the_extra(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ImportError, match=r"sklearn-pare\[text\]"):
        backbones.check("hf:roberta-base")
