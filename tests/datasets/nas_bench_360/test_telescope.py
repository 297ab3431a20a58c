import shutil

import numpy as np
import pytest

from sklearn_pare.datasets.nas_bench_360.request import hold_out
from sklearn_pare.exceptions import FileFormatError
from tests.datasets.nas_bench_360.files import FOLDER, N, cosmic_paths, fetch, of


def test_cosmic__middle_mask_and_ignored_positions(written):
    home = written("cosmic")
    bunch = fetch("cosmic", home, "test")
    for row, path in enumerate(cosmic_paths(home, "test")):
        image, mask, ignored = np.load(path)[:, 64:192, 64:192]
        np.testing.assert_array_equal(bunch.data[row, 0], image)
        expected = np.where(ignored > 0, -100, mask)
        np.testing.assert_array_equal(bunch.target[row], expected)
    assert bunch.settings == {"ignore_index": -100}


def test_cosmic__sky_in_training_samples_only_and_fixed(written):
    home = written("cosmic")
    paths = cosmic_paths(home, "train")

    def images(part):
        rows = hold_out(N, N // 2, part)
        return rows, np.stack([np.load(paths[r])[0, 64:192, 64:192] for r in rows])

    rows, dark = images("train")
    train = fetch("cosmic", home).data[:]
    light = train[:, 0] - dark
    np.testing.assert_allclose(light.std((1, 2)), 0, atol=1e-4)
    skies = np.array([[25, 40][int(paths[r].name[0]) - 1] for r in rows])
    share = light.mean((1, 2)) / skies
    assert -0.9 <= share.min() < 0.5
    assert 1.5 < share.max() <= 3
    np.testing.assert_array_equal(train, fetch("cosmic", home).data[:])
    _, dark = images("valid")
    np.testing.assert_array_equal(fetch("cosmic", home, "valid").data[:][:, 0], dark)
    # As training samples, they have it, too.
    both = fetch("cosmic", home, "train+valid").data[:]
    np.testing.assert_array_equal(both[:12], train)
    assert (both[12:, 0] != dark).all()


@of("cosmic")
def test_cosmic__lists_missing_layers_and_other_fields(home):
    folder = home / FOLDER
    paths = cosmic_paths(home, "test")
    np.save(paths[0], np.load(paths[0])[:2])
    other = paths[0].parents[2] / "10631" / "3"
    other.mkdir(parents=True)
    shutil.copy(paths[1], other / "1_0.npy")
    bunch = fetch("cosmic", home, "test")
    # The field without galaxies is left out; without a third layer, nothing is ignored.
    assert len(bunch.data) == len(paths)
    assert (bunch.target[0] >= 0).all()
    names = [f"./{p.relative_to(folder).as_posix()}" for p in paths[:1:-1]]
    np.save(folder / "cosmic" / "test_dirs.npy", np.array(names))
    listed = fetch("cosmic", home, "test")
    np.testing.assert_array_equal(listed.data[:], bunch.data[:1:-1])
    for wrong, text in (
        ("./cosmic/../../x.npy", "contains"),
        ("./cosmic/x.npy", "no such"),
    ):
        np.save(folder / "cosmic" / "test_dirs.npy", np.array([wrong]))
        with pytest.raises(FileFormatError, match=f"test_dirs.npy.*{text}"):
            fetch("cosmic", home, "test")


@of("cosmic")
def test_cosmic__sky_without_the_exposure(home):
    skies = list((home / FOLDER / "cosmic" / "npy_train").rglob("sky.npy"))
    for path in skies:
        np.save(path, np.array([3.0]))
    with pytest.raises(FileFormatError, match=r"sky\.npy: 1 values.*exposure '2'"):
        fetch("cosmic", home).data[:]
