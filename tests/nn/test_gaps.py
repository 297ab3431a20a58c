"""Parts of the network on signals and images with missing numbers."""

import pytest
import torch
from torch import nn

from sklearn_pare.nn import gaps
from sklearn_pare.nn.competing import CompetingKernels
from sklearn_pare.nn.embed import ImageEmbed, SignalEmbed, ValueEmbed
from sklearn_pare.nn.frozen import FrozenFeatures
from sklearn_pare.nn.init import xavier_
from sklearn_pare.nn.kernels import DilatedKernels
from sklearn_pare.nn.linear_path import FeatureGroups, LinearPath, PooledNumbers
from sklearn_pare.nn.model import Mixing, PaReModel
from sklearn_pare.nn.replace import SELECTORS
from sklearn_pare.nn.wave_embed import WaveEmbed
from tests.common.tiny import TinyBackbone

NAN, GRID = torch.nan, (4, 4)


def _frozen(channels, length):
    embed = ValueEmbed((1, length), GRID, 16)
    return FrozenFeatures(embed, TinyBackbone(), channels)


#: Name -> module for samples of a shape, and the shape.
MODULES = {
    "images": (lambda: ImageEmbed((2, 16, 16), GRID, 16), (2, 16, 16)),
    "small images": (lambda: ImageEmbed((2, 9, 5), GRID, 16), (2, 9, 5)),
    "large images": (lambda: ImageEmbed((1, 90, 70), GRID, 16), (1, 90, 70)),
    "values": (lambda: ValueEmbed((2, 64), GRID, 16), (2, 64)),
    "signals": (lambda: SignalEmbed((2, 50), GRID, 16), (2, 50)),
    "waves": (lambda: WaveEmbed((2, 128), GRID, 16), (2, 128)),
    "short waves": (lambda: WaveEmbed((2, 37), GRID, 16), (2, 37)),
    "kernels": (lambda: DilatedKernels(3, 60, 500), (3, 60)),
    "long kernels": (lambda: DilatedKernels(1, 5000, 84, 3), (1, 5000)),
    "competing": (lambda: CompetingKernels(3, 60), (3, 60)),
    "long competing": (lambda: CompetingKernels(1, 5000), (1, 5000)),
    "backbone": (lambda: _frozen(2, 40), (2, 40)),
    "backbone, many channels": (lambda: _frozen(20, 40), (20, 40)),
    "numbers": (lambda: PooledNumbers((2, 40)), (2, 40)),
    "pooled numbers": (lambda: PooledNumbers((1, 80, 80)), (1, 80, 80)),
}


def _module(name, generator):
    make, shape = MODULES[name]
    module, x = make(), torch.randn(5, *shape, generator=generator)
    xavier_(module, generator)
    if hasattr(module, "fit"):
        module.fit(x)
    return module, x


@pytest.mark.parametrize("name", MODULES)
@torch.no_grad()
def test_gaps__complete_sample_beside_one_with_gaps__same_result(name, generator):
    module, x = _module(name, generator)
    with_gaps = x.clone()
    with_gaps[1:, ..., 3:] = NAN
    clean, mixed = module(x), module(with_gaps)
    tolerance = 0.05 if "waves" in name else 1e-5
    torch.testing.assert_close(mixed[0], clean[0], atol=tolerance, rtol=tolerance)
    assert not mixed.isinf().any()


