"""Crops of photographs that installed packages contain: "photographs"."""

import math
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import torch
import torch.nn.functional as F

from sklearn_pare.sources.base import Source, draw_index
from sklearn_pare.sources.folder import imagenet_units

# The photographs among the files of scikit-image. Others are drawings, charts, masks
# and texts, are blurred, or show the same as one of these.
_SCIKIT_IMAGE = (
    "astronaut.png",
    "brick.png",
    "camera.png",
    "chelsea.png",
    "coffee.png",
    "coins.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "moon.png",
    "motorcycle_left.png",
    "retina.jpg",
    "rocket.jpg",
)
# Least side of a crop as part of the shorter side of its photograph.
_LEAST = 0.25


class PhotographSource(Source):
    """Random crops of photographs, whose class is the photograph: "photographs".

    The photographs are those in the installed packages scikit-image and scikit-learn;
    nothing is downloaded. A sample is a square at a random place, with sides between a
    quarter and all of the shorter side of the photograph. Half of the samples are
    flipped from left to right. Samples are resized, and scaled as backbones pretrained
    on ImageNet expect.

    Parameters
    ----------
    size : tuple of int, default=(32, 32)
        Height and width of a sample; `for_backbone` uses those of the backbone.

    Raises
    ------
    ImportError
        If scikit-image is not installed.

    Examples
    --------
    >>> from sklearn_pare.sources import PhotographSource
    >>> PhotographSource(size=(64, 64)).n_classes
    16
    """

    def __init__(self, size=(32, 32)):
        # Only its files are read, so it is not imported.
        package = find_spec("skimage")
        if package is None:
            raise ImportError(
                "source='photographs' needs scikit-image. Install it by "
                "pip install 'sklearn-pare[images]'."
            )
        self.size = tuple(size)
        self.row_shape = (3, *self.size)
        self._folder = Path(package.origin).parent / "data"

    @cached_property
    def _photographs(self):
        """All photographs, uint8 (3, H, W)."""
        from PIL import Image
        from sklearn.datasets import load_sample_images

        images = [Image.fromarray(pixels) for pixels in load_sample_images().images]
        for path in (self._folder / name for name in _SCIKIT_IMAGE):
            # Some distributions leave out files.
            if path.is_file():
                with Image.open(path) as image:
                    images.append(image.convert("RGB"))
        return [self._reduce(image) for image in images]

    def _reduce(self, image):
        """Return the pixels of an image of at most twice the size of a sample."""
        from torchvision.transforms.functional import pil_to_tensor

        # Crops are then at most halved, for which bilinear interpolation is enough.
        scale = 2 * math.sqrt(math.prod(self.size)) / min(image.size)
        if scale < 1:
            image = image.resize([round(scale * side) for side in image.size])
        return pil_to_tensor(image)

    @property
    def n_classes(self):
        """Number of photographs."""
        return len(self._photographs)

    def for_backbone(self, backbone):
        """Return the same photographs in the size of the backbone's own stem."""
        return PhotographSource(getattr(backbone.stem, "size", self.size))

    def sample(self, n, generator):
        """Draw `n` crops with the numbers of their photographs."""
        device = generator.device
        labels = draw_index(self.n_classes, n, generator)
        places = torch.rand(n, 4, generator=generator, device=device).tolist()
        crops = []
        for label, place in zip(labels.tolist(), places, strict=True):
            crop = _crop(self._photographs[label], *place).to(device)[None].float()
            crops.append(F.interpolate(crop, self.size, mode="bilinear"))
        return imagenet_units(torch.cat(crops)), labels.to(device)


def _crop(pixels, extent, top, left, flip):
    """Return the square of pixels (3, H, W) that four numbers in [0, 1) determine."""
    _, height, width = pixels.shape
    side = round((_LEAST + (1 - _LEAST) * extent) * min(height, width))
    top, left = int(top * (height - side + 1)), int(left * (width - side + 1))
    crop = pixels[:, top : top + side, left : left + side]
    return crop.flip(2) if flip < 0.5 else crop
