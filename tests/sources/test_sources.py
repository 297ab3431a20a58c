import re

import numpy as np
import pytest
import torch

from sklearn_pare import backbones, sources
from sklearn_pare.exceptions import UnknownNameError
from sklearn_pare.nn.embed import MaskToken, SignalEmbed
from sklearn_pare.sources import ArraySource, MaskTokenSource, NoiseSource, Source
from sklearn_pare.sources.registry import FACTORIES


@pytest.fixture(scope="module")
def backbone():
    return backbones.get("pare-tiny", pretrained=False)


def test_array_source__rows_keep_their_labels(generator):
    X = np.arange(5, dtype=np.float32)[:, None] * np.ones((1, 3), np.float32)
    source = ArraySource(X, np.array([0, 1, 2, 3, 4]), 5)
    x, y = source.sample(100, generator)
    assert source.row_shape == (3,)
    assert not source.dense
    assert torch.equal(x[:, 0].long(), y)
    assert set(y.tolist()) == set(range(5))


@pytest.mark.parametrize("shape", [(2, 6), (2, 4, 6)], ids=str)
def test_array_source__masks__stay_with_their_rows(shape, generator):
    masks = np.random.default_rng(0).integers(4, size=(10, *shape[1:]))
    X = np.repeat(masks[:, None], 2, axis=1).astype(np.float32)
    source = ArraySource(X, masks, 4)
    x, y = source.sample(30, generator)
    assert source.dense
    assert source.row_shape == shape
    assert y.dtype == torch.int64
    assert torch.equal(x[:, 0].long(), y)


@pytest.mark.parametrize("name", ["formula", "waveforms", "noise", "mask-token"])
def test_sample__one_seed__same_rows(name):
    (x, y), (same_x, same_y) = (
        sources.get(name).sample(8, torch.Generator().manual_seed(3)) for _ in "ab"
    )
    assert torch.equal(x, same_x)
    assert torch.equal(y, same_y)
    assert y.dtype == torch.int64


def test_noise_source__one_class(generator):
    x, y = NoiseSource().sample(50, generator)
    assert y.unique().tolist() == [0]
    assert x.std().item() == pytest.approx(1, abs=0.02)


def test_mask_token_source__one_token_in_every_place(generator, backbone):
    source = MaskTokenSource()
    x, y = source.sample(3, generator)
    embed = source.embedder(backbone.stem)
    embed.token.data.normal_(generator=generator)
    tokens = embed(x)
    assert isinstance(embed, MaskToken)
    assert tokens.shape == (3, 64, backbone.module.dim)
    assert torch.equal(tokens, embed.token.expand_as(tokens))
    assert y.tolist() == [0, 0, 0]


def test_trains__mask_token_alone():
    kinds = [getattr(sources, name) for name in sources.__all__ if "Source" in name]
    assert [kind for kind in kinds if kind.trains] == [MaskTokenSource]


def test_source__of_users__defaults_do(backbone):
    class Waves(Source):
        n_classes, row_shape = 2, (1, 50)

    source = Waves()
    embed = source.embedder(backbone.stem)
    assert source.for_backbone(backbone) is source
    assert not source.dense
    assert isinstance(embed, SignalEmbed)
    assert embed(torch.zeros(2, 1, 50)).shape == (2, 64, backbone.module.dim)


def test_register__found_by_name_and_in_the_error(monkeypatch):
    # An entry of this name is removed after the test.
    monkeypatch.setitem(FACTORIES, "mine:1", None)
    sources.register("mine:1", NoiseSource)
    assert isinstance(sources.get("mine:1"), NoiseSource)
    candidates = sources.open_candidates("nearest", "pare-tiny")
    assert isinstance(candidates["mine:1"], NoiseSource)
    # Neither controls nor what needs another package or another backbone.
    left_out = {"noise", "photographs", "docstrings", "waveforms"}
    assert not left_out & candidates.keys()
    with pytest.raises(ValueError, match="'mine:1'"):
        sources.get("other")


@pytest.mark.parametrize(
    "name", ["other", "folder", "folder:", "openml", "text:", "timm:x", ""]
)
def test_get__unknown__lists_all(name):
    with pytest.raises(UnknownNameError, match=re.escape(f"source={name!r}")) as caught:
        sources.get(name)
    for known in sources.list_sources():
        assert repr(known) in str(caught.value)
