import json
import shutil

import pytest
import torch

from sklearn_pare import backbones
from sklearn_pare._architecture import Architecture, build
from sklearn_pare.backbones import bundled
from sklearn_pare.backbones.bundled import read_weights
from sklearn_pare.exceptions import ModelFileError
from sklearn_pare.sources import FormulaSource, formula
from studies.pretraining_images import dense_targets


def test_card__complete():
    card = backbones.get("pare-tiny").card
    assert card.licence == "BSD-3-Clause"
    assert len(card.sha256) == 64
    assert "studies pretraining" in card.command
    assert card.figures["validation_top1"] > 0.5
    assert json.loads(json.dumps(card.to_dict()))["seed"] == card.seed


def test_weights__small_enough():
    assert bundled.WEIGHTS.stat().st_size <= 10e6


@torch.no_grad()
def test_weights__tell_formulas_apart(generator):
    backbone = backbones.get("pare-tiny")
    labels = torch.arange(0, formula.N_CLASSES, 4)
    images = formula.render(labels, generator)
    logits = backbone.source_head(backbone.module(backbone.stem(images)))
    assert (logits.argmax(1) == labels).float().mean() > 0.7


def test_get__not_pretrained__xavier_from_the_generator():
    first, same, other = (
        backbones.get(
            "pare-tiny", pretrained=False, generator=torch.Generator().manual_seed(s)
        ).parts.state_dict()
        for s in (1, 1, 2)
    )
    name = "backbone.layers.0.blocks.0.mlp.fc1.weight"
    assert torch.equal(first[name], same[name])
    assert not torch.equal(first[name], other[name])
    bound = (6 / sum(first[name].shape)) ** 0.5
    assert first[name].abs().max() <= bound
    assert first[name].std() == pytest.approx(bound / 3**0.5, rel=0.05)


@pytest.mark.parametrize("name", ["all", "heaps", None])
def test_build__formula_source__keeps_the_pretraining_head(name, generator):
    source = FormulaSource.of_family(name) if name else FormulaSource()
    model = build(
        Architecture("pare-tiny", (1, 8, 8), (10,), "gate"),
        generator,
        pretrained=True,
        source=source,
    ).model
    backbone = backbones.get("pare-tiny")
    head = backbone.source_head.linear
    own = model.source_head.linear
    assert torch.equal(own.weight, head.weight[list(source.classes)])
    assert torch.equal(own.bias, head.bias[list(source.classes)])
    assert all(parameter.requires_grad for parameter in own.parameters())
    pairs = [
        (model.source_embed, backbone.stem),
        (model.backbone, backbone.module),
    ]
    for ours, theirs in pairs:
        for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert torch.equal(a, b)


@pytest.mark.parametrize("damage", ["cut", "flipped", "missing"])
def test_read_weights__damaged__refused(damage, tmp_path):
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


@torch.no_grad()
def test_dense_head__knows_the_transforms(generator):
    backbone = backbones.get("pare-tiny")
    images, grey = formula.draw(torch.arange(0, 2048, 8), generator)
    target = dense_targets(images, grey)
    painted = backbone.dense_head(backbone.module.stages(backbone.stem(images)))
    explained = 1 - (painted - target).square().mean() / target.var((0, 2, 3)).mean()
    assert explained > 0.7
