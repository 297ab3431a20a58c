import numpy as np

from sklearn_pare.datasets.nas_bench_360.request import hold_out
from tests.datasets.nas_bench_360.files import FOLDER, N, fetch, load


def test_cifar_100__channels_standardised_by_the_training_part(written):
    home = written("cifar-100")
    raw = load(home / FOLDER / "cifar-100-python" / "train")
    images = raw[b"data"].reshape(-1, 3, 32, 32) / 255
    train = hold_out(N, N // 5, "train")
    mean = images[train].mean((0, 2, 3), keepdims=True)
    scale = images[train].std((0, 2, 3), keepdims=True)
    for split in ("train", "valid"):
        rows = hold_out(N, N // 5, split)
        bunch = fetch("cifar-100", home, split)
        np.testing.assert_allclose(
            bunch.data[:], ((images - mean) / scale)[rows], atol=1e-5
        )
        np.testing.assert_array_equal(bunch.target, np.array(raw[b"fine_labels"])[rows])
    test = load(home / FOLDER / "cifar-100-python" / "test")[b"data"] / 255
    found = fetch("cifar-100", home, "test").data[:]
    expected = (test.reshape(-1, 3, 32, 32) - mean) / scale
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_spherical__between_0_and_1(written):
    home = written("spherical")
    raw = load(home / FOLDER / "spherical" / "s2_cifar100.gz")
    bunch = fetch("spherical", home, "test")
    np.testing.assert_allclose(bunch.data[:], raw["test"]["images"] / 255, rtol=1e-6)
    np.testing.assert_array_equal(bunch.target, raw["test"]["labels"])
