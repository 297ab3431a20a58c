import pytest
import torch

from sklearn_pare.nn.embed import ImageEmbed, embedder
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


def _built(shape, generator, grid=GRID):
    module = embedder(shape, grid, DIM)
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
    stem, copy = _built((3, 16, 32), generator), _built((3, 16, 32), generator)
    copy.start_from(stem)
    x = torch.randn(2, 3, 16, 32, generator=generator)
    assert torch.equal(copy(x), stem(x))


@pytest.mark.parametrize("channels", [1, 2, 3, 7])
def test_image_embed__repeated_channels__same_response(channels, generator):
    # One grey image seen through any number of channels projects alike.
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


def test_signal_embed__token_sees_its_own_piece(generator):
    module = _built((1, 128), generator)
    x = torch.randn(1, 1, 128, generator=generator)
    changed = x.clone()
    changed[..., 40:44] += 1
    moved = (module(x) != module(changed)).any(-1)[0]
    assert moved.nonzero().flatten().tolist() == [10]
