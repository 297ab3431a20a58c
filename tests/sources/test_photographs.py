import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_images

from sklearn_pare import backbones, sources
from sklearn_pare.nn.embed import ImageEmbed
from sklearn_pare.sources import PhotographSource
from sklearn_pare.sources.photographs import _crop

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


def test_photographs__scikit_image_missing__names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(ImportError, match=r"pip install 'sklearn-pare\[images\]'"):
        sources.get("photographs")


def test_crop__by_hand():
    pixels = torch.arange(8 * 16).view(1, 8, 16)
    assert torch.equal(_crop(pixels, 0.9999, 0.0, 0.5, 0.9), pixels[:, :, 4:12])
    assert torch.equal(_crop(pixels, 0.0, 0.0, 0.0, 0.9), pixels[:, :2, :2])
    last = _crop(pixels, 0.0, 0.9999, 0.9999, 0.1)
    assert torch.equal(last, pixels[:, 6:, 14:].flip(2))


@pytest.fixture(scope="module")
def photographs():
    pytest.importorskip("skimage")
    return sources.get("photographs")


def test_photographs__files__all_there_and_in_colour_or_grey(photographs):
    assert photographs.n_classes == 16
    for pixels in photographs._photographs:
        assert pixels.dtype == torch.uint8
        assert pixels.shape[0] == 3
        # Neither blank nor of two colours.
        assert len(pixels.unique()) > 50
        # Twice the size of a sample.
        assert min(pixels.shape[1:]) == 64


def test_photographs__sample__random_crops_of_their_photograph(photographs, generator):
    x, y = photographs.sample(800, generator)
    assert x.shape == (800, 3, 32, 32)
    assert (x.dtype, y.dtype) == (torch.float32, torch.int64)
    assert torch.bincount(y, minlength=16).min() >= 25
    # In the units of ImageNet.
    assert abs(x.mean()) < 0.3
    assert 0.7 < x.std() < 1.3
    colours = x * STD + MEAN
    assert colours.min() >= -1e-6
    assert colours.max() <= 1 + 1e-6
    # Few small crops are alike.
    assert len(x.flatten(1).unique(dim=0)) > 780
    # The cameraman is grey, and the cup is red.
    grey, cup = colours[y == 4], colours[y == 6]
    torch.testing.assert_close(grey[:, 0], grey[:, 2])
    assert cup.mean((0, 2, 3)).argmax() == 0


def test_photographs__whole_side__resized_as_it_is(monkeypatch, generator):
    pytest.importorskip("skimage")
    source = PhotographSource(size=(64, 64))
    # Without chance: the square at the top left, not flipped.
    numbers = torch.tensor([[1.0, 0.0, 0.0, 1.0]])
    monkeypatch.setattr(torch, "rand", lambda *args, **kwargs: numbers)
    x, y = source.sample(1, generator)
    image = source._photographs[y.item()]
    side = min(image.shape[1:])
    square = Image.fromarray(image[:, :side, :side].permute(1, 2, 0).numpy())
    resized = np.asarray(square.resize((64, 64), Image.Resampling.BOX)) / 255
    found = (x[0] * STD + MEAN).permute(1, 2, 0).numpy()
    np.testing.assert_allclose(found, resized, atol=0.01)


def test_photographs__of_scikit_learn__whole():
    pytest.importorskip("skimage")
    source = PhotographSource(size=(1000, 1000))
    china = load_sample_images().images[0]
    np.testing.assert_array_equal(source._photographs[0].permute(1, 2, 0), china)


def test_photographs__one_seed__same_samples(photographs):
    state = torch.get_rng_state()
    (x, y), (same_x, same_y), (other, _) = (
        photographs.sample(9, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(x, same_x)
    assert torch.equal(y, same_y)
    assert not torch.equal(x, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_photographs__for_backbone__size_of_its_stem(photographs):
    backbone = SimpleNamespace(stem=ImageEmbed((3, 64, 48), (8, 8), 64))
    source = photographs.for_backbone(backbone)
    assert source.row_shape == (3, *backbone.stem.size) == (3, 64, 48)
    x, _ = source.sample(2, torch.Generator())
    assert x.shape[1:] == source.row_shape
    backbone.stem = torch.nn.Identity()
    assert photographs.for_backbone(backbone).row_shape == (3, 32, 32)


def test_photographs__decoded_once(monkeypatch, generator):
    pytest.importorskip("skimage")
    opened, real = [], Image.open

    def spy(path, *args):
        opened.append(path)
        return real(path, *args)

    monkeypatch.setattr(Image, "open", spy)
    source = PhotographSource()
    assert not opened
    for _ in range(3):
        source.sample(5, generator)
    assert len([path for path in opened if "skimage" in str(path)]) == 14


def test_photographs__sampling__fast(generator):
    pytest.importorskip("skimage")
    backbone = backbones.get("timm:test_vit", pretrained=False)
    source = PhotographSource((224, 224))
    assert PhotographSource().for_backbone(backbone).row_shape == (3, 160, 160)
    source.sample(1, generator)
    start = time.process_time()
    source.sample(64, generator)
    assert time.process_time() - start < 1
