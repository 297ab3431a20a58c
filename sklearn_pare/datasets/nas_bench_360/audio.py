"""FSD50K: chunks of sound as log-mel spectrograms."""

from functools import cache

import numpy as np

from sklearn_pare.datasets._readers.files import (
    bad_file,
    exists,
    read_csv,
    read_json,
    read_wav,
    warn_of_repeats,
)
from sklearn_pare.datasets._readers.rows import ComputedRows, one_by_one
from sklearn_pare.datasets.nas_bench_360.request import Part

_LABELS = 200
_RATE, _BANDS, _FRAMES = 22050, 96, 101
_N_FFT, _WINDOW, _HOP = 1920, int(0.03 * _RATE), int(0.01 * _RATE)


def load_fsd50k(request, part):
    """Load spectrograms (n, 1, 96, 102) with labels (n, 200), grouped by clip."""
    name = {"train": "tr", "valid": "val", "test": "eval"}[part]
    path = request.path(f"audio/chunks/{name}.csv")
    files, labels, clips = read_csv(path, ["files", "labels", "ext"])
    codes = request.once(_codes, request)
    target = np.zeros((len(files), _LABELS), np.int8)
    for row, text in enumerate(labels):
        for label in text.split(","):
            if label not in codes:
                expected = "labels of lbl_map.json, separated by commas"
                raise bad_file(path, "labels", f"has {label!r}", expected)
            target[row, codes[label]] = 1
    names = [_name(path, file) for file in files]
    warn_of_repeats(names, path, "files")
    _check_chunks(request.home / "audio", names, path)
    compute = one_by_one(_spectrogram, request.home / "audio", names)
    data = ComputedRows(compute, np.arange(len(names)), (1, _BANDS, _FRAMES + 1))
    return Part(data, target, np.array(clips))


def _codes(request):
    """Return the number of each label."""
    path = request.path("audio/chunks/lbl_map.json")
    codes = read_json(path)
    numbers = codes.values() if isinstance(codes, dict) else ()
    whole = all(type(number) is int for number in numbers)
    if not whole or sorted(numbers) != list(range(_LABELS)):
        found = f"contains a {type(codes).__name__} of {len(numbers)} numbers"
        raise bad_file(path, None, found, f"{_LABELS} labels with numbers from 0")
    return codes


def _name(path, file):
    """Return the path of a chunk without the name of its authors' folder."""
    rest = file[4:].lstrip("/")
    if ".." in rest.split("/") or not rest:
        raise bad_file(path, "files", f"has {file!r}", "paths such as data/x/1.wav")
    return rest


def _check_chunks(folder, names, path):
    """Raise an error if a chunk does not exist; each folder is listed once."""
    parents = {name: (folder / name).parent for name in names}
    known = {
        parent: {file.name for file in parent.iterdir()}
        for parent in set(parents.values())
        if exists(parent) and parent.is_dir()
    }
    for name, parent in parents.items():
        if (folder / name).name not in known.get(parent, ()):
            expected = f"a chunk, which {path} lists"
            raise bad_file(folder / name, None, "no such file", expected)


def _spectrogram(folder, names, number):
    """Return the log-mel spectrogram of one chunk, (1, 96, 102)."""
    sound = read_wav(folder / names[number], _RATE)
    # Repeated to at least one second.
    sound = np.tile(sound, -(-_RATE // len(sound)))
    decibels = 10 * np.log10(np.maximum(_mel_power(sound), 1e-10))
    # At most 80 dB below the maximum.
    decibels = np.maximum(decibels, decibels.max() - 80) + 75
    decibels -= decibels.mean()
    first = (decibels.shape[1] - _FRAMES) // 2
    frames = decibels[:, first : first + _FRAMES]
    return np.pad(frames, ((0, 0), (0, 1)))[None]


def _mel_power(sound):
    """Return the power in mel bands (96, frames): Hann windows of 30 ms every 10 ms."""
    padded = np.pad(sound.astype(np.float64), _N_FFT // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _N_FFT)[::_HOP]
    # The window is centred in the transform.
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)
    left = (_N_FFT - _WINDOW) // 2
    inside = frames[:, left : left + _WINDOW] * window
    power = np.abs(np.fft.rfft(inside, _N_FFT)) ** 2
    return _filters() @ power.T


@cache
def _filters():
    """Return triangular filters on the mel scale, 2595 log10(1 + f / 700)."""
    highest = 2595 * np.log10(1 + _RATE / 2 / 700)
    corners = 700 * (10 ** (np.linspace(0, highest, _BANDS + 2) / 2595) - 1)
    frequency = np.linspace(0, _RATE / 2, _N_FFT // 2 + 1)
    low, middle, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising = (frequency - low) / (middle - low)
    falling = (high - frequency) / (high - middle)
    return np.maximum(0, np.minimum(rising, falling))
