import pickle

import numpy as np
import pytest

from sklearn_pare import metrics
from sklearn_pare.datasets.nas_bench_360 import proteins
from tests.datasets.nas_bench_360.files import FOLDER, dump, fetch, load, of


def _first_protein(home):
    folder = home / FOLDER / "protein" / "deepcov"
    features = load(folder / "features" / "deepcov000.pkl")
    return features, load(folder / "distance" / "deepcov000-cb.npy")[2]


def test_psicov__channels_column_maps_row_maps_and_pairs(written):
    features, _ = _first_protein(written("psicov"))
    X = fetch("psicov", written("psicov")).data[0]
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


def test_psicov__training_distances_end_at_16(written):
    _, distances = _first_protein(written("psicov"))
    expected = np.full((512, 512), 100.0)
    inner = np.maximum(distances, 1)
    for q in range(1, 47):
        inner[q, q] = (inner[q, q - 1] + inner[q, q + 1]) / 2
    inner[0, 0], inner[47, 47] = inner[0, 1], inner[47, 46]
    expected[5:53, 5:53] = inner
    y = fetch("psicov", written("psicov")).target[0, 0]
    np.testing.assert_allclose(y, np.minimum(expected, 16), rtol=1e-6)
    test = fetch("psicov", written("psicov"), "test").target[0, 0]
    assert test.max() == 100
    assert 16 < test[5:53, 5:53].max() < 100


@of("psicov")
def test_psicov__unknown_positions_and_a_pickle(home):
    folder = home / FOLDER / "protein" / "deepcov"
    path = folder / "distance" / "deepcov000-cb.npy"
    content = load(path)
    content[2][7, :] = content[2][:, 7] = np.nan
    # The other format: a pickle, whatever its name.
    path.write_bytes(pickle.dumps(tuple(content), protocol=2))
    path = folder / "features" / "deepcov000.pkl"
    dump(path, load(path) | {"sa": np.full(48, np.nan)})
    bunch = fetch("psicov", home)
    assert not bunch.target[0, 0, 12, 5:53].any()
    assert bunch.target[0, 0, 11, 11] == np.float32(min(content[2][6, 5], 16))
    assert not bunch.data[0, 50:52].any()


@pytest.mark.parametrize("length", [500, 502, 503, 507, 540])
def test_psicov__window_of_a_longer_protein_is_symmetric_and_fixed(length):
    full = np.add.outer(np.arange(length), np.arange(length)).astype(np.float32) + 1
    canvas, again = (proteins._place(full[None], 0, 3) for _ in range(2))
    np.testing.assert_array_equal(canvas, again)
    np.testing.assert_array_equal(canvas[0], canvas[0].T)
    inside = np.flatnonzero(canvas[0].any(0))
    assert len(inside) >= min(length, 502)
    assert (np.diff(inside) == 1).all()
    if length <= 502:
        np.testing.assert_array_equal(canvas[0, 5 : 5 + length, 5 : 5 + length], full)


def test_mae8__length_is_inferred_from_the_loaders_target(written):
    y = fetch("psicov", written("psicov"), "test").target[:]
    guess = y + np.random.default_rng(0).normal(size=y.shape)
    known = metrics.legacy_mae8(y, guess, length=48)
    assert metrics.legacy_mae8(y, guess) == known
    assert np.isfinite(known)
