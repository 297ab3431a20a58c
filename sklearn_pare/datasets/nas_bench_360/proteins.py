"""PSICOV: features and distances of the residues of proteins."""

from numbers import Integral

import numpy as np

from sklearn_pare.datasets._readers.files import (
    bad_file,
    check_array,
    exists,
    read_object,
    take_key,
    warn_of_repeats,
)
from sklearn_pare.datasets._readers.rows import ComputedRows, one_by_one
from sklearn_pare.datasets.nas_bench_360.request import Part

_SIZE, _BORDER = 512, 5
_CHANNELS = 57
# Distance outside the protein, and the largest distance of training samples.
_OUTSIDE, _LARGEST = 100.0, 16.0
# Features of one residue in the order of the channels; -1 stands for the length.
_SINGLE = {"ss": (3, -1), "pssm": (-1, 22), "sa": (-1,), "entropy": (-1,)}
_PAIRS = ("ccmpred", "freecon", "potential")


def load_psicov(request, part):
    """Load features (n, 57, 512, 512) with distances (n, 1, 512, 512)."""
    name = "deepcov" if part == "train" else "psicov"
    path = request.path(f"protein/{name}.lst")
    words = [line.split() for line in path.read_text("utf-8", "replace").splitlines()]
    proteins = [line[0] for line in words if line]
    if part != "train":
        half = len(proteins) // 2
        proteins = proteins[:half] if part == "test" else proteins[half:]
    warn_of_repeats([line[0] for line in words if line], path)
    if not proteins:
        raise bad_file(path, None, "too few lines", "one protein name per line")
    folder = request.path(f"protein/{name}")
    for protein in proteins:
        for file in _files(folder, protein):
            if not exists(file):
                expected = f"{file}, as for every protein of the list"
                raise bad_file(path, protein, "a file is missing", expected)
    index, largest = np.arange(len(proteins)), _LARGEST if request.training else np.inf
    compute = one_by_one(_features, folder, proteins)
    data = ComputedRows(compute, index, (_CHANNELS, _SIZE, _SIZE))
    compute = one_by_one(_distances, folder, proteins, largest)
    target = ComputedRows(compute, index, (1, _SIZE, _SIZE))
    return Part(data, target)


def _files(folder, protein):
    return (
        folder / "features" / f"{protein}.pkl",
        folder / "distance" / f"{protein}-cb.npy",
    )


def _features(folder, proteins, number):
    """Return the channels of one protein, (57, 512, 512)."""
    path = _files(folder, proteins[number])[0]
    content = read_object(path)
    length = len(take_key(content, path, "seq", str | bytes))
    # Checked before memory is allocated: the sequence may be longer than the maps.
    pairs = [
        check_array(take_key(content, path, key), path, key, (length, length))
        for key in _PAIRS
    ]
    channels = np.empty((_CHANNELS, length, length), np.float32)
    channel = 0
    for key, form in _SINGLE.items():
        shape = tuple(length if size == -1 else size for size in form)
        values = check_array(take_key(content, path, key), path, key, shape)
        for row in np.atleast_2d(values if key == "ss" else values.T):
            # The value of the second residue of a pair, then that of the first.
            channels[channel], channels[channel + 1] = row, row[:, None]
            channel += 2
    channels[channel:] = pairs
    return _place(np.nan_to_num(channels, nan=0.0), 0, number)


def _distances(folder, proteins, largest, number):
    """Return the distances between the residues of one protein, (1, 512, 512)."""
    path = _files(folder, proteins[number])[1]
    content = read_object(path)
    expected = "the length, the sequence and the distances of a protein"
    three = isinstance(content, tuple | list | np.ndarray) and len(content) == 3
    if not three or not isinstance(content[0], Integral):
        raise bad_file(path, None, f"contains a {type(content).__name__}", expected)
    length = int(content[0])
    distances = check_array(content[2], path, "map", (length, length), kinds="f").copy()
    # As in the reference, a residue's distance from itself is that of its neighbours.
    distances[distances < 1] = 1
    _fill_diagonal(distances)
    canvas = _place(distances[None], _OUTSIDE, number)
    return np.nan_to_num(np.minimum(canvas, largest), nan=0.0)


def _fill_diagonal(distances):
    """Set the diagonal to the mean of its neighbours in the row, in place."""
    if len(distances) < 2:
        return
    inner = np.arange(1, len(distances) - 1)
    around = np.stack([distances[inner, inner - 1], distances[inner, inner + 1]])
    known = ~np.isnan(around)
    mean = np.where(known, around, 0).sum(0) / np.maximum(known.sum(0), 1)
    mean = np.where(known.any(0), mean, 1)
    # A residue of unknown position stays NaN.
    distances[inner, inner] = np.where(np.isnan(distances[inner, inner]), np.nan, mean)
    distances[0, 0], distances[-1, -1] = distances[0, 1], distances[-1, -2]


def _place(channels, outside, number):
    """Return a canvas with the channels 5 away from its top left corner.

    A long protein is cut to a window, fixed for it, with the same rows and columns.
    """
    length = channels.shape[-1]
    over = length + 2 * _BORDER - _SIZE
    first = int(np.random.default_rng(number).integers(over + 1)) if over > 0 else 0
    start, stop = max(0, _BORDER - first), min(_SIZE, _BORDER + length - first)
    inside = slice(start + first - _BORDER, stop + first - _BORDER)
    canvas = np.full((len(channels), _SIZE, _SIZE), outside, np.float32)
    canvas[:, start:stop, start:stop] = channels[:, inside, inside]
    return canvas
