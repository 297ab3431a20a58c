import numpy as np

from sklearn_pare.datasets.nas_bench_360.request import hold_out
from tests.datasets.nas_bench_360.files import FOLDER, N, fetch, load, of


def test_ninapro__electrodes_then_times(written):
    folder = written("ninapro") / FOLDER / "ninapro"
    bunch = fetch("ninapro", written("ninapro"), "valid")
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
    home = written("satellite")
    raw = load(home / FOLDER / "satellite" / "satellite_train.npy")
    rows = hold_out(N, N // 10, "valid")
    bunch = fetch("satellite", home, "valid")
    np.testing.assert_allclose(bunch.data[:, 0], raw["data"][rows], rtol=1e-6)
    np.testing.assert_array_equal(bunch.target, raw["label"][rows] - 1)


def test_deepsea__letters_as_channels(written):
    home = written("deepsea")
    raw = np.load(home / FOLDER / "deepsea" / "deepsea_filtered.npz")
    bunch = fetch("deepsea", home, "test")
    np.testing.assert_array_equal(bunch.data[:], raw["x_test"].transpose(0, 2, 1))
    assert (bunch.data[:].sum(1) == 1).all()
    np.testing.assert_array_equal(bunch.target, raw["y_test"])


def test_ecg__recordings_split_before_windows_are_cut(written):
    home = written("ecg")
    raw = load(home / FOLDER / "challenge2017.pkl")
    parts = [fetch("ecg", home, split) for split in ("train", "valid", "test")]
    recordings = [set(part.groups.tolist()) for part in parts]
    assert sum(map(len, recordings)) == len(set.union(*recordings))
    strides = {"N": 500, "A": 83, "O": 250, "~": 25}
    for part in parts:
        windows = part.data[:]
        for number in np.unique(part.groups):
            signal, label = raw["data"][number], raw["label"][number]
            scaled = (signal - signal.mean()) / signal.std()
            starts = np.arange(0, len(signal) - 1000, strides[label])
            here = part.groups == number
            expected = [scaled[start : start + 1000] for start in starts]
            np.testing.assert_allclose(windows[here, 0], expected, atol=1e-5)
            assert set(part.target[here]) == {"NAO~".index(label)}
