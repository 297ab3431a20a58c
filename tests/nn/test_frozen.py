"""Frozen features of a backbone."""

import copy

import pytest
import torch

from sklearn_pare import backbones
from sklearn_pare.nn.embed import value_embedder
from sklearn_pare.nn.frozen import FrozenFeatures
from tests.common.tiny import TinyBackbone

#: Backbone -> the block at two thirds of its depth.
BLOCKS = {
    "pare-tiny": "layers.1.blocks.2",
    "timm:test_vit?max_tokens=16": "model.blocks.3",
}


def _features(shape, name="pare-tiny"):
    pretrained = name == "pare-tiny"
    backbone = backbones.get(name, pretrained=pretrained, input_shape=shape)
    embed = value_embedder(shape[1], backbone.stem)
    frozen = FrozenFeatures(embed, copy.deepcopy(backbone.module), shape[0])
    frozen.start_from(backbone.stem, torch.Generator().manual_seed(0))
    return frozen, backbone


def _signals(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("name", "block"), BLOCKS.items(), ids=BLOCKS)
def test_features__means_of_a_block_at_two_thirds_of_the_depth(name, block):
    frozen, _ = _features((1, 90), name)
    outputs = []
    module = frozen.module.get_submodule(block)
    module.register_forward_hook(lambda *args: outputs.append(args[-1]))
    found = frozen(_signals(4, 1, 90))
    (read,) = outputs
    # Swin transformers have grids, and vision transformers a class token first.
    read = read.flatten(1, 2) if read.ndim == 4 else read[:, 1:]
    assert found.shape == (4, frozen.n_features)
    parts = found.unflatten(1, (read.shape[2], -1))
    torch.testing.assert_close(parts.mean(2), read.mean(1), atol=1e-5, rtol=1e-4)


def test_features__weights_trained_elsewhere_and_training_mode__the_same():
    frozen, backbone = _features((1, 90))
    x = _signals(4, 1, 90)
    before = frozen(x)
    for parameter in backbone.module.parameters():
        parameter.data += 1
    frozen.train()
    assert not frozen.training
    assert not any(p.requires_grad for p in frozen.parameters())
    torch.testing.assert_close(frozen(x), before, rtol=0, atol=0)


def test_features__of_channels__those_of_single_channels():
    frozen, _ = _features((2, 90))
    x = _signals(3, 2, 90)
    first, second = frozen(x).chunk(2, 1)
    torch.testing.assert_close(frozen(x.flip(1)), torch.cat([second, first], 1))


@pytest.mark.parametrize("shape", [(1, 1), (2, 24), (60, 30), (1, 5000)], ids=str)
def test_features__any_shape__few_and_finite(shape):
    frozen, _ = _features(shape)
    found = frozen(_signals(2, *shape))
    assert found.shape == (2, frozen.n_features)
    assert found.isfinite().all()
    assert frozen.n_features <= 2048


def test_features__backbone_without_blocks__its_output():
    module = TinyBackbone()
    torch.nn.init.zeros_(module.position)
    embed = value_embedder(64, backbones.get("pare-tiny").stem)
    embed.n_tokens, embed.proj = 16, torch.nn.Conv1d(1, 16, 4, 4)
    embed.length, embed.norm = 64, torch.nn.LayerNorm(16)
    frozen, x = FrozenFeatures(embed, module, 1), _signals(3, 1, 64)
    expected = module(embed(x)).transpose(1, 2).flatten(1)
    torch.testing.assert_close(frozen(x), expected)
