import math

import pytest
import torch

from sklearn_pare.nn.decoder import DenseDecoder, Spectral, hide, stages
from sklearn_pare.nn.init import xavier_
from tests.common.tiny import TinyBackbone

DIMS, PATCHES = (6, 10), (1, 2)


def _decoder(input_shape, output_shape, generator, linear=False):
    decoder = DenseDecoder(input_shape, output_shape, DIMS, PATCHES, linear)
    xavier_(decoder, generator)
    return decoder


def _maps(n, generator):
    sizes = [(8, 4), (4, 2)]
    return [
        torch.randn(n, *size, dim, generator=generator, requires_grad=True)
        for size, dim in zip(sizes, DIMS, strict=True)
    ]


SHAPES = [
    ((1, 5), (1, 5)),
    ((2, 300), (3, 300)),
    ((1, 64), (2, 17)),
    ((1, 8, 8), (1, 8, 8)),
    ((3, 33, 17), (2, 33, 17)),
    ((1, 16, 40), (1, 50, 7)),
    ((60, 9, 9), (4, 1, 1)),
    ((1, 1, 1), (1, 3, 3)),
    ((1, 64, 6), (1, 64, 6)),
]


@pytest.mark.parametrize(("input_shape", "output_shape"), SHAPES, ids=str)
@pytest.mark.parametrize("linear", [False, True])
def test_decoder__any_size(input_shape, output_shape, linear, generator):
    decoder = _decoder(input_shape, output_shape, generator, linear)
    x = torch.randn(2, *input_shape, generator=generator)
    offset = torch.randn(2, *output_shape, generator=generator) if linear else None
    outputs = decoder(_maps(2, generator), x, offset)
    assert outputs.shape == (2, *output_shape)
    assert outputs.isfinite().all()


@pytest.mark.parametrize("shape", [(2, 70), (2, 40, 24)], ids=str)
def test_backward__reaches_all_stages_parameters_and_places(shape, generator):
    decoder = _decoder(shape, (1, *shape[1:]), generator)
    torch.nn.init.ones_(decoder.share)
    maps = _maps(2, generator)
    x = torch.randn(2, *shape, generator=generator, requires_grad=True)
    (decoder(maps, x) ** 2).sum().backward()
    assert all(features.grad.abs().max() > 0 for features in maps)
    assert (x.grad != 0).all()
    for name, parameter in decoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("shape", [(1, 256), (1, 64, 64)], ids=str)
def test_decoder__one_pixel__seen_at_full_resolution(shape, generator):
    decoder = _decoder(shape, shape, generator)
    x, maps = torch.zeros(1, *shape, requires_grad=True), _maps(1, generator)
    place = (0, 0, *[30] * (len(shape) - 1))
    decoder(maps, x)[place].backward()
    strength = x.grad.abs()
    here = strength[(0, 0, *[slice(27, 34)] * (len(shape) - 1))].max()
    # Coarse levels alone would give all positions of a coarse cell similar gradients.
    assert here > 5 * strength.mean()


def test_decoder__signal__every_place_sees_every_other(generator):
    decoder = _decoder((1, 1024), (1, 1024), generator)
    x, maps = torch.randn(1, 1, 1024, requires_grad=True), _maps(1, generator)
    decoder(maps, x)[0, 0, 0].backward()
    assert (x.grad != 0).all()


@pytest.mark.parametrize("shape", [(2, 70), (2, 40, 24)], ids=str)
def test_decoder__bfloat16__near_float32(shape, generator):
    decoder = _decoder(shape, shape, generator)
    maps, x = _maps(2, generator), torch.randn(2, *shape, generator=generator)
    exact = decoder(maps, x)
    with torch.autocast("cpu", torch.bfloat16):
        outputs = decoder(maps, x)
    assert outputs.dtype == torch.float32
    assert 0 < (outputs - exact).norm() < 0.02 * exact.norm()


@pytest.mark.parametrize("shape", [(2, 70), (1, 600), (2, 40, 24)], ids=str)
def test_share__zero_at_first__learned(shape, generator):
    decoder = _decoder(shape, (1, *shape[1:]), generator)
    maps, others = _maps(2, generator), _maps(2, generator)
    x = torch.randn(2, *shape, generator=generator)
    outputs = decoder(maps, x)
    assert torch.equal(outputs, decoder(others, x))
    assert torch.equal(outputs, decoder([], x))
    outputs.square().sum().backward()
    assert (decoder.share.grad != 0).any()
    with torch.no_grad():
        decoder.share -= 0.1 * decoder.share.grad.sign()
    assert not torch.equal(decoder(maps, x), decoder(others, x))


def _spectral(width, n_modes, length, generator):
    layer = Spectral(width, n_modes, length)
    torch.nn.init.normal_(layer.weight, generator=generator)
    return layer


