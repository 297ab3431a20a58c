"""Cosmic: telescope images and the pixels hit by cosmic rays."""

from pathlib import PurePosixPath

import numpy as np

from sklearn_pare.datasets._readers.files import (
    bad_file,
    check_array,
    exists,
    read_object,
    warn_of_repeats,
)
from sklearn_pare.datasets._readers.rows import ComputedRows, one_by_one
from sklearn_pare.datasets.nas_bench_360.request import Part, hold_out
from sklearn_pare.nn.losses import IGNORED

_FILTER = "f435w"
_CROP = slice(64, 192)
_SKY = (-0.9, 3.0)
# Fields of galaxies, PROPOSAL_VISIT; the others show star clusters or empty sky.
_GALAXIES = {
    "10182_pb", "10182_pd", "10190_13", "10190_28", "10260_5", "10260_7", "10342_3",
    "10407_3", "10584_13", "10760_2", "10760_4", "12058_1", "12058_6", "12058_12",
    "12058_16", "12513_2", "12513_3", "13057_1", "13364_95", "13691_11", "13737_2",
    "13737_3", "13804_6", "14343_1", "14704_1", "9490_a2", "9490_a3",
}  # fmt: skip


def load_cosmic(request, part):
    """Load images (n, 1, 128, 128) with masks (n, 128, 128), grouped by field."""
    name = "test" if part == "test" else "train"
    paths = request.once(_paths, request, name)
    rows = np.arange(len(paths))
    if part != "test":
        test = request.once(_paths, request, "test")
        # As many as the test images, but at most half.
        rows = hold_out(len(paths), min(len(test), len(paths) // 2), part)
    share = np.zeros(len(paths))
    if request.training:
        for sky in dict.fromkeys(path.with_name("sky.npy") for path in paths):
            if not exists(sky):
                expected = "the light of the sky, which is added to training samples"
                raise bad_file(sky, None, "no such file", expected)
        share = np.random.default_rng(0).uniform(*_SKY, len(paths))
    data = ComputedRows(one_by_one(_image, paths, share), rows, (1, 128, 128))
    target = ComputedRows(one_by_one(_mask, paths), rows, (128, 128), np.int8)
    groups = np.array(["_".join(path.parts[-3:-1]) for path in paths])
    return Part(data, target, groups[rows])


def _paths(request, name):
    """Return the files of the training or test set in a fixed order."""
    folder = request.path(f"cosmic/npy_{name}")
    listed = request.home / "cosmic" / f"{name}_dirs.npy"
    if listed.exists():
        return _listed(request, request.path(f"cosmic/{name}_dirs.npy"))
    paths = sorted(
        path
        for path in folder.glob(f"{_FILTER}/*/*/*.npy")
        if path.name != "sky.npy" and "_".join(path.parts[-3:-1]) in _GALAXIES
    )
    request.files.extend(paths)
    if not paths:
        expected = f"files {_FILTER}/PROPOSAL/VISIT/*.npy of fields of galaxies"
        raise bad_file(folder, None, "no image", expected)
    return paths


def _listed(request, path):
    """Return the files that a list names relative to the folder of the benchmark."""
    names = np.ravel(read_object(path))
    names = [n.decode("utf-8", "replace") if isinstance(n, bytes) else n for n in names]
    expected = "paths such as './cosmic/npy_train/f435w/10760/2/1_0.npy'"
    paths = []
    for name in names:
        if not isinstance(name, str) or ".." in PurePosixPath(name).parts:
            raise bad_file(path, None, f"contains {name!r}", expected)
        paths.append(request.home / PurePosixPath(name.lstrip("/")))
        if not exists(paths[-1]):
            raise bad_file(path, name, "no such file", f"{paths[-1]}")
    if not paths:
        raise bad_file(path, None, "an empty list", expected)
    warn_of_repeats(names, path)
    return paths


def _read(path):
    """Return image, mask and positions to ignore, (3, 128, 128)."""
    layers = read_object(path)
    n = 2 if np.shape(layers)[:1] == (2,) else 3
    layers = check_array(layers, path, None, (n, 256, 256))[:, _CROP, _CROP]
    return layers if n == 3 else np.concatenate([layers, 0 * layers[:1]])


def _image(paths, share, number):
    image = _read(paths[number])[0].astype(np.float32)
    # The file of the sky is read only where the sky is added.
    light = share[number] * _sky(paths[number]) if share[number] else 0.0
    return image[None] + np.float32(light)


def _sky(path):
    """Return the light of the sky in the exposure from which a file was cut."""
    skies = path.with_name("sky.npy")
    values = check_array(read_object(skies), skies, None, ("N",))
    exposure = path.name.partition("_")[0]
    if not exposure.isdigit() or not 0 < int(exposure) <= len(values):
        expected = f"one value for the exposure {exposure!r} of {path.name}"
        raise bad_file(skies, None, f"{len(values)} values", expected)
    return float(values[int(exposure) - 1])


def _mask(paths, number):
    _, mask, ignored = _read(paths[number])
    return np.where(ignored > 0, IGNORED, mask > 0).astype(np.int8)
