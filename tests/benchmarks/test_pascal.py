import numpy as np
import pytest
import torch
from PIL import Image

from sklearn_pare import PaReRegressor, sources
from sklearn_pare.benchmarks import pascal
from sklearn_pare.exceptions import DataError
from tests.common.tiny import NAME


@pytest.fixture
def voc(tmp_path):
    """A folder with two images of 20 x 30 pixels, and objects in their upper halves."""
    for name in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "ImageSets/Segmentation/train.txt").write_text("a\nb\n")
    for number, name in enumerate("ab", start=1):
        pixels = np.full((20, 30, 3), 100 * number, np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"JPEGImages/{name}.jpg")
        mask = np.zeros((20, 30), np.uint8)
        mask[:10], mask[10:, :6] = 5 * number, 255
        image = Image.fromarray(mask)
        # Pixels are colour indices, as in the masks of the challenge.
        image.putpalette(np.arange(768, dtype=np.uint8).tolist())
        image.save(tmp_path / f"SegmentationClass/{name}.png")
    return tmp_path


def test_pascal__masks_of_objects(voc):
    source = pascal.PascalSource(voc, (10, 10))
    x, y = source.sample(6, torch.Generator().manual_seed(0))
    assert x.shape == (6, 3, 10, 10)
    expected = torch.zeros(10, 10, dtype=torch.int64)
    expected[:5] = 1
    assert all(torch.equal(mask, expected) for mask in y)
    assert len(x[:, 0, 0, 0].unique()) == 2


def test_pascal__registered_by_its_folder__trains_fields(voc, monkeypatch):
    name = f"pascal:{voc}"
    # Undoes the registration after the test.
    monkeypatch.setitem(sources.registry.FACTORIES, name, None)
    pascal.register(name)
    X = np.random.default_rng(0).normal(size=(16, 1, 8, 8))
    model = PaReRegressor(
        backbone=NAME, source=name, max_epochs=1, linear_path=False, random_state=0
    ).fit(X, X)
    assert model.source_ == name


def test_pascal__no_folder__says_what_is_wanted(tmp_path):
    source = pascal.PascalSource(tmp_path)
    with pytest.raises(DataError, match="VOCtrainval_11-May-2012"):
        source.sample(1, torch.Generator())
    (tmp_path / "ImageSets/Segmentation").mkdir(parents=True)
    (tmp_path / "ImageSets/Segmentation/train.txt").write_text("a\n")
    with pytest.raises(DataError, match=r"an image and its mask, .*a\.jpg"):
        source.sample(1, torch.Generator())
