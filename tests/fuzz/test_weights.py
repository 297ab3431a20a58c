"""Damaged and hostile weights, cards and configurations of backbones."""

import hashlib
import itertools
import json
import warnings
from collections import Counter

import numpy as np
import pytest
import safetensors.numpy
import torch
from safetensors.torch import save

from sklearn_pare import backbones
from sklearn_pare.backbones.backbone import BackboneCard
from sklearn_pare.backbones.bundled import (
    WEIGHTS,
    load_file,
    read_weights,
    write_weights,
)
from sklearn_pare.exceptions import ModelFileError, PaReError
from tests.common.room import needs_linux, peak
from tests.fuzz.mutate import edits, mutations, surgery
from tests.fuzz.watch import watched

N_BYTES, N_CARDS, N_TENSORS, N_BACKBONES = 150, 150, 10, 30


class Outcomes:
    """Counts of files that were read or refused; other errors are not caught."""

    def __init__(self, *paths):
        self.paths, self.counts, self.events = paths, Counter(), []

    def try_(self, read):
        with warnings.catch_warnings(), watched(*self.paths) as events:
            # Damaged numbers overflow.
            warnings.simplefilter("ignore")
            try:
                read()
                outcome = "read"
            except PaReError:
                outcome = "refused"
        self.counts[outcome] += 1
        self.events += events


@pytest.fixture(scope="module")
def imported():
    """Import libraries in advance, so that their memory and events do not count."""
    load_file(WEIGHTS, torch.Generator())
    backbones.get("timm:test_vit", pretrained=False)


@pytest.fixture
def little_memory(imported):
    """Check that reading files of at most a few megabytes needs little memory."""
    with peak() as found:
        yield
    assert found.megabytes < 200


def _sign(path, content):
    """Write the hash of a content into the card."""
    card = json.loads(path.with_suffix(".json").read_text())
    card["sha256"] = hashlib.sha256(content).hexdigest()
    path.with_suffix(".json").write_text(json.dumps(card))


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "backbone.safetensors"
    tensors = {"a": torch.ones(3, 4), "b.c": torch.arange(5.0)}
    write_weights(tensors, BackboneCard("backbone", "of a test", "BSD-3-Clause"), path)
    return path


@needs_linux
@pytest.mark.parametrize("signed", [False, True])
def test_read_weights__bytes_changed__read_or_refused(signed, written, little_memory):
    content, outcomes = (
        written.read_bytes(),
        Outcomes(written, written.with_suffix(".json")),
    )
    damaged = mutations(content, np.random.default_rng(1))
    for _, changed in itertools.islice(damaged, N_BYTES):
        if changed == content:
            continue
        written.write_bytes(changed)
        if signed:
            _sign(written, changed)
        outcomes.try_(lambda: read_weights(written))
    assert outcomes.events == []
    # A new hash hides changes of the weights.
    assert signed or outcomes.counts["read"] == 0
    assert outcomes.counts["refused"] > 0.5 * N_BYTES


@needs_linux
def test_read_weights__card_changed__read_or_refused(written, little_memory):
    path = written.with_suffix(".json")
    text, rng, outcomes = (
        path.read_text(),
        np.random.default_rng(2),
        Outcomes(path, written),
    )
    for _ in range(N_CARDS):
        path.write_text(json.dumps(surgery(json.loads(text), rng)))
        outcomes.try_(lambda: read_weights(written))
    for content in ("", "[", "[" * 10**5, "[]", "null", "\ud800"):
        path.write_bytes(content.encode(errors="surrogatepass"))
        with pytest.raises(ModelFileError, match="is not the card of a backbone"):
            read_weights(written)
    assert outcomes.events == []
    assert outcomes.counts["refused"] > 0


