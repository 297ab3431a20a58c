from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sklearn_pare import backbones, sources
from sklearn_pare.exceptions import DataError
from sklearn_pare.nn.embed import ImageEmbed
from sklearn_pare.sources import FolderSource

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
COLOURS = {"blue": (0, 0, 255), "green": (0, 255, 0), "red": (255, 0, 0)}


@pytest.fixture
def folder(tmp_path):
    """Folder with two images of different sizes of each colour."""
    for colour in sorted(COLOURS, reverse=True):
        (tmp_path / colour).mkdir()
        for number, size in enumerate([(20, 10), (40, 40)]):
            image = Image.new("RGB", size, COLOURS[colour])
            image.save(tmp_path / colour / f"{number}.png")
    return tmp_path


def test_folder__classes_by_name__colours_on_the_scale_of_imagenet(folder, generator):
    source = sources.get(f"folder:{folder}")
    x, y = source.sample(30, generator)
    assert source.n_classes == 3
    assert source.row_shape == (3, 32, 32)
    assert x.shape == (30, 3, 32, 32)
    assert x.dtype == torch.float32
    assert set(y.tolist()) == {0, 1, 2}
    colours = np.array([COLOURS[name] for name in sorted(COLOURS)])
    expected = (colours[y] / 255 - MEAN) / STD
    np.testing.assert_allclose(x.mean((2, 3)), expected, atol=1e-5)
    np.testing.assert_allclose(x.std((2, 3)), 0, atol=1e-5)


def test_folder__one_seed__same_rows(folder):
    (x, y), (same_x, same_y) = (
        FolderSource(folder).sample(9, torch.Generator().manual_seed(1)) for _ in "ab"
    )
    assert torch.equal(x, same_x)
    assert torch.equal(y, same_y)


def test_folder__resize__bilinear_height_before_width(tmp_path, generator):
    (tmp_path / "a").mkdir()
    image = Image.fromarray(np.arange(0, 240, 10, dtype=np.uint8).reshape(4, 6))
    image.save(tmp_path / "a" / "grey.png")
    x, _ = FolderSource(tmp_path, size=(8, 16)).sample(1, generator)
    resized = image.resize((16, 8), Image.Resampling.BILINEAR)
    expected = (np.asarray(resized) / 255 - MEAN[:, None, None]) / STD[:, None, None]
    np.testing.assert_allclose(x[0], expected, atol=1e-5)


def test_folder__drawn_twice__decoded_once(folder, generator, monkeypatch):
    opened = []
    real = Image.open

    def spy(path, *args):
        opened.append(path)
        return real(path, *args)

    monkeypatch.setattr(Image, "open", spy)
    FolderSource(folder).sample(100, generator)
    assert len(opened) == 6


def test_folder__for_backbone__size_of_its_stem(folder):
    backbone = backbones.get("pare-tiny", pretrained=False)
    backbone.stem = ImageEmbed((3, 64, 48), (8, 8), 64)
    source = FolderSource(folder).for_backbone(backbone)
    assert source.row_shape == (3, *backbone.stem.size) == (3, 64, 48)
    backbone.stem = torch.nn.Identity()
    source = FolderSource(folder, (40, 24)).for_backbone(backbone)
    assert source.row_shape == (3, 40, 24)


def test_folder__get__reads_nothing_until_used(tmp_path, folder):
    source = sources.get(f"folder:{tmp_path / 'later'}")
    Path(folder).joinpath("red").rename(tmp_path / "kept")
    (tmp_path / "later").mkdir()
    (tmp_path / "kept").rename(tmp_path / "later" / "red")
    assert source.n_classes == 1


@pytest.mark.parametrize("made", [False, True], ids=["missing", "no classes"])
def test_folder__unusable__says_layout(tmp_path, made):
    path = tmp_path / "photographs"
    if made:
        path.mkdir()
        (path / "1.png").write_bytes(b"")
    with pytest.raises(DataError, match="one folder for each class") as caught:
        _ = sources.get(f"folder:{path}").n_classes
    assert str(path / "cat" / "1.png") in str(caught.value)


def test_folder__damaged_image__named(tmp_path, generator):
    path = tmp_path / "a" / "broken.png"
    path.parent.mkdir()
    path.write_bytes(b"no image")
    with pytest.raises(DataError, match=r"broken\.png cannot be read as an image"):
        FolderSource(tmp_path).sample(1, generator)
