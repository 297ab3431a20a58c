"""Tests of all tasks, and estimators on them."""

import pickle

import numpy as np
import pytest
import torchvision

from sklearn_pare import PaReClassifier, PaReRegressor, metrics
from sklearn_pare.datasets.nas_bench_360 import TASKS
from sklearn_pare.exceptions import MissingFileError, UnknownNameError
from tests.common.instances import tiny
from tests.datasets.nas_bench_360.files import FOLDER, fetch

# Samples of train, valid and test; the windows of ECG depend on the labels.
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


def _check_target(bunch, task):
    y = np.asarray(bunch.target[:2])
    if task.kind == "classes":
        assert y.dtype == np.int64
        assert y.shape == (2,)
        assert bunch.target.min() >= 0
        assert bunch.target.max() < task.outputs
    elif task.kind == "labels":
        assert y.shape == (2, task.outputs)
        assert set(np.unique(bunch.target)) == {0, 1}
    elif task.kind == "masks":
        assert y.shape == (2, *task.outputs)
        assert set(np.unique(y)) <= {-100, 0, 1}
    else:
        assert y.shape == (2, *task.outputs)
        assert y.dtype == np.float32


@pytest.mark.parametrize("name", TASKS)
def test_fetch__shapes_parts_and_names(name, written):
    task, sizes = TASKS[name], []
    for split in ("train", "valid", "test"):
        bunch = fetch(name, written(name), split)
        sizes.append(len(bunch.data))
        X = bunch.data[:2]
        assert X.shape == (2, *task.row_shape)
        assert X.dtype == bunch.data.dtype == np.float32
        assert np.isfinite(X).all()
        assert len(bunch.target) == len(bunch.data)
        _check_target(bunch, task)
        assert (bunch.groups is None) or (len(bunch.groups) == len(bunch.data))
        assert (bunch.task, bunch.split, bunch.kind) == (name, split, task.kind)
        assert bunch.metric in metrics.list_scorers()
        assert all(path.exists() for path in bunch.files)
        assert bunch.licence == "See the source."
        for text in (task.title, bunch.metric, bunch.source):
            assert text in bunch.DESCR
    assert tuple(sizes) == SIZES.get(name, tuple(sizes))
    for split, size in (("train+valid", sizes[:2]), ("valid+test", sizes[1:])):
        bunch = fetch(name, written(name), split)
        assert len(bunch.data) == len(bunch.target) == sum(size)


@pytest.mark.parametrize("task", sorted(set(TASKS) - {"psicov"}))
def test_fetch__parts_share_no_sample(task, written):
    parts = [fetch(task, written(task), split) for split in ("train", "valid", "test")]
    # Training samples of Cosmic carry the sky: compare their masks.
    key = "target" if task == "cosmic" else "data"
    train, valid, test = (
        {sample.tobytes() for sample in np.asarray(part[key])} for part in parts
    )
    assert not train & valid
    assert not train & test
    assert not valid & test


@pytest.mark.parametrize("task", ["cifar-100", "ninapro", "ecg", "deepsea"])
def test_fetch__joined_parts_are_their_samples(task, written):
    joined = fetch(task, written(task), "train+valid")
    parts = [fetch(task, written(task), split) for split in ("train", "valid")]
    for key in ("data", "target"):
        expected = np.concatenate([np.asarray(part[key][:]) for part in parts])
        np.testing.assert_array_equal(joined[key][:], expected)


@pytest.mark.parametrize("task", TASKS)
def test_fetch__samples_can_be_pickled(task, written):
    bunch = fetch(task, written(task), "test")
    again = pickle.loads(pickle.dumps(bunch))
    np.testing.assert_array_equal(again.data[1:2], bunch.data[1:2])
    np.testing.assert_array_equal(again.target[1:2], bunch.target[1:2])


@pytest.mark.parametrize("task", TASKS)
def test_missing__names_file_folder_and_source(task, tmp_path):
    with pytest.raises(MissingFileError) as caught:
        fetch(task, tmp_path)
    text = str(caught.value)
    assert f"Task {task!r} needs" in text
    assert str(tmp_path / FOLDER) in text
    assert (TASKS[task].files[0].url or "drive.google.com") in text


def test_names__unknown__nearest_suggested(tmp_path):
    with pytest.raises(UnknownNameError, match="Did you mean 'cosmic'"):
        fetch("cosmics", tmp_path)
    with pytest.raises(UnknownNameError, match=r"split='vald' is unknown.*'valid'"):
        fetch("ecg", tmp_path, "vald")


def test_cifar_100__address_and_hash_are_torchvisions():
    remote = TASKS["cifar-100"].files[0]
    assert remote.url == torchvision.datasets.CIFAR100.url
    assert remote.known_hash == f"md5:{torchvision.datasets.CIFAR100.tgz_md5}"


@pytest.mark.parametrize("task", ["cosmic", "ecg", "deepsea", "fsd50k"])
def test_estimator__fits_and_is_scored(task, written):
    train, test = fetch(task, written(task)), fetch(task, written(task), "test")
    settings = train.settings | {"max_epochs": 1, "batch_size": 8, "linear_path": False}
    model = tiny(PaReClassifier, **settings).fit(train.data, train.target)
    options = {"groups": test.groups} if train.metric == "clip-map" else {}
    for name in (train.metric, f"legacy-{train.metric}"):
        scorer = metrics.get_scorer(name, **options)
        score = scorer(model, test.data, np.asarray(test.target))
        assert 0 <= score <= 1
        assert metrics.as_error(name, score) == 1 - score


def test_estimator__fields_by_their_loss(written):
    home = written("darcy")
    train, test = fetch("darcy", home), fetch("darcy", home, "test")
    model = tiny(PaReRegressor, max_epochs=1, linear_path=False, **train.settings)
    model.fit(train.data, train.target)
    score = metrics.get_scorer(train.metric)(model, test.data, test.target)
    expected = metrics.relative_l2(test.target, model.predict(test.data))
    assert score == -expected