@needs_linux
def test_load_file__other_tensors_signed__refused(tmp_path, little_memory):
    path = tmp_path / "backbone.safetensors"
    path.with_suffix(".json").write_text(WEIGHTS.with_suffix(".json").read_text())
    arrays = safetensors.numpy.load_file(WEIGHTS)
    outcomes = Outcomes(path, path.with_suffix(".json"))
    others = (
        arrays
        for what, arrays in edits(arrays, np.random.default_rng(3))
        if not what.startswith(("number", "dtype"))
    )
    heads = [np.zeros(shape, np.float16) for shape in [(2**40, 0), (), (3,), (9, 255)]]
    crafted = [arrays | {"source_head.linear.weight": head} for head in heads]
    for changed in [*itertools.islice(others, N_TENSORS), *crafted]:
        content = safetensors.numpy.save(changed)
        path.write_bytes(content)
        _sign(path, content)
        outcomes.try_(lambda: load_file(path, torch.Generator()))
    assert outcomes.events == []
    assert outcomes.counts == {"refused": N_TENSORS + len(heads)}


@needs_linux
def test_get__timm_weights_changed__built_or_refused(tmp_path, little_memory):
    import timm as library

    path = tmp_path / "model.safetensors"
    model = library.create_model("test_vit", pretrained=False, num_classes=0)
    content, outcomes = save(model.state_dict()), Outcomes(path)

    def get():
        return backbones.get(f"timm:test_vit@{path}", input_shape=(1, 16, 16))

    path.write_bytes(content)
    get()
    for _, changed in itertools.islice(
        mutations(content, np.random.default_rng(4)), N_BACKBONES
    ):
        path.write_bytes(changed)
        outcomes.try_(get)
    assert outcomes.events == []
    assert outcomes.counts["refused"] > 0


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """Folder of a text encoder with a few thousand weights."""
    transformers = pytest.importorskip("transformers")
    sizes = {"vocab_size": 12, "hidden_size": 16, "num_hidden_layers": 1}
    sizes |= {"num_attention_heads": 2, "intermediate_size": 16}
    config = transformers.RobertaConfig(max_position_embeddings=34, **sizes)
    folder = tmp_path_factory.mktemp("encoder")
    transformers.RobertaModel(config).save_pretrained(folder)
    return folder


@pytest.fixture
def texts(encoder, tmp_path):
    """A copy of the folder, and a function that reads it."""
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((encoder / name).read_bytes())

    def get():
        return backbones.get(f"hf:{tmp_path}", input_shape=(1, 40))

    get()
    return tmp_path, get


@needs_linux
def test_get__text_weights_changed__built_or_refused(texts, little_memory):
    folder, get = texts
    path = folder / "model.safetensors"
    content, outcomes = path.read_bytes(), Outcomes(path, folder / "config.json")
    damaged = mutations(content, np.random.default_rng(5))
    for _, changed in itertools.islice(damaged, N_BACKBONES):
        path.write_bytes(changed)
        outcomes.try_(get)
    assert outcomes.events == []
    assert outcomes.counts["refused"] > 0


# Fields that determine the memory, time or depth of a backbone.
_HUGE = [
    {"hidden_size": 2**19, "intermediate_size": 2**19},
    {"vocab_size": 2**20, "hidden_size": 2**12},
    {"num_hidden_layers": 500, "intermediate_size": 2**19},
    {"num_hidden_layers": 10**9},
    {"num_hidden_layers": "x"},
    {"max_position_embeddings": None},
    {"num_attention_heads": 0},
    {"hidden_act": "__import__"},
    {"model_type": ["roberta"]},
    {"type_vocab_size": 2**20},
]


@needs_linux
def test_get__text_configuration_changed__built_or_refused(texts, little_memory):
    folder, get = texts
    path = folder / "config.json"
    described, rng = json.loads(path.read_text()), np.random.default_rng(6)
    outcomes = Outcomes(path, folder / "model.safetensors")
    for _ in range(N_BACKBONES):
        path.write_text(json.dumps(surgery(described, rng)))
        outcomes.try_(get)
    crafted = Outcomes(path, folder / "model.safetensors")
    for fields in _HUGE:
        path.write_text(json.dumps(described | fields))
        crafted.try_(get)
    assert outcomes.events == crafted.events == []
    assert outcomes.counts["refused"] > 0
    assert crafted.counts == {"refused": len(_HUGE)}
    path.write_text("[" * 10**5)
    with pytest.raises(ModelFileError, match="is not the configuration"):
        get()
