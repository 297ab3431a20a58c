import dataclasses

import numpy as np
import pytest
from sklearn.utils import Bunch

from sklearn_pare.benchmarks import splits
from tests.benchmarks import stand_ins


class _InFile:
    """An array that can only be read in slices, and counts the samples read."""

    def __init__(self, array):
        self.array, self.n_read = array, 0
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, array.ndim

    def __len__(self):
        return len(self.array)

    def __getitem__(self, rows):
        assert isinstance(rows, slice)
        found = self.array[rows]
        self.n_read += len(found)
        return found


def _task(kind, parts):
    def load(split, data_home):
        X, y = parts[split]
        return Bunch(data=X, target=y, groups=np.arange(len(y)), metric="nrmse")

    return dataclasses.replace(stand_ins.TASKS["iris"], kind=kind, load=load)


def test_draw__classes__every_one_and_in_proportion():
    y = np.repeat([0, 1, 2], [70, 28, 2])
    for seed in range(5):
        rows = splits.draw(100, 50, y, np.random.default_rng(seed))
        assert len(set(rows)) == 50
        assert (np.diff(rows) > 0).all()
        counts = np.bincount(y[rows])
        assert counts[2] >= 1
        assert abs(counts - [35, 14, 1]).max() <= 1
    # Two samples cannot be of three classes.
    rows = splits.draw(100, 2, y, np.random.default_rng(0))
    assert len(set(y[rows])) == 2


def test_draw__no_classes__each_row_as_likely():
    drawn = [splits.draw(10, 3, None, np.random.default_rng(s)) for s in range(400)]
    counts = np.bincount(np.concatenate(drawn), minlength=10)
    assert counts.sum() == 1200
    assert abs(counts - 120).max() < 50


def test_read__arrays_in_files__only_what_is_taken():
    field = np.arange(200 * 3 * 4, dtype=np.int8).reshape(200, 3, 4) % 5
    files = [_InFile(field[:, None]), _InFile(field)]
    parts = dict.fromkeys(splits.NAMES, files)
    split = splits.read(_task("masks", parts), dict.fromkeys(splits.NAMES, 6), 0, ".")
    assert [file.n_read for file in files] == [18, 18]
    assert split.train.y.dtype == np.int8
    assert split.train.X.shape == (6, 1, 3, 4)
    for part in split[:3]:
        np.testing.assert_array_equal(part.X[:, 0], part.y)
        np.testing.assert_array_equal(field[part.groups], part.y)


def test_read__no_bound__rows_stay_in_their_file_and_targets_are_read():
    files = _InFile(np.ones((9, 1, 4))), _InFile(np.ones((9, 1, 4)))
    parts = dict.fromkeys(splits.NAMES, files)
    split = splits.read(_task("fields", parts), {}, 0, ".")
    assert split.train.X is files[0]
    assert isinstance(split.train.y, np.ndarray)
    assert files[0].n_read == 0


def test_read__class_that_is_not_trained_on__not_selected_by_but_tested():
    X = np.arange(6.0)[:, None]
    y, more = np.array([0, 0, 1, 1, 0, 1]), np.array([0, 2, 1, 1, 0, 2])
    parts = {"train": (X, y), "valid": (X, more), "test": (X, more)}
    split = splits.read(_task("classes", parts), {}, 0, ".")
    assert split.valid.y.tolist() == [0, 1, 1, 0]
    assert split.valid.X[:, 0].tolist() == [0, 2, 3, 4]
    assert split.test.y.tolist() == more.tolist()


@pytest.mark.parametrize("changed", ["target", "rows"])
def test_hash__changes_with_targets_and_with_rows(changed):
    X, y = np.zeros((20, 1, 4)), np.zeros((20, 1, 4))
    parts = dict.fromkeys(splits.NAMES, (X, y))
    one = splits.read(_task("fields", parts), {"train": 10}, 0, ".").hash
    assert one == splits.read(_task("fields", parts), {"train": 10}, 0, ".").hash
    if changed == "target":
        parts = parts | {"test": (X, y + 1)}
    other = splits.read(
        _task("fields", parts), {"train": 10}, int(changed == "rows"), "."
    ).hash
    assert other != one
