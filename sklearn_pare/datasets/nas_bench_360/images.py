"""CIFAR-100 and Spherical: colour images in pickles."""

from functools import partial

import numpy as np

from sklearn_pare.datasets._readers.files import check_array, read_object, take_key
from sklearn_pare.datasets._readers.rows import ComputedRows
from sklearn_pare.datasets.nas_bench_360.request import Part, hold_out

_CLASSES = 100


def load_cifar_100(request, part):
    """Load images (n, 3, 32, 32), each channel standardised."""
    images, labels, rows = _rows(request, part, _read_cifar)
    mean, scale = request.once(_statistics, request)
    compute = partial(_standardised, images, mean, scale)
    return Part(ComputedRows(compute, rows, images.shape[1:]), labels[rows])


def load_spherical(request, part):
    """Load images (n, 3, 60, 60) between 0 and 1."""
    images, labels, rows = _rows(request, part, _read_spherical)
    compute = partial(_standardised, images, np.zeros(3), np.ones(3))
    return Part(ComputedRows(compute, rows, images.shape[1:]), labels[rows])


def _rows(request, part, read):
    """Return images and labels of the file, and the indices of a part."""
    name = "test" if part == "test" else "train"
    images, labels = request.once(read, request, name)
    return images, labels, hold_out(len(images), len(images) // 5, part)


def _read_cifar(request, name):
    path = request.path(f"cifar-100-python/{name}")
    content = read_object(path)
    images, labels = _arrays(content, path, "data", "fine_labels", (3 * 32 * 32,))
    return images.reshape(-1, 3, 32, 32), labels


def _read_spherical(request, name):
    path = request.path("spherical/s2_cifar100.gz")
    content = take_key(request.once(read_object, path), path, name, dict)
    return _arrays(content, path, "images", "labels", (3, 60, 60), f"{name}/")


def _arrays(content, path, data, target, shape, prefix=""):
    """Return images and labels from two keys; ``prefix`` precedes them in errors."""
    images, labels = take_key(content, path, data), take_key(content, path, target)
    images = check_array(images, path, prefix + data, ("N", *shape), kinds="u")
    limits = {"kinds": "iu", "low": 0, "high": _CLASSES - 1}
    labels = check_array(labels, path, prefix + target, (len(images),), **limits)
    return images, labels.astype(np.int64)


def _statistics(request):
    """Return mean and deviation of the training part's channels, scaled to 0 ... 1."""
    images, _, rows = _rows(request, "train", _read_cifar)
    values = np.arange(256) / 255
    counts = np.stack(
        [np.bincount(images[rows, c].ravel(), minlength=256) for c in range(3)]
    )
    share = counts / counts.sum(1, keepdims=True)
    mean = share @ values
    return mean, np.sqrt(share @ values**2 - mean**2)


def _standardised(images, mean, scale, rows):
    mean, scale = (s.reshape(3, 1, 1).astype(np.float32) for s in (mean, scale))
    return (images[rows].astype(np.float32) / 255 - mean) / scale
