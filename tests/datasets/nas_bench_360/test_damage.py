"""Damaged files: the error names file, key, content found and content expected."""

import os
import pickle

import numpy as np
import pytest

from sklearn_pare.datasets.nas_bench_360 import TASKS
from sklearn_pare.datasets.nas_bench_360.request import hold_out
from sklearn_pare.exceptions import FileFormatError
from tests.datasets.nas_bench_360.files import (
    FOLDER,
    N,
    cosmic_paths,
    dump,
    fetch,
    load,
    of,
)

FEATURES = "protein/deepcov/features/deepcov000.pkl"
DISTANCES = "protein/deepcov/distance/deepcov000-cb.npy"
NINAPRO, GESTURES = "ninapro/ninapro_train.npy", "ninapro/label_train.npy"
SATELLITE = "satellite/satellite_train.npy"
DARCY = "piececonst_r421_N1024_smooth1.mat"


def _without(key):
    return lambda content: {k: v for k, v in content.items() if k != key}


def _with(key, change):
    return lambda content: content | {key: change(content[key])}


# Task, file (an image of Cosmic, if None), change of its content, text of the error.
CHANGES = [
    ("cifar-100", "cifar-100-python/train", _without(b"fine_labels"),
     "'fine_labels': no"),
    ("cifar-100", "cifar-100-python/train", _with(b"data", lambda a: a[:, :3000]),
     r"'data': has shape \(24, 3000\).*\(N, 3072\)"),
    ("cifar-100", "cifar-100-python/train",
     _with(b"fine_labels", lambda y: [100, *y[1:]]), "values from .* to 100"),
    ("spherical", "spherical/s2_cifar100.gz", _without("train"),
     "'train': no such key"),
    ("spherical", "spherical/s2_cifar100.gz",
     _with("train", _with("images", lambda a: a[:, :, :50])),
     r"'train/images': has shape \(24, 3, 50, 60\).*\(N, 3, 60, 60\)"),
    ("ninapro", NINAPRO, lambda a: {"a": 1}, "is no array.*numbers"),
    ("ninapro", NINAPRO, lambda a: a.swapaxes(1, 2),
     r"has shape \(24, 16, 52\).*\(N, 52, 16\)"),
    ("ninapro", GESTURES, lambda y: y[:-1], r"label_train\.npy: has shape \(23,\)"),
    ("ninapro", GESTURES, lambda y: np.where(y == 1, np.nan, y),
     "values from nan to nan"),
    ("fsd50k", "audio/chunks/tr.csv", lambda rows: ["files,tags,ext\n", *rows[1:]],
     "'labels': no such key; the keys are 'files', 'tags', 'ext'"),
    ("fsd50k", "audio/chunks/tr.csv",
     lambda rows: [rows[0], rows[1].replace("Sound", "Noise")],
     "'labels': has 'Noise_5'.*labels of lbl_map.json"),
    ("darcy", DARCY, _without("sol"), "'sol': no such key; the keys are 'coeff'"),
    ("darcy", DARCY, _with("coeff", lambda a: np.zeros((5, 421, 420))),
     r"'coeff': has shape \(5, 421, 420\).*\(N, 421, 421\)"),
    ("darcy", DARCY, _with("coeff", lambda a: a[:-1]),
     "'sol': has 24 samples, and 'coeff' has 23"),
    ("psicov", FEATURES, _without("pssm"), "'pssm': no such key"),
    ("psicov", FEATURES, _with("pssm", lambda a: a[:, :21]),
     r"'pssm': has shape \(48, 21\).*\(48, 22\)"),
    ("psicov", DISTANCES, lambda content: content[:2], "the length, the sequence and"),
    ("psicov", DISTANCES, lambda content: content[::-1],
     "the length, the sequence and"),
    ("cosmic", None, lambda a: {"a": 1}, "is no array.*numbers"),
    ("cosmic", None, lambda a: a[:, :128],
     r"has shape \(3, 128, 256\).*\(3, 256, 256\)"),
    ("ecg", "challenge2017.pkl", _without("label"), "'label': no such key"),
    ("ecg", "challenge2017.pkl", _with("data", lambda d: [np.eye(3), *d[1:]]),
     r"'data': has shape \(3, 3\).*\(N,\)"),
    ("ecg", "challenge2017.pkl", _with("label", lambda y: ["X", *y[1:]]),
     r"has the labels \['X'\]"),
    ("ecg", "challenge2017.pkl", _with("label", lambda y: y[1:]),
     "24 recordings and 23 labels"),
    ("ecg", "challenge2017.pkl", _with("data", lambda d: [row[:900] for row in d]),
     "has more than 1000 values"),
    ("ecg", "challenge2017.pkl", _with("data", lambda d: 3),
     "'data': is of type int. Expected a list"),
    ("satellite", SATELLITE, _without("data"), "'data': no such key"),
    ("satellite", SATELLITE, _with("data", lambda a: a[:, :45]),
     r"'data': has shape \(24, 45\).*\(N, 46\)"),
    ("satellite", SATELLITE, _with("label", lambda y: y - 1),
     "values from 0 to .*from 1 to 24"),
    ("deepsea", "deepsea/deepsea_filtered.npz", _without("y_train"),
     "'y_train': no such array"),
    ("deepsea", "deepsea/deepsea_filtered.npz",
     _with("x_train", lambda a: np.zeros((24, 4, 1000))),
     r"'x_train': has shape \(24, 4, 1000\).*\(N, 1000, 4\)"),
]  # fmt: skip
# Task -> a file that is read for training.
FILES = {task: file for task, file, *_ in reversed(CHANGES)}