@pytest.mark.parametrize("length", [24, 25])
@pytest.mark.parametrize("mode", [1, 3])
def test_spectral__wave__turned_and_stretched_by_its_weight(mode, length, generator):
    layer = _spectral(1, 4, length, generator)
    angle = 2 * math.pi * mode * torch.arange(length) / length
    real, imaginary = layer.weight[mode, :, 0, 0].detach()
    expected = real * angle.cos() - imaginary * angle.sin()
    outputs = layer(angle.cos()[None, None])[0, 0]
    torch.testing.assert_close(outputs, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("length", [1, 2, 7, 8])
def test_spectral__all_frequencies__as_by_fft(length, generator):
    layer = _spectral(3, length // 2 + 1, length, generator)
    x = torch.randn(2, 3, length, generator=generator)
    weight = torch.complex(*layer.weight.unbind(1))
    spectrum = torch.einsum("bim,mio->bom", torch.fft.rfft(x), weight)
    expected = torch.fft.irfft(spectrum, length)
    torch.testing.assert_close(layer(x), expected, atol=1e-5, rtol=1e-4)


def test_spectral__high_frequencies_do_not_pass(generator):
    layer = _spectral(2, 4, 32, generator)
    x = torch.randn(5, 2, 32, generator=generator)
    passed = torch.fft.rfft(layer(x)).abs()
    assert (passed[..., :4] > 1e-2).any()
    assert passed[..., 4:].max() < 1e-4
    turned = layer(x.roll(7, 2))
    torch.testing.assert_close(turned, layer(x).roll(7, 2), atol=1e-5, rtol=1e-4)


def test_decoder__row_does_not_depend_on_others(generator):
    decoder = _decoder((2, 20, 12), (1, 20, 12), generator)
    maps, x = _maps(3, generator), torch.randn(3, 2, 20, 12, generator=generator)
    alone = decoder([features[1:2] for features in maps], x[1:2])
    torch.testing.assert_close(alone, decoder(maps, x)[1:2])


def test_scale__zero__nothing_and_half__half(generator):
    decoder = _decoder((1, 16), (1, 16), generator)
    maps, x = _maps(2, generator), torch.randn(2, 1, 16, generator=generator)
    torch.nn.init.ones_(decoder.read.bias)
    before = decoder(maps, x)
    decoder.scale(0.5)
    torch.testing.assert_close(decoder(maps, x), before / 2)
    decoder.scale(0.0)
    assert (decoder(maps, x) == 0).all()


@pytest.mark.parametrize("shape", [(2, 16), (2, 8, 12)], ids=str)
def test_start_at__means_of_outputs_shift_by_it(shape, generator):
    decoder = _decoder(shape, shape, generator)
    maps, x = _maps(2, generator), torch.randn(2, *shape, generator=generator)
    before, start = decoder(maps, x), torch.tensor([-4.0, 1.0])
    decoder.start_at(start)
    shift = start.reshape(2, *[1] * (len(shape) - 1)).expand(shape)
    torch.testing.assert_close(decoder(maps, x) - before, shift.expand(2, *shape))


def test_hide__image__exactly_the_replaced_patches():
    x = torch.ones(2, 3, 8, 16)
    hidden = hide(x, torch.tensor([[0, 5], [6, 7]]), (2, 4))
    expected = torch.ones(2, 3, 8, 16)
    expected[0, :, :4, :4] = 0
    expected[0, :, 4:, 4:8] = 0
    expected[1, :, 4:, 8:] = 0
    assert torch.equal(hidden, expected)
    assert (x == 1).all()


def test_hide__signal__windows_row_by_row():
    hidden = hide(torch.ones(1, 2, 80), torch.tensor([[0, 6]]), (2, 4))
    expected = torch.ones(1, 2, 80)
    expected[..., :10] = 0
    expected[..., 60:70] = 0
    assert torch.equal(hidden, expected)


@pytest.mark.parametrize("shape", [(1, 5), (1, 3, 2), (1, 50, 37)], ids=str)
def test_hide__all_or_none(shape):
    x = torch.ones(1, *shape)
    assert (hide(x, torch.arange(16)[None], (4, 4)) == 0).all()
    nothing = torch.empty(1, 0, dtype=torch.int64)
    assert torch.equal(hide(x, nothing, (4, 4)), x)


def test_stages__backbone_without_stages__its_features_on_the_grid(generator):
    backbone = TinyBackbone()
    torch.nn.init.normal_(backbone.position, generator=generator)
    tokens = torch.randn(2, 16, backbone.dim, generator=generator)
    (features,) = stages(backbone, tokens)
    assert features.shape == (2, 4, 4, backbone.feature_dim)
    torch.testing.assert_close(features.flatten(1, 2), backbone(tokens))
