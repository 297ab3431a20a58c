import json
import shutil

import pytest
import torch

from sklearn_pare import backbones
from sklearn_pare._assembly import Architecture, build
from sklearn_pare.backbones import bundled
from sklearn_pare.backbones.pretrain import pretrain
from sklearn_pare.backbones.weights import read_weights
from sklearn_pare.exceptions import ModelFileError
from sklearn_pare.sources import formula


def test_card__complete():
    card = backbones.get("pare-tiny").card
    assert card.licence == "BSD-3-Clause"
    assert len(card.sha256) == 64
    assert "sklearn_pare.backbones.pretrain" in card.command
    assert card.figures["validation_top1"] > 0.5
    assert json.loads(json.dumps(card.to_dict()))["seed"] == card.seed


def test_weights__small_enough():
    assert bundled.WEIGHTS.stat().st_size <= 10e6


@torch.no_grad()
def test_weights__tell_formulas_apart(generator):
    # A tenth of the accuracy on the card is far above chance, 1 in 448.
    backbone = backbones.get("pare-tiny")
    labels = torch.arange(formula.N_CLASSES)
    images = formula.render(labels, generator)
    logits = backbone.source_head(backbone.body(backbone.stem(images)))
    assert (logits.argmax(1) == labels).float().mean() > 0.6


def test_get__not_pretrained__xavier_from_the_generator():
    first, same, other = (
        backbones.get(
            "pare-tiny", pretrained=False, generator=torch.Generator().manual_seed(s)
        ).parts.state_dict()
        for s in (1, 1, 2)
    )
    name = "body.layers.0.blocks.0.mlp.fc1.weight"
    assert torch.equal(first[name], same[name])
    assert not torch.equal(first[name], other[name])
    bound = (6 / sum(first[name].shape)) ** 0.5
    assert first[name].abs().max() <= bound
    assert first[name].std() == pytest.approx(bound / 3**0.5, rel=0.05)


def test_build__formula_source__keeps_the_pretraining_head(generator):
    source = formula.FormulaSource()
    model = build(
        Architecture("pare-tiny", (1, 8, 8), 10, "gate"),
        generator,
        pretrained=True,
        source=source,
    )
    backbone = backbones.get("pare-tiny")
    pairs = [
        (model.source_head, backbone.source_head),
        (model.source_embed, backbone.stem),
        (model.body, backbone.body),
    ]
    for ours, theirs in pairs:
        for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert torch.equal(a, b)


@pytest.mark.parametrize("damage", ["cut", "flipped", "missing"])
def test_read_weights__damaged__says_so(damage, tmp_path):
    for name in (bundled.WEIGHTS, bundled.WEIGHTS.with_suffix(".json")):
        shutil.copy(name, tmp_path)
    path = tmp_path / bundled.WEIGHTS.name
    content = bytearray(path.read_bytes())
    if damage == "missing":
        path.unlink()
    else:
        if damage == "cut":
            del content[-100:]
        else:
            content[-1] ^= 1
        path.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"is missing|sha256"):
        read_weights(path)


def test_pretrain__a_few_steps__writes_a_loadable_body(tmp_path, monkeypatch):
    monkeypatch.setattr("sklearn_pare.backbones.pretrain.N_VALIDATION", 8)
    path = tmp_path / "body.safetensors"
    figures = pretrain(path, steps=3, batch_size=4, lr=1e-3, seed=1, device="cpu")
    tensors, card = read_weights(path)
    assert figures["steps"] == card.figures["steps"] == 3
    backbone = bundled.build_tiny(torch.Generator().manual_seed(1))
    start = backbone.parts.state_dict()["stem.proj.weight"].clone()
    backbone.parts.load_state_dict(tensors)
    assert not torch.equal(backbone.stem.proj.weight, start)
