"""Weights of timm in files of this machine, "timm:NAME@FILE"."""

import hashlib
import json
import pickle
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import timm
import torch

import sklearn_pare
from sklearn_pare import PaReClassifier, _safetensors, backbones
from sklearn_pare.exceptions import ModelFileError, SaveError, UnknownNameError
from tests.common.instances import tiny

SHAPE = (3, 160, 160)
# A path with all that also separates the parts of a name.
ODD = "a@b: c?d/e?max_tokens.safetensors"


def model(name="test_vit", **settings):
    """A model of timm with random weights in every tensor."""
    generator = torch.Generator().manual_seed(0)
    built = timm.create_model(name, pretrained=False, **settings)
    with torch.no_grad():
        for value in built.state_dict().values():
            value.normal_(generator=generator)
    return built


def write(path, built):
    """Write the weights of a model, and return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    safetensors.torch.save_file(built.state_dict(), path)
    return path


def refused(name, **settings):
    """Return the message with which a backbone is refused."""
    with pytest.raises(ModelFileError) as caught:
        backbones.get(name, **settings)
    return str(caught.value)


@pytest.fixture
def file(tmp_path):
    return write(tmp_path / "own.safetensors", model())


@pytest.mark.parametrize("place", ["file", "folder", "home", "odd"])
def test_get__file_or_folder__its_weights_and_their_card(place, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    end = {"file": "own.safetensors", "odd": ODD}.get(place, "model.safetensors")
    expected = model()
    path = write(tmp_path / end, expected)
    given = {"folder": str(tmp_path), "home": "~"}.get(place, str(path))
    name = f"timm:test_vit@{given}"
    backbone = backbones.get(name, input_shape=SHAPE)
    for key, value in backbone.module.model.state_dict().items():
        assert torch.equal(value, expected.state_dict()[key])
    assert torch.equal(backbone.stem.proj.weight, expected.patch_embed.proj.weight)
    card = backbone.card
    assert (card.name, card.origin, card.licence) == (name, given, "unknown")
    assert card.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    small = backbones.get(f"{name}?max_tokens=9", input_shape=SHAPE)
    assert small.module.grid == (3, 3)
    assert small.card == replace(card, description=small.card.description)


@pytest.mark.parametrize("option", ["max_tokens=0", "max_tokens=many", "max_tokens="])
def test_names__wrong_limit_after_a_file__refused(option):
    name = f"timm:test_vit@a?b?{option}"
    for function in (backbones.check, backbones.get, backbones.is_local):
        with pytest.raises(UnknownNameError, match=re.escape("a?b?max_tokens=64")):
            function(name)


@pytest.mark.parametrize("n_classes", [0, 7, 1000])
@pytest.mark.parametrize("name", ["test_vit", "deit_tiny_distilled_patch16_224"])
def test_get__any_classifier__ignored(name, n_classes, tmp_path):
    expected = model(name, num_classes=n_classes)
    path = write(tmp_path / "own.safetensors", expected)
    ours = backbones.get(f"timm:{name}@{path}", input_shape=(3, 224, 224))
    norm, own = ours.module.model.norm, ours.module.model.state_dict()
    assert torch.equal(norm.weight, expected.norm.weight)
    assert not [key for key in own if key.startswith("head")]


def test_get__embeddings_of_another_grid__resampled_by_timm(tmp_path):
    path = write(tmp_path / "own.safetensors", model(img_size=96))
    settings = {"num_classes": 0, "pretrained_cfg_overlay": {"file": str(path)}}
    expected = timm.create_model("test_vit", pretrained=True, **settings)
    ours = backbones.get(f"timm:test_vit@{path}", input_shape=SHAPE).module.model
    assert ours.pos_embed.shape == (1, 101, 64)
    assert torch.equal(ours.pos_embed, expected.pos_embed)


def test_get__tag_that_timm_does_not_have__no_matter(file):
    name = f"timm:test_vit.mine.v2@{file}"
    ours, other = (
        backbones.get(one, input_shape=SHAPE).parts.state_dict()
        for one in (name, f"timm:test_vit@{file}")
    )
    assert all(torch.equal(ours[key], other[key]) for key in other)
    assert backbones.get(name, pretrained=False).module.grid == (10, 10)


def test_get__pretrained_false__same_as_without_a_file(file):
    first = backbones.get("timm:test_vit", pretrained=False)
    for place in (file, "/nowhere"):
        same = backbones.get(f"timm:test_vit@{place}", pretrained=False)
        for a, b in zip(first.parts.parameters(), same.parts.parameters(), strict=True):
            assert torch.equal(a, b)
        assert (same.card.sha256, same.card.origin) == (None, None)


def test_fetch_and_is_local__file__its_path(file):
    name = f"timm:test_vit@{file}"
    assert backbones.fetch(name) == backbones.fetch(f"{name}?max_tokens=9") == file
    path = file.rename(file.with_name("model.safetensors"))
    assert backbones.fetch(f"timm:test_vit@{file.parent}") == path
    assert backbones.is_local(name)
    assert not backbones.has_config(name)
    assert not backbones.is_local("timm:test_vit")


def test_names__no_such_file__says_what_was_expected(tmp_path):
    pickled = tmp_path / "model.bin"
    torch.save(model().state_dict(), pickled)
    cases = {
        tmp_path / "gone.safetensors": "does not exist",
        tmp_path: f"{tmp_path / 'model.safetensors'} does not exist",
        pickled: "is no such file",
    }
    for place, problem in cases.items():
        for function in (backbones.check, backbones.get, backbones.fetch):
            with pytest.raises(ModelFileError) as caught:
                function(f"timm:test_vit@{place}")
            for part in (str(place), problem, ".safetensors", "folder with a file"):
                assert part in str(caught.value)
    with pytest.raises(UnknownNameError, match=r"Did you mean.*test_vit"):
        backbones.check("timm:test_vitt@/nowhere")


def test_fit__file__saved_model_needs_it_no_more(file, table, tmp_path):
    X, y = table
    name = f"timm:test_vit.mine@{file}?max_tokens=9"
    clf = tiny(PaReClassifier, backbone=name, max_epochs=1, tune="none").fit(X, y)
    expected, moved = clf.predict_proba(X), pickle.dumps(clf)
    path = tmp_path / "model.pare"
    with pytest.raises(SaveError, match="folder of this machine"):
        clf.save(path, omit_pretrained=True)
    clf.save(path)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    file.unlink()
    for again in (sklearn_pare.load(path), pickle.loads(moved)):
        np.testing.assert_array_equal(again.predict_proba(X), expected)
        assert again.backbone == name
    _, text = _safetensors.read(path)
    card = json.loads(text)["fitted"]["_architecture"]["card"]
    assert (card["sha256"], card["origin"]) == (digest, str(file))


def test_get__cut_file__not_a_whole_one(file):
    content = file.read_bytes()
    for size in (0, 5, 500, len(content) - 1):
        file.write_bytes(content[:size])
        message = refused(f"timm:test_vit@{file}")
        assert f"{file} is not a whole safetensors file" in message
        assert "Copy or save it again" in message


def test_get__another_width__names_tensor_and_both_shapes(file):
    write(file, model(embed_dim=96, num_heads=3))
    with pytest.raises(ModelFileError) as caught:
        backbones.get(f"timm:test_vit@{file}")
    # The shapes are in the header, so that timm did not try to load the file.
    assert caught.value.__cause__ is None
    message = str(caught.value)
    assert f"{file} does not contain the weights of 'timm:test_vit@{file}'" in message
    assert (
        "cls_token has shape (1, 1, 96) in the file and (1, 1, 64) in the model"
        in message
    )
    assert re.search(r"pos_embed has shape \(1, 101, 96\).* and \d\d more", message)
    assert "Use a file that was saved from this model" in message


def test_get__another_patch_size__refused_and_not_resampled(file):
    write(file, model(patch_size=8))
    message = refused(f"timm:test_vit@{file}")
    assert "(64, 3, 8, 8) in the file and (64, 3, 16, 16) in the model" in message


@pytest.mark.parametrize("depth", [5, 7])
def test_get__another_depth__names_missing_or_surplus_tensors(depth, file):
    own = len(model().blocks)
    assert own == 6
    write(file, model(depth=depth))
    message = refused(f"timm:test_vit@{file}")
    what = "the file lacks" if depth < own else "the model has no"
    first = min(depth, own)
    block = rf"blocks\.{first}\.\S+"
    assert re.search(rf"{what} {block}, {block}, {block} and 9 more\. Use", message)
    assert "blocks.0." not in message


def test_get__tensors_beside_a_whole_model__refused(file):
    tensors = model().state_dict() | {"extra.weight": torch.ones(2)}
    safetensors.torch.save_file(tensors, file)
    assert "the model has no extra.weight. Use" in refused(f"timm:test_vit@{file}")


def test_get__another_architecture__refused(file):
    message = refused(f"timm:deit_tiny_distilled_patch16_224@{file}")
    assert "cls_token has shape (1, 1, 64) in the file and (1, 1, 192)" in message
    assert "the file lacks dist_token" in message


def test_get__empty_classifier_of_many_classes__takes_no_memory(file):
    tensors = model(num_classes=0).state_dict()
    tensors["head.weight"] = torch.empty(2**40, 0)
    safetensors.torch.save_file(tensors, file)
    assert "the model has no head.weight" in refused(f"timm:test_vit@{file}")


@pytest.mark.parametrize("named_by", ["sha256", "another hash"])
def test_get__from_the_hub__card_and_one_hash(named_by, file, hub, monkeypatch):
    repo_id = timm.get_pretrained_cfg("test_vit").hf_hub_id
    content = file.read_bytes()
    hub.put(repo_id, "model.safetensors", content)
    if named_by == "another hash":
        hub.etags = dict.fromkeys(hub.etags, '"' + 40 * "b" + '"')
    hashed, digest = [], hashlib.file_digest

    def counted(opened, kind):
        hashed.append(Path(opened.name).name)
        return digest(opened, kind)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    card = backbones.get("timm:test_vit", input_shape=SHAPE).card
    assert card.sha256 == hashlib.sha256(content).hexdigest()
    assert card.origin == f"{repo_id}/model.safetensors"
    assert len(hashed) == 1
