import csv
import json

import numpy as np
import pytest
import scipy.io.wavfile
import torch

from sklearn_pare.datasets.nas_bench_360 import audio
from sklearn_pare.exceptions import FileFormatError
from tests.datasets.nas_bench_360.files import FOLDER, fetch, of


def _log_mel(sound):
    """Compute the spectrogram with torch, band by band."""
    spectrum = torch.stft(
        torch.from_numpy(sound.astype(np.float64)), 1920, 220, 661,
        torch.hann_window(661, dtype=torch.float64), return_complex=True,
    ).abs().numpy() ** 2  # fmt: skip
    mel = np.linspace(0, 2595 * np.log10(1 + 11025 / 700), 98)
    corner = 700 * (10 ** (mel / 2595) - 1)
    bands = np.zeros((96, spectrum.shape[1]))
    for band in range(96):
        for k in range(961):
            f = k * 22050 / 1920
            low, top, high = corner[band : band + 3]
            weight = min((f - low) / (top - low), (high - f) / (high - top))
            bands[band] += max(weight, 0) * spectrum[k]
    decibels = 10 * np.log10(np.maximum(bands, 1e-10))
    decibels = np.maximum(decibels, decibels.max() - 80) + 75
    return decibels - decibels.mean()


def test_fsd50k__log_mel_and_labels(written):
    folder = written("fsd50k") / FOLDER / "audio"
    bunch = fetch("fsd50k", written("fsd50k"), "test")
    with (folder / "chunks" / "eval.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    codes = json.loads((folder / "chunks" / "lbl_map.json").read_text())
    assert bunch.groups.tolist() == [row["ext"] for row in rows]
    for number, row in enumerate(rows):
        present = sorted(codes[label] for label in row["labels"].split(","))
        assert np.flatnonzero(bunch.target[number]).tolist() == present
    _, sound = scipy.io.wavfile.read(folder / rows[2]["files"][5:])
    found = bunch.data[2, 0]
    np.testing.assert_allclose(found[:, :101], _log_mel(sound / 2**15), atol=2e-3)
    assert not found[:, 101].any()


def test_fsd50k__silence_is_80_db_below_the_maximum(tmp_path):
    time = np.arange(22050) / 22050
    sound = np.where(time < 0.5, np.sin(2 * np.pi * 880 * time), 0).astype(np.float32)
    scipy.io.wavfile.write(tmp_path / "a.wav", 22050, sound)
    found = audio._spectrogram(tmp_path, ["a.wav"], 0)[0, :, :101]
    assert np.ptp(found) == pytest.approx(80, abs=1e-3)
    np.testing.assert_allclose(found, _log_mel(sound), atol=2e-3)


@pytest.mark.parametrize("length", [3000, 22050, 40000])
def test_fsd50k__short_sounds_repeat_and_long_ones_are_cut(length, tmp_path):
    sound = np.random.default_rng(0).normal(0, 0.1, length).astype(np.float32)
    path = tmp_path / "a.wav"
    scipy.io.wavfile.write(path, 22050, sound)
    found = audio._spectrogram(tmp_path, ["a.wav"], 0)
    assert found.shape == (1, 96, 102)
    if length == 3000:
        scipy.io.wavfile.write(path, 22050, np.tile(sound, 8))
        np.testing.assert_array_equal(audio._spectrogram(tmp_path, ["a.wav"], 0), found)


@of("fsd50k")
def test_fsd50k__labels_missing_sounds_and_other_paths__named(home):
    folder = home / FOLDER / "audio"
    path = folder / "chunks" / "lbl_map.json"
    codes = json.loads(path.read_text())
    path.write_text(json.dumps(codes | {"Sound_3": 7}))
    with pytest.raises(FileFormatError, match=r"lbl_map\.json.*200 labels"):
        fetch("fsd50k", home)
    path.write_text(json.dumps(codes))
    next((folder / "tr_chunks").glob("*_0.wav")).unlink()
    with pytest.raises(FileFormatError, match=r"_0\.wav: no such file"):
        fetch("fsd50k", home)
    path = folder / "chunks" / "tr.csv"
    path.write_text("files,labels,ext\ndata/../../x.wav,Sound_1,1\n")
    with pytest.raises(FileFormatError, match=r"'files': has 'data/../../x\.wav'"):
        fetch("fsd50k", home)
