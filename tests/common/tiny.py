"""A backbone of a few thousand weights, so that a fit takes milliseconds."""

import torch
from torch import nn

from sklearn_pare import backbones
from sklearn_pare.nn.embed import ImageEmbed
from sklearn_pare.nn.init import DrawFrom, xavier_

NAME = "test-tiny"


class TinyBackbone(nn.Module):
    grid, dim, feature_dim = (4, 4), 16, 24

    def __init__(self):
        super().__init__()
        self.position = nn.Parameter(torch.empty(16, self.dim))
        self.attention = nn.MultiheadAttention(self.dim, 2, batch_first=True)
        self.qkv = nn.Linear(self.dim, self.dim)
        self.norm = nn.LayerNorm(self.dim)
        self.widen = nn.Linear(self.dim, self.feature_dim)

    def forward(self, tokens):
        tokens = self.norm(self.qkv(tokens + self.position))
        mixed, _ = self.attention(tokens, tokens, tokens, need_weights=False)
        return self.widen(tokens + mixed).tanh()


def build(pretrained, generator):
    with DrawFrom(torch.Generator()):
        module = TinyBackbone()
        backbone = backbones.Backbone(
            module=module,
            stem=ImageEmbed((3, 16, 16), module.grid, module.dim),
            source_head=None,
            card=backbones.BackboneCard(NAME, "for tests", "BSD-3-Clause"),
        )
        xavier_(backbone.parts, generator)
        nn.init.normal_(module.position, generator=generator)
        nn.init.normal_(module.attention.in_proj_bias, std=0.02, generator=generator)
    return backbone


backbones.register(NAME, build)
