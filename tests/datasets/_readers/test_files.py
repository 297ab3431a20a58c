"""Readers of the formats of data sets, and their errors."""

import zipfile

import h5py
import numpy as np
import pytest
import scipy.io.wavfile

from sklearn_pare.datasets._readers import files
from sklearn_pare.exceptions import FileFormatError
from tests.datasets._readers.objects import objects


def _hdf5(path, **arrays):
    # As MATLAB does, after its own header.
    with h5py.File(path, "w", userblock_size=512) as file:
        for key, array in arrays.items():
            file[key] = array.T


def _matlab(path, **arrays):
    scipy.io.savemat(path, arrays)


@pytest.mark.parametrize("write", [_matlab, _hdf5])
def test_read_mat__part_with_matlabs_axes(write, tmp_path):
    X = np.random.default_rng(0).normal(size=(4, 6, 9))
    write(tmp_path / "a.mat", X=X, other=np.eye(3))
    index = (slice(2), slice(None, None, 5), slice(None, None, 4))
    found = files.read_mat(tmp_path / "a.mat", "X", ("N", 6, 9), index)
    np.testing.assert_array_equal(found, X[index])


@pytest.mark.parametrize("write", [_matlab, _hdf5])
def test_read_mat__key_and_shape(write, tmp_path):
    path = tmp_path / "a.mat"
    write(path, X=np.zeros((4, 6, 9)), other=np.eye(3))
    index = (slice(None),) * 3
    with pytest.raises(
        FileFormatError, match=r"a\.mat, 'Y': no such key.*'X', 'other'"
    ):
        files.read_mat(path, "Y", ("N", 6, 9), index)
    with pytest.raises(
        FileFormatError, match=r"a\.mat, 'X': has shape.*Expected an arr"
    ):
        files.read_mat(path, "X", ("N", 6, 10), index)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(
        FileFormatError, match=r"a\.mat, 'X': broken|a\.mat, 'X': no such"
    ):
        files.read_mat(path, "X", ("N", 6, 9), index)


def test_read_npz__key_truncated_and_objects(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, x=np.arange(3), o=objects())
    np.testing.assert_array_equal(files.read_npz(path, "x"), np.arange(3))
    assert files.read_npz(path, "o")[1, 1] == "text"
    with pytest.raises(
        FileFormatError, match=r"a\.npz, 'y': no such array; the arrays are x"
    ):
        files.read_npz(path, "y")
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    with pytest.raises(FileFormatError, match=r"a\.npz, 'x': broken .*Expected an npz"):
        files.read_npz(path, "x")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x.npy", b"\x93NUMPY\x01\x00\x76\x00{'descr'")
    with pytest.raises(FileFormatError, match=r"a\.npz, 'x': broken"):
        files.read_npz(path, "x")


@pytest.mark.parametrize(
    ("dtype", "scale"), [("i2", 2**15), ("i4", 2**31), ("f4", 1), ("u1", None)]
)
def test_read_wav__between_minus_one_and_one(dtype, scale, tmp_path):
    wave = np.sin(np.arange(500) / 9) * 0.9
    stored = 128 + 127 * wave if scale is None else wave * scale
    path = tmp_path / "a.wav"
    scipy.io.wavfile.write(path, 22050, stored.astype(dtype))
    found = files.read_wav(path, 22050)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wave, atol=0.02)


def test_read_wav__channels_rate_and_cut(tmp_path):
    path = tmp_path / "a.wav"
    scipy.io.wavfile.write(path, 22050, np.array([[0.5, 0.1], [1, 0]], np.float32))
    np.testing.assert_allclose(files.read_wav(path, 22050), [0.3, 0.5], rtol=1e-6)
    with pytest.raises(FileFormatError, match=r"a\.wav: 2 samples at 22050 Hz.*44100"):
        files.read_wav(path, 44100)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(FileFormatError, match=r"a\.wav: broken .*Expected a wav file"):
        files.read_wav(path, 22050)


def test_check_array__names_file_key_and_expectation(tmp_path):
    path = tmp_path / "a.npy"
    with pytest.raises(
        FileFormatError, match=r"a\.npy, 'x': has shape \(2,\).*\(N, 3\)"
    ):
        files.check_array(np.zeros(2), path, "x", ("N", 3))
    with pytest.raises(FileFormatError, match=r"has shape \(0, 3\)"):
        files.check_array(np.zeros((0, 3)), path, "x", ("N", 3))
    with pytest.raises(FileFormatError, match=r"has dtype float64.*of integers\."):
        files.check_array(np.zeros(2), path, "x", ("N",), kinds="iu")
    with pytest.raises(FileFormatError, match=r"from 0\.0 to 5\.0.*from 1 to 5"):
        files.check_array([0.0, 5.0], path, "x", ("N",), low=1, high=5)
    with pytest.raises(FileFormatError, match=r"is no array.*Expected numbers"):
        files.check_array(np.array(["a"]), path, "x", ("N",))
    objects = np.array([b"1", 2, "3.5"], dtype=object)
    found = files.check_array(objects, path, "x", (3,))
    assert found.tolist() == [1, 2, 3.5]


def test_read_csv_and_json__columns_and_damage(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('a,b\n1,"x,y"\n2,z\n')
    assert files.read_csv(path, ["b", "a"]) == [["x,y", "z"], ["1", "2"]]
    with pytest.raises(FileFormatError, match=r"a\.csv, 'c': no such key; .*'a', 'b'"):
        files.read_csv(path, ["c"])
    path.write_text("a,b\n1\n")
    with pytest.raises(FileFormatError, match=r"1 values in line 2\. Expected at le"):
        files.read_csv(path, ["b"])
    path.write_text("a,b\n")
    with pytest.raises(FileFormatError, match="no rows"):
        files.read_csv(path, ["b"])
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileFormatError, match="a CSV file"):
        files.read_csv(path, ["b"])
    with pytest.raises(FileFormatError, match=r"a\.csv: broken .*a JSON file"):
        files.read_json(path)
