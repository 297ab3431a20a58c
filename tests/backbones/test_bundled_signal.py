import numpy as np
import pytest
import torch

import sklearn_pare
from sklearn_pare import PaReClassifier, PaReRegressor, backbones, sources
from sklearn_pare.backbones.bundled import WEIGHTS, write_weights
from sklearn_pare.backbones.bundled_signal import (
    SignalBackbone,
    build_signal,
    load_signal,
    load_signal_file,
)
from sklearn_pare.backbones.freezing import layer_scales
from sklearn_pare.exceptions import ModelFileError

NAME = "test-signal"


def _seeded(seed):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setitem(backbones._FACTORIES, NAME, load_signal)


@torch.no_grad()
def test_build__stages__maps_of_height_one(generator):
    backbone = build_signal(generator)
    module, x = backbone.module, torch.randn(2, 1, 300, generator=generator)
    assert module.grid == (1, 64)
    tokens = backbone.stem(x)
    maps = module.stages(tokens)
    shapes = [(2, 1, 64, 96), (2, 1, 16, 192), (2, 1, 4, 320)]
    assert [stage.shape for stage in maps] == shapes
    features = module(tokens)
    assert torch.equal(features, module.norm(maps[-1]).flatten(1, 2))
    assert features.shape == (2, 4, module.feature_dim)


def test_build__xavier_from_the_generator():
    first, same, other = (
        build_signal(_seeded(s)).parts.state_dict() for s in (1, 1, 2)
    )
    name = "backbone.layers.1.blocks.0.mlp.fc1.weight"
    assert all(torch.equal(first[key], same[key]) for key in first)
    assert not torch.equal(first[name], other[name])
    assert first["backbone.positions"].std().item() == pytest.approx(0.02, rel=0.1)


def test_layer_scales__one_step_per_block_and_merging():
    module = SignalBackbone()
    scales = layer_scales(module, 0.5)
    assert scales[module.layers[2].blocks[0].attn.qkv.weight] == 1
    assert scales[module.layers[2].merge.proj.weight] == 0.5
    assert scales[module.positions] == 0.5**9


def test_file__round_trip__half_precision_and_small(tmp_path, generator):
    backbone, path = build_signal(generator), tmp_path / "signal.safetensors"
    write_weights(backbone.parts.state_dict(), backbone.card, path)
    # Anyone may read what anyone may read of other new files.
    assert path.stat().st_mode == path.with_suffix(".json").stat().st_mode
    assert path.stat().st_size <= 8_000_000
    again = load_signal_file(path, _seeded(5))
    assert again.card.sha256
    assert again.card.name == "pare-signal"
    pairs = zip(
        backbone.parts.state_dict().items(),
        again.parts.state_dict().items(),
        strict=True,
    )
    for (name, value), (same_name, same) in pairs:
        assert name == same_name
        assert torch.equal(value.half().float(), same)


def test_file__other_weights__refused(tmp_path, generator):
    with pytest.raises(ModelFileError, match="the weights of 'pare-signal'"):
        load_signal_file(WEIGHTS, generator)
    tensors = build_signal(generator).parts.state_dict()
    path, card = tmp_path / "signal.safetensors", build_signal(generator).card
    del tensors["stem.near.bias"]
    write_weights(tensors, card, path)
    with pytest.raises(ModelFileError, match=r"(?s)'pare-signal'.*stem\.near\.bias"):
        load_signal_file(path, generator)


SETTINGS = {"backbone": NAME, "pretrained": False, "source": "waveforms",
            "max_epochs": 1, "batch_size": 8, "device": "cpu", "random_state": 0,
            "linear_path": False}  # fmt: skip


@pytest.mark.parametrize("shape", [(1, 24), (3, 700), (12,), (1, 8, 8)], ids=str)
def test_fit__samples_of_all_kinds(shape, registered, rng):
    X = rng.normal(size=(16, *shape)).astype(np.float32)
    model = PaReClassifier(**SETTINGS).fit(X, np.arange(16) % 2)
    assert np.isfinite(model.predict_proba(X)).all()


@pytest.mark.parametrize("source", ["waveforms", "formula"])
@pytest.mark.parametrize("shape", [(2, 50), (1, 8, 8)], ids=str)
def test_fit__value_at_each_position(shape, source, registered, rng):
    X = rng.normal(size=(12, *shape)).astype(np.float32)
    model = PaReRegressor(**SETTINGS | {"source": source}).fit(X, X[:, 0])
    predicted = model.predict(X)
    assert predicted.shape == X[:, 0].shape
    assert np.isfinite(predicted).all()


AUTO = {"max_epochs": 1, "batch_size": 8, "device": "cpu", "random_state": 0,
        "linear_path": False}  # fmt: skip
KINDS = {
    "signals": ((2, 50), None, "pare-signal"),
    "flattened signals": ((100,), (2, 50), "pare-signal"),
    "table": ((12,), None, "pare-tiny"),
    "images": ((1, 8, 8), None, "pare-tiny"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_fit__auto__backbone_says_which(kind, rng, tmp_path):
    shape, input_shape, name = KINDS[kind]
    X = rng.normal(size=(16, *shape)).astype(np.float32)
    model = PaReRegressor(**AUTO, input_shape=input_shape).fit(
        X, X.reshape(16, -1).mean(1)
    )
    assert (model.backbone, model.backbone_) == ("auto", name)
    source = {"pare-signal": "waveforms", "pare-tiny": "formula"}[name]
    assert model.source_.startswith(source)
    model.save(tmp_path / "model")
    loaded = sklearn_pare.load(tmp_path / "model")
    assert loaded.backbone_ == name
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_fit__auto__equals_the_named_backbone(rng):
    X = rng.normal(size=(16, 1, 60)).astype(np.float32)
    y = np.arange(16) % 2
    first, second = (
        PaReClassifier(backbone=name, **AUTO).fit(X, y).predict_proba(X)
        for name in ("auto", "pare-signal")
    )
    np.testing.assert_array_equal(first, second)


def test_fit__auto__signals_with_a_value_at_each_position(rng):
    X = rng.normal(size=(12, 1, 40)).astype(np.float32)
    assert PaReRegressor(**AUTO).fit(X, X[:, 0]).backbone_ == "pare-tiny"


def test_rank__auto__depends_on_the_samples(rng):
    X, y = rng.normal(size=(30, 1, 60)), np.arange(30) % 2
    names = ["formula:signals", "waveforms"]
    found = [
        sources.rank(X, y, names, backbone=name, random_state=0)
        for name in ("auto", "pare-signal", "pare-tiny")
    ]
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize("what", ["level", "scale"])
def test_fit__target_is_the_level_of_a_signal__learned_by_the_network(what, rng):
    # Signals are standardised one by one, so that this takes extra inputs.
    y = rng.uniform(1, 3, 160)
    X = rng.normal(size=(160, 1, 64))
    X = X + 2 * y[:, None, None] if what == "level" else X * y[:, None, None]
    settings = AUTO | {"max_epochs": 8, "lr": 1e-3, "mix_start": 0, "mix_end": 0}
    model = PaReRegressor(**settings).fit(X[:120], y[:120])
    assert model.score(X[120:], y[120:]) > 0.6
