import pytest
import torch

from sklearn_pare.nn.embed import ImageEmbed, TableEmbed, embedder
from sklearn_pare.nn.init import xavier_
from sklearn_pare.nn.wave_embed import WaveEmbed

GRID, DIM = (1, 64), 96


@pytest.fixture
def stem(generator):
    return _drawn(WaveEmbed((1, 512), GRID, DIM), generator)


def _drawn(module, generator):
    xavier_(module, generator)
    for name, bias in module.named_parameters():
        if name.endswith("bias"):
            bias.data.normal_(std=0.1, generator=generator)
    return module


def _without_levels(module):
    for parameter in module.levels.parameters():
        torch.nn.init.zeros_(parameter)


@pytest.mark.parametrize("length", [2, 3, 24, 511, 512, 5000])
@pytest.mark.parametrize("channels", [1, 2, 7, 60])
def test_embedder__any_signal__fills_the_grid(length, channels, stem, generator):
    module = embedder((channels, length), stem)
    assert isinstance(module, WaveEmbed)
    module.start_from(stem)
    tokens = module(torch.randn(2, channels, length, generator=generator))
    assert tokens.shape == (2, 64, DIM)
    assert tokens.isfinite().all()


@pytest.mark.parametrize("value", [0.0, 1.0, -1e6])
def test_wave_embed__constant_signals__finite(value, stem):
    tokens = stem(torch.full((1, 1, 100), value))
    assert tokens.isfinite().all()
    # One channel that is constant leaves the others as they are.
    module = embedder((2, 100), stem)
    module.start_from(stem)
    x = torch.stack([torch.arange(100.0).sin(), torch.full((100,), value)])[None]
    assert module(x).isfinite().all()
    assert not torch.equal(module(x), module(x.flip(-1)))


@pytest.mark.parametrize("channels", [1, 2, 5, 60])
@pytest.mark.parametrize("length", [30, 512])
def test_start_from__equal_channels__tokens_of_one(channels, length, stem, generator):
    module = embedder((channels, length), stem)
    module.start_from(stem)
    _without_levels(module)
    x = torch.randn(3, 1, length, generator=generator)
    torch.testing.assert_close(
        module(x.expand(-1, channels, -1)), stem(x), atol=1e-4, rtol=1e-4
    )


def test_start_from__channels_in_another_order__same_tokens(stem, generator):
    module = embedder((3, 80), stem)
    module.start_from(stem)
    _without_levels(module)
    x = torch.randn(3, 3, 80, generator=generator)
    torch.testing.assert_close(module(x.flip(1)), module(x), atol=1e-4, rtol=1e-4)


def test_wave_embed__scale_and_offset_of_a_signal__no_effect(stem, generator):
    x = torch.randn(2, 1, 200, generator=generator)
    torch.testing.assert_close(stem(300 * x - 40), stem(x), atol=1e-3, rtol=1e-3)


def test_wave_embed__long_signal__not_aliased(stem):
    # A period of eight positions is far above what 512 of 5,000 positions can show.
    time = torch.linspace(0, 1, 5000)
    slow = torch.sin(20 * time)
    fast = torch.sin(2 * torch.pi * 625 * time)
    plain, noisy = stem(torch.stack([slow, slow + 0.3 * fast])[:, None])
    other = stem(torch.sin(30 * time)[None, None])[0]
    assert (plain - noisy).norm() < 0.5 * (plain - other).norm()


def test_wave_embed__token_sees_its_surroundings(stem, generator):
    x = torch.randn(1, 1, 512, generator=generator)
    changed = x.clone()
    # The mean and variance of the signal stay the same; those of differences hardly
    # change.
    changed[..., 80:88] = changed[..., 80:88].flip(-1)
    moved = (stem(x) - stem(changed)).abs().amax(-1)[0]
    assert moved.argmax() == 10
    far = torch.cat([moved[:7], moved[14:]])
    assert moved[7:14].min() > 2 * far.max()
    assert far.max() < 0.05 * moved.max()


@pytest.mark.parametrize(
    ("shape", "kind"),
    [((5,), TableEmbed), ((90,), TableEmbed), ((3, 8, 8), ImageEmbed)],
    ids=str,
)
def test_embedder__tables_and_images__tokens_of_the_stem_s_scale(
    shape, kind, stem, generator
):
    with torch.no_grad():
        stem.norm.weight.mul_(3)
    module = embedder(shape, stem)
    assert isinstance(module, kind)
    xavier_(module, generator)
    module.start_from(stem)
    tokens = module(torch.randn(64, *shape, generator=generator))
    assert tokens.shape == (64, 64, DIM)
    assert torch.equal(module.norm.weight, stem.norm.weight)
    assert torch.equal(module.norm.bias, stem.norm.bias)


def test_embedder__levels__change_tokens_in_units_of_their_spread(stem, generator):
    x = torch.randn(50, 2, 64, generator=generator)
    x = x * torch.rand(50, 2, 1, generator=generator) + torch.tensor([[1.0], [-2.0]])
    for factor in (1.0, 1e-3, 1e3):
        module = _drawn(embedder((2, 64), stem), torch.Generator().manual_seed(0))
        module.start_from(stem)
        module.fit(factor * x)
        plain = WaveEmbed.forward(module, factor * x)
        added = module(factor * x) - plain
        # The same for all tokens of a sample, and another for each sample.
        torch.testing.assert_close(added, added[:, :1].expand_as(added))
        assert 0.05 < added[:, 0].std(0).mean() < 0.5


@pytest.mark.parametrize("missing", ["a channel", "a sample", "the end"])
def test_embedder__levels_of_gaps__finite(missing, stem, generator):
    module = _drawn(embedder((2, 64), stem), generator)
    x = torch.randn(2, 2, 64, generator=generator)
    gap = {"a channel": (0, 0), "a sample": (0,), "the end": (..., slice(40, None))}
    x[gap[missing]] = torch.nan
    assert module(x).isfinite().all()


@pytest.mark.parametrize("value", [0.0, 1e6, -3e4])
def test_embedder__levels_of_constant_signals__finite(value, stem, generator):
    module = _drawn(embedder((1, 64), stem), generator)
    assert module(torch.full((1, 1, 64), value)).isfinite().all()


def test_embedder__levels_that_hardly_varied__do_not_drown_the_signal(stem, generator):
    module = _drawn(embedder((1, 64), stem), generator)
    module.start_from(stem)
    x = torch.randn(40, 1, 64, generator=generator)
    x = (x - x.mean(2, keepdim=True)) / x.std(2, keepdim=True)
    module.fit(x * (1 + 3e-4 * torch.rand(40, 1, 1, generator=generator)))
    plain = WaveEmbed.forward(module, x)
    for other in (1.05 * x, x + 3, torch.ones(40, 1, 64)):
        added = module(other) - WaveEmbed.forward(module, other)
        assert added.std() < 2 * plain.std()
