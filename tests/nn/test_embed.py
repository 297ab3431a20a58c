import pytest
import torch

from sklearn_pare.nn.embed import (
    ImageEmbed,
    MaskToken,
    SignalEmbed,
    WordEmbed,
    embedder,
)
from sklearn_pare.nn.init import xavier_

GRID, DIM = (4, 8), 6
SHAPES = [
    (1,),
    (5,),
    (32,),
    (100,),
    (1, 1),
    (2, 5),
    (3, 128),
    (1, 1000),
    (1, 1, 1),
    (1, 8, 8),
    (3, 16, 32),
    (5, 64, 24),
    (57, 200, 200),
]


def _stem(generator, norm=True):
    stem = ImageEmbed((3, 16, 32), GRID, DIM, norm=norm)
    xavier_(stem, generator)
    stem.proj.bias.data.normal_(generator=generator)
    return stem


def _built(shape, generator):
    module = embedder(shape, ImageEmbed((3, 16, 32), GRID, DIM))
    xavier_(module, generator)
    return module


@pytest.mark.parametrize("shape", SHAPES)
def test_embedder__any_shape__fills_the_grid(shape, generator):
    tokens = _built(shape, generator)(torch.randn(2, *shape, generator=generator))
    assert tokens.shape == (2, 32, DIM)
    assert torch.isfinite(tokens).all()


@pytest.mark.parametrize(
    "shape", [(5,), (100,), (2, 5), (3, 300), (1, 8, 8), (2, 70, 9)]
)
def test_embedder__every_number_counts(shape, generator):
    module = _built(shape, generator)
    x = torch.randn(1, *shape, generator=generator, requires_grad=True)
    (module(x) ** 3).sum().backward()
    assert (x.grad != 0).all()


def test_image_embed__stem_of_same_shape__equal_tokens(generator):
    stem, copy = _stem(generator), _built((3, 16, 32), generator)
    copy.start_from(stem)
    x = torch.randn(2, 3, 16, 32, generator=generator)
    assert torch.equal(copy(x), stem(x))


@pytest.mark.parametrize("channels", [1, 2, 3, 7])
def test_image_embed__repeated_channels__same_response(channels, generator):
    # A grey image gives the same projection with any number of equal channels.
    stem = _built((3, 16, 32), generator)
    module = ImageEmbed((channels, 16, 32), GRID, DIM)
    module.start_from(stem)
    grey = torch.randn(2, 1, 16, 32, generator=generator)
    if channels in (1, 3):
        expected = stem.proj(grey.expand(-1, 3, -1, -1))
        actual = module.proj(grey.expand(-1, channels, -1, -1))
        torch.testing.assert_close(actual, expected)
    else:
        spread = module.proj(grey.expand(-1, channels, -1, -1)).std()
        assert 0.5 < spread / stem.proj(grey.expand(-1, 3, -1, -1)).std() < 2


def test_image_embed__larger_patch__same_response_to_constant(generator):
    stem = _built((3, 16, 32), generator)
    module = ImageEmbed((3, 32, 64), GRID, DIM)
    module.start_from(stem)
    assert module.proj.kernel_size == (8, 8)
    torch.testing.assert_close(
        module(torch.ones(1, 3, 32, 64)), stem(torch.ones(1, 3, 16, 32))
    )


def test_image_embed__small_image__not_blown_up():
    assert ImageEmbed((1, 8, 8), (8, 8), DIM).size == (32, 32)


def test_table_embed__columns_beyond_tokens__grouped(generator):
    module = _built((100,), generator)
    assert sorted(set(module.columns.flatten().tolist())) == list(range(100))
    assert module.columns.shape == (32, 4)


def _moved_tokens(module, generator):
    x = torch.randn(1, 1, 128, generator=generator)
    changed = x.clone()
    changed[..., 40:44] += 1
    moved = (module(x) != module(changed)).any(-1)[0]
    return moved.nonzero().flatten().tolist()


def _without_kernels(module):
    torch.nn.init.zeros_(module.shares.weight)
    torch.nn.init.zeros_(module.shares.bias)
    return module


def test_signal_embed__token_sees_its_own_piece_and_kernels_reach_farther(generator):
    module = _built((1, 128), generator)
    seen = _moved_tokens(module, generator)
    assert 10 in seen
    assert len(seen) > 3
    assert _moved_tokens(_without_kernels(module), generator) == [10]


def test_signal_embed__from_a_stem_of_images__sees_stripes(generator):
    # The signal as an image: lines of 32 time points, each four pixels high.
    stem, module = _stem(generator), _without_kernels(SignalEmbed((1, 128), GRID, DIM))
    module.start_from(stem)
    x = torch.randn(2, 1, 128, generator=generator)
    stripes = x.unflatten(2, (4, 32)).repeat_interleave(4, 2).expand(-1, 3, -1, -1)
    torch.testing.assert_close(module(x), stem(stripes))


@pytest.mark.parametrize("length", [128, 300, 5000])
def test_signal_embed__longer_pieces__same_response_to_constant(length, generator):
    stem, module = (
        _stem(generator),
        _without_kernels(SignalEmbed((1, length), GRID, DIM)),
    )
    module.start_from(stem)
    ones = torch.ones(1, 1, length)
    torch.testing.assert_close(
        module(ones)[0, 0],
        stem(torch.ones(1, 3, 16, 32))[0, 0],
        atol=1e-3,
        rtol=1e-3,
    )


@pytest.mark.parametrize("shape", [(9,), (1, 700), (2, 50)])
def test_embedder__stem_without_norm__tokens_as_long_as_the_stem_s(shape, generator):
    stem = _stem(generator, norm=False)
    module = embedder(shape, stem)
    xavier_(module, generator)
    module.start_from(stem)
    ours = module(torch.randn(64, *shape, generator=generator)).square().mean()
    theirs = stem(torch.randn(64, 3, 16, 32, generator=generator)).square().mean()
    assert ours.item() == pytest.approx(theirs.item(), rel=0.1)


@pytest.mark.parametrize("shape", [(9,), (2, 50), (1, 8, 8)])
def test_embedder__stem_of_words__tokens_as_long_as_words(shape, generator):
    stem = WordEmbed(50, GRID, DIM)
    stem.table.weight.data.normal_(std=0.1, generator=generator)
    module = embedder(shape, stem)
    xavier_(module, generator)
    module.start_from(stem)
    tokens = module(torch.randn(64, *shape, generator=generator))
    assert tokens.shape == (64, 32, DIM)
    assert tokens.std().item() == pytest.approx(0.1, rel=0.1)


def test_mask_token__one_learned_vector_everywhere():
    module = MaskToken(GRID, DIM)
    tokens = module(torch.zeros(2))
    assert tokens.shape == (2, 32, DIM)
    tokens.sum().backward()
    assert (module.token.grad == 64).all()
