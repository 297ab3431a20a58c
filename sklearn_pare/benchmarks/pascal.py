"""PASCAL VOC 2012 as a source of masks, for the preset "paper" of dense tasks."""

from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import torch

from sklearn_pare import sources
from sklearn_pare.exceptions import DataError
from sklearn_pare.sources.base import Source, draw_index
from sklearn_pare.sources.folder import _KEPT, imagenet_units

PREFIX = "pascal:"
_NAMES = Path("ImageSets", "Segmentation", "train.txt")
# Colour indices without an object: the background, and borders of objects.
_NO_OBJECT = (0, 255)


class PascalSource(Source):
    """Photographs with masks of the pixels that show one of 20 kinds of objects.

    Parameters
    ----------
    folder : str or Path
        The folder "VOC2012" as distributed, with JPEGImages, SegmentationClass and
        ImageSets.
    size : tuple of int, default=(32, 32)
        Height and width of a sample; ``for_backbone`` uses those of the backbone.

    Raises
    ------
    DataError
        On first use, if a file is missing or not an image (ValueError).
    """

    n_classes, dense = 2, True

    def __init__(self, folder, size=(32, 32)):
        self.folder, self.size = Path(folder), tuple(size)
        self.row_shape = (3, *self.size)
        # Each pixel takes four bytes: three colours and its class.
        self._pair = lru_cache(_KEPT // (4 * size[0] * size[1]))(self._decode)

    @cached_property
    def _names(self):
        path = self.folder / _NAMES
        try:
            return path.read_text().split()
        except OSError as error:
            raise DataError(
                f"source='{PREFIX}{self.folder}': {path} cannot be read: {error}. "
                "Expected the folder VOC2012 of the PASCAL VOC 2012 challenge, from "
                "its archive VOCtrainval_11-May-2012.tar."
            ) from error

    def _decode(self, name):
        """Read an image, uint8 (H, W, 3), and its mask, bool (H, W)."""
        from PIL import Image

        height, width = self.size
        image = self.folder / "JPEGImages" / f"{name}.jpg"
        mask = self.folder / "SegmentationClass" / f"{name}.png"
        try:
            with Image.open(image) as pixels, Image.open(mask) as colours:
                pixels = pixels.convert("RGB").resize(
                    (width, height), Image.Resampling.BILINEAR
                )
                # Colour indices must not be interpolated.
                colours = colours.resize((width, height), Image.Resampling.NEAREST)
        except OSError as error:
            raise DataError(
                f"source='{PREFIX}{self.folder}': {name} cannot be read: {error}. "
                f"Expected an image and its mask, {image} and {mask}."
            ) from error
        return np.asarray(pixels), ~np.isin(np.asarray(colours), _NO_OBJECT)

    def for_backbone(self, backbone):
        """Return the same images in the size of the backbone's own stem."""
        return PascalSource(self.folder, getattr(backbone.stem, "size", self.size))

    def sample(self, n, generator):
        """Draw ``n`` images with their masks."""
        device = generator.device
        index = draw_index(len(self._names), n, generator)
        pairs = [self._pair(self._names[number]) for number in index.tolist()]
        pixels, masks = (np.stack(part) for part in zip(*pairs, strict=True))
        rows = torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2)
        return imagenet_units(rows), torch.from_numpy(masks).to(device).long()


def register(source):
    """Register a source named "pascal:FOLDER"; do nothing for any other source."""
    if isinstance(source, str) and source.startswith(PREFIX):
        folder = source.removeprefix(PREFIX)
        sources.register(source, lambda: PascalSource(folder))