def _path(home, file):
    if file is None:
        return cosmic_paths(home, "train")[hold_out(N, N // 2, "train")[2]]
    return home / FOLDER / file


@pytest.mark.parametrize(
    ("home", "task", "file", "change", "text"),
    [(task, task, *rest) for task, *rest in CHANGES],
    indirect=["home"],
    ids=[f"{task}-{number}" for number, (task, *_) in enumerate(CHANGES)],
)
def test_damage__content__named_with_file_and_expectation(
    home, task, file, change, text
):
    path = _path(home, file)
    dump(path, change(load(path)))
    with pytest.raises(FileFormatError, match=text) as caught:
        fetch(task, home).data[:]
    assert str(path) in str(caught.value)
    assert "Expected " in str(caught.value)


each_task = pytest.mark.parametrize(
    ("home", "task"), [(task, task) for task in TASKS], indirect=["home"], ids=TASKS
)


@each_task
def test_damage__truncated_file__named(home, task):
    path = _path(home, FILES[task])
    if task == "fsd50k":
        # A truncated list of sounds can be valid; a sound cannot.
        path = next((home / FOLDER / "audio" / "tr_chunks").glob("*_0.wav"))
    path.write_bytes(path.read_bytes()[: int(0.6 * path.stat().st_size)])
    with pytest.raises(FileFormatError, match="Expected ") as caught:
        fetch(task, home).data[:]
    assert str(path) in str(caught.value)


@each_task
def test_damage__malicious_pickle_in_place_of_the_file__refused(home, task):
    class Runs:
        def __reduce__(self):
            return os.system, (f"touch {home / 'was-run'}",)

    _path(home, FILES[task]).write_bytes(pickle.dumps(Runs(), protocol=2))
    with pytest.raises(FileFormatError):
        fetch(task, home).data[:]
    assert not (home / "was-run").exists()


@of("psicov")
def test_damage__file_of_a_protein_missing(home):
    (home / FOLDER / FEATURES).unlink()
    with pytest.raises(FileFormatError, match=r"deepcov\.lst, 'deepcov000': a file is"):
        fetch("psicov", home)
