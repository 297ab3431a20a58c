"""Folders of images as sources: "folder:PATH"."""

from functools import cached_property, lru_cache

import numpy as np
import torch

from sklearn_pare._utils import expand
from sklearn_pare.exceptions import DataError
from sklearn_pare.sources.base import Source, draw_index

# Mean and standard deviation of each channel of ImageNet, which timm's weights expect.
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# Bytes of decoded images kept in memory.
_KEPT = 2**28


class FolderSource(Source):
    """Images with one folder per class: the source named "folder:PATH".

    Images are read when they are drawn, resized, and scaled as backbones pretrained on
    ImageNet expect. Classes are the folders sorted by name.

    Parameters
    ----------
    path : str or Path
        Each image is in ``PATH/CLASS/IMAGE``.
    size : tuple of int, default=(32, 32)
        Height and width of a sample; `for_backbone` uses those of the backbone.

    Raises
    ------
    DataError
        On first use, if the folder is missing or has no classes, or a file is not an
        image (ValueError).

    Examples
    --------
    >>> from sklearn_pare.sources import FolderSource
    >>> FolderSource("photographs", size=(64, 64)).row_shape
    (3, 64, 64)
    """

    def __init__(self, path, size=(32, 32)):
        self.path = expand(path)
        self.size = tuple(size)
        self.row_shape = (3, *self.size)
        self._pixels = lru_cache(_KEPT // (3 * size[0] * size[1]))(self._decode)

    @cached_property
    def _images(self):
        from torchvision.datasets import ImageFolder

        try:
            return ImageFolder(self.path)
        except OSError as error:
            raise DataError(
                f"source='folder:{self.path}' is not a folder of classes: {error}. "
                "Expected one folder for each class with its images inside, such as "
                f"{self.path / 'cat' / '1.png'} and {self.path / 'dog' / '1.png'}."
            ) from error

    def _decode(self, number):
        """Read an image, uint8 (H, W, 3)."""
        from PIL import Image

        path, _ = self._images.samples[number]
        height, width = self.size
        try:
            with Image.open(path) as image:
                image = image.convert("RGB")
        except OSError as error:
            raise DataError(
                f"source='folder:{self.path}': {path} cannot be read as an image: "
                f"{error}. Remove or replace it."
            ) from error
        return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))

    @property
    def n_classes(self):
        """Number of folders with images."""
        return len(self._images.classes)

    def for_backbone(self, backbone):
        """Return the same images in the size of the backbone's own stem."""
        return FolderSource(self.path, getattr(backbone.stem, "size", self.size))

    def sample(self, n, generator):
        """Draw `n` images with their classes."""
        device = generator.device
        index = draw_index(len(self._images), n, generator)
        pixels = np.stack([self._pixels(number) for number in index.tolist()])
        pixels = torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2)
        labels = torch.tensor(self._images.targets)[index].to(device)
        return imagenet_units(pixels), labels


def imagenet_units(pixels):
    """Return pixels (n, 3, H, W) from 0 to 255 in the units of timm's weights."""
    mean = torch.tensor(_MEAN, device=pixels.device).view(3, 1, 1)
    std = torch.tensor(_STD, device=pixels.device).view(3, 1, 1)
    return (pixels / 255 - mean) / std