@pytest.mark.parametrize("name", MODULES)
@torch.no_grad()
def test_gaps__tail__empty_tokens_are_the_mean_of_the_others(name, generator):
    module, x = _module(name, generator)
    tail = x.clone()
    tail[..., -x.shape[-1] // 2 :] = NAN
    found = module(tail)
    if found.ndim == 3:
        # Tokens of the known half, up to the last that overlaps with the gap.
        filled = gaps.filled_tokens(tail, GRID)
        assert 0 < filled[0].sum() < 16
        assert not found.isnan().any()
        # All others are the mean of these.
        mean = (found * filled[..., None]).sum(1) / filled.sum(1, keepdim=True)
        torch.testing.assert_close(found[~filled].unflatten(0, (5, -1)).mean(1), mean)
        torch.testing.assert_close(found.mean(1), mean)
    else:
        assert (found.isnan().sum() == 0) == ("numbers" not in name)


@pytest.mark.parametrize("known", [8, 13, 40, 59])
@pytest.mark.parametrize("place", ["begin", "end"])
@torch.no_grad()
def test_kernels__short_signal__shares_of_its_own_positions(known, place, generator):
    kernels = DilatedKernels(2, 60, 500)
    x = torch.randn(4, 2, 60, generator=generator)
    kernels.fit(x)
    short = (x[..., :known] if place == "begin" else x[..., -known:]).clone()
    x[..., known:] = NAN
    if place == "end":
        x[..., :-known], x[..., -known:] = NAN, short
    torch.testing.assert_close(kernels(x), kernels(short))


@pytest.mark.parametrize("known", [9, 20, 33, 59])
@torch.no_grad()
def test_competing__short_signal__like_its_own(known, generator):
    kernels = CompetingKernels(2, 60)
    x = torch.randn(4, 2, 60, generator=generator)
    own = kernels(x[..., :known]) * (60 / known) ** 0.5
    x[..., known:] = NAN
    torch.testing.assert_close(kernels(x), own, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("dilation", [1, 2, 5])
def test_valid_positions__gap__no_tap_in_it(dilation):
    there = torch.ones(1, 2, 80, dtype=torch.bool)
    there[0, 1, 40] = False
    read = torch.tensor([[1, 0], [0, 1], [1, 1]])
    valid = gaps.valid_positions(there, read, dilation, 1, 9)[0]
    hit = {40 + dilation * tap for tap in range(-4, 5)}
    assert valid[0].all()
    for own in valid[1:]:
        assert set((~own).nonzero()[:, 0].tolist()) == hit


def test_valid_positions__gaps_everywhere__all_positions_of_the_signal():
    there = torch.ones(1, 1, 30, dtype=torch.bool)
    there[..., 1::2] = False
    valid = gaps.valid_positions(there, torch.ones(1, 1), 1, 1, 9)
    assert valid[0, 0].tolist() == [True] * 29 + [False]


def test_valid_positions__channel_without_numbers__the_others_count():
    there = torch.tensor([[[True] * 30, [False] * 30]])
    read = torch.tensor([[1, 0], [0, 1], [1, 1]])
    valid = gaps.valid_positions(there, read, 1, 1, 9)[0]
    assert valid.all(1).tolist() == [True, False, True]
    assert not valid[1].any()


@pytest.mark.parametrize("name", ["kernels", "competing", "backbone", "numbers"])
@torch.no_grad()
def test_linear__channel_without_numbers__features_are_means(name, generator):
    module, x = _module(name, generator)
    path = LinearPath(FeatureGroups({name: module}), (2,))
    path.weight.copy_(torch.randn(path.weight.shape, generator=generator))
    path.mean.copy_(module(x).mean(0))
    x[0, 0] = NAN
    features = module(x)
    lacking = features[0].isnan()
    assert 0 < lacking.sum() < lacking.numel()
    assert not features[1:].isnan().any()
    expected = torch.where(lacking, path.mean, features[0]) @ path.weight.T
    torch.testing.assert_close(path(x)[0], expected, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("shape", [(1, 30), (3, 16), (2, 7, 9)], ids=str)
def test_average__gaps__mean_of_the_known(shape, generator):
    x = torch.rand(2, *shape, generator=generator)
    x[0, 0, 3:] = NAN
    size = tuple(1 for _ in shape[1:])
    pool = nn.AdaptiveAvgPool1d(size) if len(size) == 1 else nn.AdaptiveAvgPool2d(size)
    torch.testing.assert_close(
        gaps.average(x, pool).flatten(1), x.flatten(2).nanmean(2)
    )


@pytest.mark.parametrize("n", [16, 4, 1])
def test_at_outputs__merged_tokens__filled_if_one_is(n):
    filled = torch.zeros(1, 16, dtype=torch.bool)
    filled[0, 5] = True
    assert gaps.at_outputs(filled, GRID, n).sum() == 1
    assert gaps.at_outputs(filled, (1, 16), n).sum() == 1
    assert gaps.at_outputs(None, GRID, n) is None


def _model(selector):
    gate, replace = SELECTORS[selector]
    embed = ImageEmbed((1, 16, 16), GRID, 16)
    head = nn.Module()
    head.forward = lambda features: features.mean(1)
    source = ImageEmbed((1, 16, 16), GRID, 16)
    return PaReModel(
        embed, TinyBackbone(), head, gate(16), source, head, replace=replace
    )


@pytest.mark.parametrize("selector", SELECTORS)
@pytest.mark.parametrize("own", [True, False], ids=["own", "source"])
@pytest.mark.parametrize("gap", [4, 12, 15])
def test_mixing__gaps__tokens_without_numbers_stay_so(selector, own, gap, generator):
    model = _model(selector)
    xavier_(model, generator)
    x = torch.randn(6, 1, 16, 16, generator=generator)
    others = x.flip(0).clone()
    x[:3, :, gap:] = NAN
    mixing = Mixing(x, 9, torch.rand(2, 6, 16, generator=generator), others, own)
    seen = {}
    run = model.backbone.forward

    def spy(tokens):
        seen["filled"] = gaps.attended()
        return run(tokens)

    model.backbone.forward = spy
    outputs = model(x, mixing)
    filled = seen["filled"].unflatten(1, GRID)
    assert len(filled) == 12
    # A gap from position 15 on leaves a line of each of the last tokens.
    n_lines = -(-gap // 4)
    assert filled[:3, :n_lines].all()
    assert not filled[:3, n_lines:].any()
    assert not filled[6:9, n_lines:].any()
    assert filled[3:6].all()
    for found in outputs[:3]:
        assert found is None or found.isfinite().all()
    assert gaps.attended() is None


def test_filled_mixed__other_sample_with_gaps__its_tokens_lack_too():
    own = torch.tensor([[True, True, True, False]])
    others = torch.tensor([[False, True, True, True]])
    index = torch.tensor([[0, 1]])
    mixed = gaps.filled_mixed(own, others, index, index)
    assert mixed.tolist() == [[False, True, True, False]]
    # In the order of the source, as in the paper.
    mixed = gaps.filled_mixed(own, others, index, torch.tensor([[2, 3]]))
    assert mixed.tolist() == [[True, True, True, False]]


def test_with_mean__gate__scores_like_a_mean_token(generator):
    gate = SELECTORS["gate"][0](8)
    tokens = torch.randn(2, 6, 8, generator=generator)
    filled = torch.tensor([[True] * 4 + [False] * 2] * 2)
    scores = gate(gaps.with_mean(tokens, filled))
    torch.testing.assert_close(scores[:, :4], gate(tokens[:, :4]))
