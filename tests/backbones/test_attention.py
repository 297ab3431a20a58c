"""Attention to tokens that hold something, in backbones with their random weights."""

from types import SimpleNamespace

import pytest
import torch

from sklearn_pare import backbones
from sklearn_pare.backbones.bundled_signal import build_signal
from sklearn_pare.backbones.hf_models import TextBackbone
from sklearn_pare.nn.gaps import at_outputs, only

SHAPE = (3, 64, 64)


def _timm(name):
    return lambda generator: backbones.get(
        f"timm:{name}?max_tokens=256",
        pretrained=False,
        generator=generator,
        input_shape=SHAPE,
    )


def _bert(generator):
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        vocab_size=9,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
    )
    return SimpleNamespace(module=TextBackbone(transformers.BertModel(config), (4, 4)))


BACKBONES = {
    # name: (function of a generator, what merges into one output, in tokens)
    "pare-tiny": (
        lambda generator: backbones.get(
            "pare-tiny", pretrained=False, generator=generator, input_shape=SHAPE
        ),
        4,
    ),
    "pare-signal": (build_signal, 16),
    "swin": (_timm("swin_tiny_patch4_window7_224"), 8),
    "vit": (_timm("vit_tiny_patch16_224"), 1),
    "bert": (_bert, 1),
    "eva02": (_timm("eva02_tiny_patch14_224"), 1),
}


@pytest.mark.parametrize("name", BACKBONES)
@torch.no_grad()
def test_attention__tokens_that_hold_nothing__no_effect(name, generator):
    make, merged = BACKBONES[name]
    module = make(generator).module.train(False)
    height, width = module.grid
    tokens = torch.randn(2, height, width, module.dim, generator=generator)
    filled = torch.ones(2, height, width, dtype=torch.bool)
    # Whole outputs of the backbone lack, in the second sample alone.
    filled[1, -merged if height > 1 else 0 :, -merged:] = False
    other = torch.where(filled[..., None], tokens, 9.0)
    clean = module(tokens.flatten(1, 2))
    filled = filled.flatten(1)
    with only(filled):
        found = [module(own.flatten(1, 2)) for own in (tokens, other)]
    outputs = at_outputs(filled, module.grid, clean.shape[1])
    assert outputs[0].all()
    assert 0 < outputs[1].sum() < outputs.shape[1]
    torch.testing.assert_close(found[0][outputs], found[1][outputs])
    # A complete sample beside one with gaps is read as before, and others are not.
    torch.testing.assert_close(found[0][0], clean[0], atol=1e-4, rtol=1e-4)
    assert not torch.allclose(found[0][1][outputs[1]], clean[1][outputs[1]], atol=1e-4)
