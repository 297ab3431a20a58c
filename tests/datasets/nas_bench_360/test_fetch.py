"""Files as the ten tasks distribute them: what is read, and what damage says."""

import csv
import dataclasses
import functools
import gzip
import http.server
import json
import logging
import os
import pickle
import shutil
import threading
import zipfile

import h5py
import numpy as np
import pytest
import scipy.io
import torch
import torchvision
from sklearn_pare.datasets.nas_bench_360._task import hold_out

from sklearn_pare import PaReClassifier, PaReRegressor, metrics
from sklearn_pare.datasets import fetch_nas_bench_360
from sklearn_pare.datasets.nas_bench_360 import TASKS, audio, proteins, telescope
from sklearn_pare.datasets.write import write_nas_bench_360
from sklearn_pare.exceptions import FileFormatError, MissingFileError, UnknownNameError
from tests.common.instances import tiny

N = 24
FOLDER = "nas-bench-360"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Folder with small files of all tasks; not to be changed."""
    home = tmp_path_factory.mktemp("home")
    for task in TASKS:
        write_nas_bench_360(task, home, n=N)
    return home


@pytest.fixture
def home(written, tmp_path, request):
    """A copy of the files of one task, `request.param`, that may be changed."""
    top = {"cifar-100": "cifar-100-python", "fsd50k": "audio", "psicov": "protein",
           "darcy": "piececonst", "ecg": "challenge2017.pkl"}  # fmt: skip
    name = top.get(request.param, request.param)
    for path in (written / FOLDER).iterdir():
        if path.name.startswith(name):
            copy = shutil.copytree if path.is_dir() else shutil.copy
            (tmp_path / FOLDER).mkdir(exist_ok=True)
            copy(path, tmp_path / FOLDER / path.name)
    return tmp_path


def fetch(task, home, split="train"):
    return fetch_nas_bench_360(task, data_home=home, download=False, split=split)


def of(task):
    """Give a test the files of one task, to change."""
    return pytest.mark.parametrize("home", [task], indirect=True)


def _load(path):
    """Content of a pickle, of an npy file or a gzip of a pickle, by the plain way."""
    if path.suffix == ".npy":
        array = np.load(path, allow_pickle=True)
        return array[()] if array.shape == () else array
    with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
        return pickle.load(file)


def _dump(path, content):
    if path.suffix == ".npy":
        if isinstance(content, dict):
            content = np.array(content, dtype=object)
        np.save(path, content, allow_pickle=True)
        return
    with (gzip.open if path.suffix == ".gz" else open)(path, "wb") as file:
        pickle.dump(content, file, protocol=2)


# Rows of train, valid and test.
SIZES = {
    "cifar-100": (20, 4, 12),
    "spherical": (20, 4, 12),
    "ninapro": (24, 12, 12),
    "fsd50k": (24, 12, 12),
    "darcy": (22, 2, 12),
    "psicov": (24, 6, 6),
    "cosmic": (12, 12, 12),
    "satellite": (22, 2, 12),
    "deepsea": (24, 12, 12),
}


@pytest.mark.parametrize("task", TASKS)
def test_fetch__shapes_parts_and_names(task, written):
    found, sizes = TASKS[task], []
    for split in ("train", "valid", "test", "train+valid", "valid+test"):
        bunch = fetch(task, written, split)
        sizes.append(len(bunch.data))
        assert bunch.data.shape[1:] == found.row_shape
        assert np.asarray(bunch.data[:2]).dtype == bunch.data.dtype == np.float32
        assert np.isfinite(bunch.data[:2]).all()
        y = np.asarray(bunch.target[:2])
        assert len(bunch.target) == len(bunch.data)
        if found.kind == "classes":
            assert y.dtype == np.int64
            assert y.shape == (2,)
            assert bunch.target.min() >= 0
            assert bunch.target.max() < found.outputs
        elif found.kind == "labels":
            assert y.shape == (2, found.outputs)
            assert set(np.unique(bunch.target)) == {0, 1}
        elif found.kind == "masks":
            assert y.shape == (2, *found.outputs)
            assert set(np.unique(bunch.target)) <= {-100, 0, 1}
        else:
            assert y.shape == (2, *found.outputs)
            assert y.dtype == np.float32
        assert (bunch.groups is None) or (len(bunch.groups) == len(bunch.data))
        assert (bunch.task, bunch.split, bunch.kind) == (task, split, found.kind)
        assert bunch.metric in metrics.list_scorers()
        assert all(path.exists() for path in bunch.files)
        assert bunch.licence == "See the source."
        for text in (found.title, bunch.metric, bunch.source):
            assert text in bunch.DESCR
    train, valid, test, both, late = sizes
    assert (both, late) == (train + valid, valid + test)
    assert (train, valid, test) == SIZES.get(task, (train, valid, test))


@pytest.mark.parametrize("task", sorted(set(TASKS) - {"psicov"}))
def test_fetch__parts_share_no_row(task, written):
    parts = [fetch(task, written, split) for split in ("train", "valid", "test")]
    rows = [
        {np.asarray(row).tobytes() for row in np.asarray(part.data[:])}
        for part in parts
    ]
    if task == "cosmic":
        # Rows to train on carry the sky, so look at their masks instead.
        rows = [{row.tobytes() for row in part.target[:]} for part in parts]
    assert not rows[0] & rows[1]
    assert not rows[0] & rows[2]
    assert not rows[1] & rows[2]


def test_fetch__joined_parts_are_their_rows(written):
    for task in ("cifar-100", "ninapro", "ecg", "deepsea"):
        joined = fetch(task, written, "train+valid")
        parts = [fetch(task, written, split) for split in ("train", "valid")]
        for key in ("data", "target"):
            expected = np.concatenate([np.asarray(part[key][:]) for part in parts])
            np.testing.assert_array_equal(joined[key][:], expected)


@pytest.mark.parametrize("task", TASKS)
def test_fetch__rows_go_to_other_processes(task, written):
    bunch = fetch(task, written, "test")
    again = pickle.loads(pickle.dumps(bunch))
    np.testing.assert_array_equal(again.data[1:2], bunch.data[1:2])
    np.testing.assert_array_equal(again.target[1:2], bunch.target[1:2])


def test_cifar_100__channels_standardised_by_the_training_part(written):
    raw = _load(written / FOLDER / "cifar-100-python" / "train")
    images = raw[b"data"].reshape(-1, 3, 32, 32) / 255
    train = hold_out(N, N // 5, "train")
    mean = images[train].mean((0, 2, 3), keepdims=True)
    scale = images[train].std((0, 2, 3), keepdims=True)
    for split in ("train", "valid"):
        rows = hold_out(N, N // 5, split)
        bunch = fetch("cifar-100", written, split)
        np.testing.assert_allclose(
            bunch.data[:], ((images - mean) / scale)[rows], atol=1e-5
        )
        np.testing.assert_array_equal(bunch.target, np.array(raw[b"fine_labels"])[rows])
    test = _load(written / FOLDER / "cifar-100-python" / "test")[b"data"] / 255
    found = fetch("cifar-100", written, "test").data[:]
    expected = (test.reshape(-1, 3, 32, 32) - mean) / scale
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_spherical__between_0_and_1(written):
    raw = _load(written / FOLDER / "spherical" / "s2_cifar100.gz")
    bunch = fetch("spherical", written, "test")
    np.testing.assert_allclose(bunch.data[:], raw["test"]["images"] / 255, rtol=1e-6)
    np.testing.assert_array_equal(bunch.target, raw["test"]["labels"])


def test_ninapro__electrodes_then_moments(written):
    folder = written / FOLDER / "ninapro"
    bunch = fetch("ninapro", written, "valid")
    raw = np.load(folder / "ninapro_val.npy")
    np.testing.assert_array_equal(bunch.data[3, 0, 5], raw[3, :, 5])
    np.testing.assert_array_equal(bunch.target, np.load(folder / "label_val.npy"))


@of("ninapro")
def test_ninapro__arrays_of_objects_and_the_references_folder(home):
    expected = fetch("ninapro", home)
    (home / FOLDER / "ninapro").rename(home / FOLDER / "moved")
    (home / FOLDER / "moved").rename(home / FOLDER / "ninaPro")
    path = home / FOLDER / "ninaPro" / "ninapro_train.npy"
    np.save(path, np.load(path).astype(object), allow_pickle=True)
    path = path.with_name("label_train.npy")
    labels = np.array([b"%d" % label for label in np.load(path)], dtype=object)
    np.save(path, labels, allow_pickle=True)
    found = fetch("ninapro", home)
    np.testing.assert_array_equal(found.data, expected.data)
    np.testing.assert_array_equal(found.target, expected.target)


def test_satellite__labels_from_0(written):
    raw = _load(written / FOLDER / "satellite" / "satellite_train.npy")
    rows = hold_out(N, N // 10, "valid")
    bunch = fetch("satellite", written, "valid")
    np.testing.assert_allclose(bunch.data[:, 0], raw["data"][rows], rtol=1e-6)
    np.testing.assert_array_equal(bunch.target, raw["label"][rows] - 1)


def test_deepsea__letters_as_channels(written):
    raw = np.load(written / FOLDER / "deepsea" / "deepsea_filtered.npz")
    bunch = fetch("deepsea", written, "test")
    np.testing.assert_array_equal(bunch.data[:], raw["x_test"].transpose(0, 2, 1))
    assert (bunch.data[:].sum(1) == 1).all()
    np.testing.assert_array_equal(bunch.target, raw["y_test"])


def test_ecg__recordings_split_before_windows_are_cut(written):
    raw = _load(written / FOLDER / "challenge2017.pkl")
    parts = {
        split: fetch("ecg", written, split) for split in ("train", "valid", "test")
    }
    recordings = [set(part.groups.tolist()) for part in parts.values()]
    assert sum(map(len, recordings)) == len(set.union(*recordings))
    strides = {"N": 500, "A": 83, "O": 250, "~": 25}
    for part in parts.values():
        windows = part.data[:]
        for number in np.unique(part.groups):
            signal, label = raw["data"][number], raw["label"][number]
            scaled = (signal - signal.mean()) / signal.std()
            starts = np.arange(0, len(signal) - 1000, strides[label])
            here = part.groups == number
            expected = [scaled[start : start + 1000] for start in starts]
            np.testing.assert_allclose(windows[here, 0], expected, atol=1e-5)
            assert set(part.target[here]) == {"NAO~".index(label)}


def test_darcy__every_fifth_point_standardised_by_the_training_part(written):
    first, second = (
        scipy.io.loadmat(written / FOLDER / f"piececonst_r421_N1024_smooth{k}.mat")
        for k in (1, 2)
    )
    x, y = (first[key][:, ::5, ::5].astype(float) for key in ("coeff", "sol"))
    mean, scale = x[:22].mean(0), x[:22].std(0, ddof=1) + 1e-5
    bunch = fetch("darcy", written, "valid")
    np.testing.assert_allclose(bunch.data[:, 0], (x[22:] - mean) / scale, atol=1e-5)
    np.testing.assert_allclose(bunch.target[:, 0], y[22:], rtol=1e-6)
    np.testing.assert_allclose(bunch.y_mean, y[:22].mean(0), rtol=1e-6)
    np.testing.assert_allclose(bunch.y_scale, y[:22].std(0, ddof=1) + 1e-5, rtol=1e-6)
    line = np.linspace(0, 1, 85, dtype=np.float32)
    np.testing.assert_array_equal(bunch.data[1, 1, 7], line)
    np.testing.assert_array_equal(bunch.data[1, 2, :, 7], line)
    test = fetch("darcy", written, "test").data[:, 0]
    expected = (second["coeff"][:, ::5, ::5] - mean) / scale
    np.testing.assert_allclose(test, expected, atol=1e-5)


@of("darcy")
def test_darcy__hdf5_with_reversed_axes(home):
    expected = fetch("darcy", home, "train+valid")
    for path in (home / FOLDER).iterdir():
        arrays = scipy.io.loadmat(path, variable_names=["coeff", "sol"])
        path.unlink()
        with h5py.File(path, "w", userblock_size=512) as file:
            for key in ("coeff", "sol"):
                file[key] = arrays[key].T
    found = fetch("darcy", home, "train+valid")
    np.testing.assert_array_equal(found.data, expected.data)
    np.testing.assert_array_equal(found.target, expected.target)


def _first_protein(written, split="train"):
    name = "deepcov" if split == "train" else "psicov"
    folder = written / FOLDER / "protein" / name
    features = _load(folder / "features" / f"{name}000.pkl")
    return features, _load(folder / "distance" / f"{name}000-cb.npy")[2]


def test_psicov__channels_column_maps_row_maps_and_pairs(written):
    features, _ = _first_protein(written)
    X = fetch("psicov", written).data[0]
    inside = X[:, 5:53, 5:53]
    single = [*features["ss"], *features["pssm"].T, features["sa"], features["entropy"]]
    for number, values in enumerate(single):
        np.testing.assert_allclose(inside[2 * number, 9], values, rtol=1e-6)
        np.testing.assert_allclose(inside[2 * number + 1, :, 9], values, rtol=1e-6)
        assert (inside[2 * number] == inside[2 * number, :1]).all()
    for channel, key in zip(
        (54, 55, 56), ("ccmpred", "freecon", "potential"), strict=True
    ):
        np.testing.assert_allclose(inside[channel], features[key], rtol=1e-6)
    X[:, 5:53, 5:53] = 0
    assert not X.any()


def test_psicov__distances_of_train_end_at_16(written):
    _, distances = _first_protein(written)
    expected = np.full((512, 512), 100.0)
    inner = np.maximum(distances, 1)
    for q in range(1, 47):
        inner[q, q] = (inner[q, q - 1] + inner[q, q + 1]) / 2
    inner[0, 0], inner[47, 47] = inner[0, 1], inner[47, 46]
    expected[5:53, 5:53] = inner
    y = fetch("psicov", written).target[0, 0]
    np.testing.assert_allclose(y, np.minimum(expected, 16), rtol=1e-6)
    test = fetch("psicov", written, "test").target[0, 0]
    assert test.max() == 100
    assert 16 < test[5:53, 5:53].max() < 100


@of("psicov")
def test_psicov__unknown_places_and_longer_proteins(home):
    folder = home / FOLDER / "protein" / "deepcov"
    path = folder / "distance" / "deepcov000-cb.npy"
    content = _load(path)
    content[2][7, :] = content[2][:, 7] = np.nan
    # The other form: a pickle, whatever its name says.
    with path.open("wb") as file:
        pickle.dump(tuple(content), file, protocol=2)
    path = folder / "features" / "deepcov000.pkl"
    _dump(path, _load(path) | {"sa": np.full(48, np.nan)})
    bunch = fetch("psicov", home)
    assert not bunch.target[0, 0, 12, 5:53].any()
    assert bunch.target[0, 0, 11, 11] == np.float32(min(content[2][6, 5], 16))
    assert not bunch.data[0, 50:52].any()


@pytest.mark.parametrize("length", [500, 502, 503, 507, 540])
def test_psicov__window_of_a_longer_protein_is_symmetric_and_fixed(length):
    full = np.add.outer(np.arange(length), np.arange(length)).astype(np.float32) + 1
    canvas, again = np.zeros((2, 1, 512, 512), np.float32)
    proteins._place(canvas, full[None], 3)
    proteins._place(again, full[None], 3)
    np.testing.assert_array_equal(canvas, again)
    np.testing.assert_array_equal(canvas[0], canvas[0].T)
    inside = np.flatnonzero(canvas[0].any(0))
    assert len(inside) >= min(length, 502)
    assert (np.diff(inside) == 1).all()
    if length <= 502:
        np.testing.assert_array_equal(canvas[0, 5 : 5 + length, 5 : 5 + length], full)


def test_mae8__length_is_read_off_the_loaders_target(written):
    y = fetch("psicov", written, "test").target[:]
    guess = y + np.random.default_rng(0).normal(size=y.shape)
    known = metrics.legacy_mae8(y, guess, length=48)
    assert metrics.legacy_mae8(y, guess) == known
    assert np.isfinite(known)


def _cosmic_paths(written, name):
    folder = written / FOLDER / "cosmic" / f"npy_{name}" / "f435w"
    return sorted(p for p in folder.rglob("*.npy") if p.name != "sky.npy")


def test_cosmic__middle_mask_and_places_to_ignore(written):
    bunch = fetch("cosmic", written, "test")
    for row, path in enumerate(_cosmic_paths(written, "test")):
        image, mask, ignored = np.load(path)[:, 64:192, 64:192]
        np.testing.assert_array_equal(bunch.data[row, 0], image)
        expected = np.where(ignored > 0, -100, mask)
        np.testing.assert_array_equal(bunch.target[row], expected)
    assert bunch.settings == {"ignore_index": -100}


def test_cosmic__sky_in_training_rows_alone_and_fixed(written):
    paths = _cosmic_paths(written, "train")
    rows = hold_out(N, N // 2, "train")
    images = np.stack([np.load(paths[row])[0, 64:192, 64:192] for row in rows])
    train = fetch("cosmic", written)
    light = train.data[:][:, 0] - images
    np.testing.assert_allclose(light.std((1, 2)), 0, atol=1e-4)
    skies = np.array([[25, 40][int(paths[r].name[0]) - 1] for r in rows])
    share = light.mean((1, 2)) / skies
    assert -0.9 <= share.min() < 0.5
    assert 1.5 < share.max() <= 3
    np.testing.assert_array_equal(train.data[:], fetch("cosmic", written).data[:])
    valid = hold_out(N, N // 2, "valid")
    images = np.stack([np.load(paths[row])[0, 64:192, 64:192] for row in valid])
    np.testing.assert_array_equal(
        fetch("cosmic", written, "valid").data[:][:, 0], images
    )
    # As training rows, they carry it too.
    both = fetch("cosmic", written, "train+valid").data[:]
    np.testing.assert_array_equal(both[:12], train.data[:])
    assert (both[12:, 0] != images).all()


@of("cosmic")
def test_cosmic__lists_missing_layers_and_other_fields(home):
    folder = home / FOLDER
    paths = _cosmic_paths(home, "test")
    np.save(paths[0], np.load(paths[0])[:2])
    other = paths[0].parents[2] / "10631" / "3"
    other.mkdir(parents=True)
    shutil.copy(paths[1], other / "1_0.npy")
    bunch = fetch("cosmic", home, "test")
    # The field without galaxies is not among them; no third layer, nothing to ignore.
    assert len(bunch.data) == len(paths)
    assert (bunch.target[0] >= 0).all()
    names = [f"./{p.relative_to(folder).as_posix()}" for p in paths[:1:-1]]
    np.save(folder / "cosmic" / "test_dirs.npy", np.array(names))
    listed = fetch("cosmic", home, "test")
    np.testing.assert_array_equal(listed.data[:], bunch.data[:1:-1])
    for wrong, text in (
        ("./cosmic/../../x.npy", "holds"),
        ("./cosmic/x.npy", "no such"),
    ):
        np.save(folder / "cosmic" / "test_dirs.npy", np.array([wrong]))
        with pytest.raises(FileFormatError, match=f"test_dirs.npy.*{text}"):
            fetch("cosmic", home, "test")


@of("cosmic")
def test_cosmic__sky_that_lacks_the_exposure(home):
    for path in (home / FOLDER / "cosmic" / "npy_train").rglob("sky.npy"):
        np.save(path, np.array([3.0]))
    with pytest.raises(FileFormatError, match=r"sky\.npy: 1 values.*exposure '2'"):
        fetch("cosmic", home).data[:]
    for path in (home / FOLDER / "cosmic" / "npy_train").rglob("sky.npy"):
        path.unlink()
    assert np.isfinite(fetch("cosmic", home).data[:]).all()


def test_cosmic__fields_of_galaxies():
    assert len(telescope._GALAXIES) == 27


def _log_mel(sound):
    """The same spectrogram by torch, band by band."""
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
    folder = written / FOLDER / "audio"
    bunch = fetch("fsd50k", written, "test")
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


def test_fsd50k__silence_is_80_db_below_the_loudest(tmp_path):
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


def _save_npz(path, **changes):
    arrays = dict(np.load(path)) | changes
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})


def _save_mat(path, **changes):
    arrays = scipy.io.loadmat(path, variable_names=["coeff", "sol"]) | changes
    arrays = {key: a for key, a in arrays.items() if key[0] != "_" and a is not None}
    scipy.io.savemat(path, arrays)


def _change(path, edit):
    content = _load(path)
    _dump(path, edit(content))


def _without(key):
    return lambda content: {k: v for k, v in content.items() if k != key}


def _with(key, change):
    return lambda content: content | {key: change(content[key])}


def _lines(path, edit):
    path.write_text("".join(edit(path.read_text().splitlines(keepends=True))))


# Task -> its file that is damaged; how a key is lost, and what is said of it; how a
# shape is changed, and what is said of it. Files without keys hold something else.
PROTEIN = "protein/deepcov/features/deepcov000.pkl"
DAMAGE = {
    "cifar-100": (
        "cifar-100-python/train",
        (
            functools.partial(_change, edit=_without(b"fine_labels")),
            "'fine_labels': no",
        ),
        (
            functools.partial(_change, edit=_with(b"data", lambda a: a[:, :3000])),
            r"'data': has shape \(24, 3000\).*\(N, 3072\)",
        ),
    ),
    "spherical": (
        "spherical/s2_cifar100.gz",
        (functools.partial(_change, edit=_without("train")), "'train': no such key"),
        (
            functools.partial(
                _change,
                edit=_with("train", _with("images", lambda a: a[:, :, :50])),
            ),
            r"'train/images': has shape \(24, 3, 50, 60\).*\(N, 3, 60, 60\)",
        ),
    ),
    "ninapro": (
        "ninapro/ninapro_train.npy",
        (lambda path: _dump(path, {"a": 1}), "is no array.*numbers"),
        (
            functools.partial(_change, edit=lambda a: a.swapaxes(1, 2)),
            r"has shape \(24, 16, 52\).*\(N, 52, 16\)",
        ),
    ),
    "fsd50k": (
        "audio/chunks/tr.csv",
        (
            lambda path: _lines(path, lambda rows: ["files,tags,ext\n", *rows[1:]]),
            "'labels': no such key; there are 'files', 'tags', 'ext'",
        ),
        (
            lambda path: _lines(
                path, lambda rows: [rows[0], rows[1].replace("Sound", "Noise")]
            ),
            "'labels': has 'Noise_5'.*labels of lbl_map.json",
        ),
    ),
    "darcy": (
        "piececonst_r421_N1024_smooth1.mat",
        (
            lambda path: _save_mat(path, sol=None),
            "'sol': no such key; there are 'coeff'",
        ),
        (
            lambda path: _save_mat(path, coeff=np.zeros((5, 421, 420))),
            r"'coeff': has shape \(5, 421, 420\).*\(N, 421, 421\)",
        ),
    ),
    "psicov": (
        PROTEIN,
        (functools.partial(_change, edit=_without("pssm")), "'pssm': no such key"),
        (
            functools.partial(_change, edit=_with("pssm", lambda a: a[:, :21])),
            r"'pssm': has shape \(48, 21\).*\(48, 22\)",
        ),
    ),
    "cosmic": (
        "cosmic",
        (lambda path: _dump(path, {"a": 1}), "is no array.*numbers"),
        (
            functools.partial(_change, edit=lambda a: a[:, :128]),
            r"has shape \(3, 128, 256\).*\(3, 256, 256\)",
        ),
    ),
    "ecg": (
        "challenge2017.pkl",
        (functools.partial(_change, edit=_without("label")), "'label': no such key"),
        (
            functools.partial(
                _change, edit=_with("data", lambda d: [np.eye(3), *d[1:]])
            ),
            r"'data': has shape \(3, 3\).*\(N,\)",
        ),
    ),
    "satellite": (
        "satellite/satellite_train.npy",
        (functools.partial(_change, edit=_without("data")), "'data': no such key"),
        (
            functools.partial(_change, edit=_with("data", lambda a: a[:, :45])),
            r"'data': has shape \(24, 45\).*\(N, 46\)",
        ),
    ),
    "deepsea": (
        "deepsea/deepsea_filtered.npz",
        (lambda path: _save_npz(path, y_train=None), "'y_train': no such array"),
        (
            lambda path: _save_npz(path, x_train=np.zeros((24, 4, 1000))),
            r"'x_train': has shape \(24, 4, 1000\).*\(N, 1000, 4\)",
        ),
    ),
}
EACH_TASK = pytest.mark.parametrize(
    ("home", "task"), [(task, task) for task in TASKS], indirect=["home"], ids=TASKS
)


def _damaged(home, task):
    """The file that is damaged; of images, one of those to train on."""
    if task == "cosmic":
        return _cosmic_paths(home, "train")[hold_out(N, N // 2, "train")[2]]
    return home / FOLDER / DAMAGE[task][0]


def _sound(home):
    return next((home / FOLDER / "audio" / "tr_chunks").glob("*_0.wav"))


@EACH_TASK
def test_damage__truncated_file__named(home, task):
    # Of a list of sounds, the sounds can be cut short.
    path = _sound(home) if task == "fsd50k" else _damaged(home, task)
    path.write_bytes(path.read_bytes()[: int(0.6 * path.stat().st_size)])
    with pytest.raises(FileFormatError, match="Expected ") as caught:
        fetch(task, home).data[:]
    assert str(path) in str(caught.value)


@EACH_TASK
@pytest.mark.parametrize("kind", [1, 2], ids=["key", "shape"])
def test_damage__wrong_key_or_shape__named_with_what_was_expected(kind, home, task):
    change, text = DAMAGE[task][kind]
    change(_damaged(home, task))
    with pytest.raises(FileFormatError, match=text) as caught:
        fetch(task, home).data[:]
    assert str(_damaged(home, task)) in str(caught.value)
    assert "Expected " in str(caught.value)


@EACH_TASK
def test_damage__malicious_pickle_in_place_of_the_file__refused(home, task):
    class Runs:
        def __reduce__(self):
            return os.system, (f"touch {home / 'was-run'}",)

    _damaged(home, task).write_bytes(pickle.dumps(Runs(), protocol=2))
    with pytest.raises(FileFormatError):
        fetch(task, home).data[:]
    assert not (home / "was-run").exists()


@pytest.mark.parametrize(
    ("task", "home", "file", "edit", "text"),
    [
        ("cifar-100", "cifar-100", "cifar-100-python/train",
         _with(b"fine_labels", lambda y: [100, *y[1:]]), "values from .* to 100"),
        ("satellite", "satellite", "satellite/satellite_train.npy",
         _with("label", lambda y: y - 1), "values from 0 to .*from 1 to 24"),
        ("ecg", "ecg", "challenge2017.pkl",
         _with("label", lambda y: ["X", *y[1:]]), r"has the labels \['X'\]"),
        ("ecg", "ecg", "challenge2017.pkl",
         _with("label", lambda y: y[1:]), "24 recordings and 23 labels"),
        ("ecg", "ecg", "challenge2017.pkl",
         _with("data", lambda d: [row[:900] for row in d]), "longer than 1000 samples"),
        ("ninapro", "ninapro", "ninapro/label_train.npy",
         lambda y: y[:-1], r"label_train\.npy: has shape \(23,\)"),
        ("psicov", "psicov", "protein/deepcov/distance/deepcov000-cb.npy",
         lambda content: content[:2], "the length, the sequence and the distances"),
        ("psicov", "psicov", "protein/deepcov/distance/deepcov000-cb.npy",
         lambda content: content[::-1], "the length, the sequence and the distances"),
        ("ecg", "ecg", "challenge2017.pkl",
         _with("data", lambda d: 3), "'data': is a int. Expected a list"),
        ("ninapro", "ninapro", "ninapro/label_train.npy",
         lambda y: np.where(y == 1, np.nan, y), "values from nan to nan"),
    ],
    indirect=["home"],
)  # fmt: skip
def test_damage__values_labels_and_lengths(task, home, file, edit, text):
    _change(home / FOLDER / file, edit)
    with pytest.raises(FileFormatError, match=text):
        fetch(task, home)


@of("psicov")
def test_damage__file_of_a_protein_missing(home):
    (home / FOLDER / PROTEIN).unlink()
    with pytest.raises(FileFormatError, match=r"deepcov\.lst, 'deepcov000': a file is"):
        fetch("psicov", home)


@of("fsd50k")
def test_damage__sounds(home):
    folder = home / FOLDER / "audio"
    path = folder / "chunks" / "lbl_map.json"
    codes = json.loads(path.read_text())
    path.write_text(json.dumps(codes | {"Sound_3": 7}))
    with pytest.raises(FileFormatError, match=r"lbl_map\.json.*200 labels"):
        fetch("fsd50k", home)
    path.write_text(json.dumps(codes))
    _sound(home).unlink()
    with pytest.raises(FileFormatError, match=r"_0\.wav: no such file"):
        fetch("fsd50k", home)
    _lines(
        folder / "chunks" / "tr.csv",
        lambda rows: [rows[0], "data/../../x.wav,Sound_1,1\n"],
    )
    with pytest.raises(FileFormatError, match=r"'files': has 'data/../../x\.wav'"):
        fetch("fsd50k", home)


@pytest.mark.parametrize("task", TASKS)
def test_missing__names_file_place_source_and_way(task, tmp_path):
    with pytest.raises(MissingFileError) as caught:
        fetch(task, tmp_path)
    text = str(caught.value)
    assert f"Task {task!r} needs" in text
    assert str(tmp_path / FOLDER) in text
    address = TASKS[task].files[0].url or "drive.google.com"
    assert address in text


def test_names__unknown__nearest_suggested(tmp_path):
    with pytest.raises(UnknownNameError, match="Did you mean 'cosmic'"):
        fetch("cosmics", tmp_path)
    with pytest.raises(UnknownNameError, match=r"split='vald' is unknown.*'valid'"):
        fetch("ecg", tmp_path, "vald")
    with pytest.raises(UnknownNameError, match="Did you mean 'psicov'"):
        write_nas_bench_360("psicow", tmp_path)
    with pytest.raises(ValueError, match="n=5 leaves parts"):
        write_nas_bench_360("ecg", tmp_path, n=5)


def test_write__same_seed_same_files(tmp_path):
    bunches = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_nas_bench_360("satellite", tmp_path / name, n=20, random_state=seed)
        bunches.append(fetch("satellite", tmp_path / name))
    np.testing.assert_array_equal(bunches[0].data, bunches[1].data)
    assert not np.array_equal(bunches[0].data, bunches[2].data)


def test_cifar_100__address_and_hash_are_torchvisions():
    remote = TASKS["cifar-100"].files[0]
    assert remote.url == torchvision.datasets.CIFAR100.url
    assert remote.known_hash == f"md5:{torchvision.datasets.CIFAR100.tgz_md5}"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def site(tmp_path):
    """A folder, and the address where a server shows it."""
    logging.getLogger("pooch").setLevel(logging.ERROR)
    folder = tmp_path / "site"
    folder.mkdir()
    handler = functools.partial(_Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(
            target=server.serve_forever, args=(0.01,), daemon=True
        )
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def _moved(monkeypatch, task, url):
    files = tuple(
        dataclasses.replace(f, url=f"{url}/{(f.archive or f.path).rsplit('/')[-1]}")
        for f in TASKS[task].files
    )
    monkeypatch.setitem(TASKS, task, dataclasses.replace(TASKS[task], files=files))


def test_download__files_of_a_task(written, site, monkeypatch, tmp_path):
    folder, url = site
    for path in (written / FOLDER / "satellite").iterdir():
        shutil.copy(path, folder)
    _moved(monkeypatch, "satellite", url)
    found = fetch_nas_bench_360("satellite", data_home=tmp_path / "new")
    np.testing.assert_array_equal(found.data, fetch("satellite", written).data)
    # The test part's file was not asked for, and not fetched.
    names = {p.name for p in (tmp_path / "new" / FOLDER / "satellite").glob("*.npy")}
    assert names == {"satellite_train.npy"}


@pytest.mark.parametrize("top", ["", "protein"])
def test_download__archive_is_unpacked_and_removed(
    top, written, site, monkeypatch, tmp_path
):
    folder, url = site
    source = written / FOLDER / "protein"
    with zipfile.ZipFile(folder / "protein.zip", "w") as file:
        for path in source.rglob("*.*"):
            file.write(path, f"{top}/{path.relative_to(source)}".lstrip("/"))
    _moved(monkeypatch, "psicov", url)
    home = tmp_path / "new"
    found = fetch_nas_bench_360("psicov", data_home=home)
    expected = fetch("psicov", written)
    np.testing.assert_array_equal(found.data[3], expected.data[3])
    assert not (home / FOLDER / "protein.zip").exists()
    # One that the user put there is used without a network, and kept.
    shutil.rmtree(home / FOLDER / "protein")
    shutil.copy(folder / "protein.zip", home / FOLDER)
    found = fetch("psicov", home, "test")
    assert len(found.data) == 6
    assert (home / FOLDER / "protein.zip").exists()


@pytest.mark.parametrize("task", ["cosmic", "ecg", "deepsea", "fsd50k"])
def test_estimator__fits_and_is_scored(task, written):
    train, test = fetch(task, written), fetch(task, written, "test")
    settings = train.settings | {"max_steps": 1, "batch_size": 4, "linear_path": False}
    model = tiny(PaReClassifier, **settings).fit(train.data, train.target)
    options = {"groups": test.groups} if train.metric == "clip-map" else {}
    for name in (train.metric, f"legacy-{train.metric}"):
        scorer = metrics.get_scorer(name, **options)
        score = scorer(model, test.data, np.asarray(test.target))
        assert 0 <= score <= 1
        assert metrics.as_error(name, score) == 1 - score


def test_estimator__fields_by_their_loss(written):
    train, test = fetch("darcy", written), fetch("darcy", written, "test")
    model = tiny(PaReRegressor, max_steps=1, batch_size=4, linear_path=False)
    model.set_params(**train.settings).fit(train.data, train.target)
    score = metrics.get_scorer(train.metric)(model, test.data, test.target)
    expected = metrics.relative_l2(test.target, model.predict(test.data))
    assert score == -expected
